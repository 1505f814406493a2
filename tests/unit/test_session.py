"""Sessions against a scripted server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.support.chat import ScriptedEndpoint, call, of, say
from tests.support.waiting import until
from tui.model.delta import StreamFinished
from tui.model.events import (
    BranchChanged,
    ContextMeter,
    MessageHeld,
    Notice,
    QueueChanged,
    TextDelta,
    TitleChanged,
    TurnFailed,
    TurnFinished,
    Usage,
    UserMessageAdded,
)
from tui.model.message import ConversationInfo, ImagePart, NoticePart
from tui.model.problem import Problem, ProblemError
from tui.model.server import ServerFacts
from tui.session import Session
from tui.tools.arithmetic import arithmetic


@pytest.fixture
def endpoint() -> ScriptedEndpoint:
    return ScriptedEndpoint()


@pytest.fixture
async def session(endpoint: ScriptedEndpoint) -> AsyncIterator[Session]:
    session = Session(endpoint, arithmetic())
    yield session
    await session.aclose()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def idle(session: Session) -> None:
    await until(lambda: not session.busy, what="the end of the turn")


def texts(session: Session) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in session.messages]


def notices(events) -> list[str]:
    return [event.problem.code for event in of(events, Notice)]


async def test_a_message_is_answered(session, endpoint):
    endpoint.client.answers = [say("Hello", "!")]
    events = session.subscribe()
    await session.submit("hi")
    assert session.busy
    await idle(session)
    assert texts(session) == [("user", "hi"), ("assistant", "Hello!")]
    seen = events.drain()
    assert isinstance(seen[0], UserMessageAdded)
    assert TitleChanged("hi") in seen
    assert isinstance(of(seen, TurnFinished)[0], TurnFinished)
    assert session.messages[1].parent == session.messages[0].id
    assert session.messages[1].complete


async def test_messages_wait_while_the_turn_runs_and_can_be_taken_back(session, endpoint):
    gate = asyncio.Event()
    endpoint.client.answers = [[gate, *say("one")], say("two")]
    events = session.subscribe()
    await session.submit("first")
    await session.submit("second")
    await session.submit("third")
    assert session.waiting == ("second", "third")
    assert await session.take_back(1) == "third"
    gate.set()
    await until(lambda: len(session.messages) == 4)
    await idle(session)
    assert texts(session)[2:] == [("user", "second"), ("assistant", "two")]
    assert session.waiting == ()
    assert of(events.drain(), QueueChanged)[-1] == QueueChanged(())


async def test_stop_keeps_the_text_and_leaves_the_queue_waiting(session, endpoint):
    endpoint.client.answers = [[TextDelta("half"), asyncio.Event()], say("two")]
    await session.submit("first")
    await session.submit("second")
    await until(lambda: session.messages and session.messages[-1].text == "half")
    await session.stop()
    assert not session.busy
    answer = session.messages[-1]
    assert (answer.text, answer.complete) == ("half", False)
    assert answer.parts[-1] == NoticePart(Problem("chat.stopped"))
    assert session.waiting == ("second",)
    await session.submit("")
    await idle(session)
    assert texts(session)[-2:] == [("user", "second"), ("assistant", "two")]


async def test_regenerate_answers_again_on_a_new_branch(session, endpoint):
    endpoint.client.answers = [say("one"), say("two")]
    await session.submit("hi")
    await idle(session)
    first = session.messages[1]
    events = session.subscribe()
    await session.regenerate()
    await idle(session)
    assert texts(session) == [("user", "hi"), ("assistant", "two")]
    assert session.messages[1].id != first.id
    assert session.messages[1].parent == first.parent
    # The context of the first turn is counted beside it and may be told only now.
    told = [event for event in events.drain() if not isinstance(event, ContextMeter)]
    assert isinstance(told[0], BranchChanged)


async def test_regenerate_of_an_earlier_answer_drops_what_follows_it(session, endpoint):
    endpoint.client.answers = [say("one"), say("two"), say("three")]
    for text in ("a", "b"):
        await session.submit(text)
        await idle(session)
    await session.regenerate(session.messages[1].id)
    await idle(session)
    assert texts(session) == [("user", "a"), ("assistant", "three")]


async def test_regenerate_without_a_message_does_nothing(session):
    await session.regenerate()
    assert not session.busy


async def test_edit_makes_a_new_branch_and_keeps_the_images(session, endpoint):
    endpoint.client.answers = [say("one"), say("two")]
    picture = ImagePart("image/png", "AAAA", "fox.png")
    await session.submit("what?", (picture,))
    await idle(session)
    await session.edit(session.messages[0].id, "which?")
    await idle(session)
    assert texts(session) == [("user", "which?"), ("assistant", "two")]
    assert session.messages[0].parts[0] == picture
    with pytest.raises(ValueError, match="not a user"):
        await session.edit(session.messages[1].id, "x")
    with pytest.raises(KeyError):
        await session.edit("nobody", "x")


async def test_resume_continues_a_cut_answer_in_place(session, endpoint):
    endpoint.client.answers = [say("one", reason="length"), say(" two")]
    await session.submit("count")
    await idle(session)
    cut = session.messages[-1]
    assert not cut.complete
    await session.resume()
    await idle(session)
    assert endpoint.client.requests[1].continue_last
    assert session.messages[-1].id == cut.id
    assert session.messages[-1].text == "one two"
    assert session.messages[-1].complete


async def test_resume_asks_where_the_server_cannot_continue(session, endpoint):
    endpoint.facts = replace(endpoint.facts, version_band=("0.5.3", "0.6.0"))
    endpoint.client.answers = [say("one", reason="length"), say("two")]
    await session.submit("count")
    await idle(session)
    await session.resume()
    await idle(session)
    assert texts(session)[2:] == [("user", "Please continue."), ("assistant", "two")]


async def test_resume_after_a_failed_turn_asks_again(session, endpoint):
    endpoint.client.answers = [[Problem("server.unreachable")], say("two")]
    await session.submit("hi")
    await idle(session)
    assert endpoint.failed == [Problem("server.unreachable")]
    assert session.messages[-1].parts == (NoticePart(Problem("server.unreachable")),)
    await session.resume()
    await idle(session)
    assert texts(session) == [("user", "hi"), ("assistant", "two")]


async def test_resume_after_interrupted_calls_goes_on_with_them(session, endpoint):
    endpoint.client.answers = [[*call("add", '{"a": 1', reason=None), asyncio.Event()], say("two")]
    await session.submit("hi")
    await until(lambda: session.messages and session.messages[-1].tool_calls)
    await session.stop()
    await session.resume()
    await idle(session)
    sent = endpoint.client.requests[1].messages
    assert [message.role for message in sent] == ["user", "assistant", "tool"]
    assert session.messages[-1].text == "two"


async def test_resume_with_nothing_to_resume(session):
    await session.resume()
    assert not session.busy


async def test_a_full_context_holds_the_message_and_offers_a_choice(session, endpoint):
    endpoint.facts = replace(endpoint.facts, context_length=40, counts_tokens="messages")
    endpoint.client.counts = [41, 45, 20]
    events = session.subscribe()
    await session.submit("狐狸和西瓜" * 20)
    await idle(session)
    assert session.messages == ()
    (held,) = of(events.drain(), MessageHeld)
    assert held.problem == Problem("chat.context_full", {"tokens": 41, "limit": 40})
    endpoint.client.answers = [say("anyway")]
    await session.submit(held.text, held.images, anyway=True)
    await idle(session)
    assert session.messages[-1].text == "anyway"


async def test_trimming_leaves_the_oldest_turns_out_of_the_request(session, endpoint):
    session.tools_enabled = frozenset()
    endpoint.facts = replace(endpoint.facts, context_length=200)
    endpoint.client.answers = [[TextDelta("好" * 100), StreamFinished("stop")], say("b"), say("c")]
    for text in ("one", "two"):
        await session.submit(text)
        await idle(session)
    await session.submit("西瓜" * 60, trim_oldest=True)
    await idle(session)
    sent = endpoint.client.requests[-1].messages
    assert [message.text for message in sent] == ["two", "b", "西瓜" * 60]
    assert session.messages[-1].parts[0] == NoticePart(Problem("chat.trimmed", {"count": 2}))


async def test_the_meter_follows_every_turn_and_warns_once(session, endpoint):
    endpoint.facts = replace(endpoint.facts, context_length=100, counts_tokens="messages")
    endpoint.client.answers = [say("one"), say("two")]
    endpoint.client.counts = [92, 95]
    events = session.subscribe()
    seen = []
    for turns, text in enumerate(("a", "b"), 1):
        await session.submit(text, anyway=True)
        await until(lambda turns=turns: seen.extend(events.drain()) or len(of(seen, ContextMeter)) == turns)
    assert of(seen, ContextMeter)[0] == ContextMeter(92, 100)
    assert notices(seen) == ["chat.context_near"]


async def test_a_draft_is_measured_by_estimate_when_the_server_does_not_count(session):
    meter = await session.measure("hello " * 100)
    assert meter.estimated
    assert 100 < meter.tokens < 300
    assert meter.limit is None


async def test_estimates_learn_from_the_server(session, endpoint):
    session.tools_enabled = frozenset()
    endpoint.client.answers = [[TextDelta("x"), StreamFinished("stop"), Usage(150, 1)]]
    before = (await session.measure("hello " * 50)).tokens
    await session.submit("hello " * 50)
    await idle(session)
    after = (await session.measure()).tokens
    assert after > before


async def test_a_context_that_the_server_refused_is_learnt(session, endpoint):
    endpoint.client.answers = [[Problem("server.context_too_long", {"tokens": 5000, "limit": 4096})]]
    await session.submit("x")
    await idle(session)
    assert (await session.measure()).limit == 4096


async def test_a_turn_waits_for_an_endpoint_that_is_being_probed(session, endpoint):
    endpoint.model, endpoint.becomes, endpoint.facts = None, "late", ServerFacts()
    endpoint.client.answers = [say("x")]
    await session.submit("a")
    await idle(session)
    assert endpoint.client.requests[0].model == "late"


async def test_an_endpoint_without_models_fails_the_turn_with_its_problem(session, endpoint):
    endpoint.model, endpoint.facts = None, ServerFacts()
    endpoint.link = replace(endpoint.link, problem=Problem("server.unreachable"))
    await session.submit("a")
    await idle(session)
    assert session.messages[-1].parts == (NoticePart(Problem("server.unreachable")),)


async def test_the_parserless_server_is_remembered(session, endpoint):
    endpoint.client.answers = [[Problem("server.no_tool_parser", {"model": "m", "parser": "qwen"})], say("8"), say("9")]
    for text in ("a", "b"):
        await session.submit(text)
        await idle(session)
    assert [request.tools_raw for request in endpoint.client.requests] == [False, True, True]
    assert all(len(request.tools) == 2 for request in endpoint.client.requests)


async def test_only_chosen_tools_are_offered(session, endpoint):
    session.tools_enabled = frozenset({"mul"})
    endpoint.client.answers = [say("8")]
    await session.submit("a")
    await idle(session)
    assert [spec.name for spec in endpoint.client.requests[0].tools] == ["mul"]


async def test_a_manual_title_stays(session, endpoint):
    await session.rename("mine")
    endpoint.client.answers = [say("8")]
    await session.submit("a")
    await idle(session)
    assert session.title == "mine"


async def test_load_without_a_store_says_so(session):
    with pytest.raises(ProblemError) as caught:
        await session.load()
    assert caught.value.problem.code == "chat.no_conversation"


async def test_a_store_that_fails_is_told_once_and_the_chat_goes_on(endpoint):
    class Broken:
        async def create_conversation(self, **fields) -> ConversationInfo:
            raise ProblemError(Problem("store.disk_full"))

    session = Session(endpoint, arithmetic(), store=Broken())  # pyright: ignore
    endpoint.client.answers = [say("a"), say("b")]
    events = session.subscribe()
    for text in ("a", "b"):
        await session.submit(text)
        await idle(session)
    await until(lambda: notices(list(events._items)), what="the notice")
    await session.aclose()
    assert notices(events.drain()) == ["store.disk_full"]
    assert len(session.messages) == 4


async def test_a_turn_goes_on_when_nobody_listens_and_nothing_is_lost(session, endpoint):
    pieces = [f"{number} " for number in range(5000)]
    endpoint.client.answers = [say(*pieces)]
    lazy = session.subscribe()
    await session.submit("count")
    await idle(session)
    seen = lazy.drain()
    assert len(seen) < 300
    assert "".join(event.text for event in of(seen, TextDelta)) == "".join(pieces) == session.messages[-1].text


async def test_failures_leave_the_queue_waiting(session, endpoint):
    gate = asyncio.Event()
    endpoint.client.answers = [[gate, Problem("server.cut")]]
    events = session.subscribe()
    await session.submit("a")
    await session.submit("b")
    gate.set()
    await idle(session)
    assert of(events.drain(), TurnFailed)
    assert session.waiting == ("b",)
