"""The conversation of the course's ``internlm2_5_func.py``, over HTTP, on servers of every kind: old and new releases,
with and without a tool parser, models of every family."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support import demo as demo_server
from tests.support.waiting import until
from tui.model.message import Message, NoticePart, ToolResultPart
from tui.server.address import Address
from tui.server.endpoint import Endpoint
from tui.session import Session
from tui.tools.arithmetic import arithmetic

demo, start_demo = demo_server.demo, demo_server.start_demo
INTERNLM = "internlm2_5-7b-chat"
QUESTION = "Compute (3+5)*2"


async def converse(url: str, *questions: str) -> tuple[list[Message], Endpoint]:
    endpoint = Endpoint(Address.parse(url))
    session = Session(endpoint, arithmetic())
    try:
        for question in questions or (QUESTION,):
            await session.submit(question)
            await until(lambda: not session.busy, 30)
        return list(session.messages), endpoint
    finally:
        await session.aclose()
        await endpoint.aclose()


def results(messages: list[Message]) -> list[tuple[str, str, bool]]:
    return [
        (part.name, part.content, part.ok)
        for message in messages
        for part in message.parts
        if isinstance(part, ToolResultPart)
    ]


def notices(messages: list[Message]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (part.problem.code, dict(part.problem.data))
        for message in messages
        for part in message.parts
        if isinstance(part, NoticePart)
    ]


CHAINED = [("add", "8", True), ("mul", "16", True)]


@pytest.mark.parametrize("parser", ["internlm", "none"])
@pytest.mark.parametrize("release", ["0.5.3", "0.7.2", "0.9.2", "0.12", "0.13", "0.16", "0.18"])
async def test_the_course_on_every_release(start_demo, release: str, parser: str) -> None:
    server = await start_demo(lmdeploy=release, tool_call_parser=parser, model=INTERNLM)
    messages, _ = await converse(server.url)
    assert results(messages) == CHAINED
    assert "**16**" in messages[-1].text
    assert messages[-1].complete
    assert not any("<|" in message.text for message in messages)
    told = notices(messages)
    if parser == "internlm" or release == "0.5.3":
        assert told == []
    else:
        refused = release in ("0.13", "0.16", "0.18")
        assert [code for code, _ in told] == ["chat.no_tool_parser" if refused else "chat.calls_read"]
        assert told[0][1]["parser"] == "internlm"


FAMILIES = [
    "Qwen2.5-7B-Instruct", "Qwen3-8B", "Qwen3-Coder-30B-A3B", "Meta-Llama-3.1-8B-Instruct", "GLM-4.5-Air",
    "Kimi-K2-Instruct", "DeepSeek-V3.2", "DeepSeek-V4", "intern-s1-mini", "Intern-S2-preview", "my-own-model",
]  # fmt: skip


@pytest.mark.parametrize("release", ["0.12", "0.18"])
@pytest.mark.parametrize("model", FAMILIES)
async def test_every_family_without_a_parser(start_demo, model: str, release: str) -> None:
    server = await start_demo(lmdeploy=release, tool_call_parser="none", model=model)
    messages, endpoint = await converse(server.url, QUESTION, "Compute 12+7 and 9*8")
    assert results(messages) == [*CHAINED, ("add", "19", True), ("mul", "72", True)]
    assert "**16**" in messages[-4].text or any("**16**" in message.text for message in messages)
    assert "<" not in messages[-1].text
    assert len(notices(messages)) == 1  # said once, not with every turn
    assert endpoint.facts.has_tool_parser is (False if release == "0.18" else None)


async def test_the_call_that_was_read_looks_like_any_other(start_demo) -> None:
    server = await start_demo(lmdeploy="0.18", tool_call_parser="none", model="Qwen3-8B")
    messages, _ = await converse(server.url)
    assert json.loads(messages[1].tool_calls[0].arguments) == {"a": 3, "b": 5}
    assert messages[1].text == ""
