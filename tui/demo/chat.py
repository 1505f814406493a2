"""POST /v1/chat/completions."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from aiohttp import web

from tui.demo import checks, delivery, faults
from tui.demo.brain import respond
from tui.demo.checks import RefusedError, ToolChoice
from tui.demo.faults import Fault
from tui.demo.history import Ask, Json, last_prompt, made_calls, plugin_turn
from tui.demo.markup import family_of
from tui.demo.parsing import Emission, Parsers, Progress, emissions, message
from tui.demo.replies import broken, json_reply, refusal
from tui.demo.script import Script
from tui.demo.shapes import Counts, Shape
from tui.demo.state import State
from tui.demo.tokens import content_text
from tui.lmdeploy.parsers import joins_roles


@dataclass(frozen=True, slots=True)
class Answer:
    """One request on its way: how it is written, its steps, and how it may go wrong."""

    shape: Shape
    steps: Iterable[Emission]
    progress: Progress
    prompt_tokens: int
    fault: Fault | None
    finish: str = ""

    @property
    def counts(self) -> Counts:
        return Counts(self.prompt_tokens, self.progress.tokens, self.progress.reasoning_tokens)

    @property
    def finish_reason(self) -> str:
        return self.finish if self.finish and self.progress.finish != "length" else self.progress.finish


async def chat(request: web.Request, state: State) -> web.StreamResponse:
    """Answers one chat request, streamed or whole."""
    try:
        body = checks.decode(await request.read(), request.headers.get("content-type", ""), state.dialect)
        checks.check_chat(body, state.options, state.dialect)
        length = checks.prompt_length(body)
        checks.check_length(length, state.options, state.dialect)
    except RefusedError as error:
        return refusal(error, state)
    except (KeyError, ValueError, TypeError, AttributeError, IndexError):
        return broken()
    return await run(request, state, body, length)


async def run(request: web.Request, state: State, body: Json, length: int) -> web.StreamResponse:
    """The answer to a checked request of ``length`` tokens."""
    answer = prepare(state, body, length)
    whole = not body.get("stream") or (state.dialect.tools == "body" and bool(body.get("tools")))
    if early := await delivery.instead(request, answer.fault, stream=not whole):
        return early
    with state.metrics.request(length) as meter, state.card.busy():
        if not whole:
            return await delivery.stream(request, state, answer, meter)
        await delivery.first_token(state, answer.fault)
        if answer.fault and answer.fault.name == "inband":
            raise web.HTTPInternalServerError(text="Internal Server Error")
        steps: list[Emission] = []
        for step in answer.progress.run(answer.steps):
            steps.append(step)
            meter.tokens(step.tokens)
            if state.options.speed:
                await asyncio.sleep(step.tokens / state.options.speed)
        meter.finish(answer.finish_reason)
        return json_reply(answer.shape.body(message(steps), answer.finish_reason, answer.counts))


def prepare(state: State, body: Json, length: int) -> Answer:
    """Decides what to say and how to write it."""
    options, dialect = state.options, state.dialect
    messages = _messages(body)
    prompt, _ = last_prompt(messages)
    fault = state.take_fault() or faults.parse_command(prompt)
    choice = checks.tool_choice(body.get("tool_choice"))
    tools = offered_tools(body, choice, state)
    script = Script(()) if length >= options.context_length else think(state, body, messages, tools, fault)
    thinking = _enable_thinking(body) is not False
    parsers = Parsers(
        reasoning=bool(options.reasoning_parser) and dialect.reasoning,
        tools=_tool_mode(state, choice),
        markup=options.tool_call_parser or family_of(options.models[0]),
        offered=frozenset(tools),
        starts_thinking=thinking,
        skip_special=_skips_special_tokens(body, choice, state),
    )
    limit = max(min(_limit(body), options.context_length - length), 0)
    progress = Progress(limit, _stops(body), keep_stop=bool(body.get("include_stop_str_in_output")))
    usage = cast("Json", body.get("stream_options") or {}).get("include_usage")
    shape = Shape(
        dialect=dialect,
        id=state.answer_id(),
        created=int(time.time()),
        model=str(body["model"]),
        include_usage=bool(usage) and dialect.usage != "never",
        reasoning_parser=parsers.reasoning,
        new_id=state.new_id,
        tool_names=tuple(tools),
        logprobs=bool(body.get("logprobs")),
    )
    finish = "length" if length >= options.context_length else script.finish
    return Answer(shape, emissions(script, parsers), progress, length, fault, finish)


def think(state: State, body: Json, messages: list[Json], tools: dict[str, Json], fault: Fault | None) -> Script:
    """Asks the brain."""
    prompt, _ = last_prompt(messages)
    made, strays = made_calls(messages)
    last = messages[-1] if messages else {}
    continued = last.get("role") == "assistant" and not last.get("tool_calls")
    choice = checks.tool_choice(body.get("tool_choice"))
    ask = Ask(
        prompt=prompt,
        made=made,
        tools=tools,
        force_call=choice.mode == "required" and state.dialect.required_forces,
        one_call=state.dialect.tools == "body" or body.get("parallel_tool_calls") is False,
        enable_thinking=_enable_thinking(body),
        schema=_schema(body),
        prefix=content_text(last.get("content")) if continued else "",
        results_without_calls=() if state.dialect.tool_role else strays,
    )
    return respond(ask, fault, state.options.thinking)


def offered_tools(body: Json, choice: ToolChoice, state: State) -> dict[str, Json]:
    """The tools that reach the prompt: name → parameters. Up to 0.12 tool_choice none takes them out; since 0.10 the
    template of InternLM2 knows none, only what a turn of their own brings."""
    if choice.mode == "none" and state.dialect.parserless_tools == "raw":
        return {}
    given: dict[str, Json] = {}
    functions = [cast("Json", tool["function"]) for tool in cast("list[Json]", body.get("tools") or [])]
    if state.dialect.joins_roles and joins_roles(state.options.models[0]):
        functions = plugin_turn(_messages(body))
    for function in functions:
        if choice.only is None or function["name"] in choice.only:
            given[str(function["name"])] = cast("Json", function.get("parameters") or {})
    return given


def _tool_mode(state: State, choice: ToolChoice) -> Any:
    if state.dialect.tools != "body" and (not state.options.tool_call_parser or choice.mode == "none"):
        return "raw"
    return "whole" if state.dialect.tools == "whole" else "parsed"


def _messages(body: Json) -> list[Json]:
    messages = body["messages"]
    return [{"role": "user", "content": messages}] if isinstance(messages, str) else cast("list[Json]", messages)


def _skips_special_tokens(body: Json, choice: ToolChoice, state: State) -> bool:
    """From 0.7.2 to 0.12 a request with tools keeps them; since then only one that says so."""
    if state.dialect.parserless_tools == "raw":
        parsed = bool(state.options.tool_call_parser) or state.dialect.tools == "body"
        return parsed or choice.mode == "none" or not body.get("tools")
    return body.get("skip_special_tokens") is not False


def _limit(body: Json) -> int:
    wanted = body.get("max_completion_tokens") or body.get("max_tokens")
    return int(wanted) if wanted is not None else 1 << 30


def _stops(body: Json) -> tuple[str, ...]:
    stop = body.get("stop")
    given = [stop] if isinstance(stop, str) else cast("list[Any]", stop or [])
    return tuple(str(word) for word in given)


def _enable_thinking(body: Json) -> bool | None:
    value = cast("Json", body.get("chat_template_kwargs") or {}).get("enable_thinking", body.get("enable_thinking"))
    return value if isinstance(value, bool) else None


def _schema(body: Json) -> Json | None:
    wanted = cast("Json", body.get("response_format") or {})
    if wanted.get("type") == "json_schema":
        return cast("Json", cast("Json", wanted.get("json_schema") or {}).get("schema") or {})
    return {"properties": {"answer": {"type": "string"}}} if wanted.get("type") == "json_object" else None
