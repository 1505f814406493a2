"""Engine, session, client and demo server together, over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.support import demo as demo_server
from tests.support.waiting import until
from tui.model.events import ContextMeter, MessageHeld, Notice, SessionEvent, TurnFailed, TurnFinished, Usage
from tui.model.message import NoticePart
from tui.server.address import Address
from tui.server.endpoint import Endpoint
from tui.session import Session
from tui.tools.arithmetic import arithmetic

demo, start_demo = demo_server.demo, demo_server.start_demo
STORY = "帮我讲述一个关于狐狸和西瓜的小故事"


@asynccontextmanager
async def talking_to(url: str, **options: Any) -> AsyncIterator[Session]:
    endpoint = Endpoint(Address.parse(url))
    session = Session(endpoint, arithmetic(), **options)
    yield session
    await session.aclose()
    await endpoint.aclose()


@pytest.fixture
async def session(demo) -> AsyncIterator[Session]:
    async with talking_to(demo.url) as session:
        yield session


async def say(session: Session, text: str, **options: Any) -> list[SessionEvent]:
    """Send a message and return everything that was published up to the end of the turn."""
    events = session.subscribe()
    await session.submit(text, **options)
    seen: list[SessionEvent] = []
    async for event in events:
        seen.append(event)
        if isinstance(event, (TurnFinished, TurnFailed, MessageHeld)):
            break
    events.close()
    return seen


def notices(session: Session) -> list[str]:
    return [part.problem.code for message in session.messages for part in message.parts if isinstance(part, NoticePart)]


async def test_the_homework_prompt_streams_a_story(session):
    events = await say(session, STORY)
    assert events[-1].finish_reason == "stop"
    assert "狐狸" in session.messages[-1].text
    assert session.title == STORY
    (usage,) = [event for event in events if isinstance(event, Usage)]
    assert not usage.estimated


@pytest.mark.parametrize("lmdeploy", ["0.18", "0.14", "0.13", "0.9.2", "0.7.2", "0.5.3"])
async def test_two_chained_calls_on_every_dialect(start_demo, lmdeploy):
    server = await start_demo(lmdeploy=lmdeploy)
    async with talking_to(server.url) as session:
        for _ in range(2):  # the second time the history holds calls and results
            events = await say(session, "Compute (3+5)*2")
            assert isinstance(events[-1], TurnFinished), events[-1]
            assert "16" in session.messages[-1].text
        results = [part.content for message in session.messages if message.role == "tool" for part in message.parts]
        assert results == ["8", "16"] * 2
        ids = [call.call_id for message in session.messages for call in message.tool_calls]
        assert len(set(ids)) == 4


async def test_many_calls_at_once_keep_their_order(session):
    await say(session, "/demo many-calls 8")
    results = next(message for message in session.messages if message.role == "tool")
    calls = next(message for message in session.messages if message.tool_calls)
    assert [part.call_id for part in results.parts] == [call.call_id for call in calls.tool_calls]
    assert [part.content for part in results.parts] == [str(number + 1) for number in range(8)]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("error 500", "server.internal_error"),
        ("html", "server.web_page"),
        ("hangup", "server.hung_up"),
        ("cut", "server.cut_off"),
        ("inband", "server.engine_failed"),
        ("proxy-error", "server.proxy_timeout"),
    ],
)
async def test_failures_end_the_turn_and_the_next_one_works(session, command, code):
    events = await say(session, f"/demo {command}")
    assert isinstance(events[-1], TurnFailed)
    assert events[-1].problem.code == code
    assert notices(session) == [events[-1].problem.code]
    assert not session.messages[-1].complete
    events = await say(session, "hello")
    assert isinstance(events[-1], TurnFinished)
    assert session.messages[-1].text


@pytest.mark.parametrize("command", ["invalid-utf8", "bad-json", "no-done", "escape"])
async def test_damaged_streams_give_an_answer_all_the_same(session, command):
    events = await say(session, f"/demo {command}")
    assert isinstance(events[-1], (TurnFinished, TurnFailed))
    assert session.messages[-1].text


async def test_a_lone_close_tag(start_demo):
    server = await start_demo(reasoning_parser="none")
    async with talking_to(server.url) as session:
        await say(session, "/demo lone-think-close")
        assert session.messages[-1].text.strip() == "Then I answer."
        assert session.messages[-1].reasoning.strip() == "First I think about it."


async def test_think_markers_without_a_reasoning_parser(start_demo):
    server = await start_demo(reasoning_parser="none", thinking="always")
    async with talking_to(server.url) as session:
        await say(session, "hello")
        answer = session.messages[-1]
        assert answer.reasoning
        assert answer.text
        assert "think>" not in answer.text + answer.reasoning


async def test_reasoning_only_is_shown_as_the_answer(session):
    await say(session, "/demo reasoning-only")
    assert session.messages[-1].text
    assert notices(session) == ["chat.reasoning_was_answer"]


async def test_a_cut_answer_is_continued(session):
    events = await say(session, "/demo length")
    assert events[-1].finish_reason == "length"
    before = session.messages[-1].text
    await session.resume()
    await until(lambda: not session.busy)
    assert session.messages[-1].text.startswith(before)
    assert len(session.messages) == 2


async def test_broken_unknown_and_huge_calls(session):
    for command, code in (("broken-args", "chat.call_not_json"), ("unknown-tool", "chat.call_unknown")):
        await say(session, f"/demo {command}")
        results = [part for message in session.messages if message.role == "tool" for part in message.parts]
        assert results[-1].problem.code == code
    await say(session, "/demo big-args 1048576")
    assert max(len(call.arguments) for message in session.messages for call in message.tool_calls) == 1048576
    assert isinstance((await say(session, "hello", trim_oldest=True))[-1], TurnFinished)


async def test_stop_ends_the_generation(start_demo):
    server = await start_demo(speed=20)
    async with talking_to(server.url) as session:
        await session.submit(STORY)
        await until(lambda: session.messages and session.messages[-1].text)
        await session.stop()
        kept = session.messages[-1].text
        assert notices(session) == ["chat.stopped"]
        await asyncio.sleep(0)
        assert session.messages[-1].text == kept


async def test_the_meter_is_the_servers_count(session):
    events = session.subscribe()
    await session.submit("hello")
    async for event in events:
        if isinstance(event, ContextMeter):
            break
    assert not event.estimated
    assert event.tokens > 0
    assert event.limit == 32768


async def test_a_full_context_is_held_and_trimmed(start_demo):
    server = await start_demo(context_length=600)
    async with talking_to(server.url) as session:
        session.tools_enabled = frozenset()
        held = None
        for _ in range(12):
            events = await say(session, "/demo tokens 120")
            await until(lambda: not session.busy)
            if isinstance(events[-1], MessageHeld):
                held = events[-1]
                break
            await session.measure()
        assert held, [type(event).__name__ for event in events]
        events = await say(session, held.text, trim_oldest=True)
        assert isinstance(events[-1], TurnFinished), events[-1]
        assert "chat.trimmed" in notices(session)


async def test_a_server_that_dies_in_mid_stream(start_demo):
    server = await start_demo(speed=20)
    async with talking_to(server.url) as session:
        events = session.subscribe()
        await session.submit(STORY)
        await until(lambda: session.messages and session.messages[-1].text)
        await server.stop()
        await until(lambda: not session.busy)
        failed = [event for event in events.drain() if isinstance(event, TurnFailed)]
        assert failed
        assert session.messages[-1].text
        assert [event for event in events.drain() if isinstance(event, Notice)] == []
