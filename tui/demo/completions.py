"""POST /v1/completions: a prompt without a chat template."""

from __future__ import annotations

import time
from typing import cast

from aiohttp import web

from tui.demo import checks, faults
from tui.demo.brain import respond
from tui.demo.checks import RefusedError
from tui.demo.delivery import Pace, first_token, open_stream
from tui.demo.history import Ask, Json
from tui.demo.parsing import Parsers, Progress, emissions
from tui.demo.replies import broken, json_reply, refusal
from tui.demo.shapes import compact, spaced
from tui.demo.state import State
from tui.demo.tokens import split


async def completions(request: web.Request, state: State) -> web.StreamResponse:
    """Answers one completion request, streamed or whole."""
    try:
        body = checks.decode(await request.read(), request.headers.get("content-type", ""), state.dialect)
        checks.check_types(body, ("model", "prompt"))
        checks.check_model(body, state.options, state.dialect)
        checks.check_ranges(body)
        prompt = _prompt(body)
        length = len(split(prompt))
        checks.check_length(length, state.options, state.dialect)
    except RefusedError as error:
        return refusal(error, state)
    except (ValueError, TypeError, IndexError):
        return broken()
    script = respond(Ask(prompt), faults.parse_command(prompt), "asked")
    parsers = Parsers(reasoning=False, tools="raw", markup="qwen", offered=frozenset())
    room = max(state.options.context_length - length, 0)
    progress = Progress(min(int(body.get("max_tokens") or 16), room))
    texts = (step.text for step in progress.run(emissions(script, parsers)))
    head: Json = {"object": "text_completion", "created": int(time.time()), "model": body["model"]}
    with state.metrics.request(length) as meter, state.card.busy():
        await first_token(state, None)
        pace = Pace(state.options.speed)
        if not body.get("stream"):
            text = ""
            for piece in texts:
                meter.tokens(1)
                await pace.wait(1)
                text += piece
            meter.finish(progress.finish)
            choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": progress.finish}
            usage = {
                "prompt_tokens": length,
                "total_tokens": length + progress.tokens,
                "completion_tokens": progress.tokens,
            }
            return json_reply({"id": state.answer_id(), **head, "choices": [choice], "usage": usage})
        response = await open_stream(request)
        write_json = compact if state.dialect.compact else spaced
        extra: Json = {"logprobs": None, "finish_reason": None} if state.dialect.nulls else {}
        for piece in texts:
            meter.tokens(1)
            await pace.wait(1)
            chunk = {"id": "-1", **head, "choices": [{"index": 0, "text": piece, **extra}]}
            await response.write(f"data: {write_json(chunk)}\n\n".encode())
        meter.finish(progress.finish)
        last = {"index": 0, "text": "", **extra, "finish_reason": progress.finish}
        await response.write(f"data: {write_json({'id': '-1', **head, 'choices': [last]})}\n\n".encode())
        await response.write(b"data: [DONE]\n\n")
        await response.write_eof()
        return response


def _prompt(body: Json) -> str:
    prompt = body["prompt"]
    return prompt if isinstance(prompt, str) else str(cast("list[object]", prompt)[0])
