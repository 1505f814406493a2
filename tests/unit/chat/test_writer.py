"""Sessions and the store: the real one in a file, and one that refuses."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.support.chat import ScriptedEndpoint, call, say
from tests.support.waiting import until
from tui.chat.records import Settings
from tui.chat.writer import Heading, StoreWriter
from tui.model.delta import StreamFinished
from tui.model.events import BranchChanged, Notice, TextDelta
from tui.model.memory import Figure, MemoryBreakdown, Source
from tui.model.message import ConversationInfo, Message, TextPart
from tui.model.problem import Problem, ProblemError
from tui.model.request import Sampling
from tui.session import Session
from tui.store.store import Store
from tui.tools.arithmetic import arithmetic


@pytest.fixture
async def store(tmp_path: Path):
    store = await Store.open(tmp_path / "store.sqlite")
    yield store
    await store.close()


@pytest.fixture
def endpoint() -> ScriptedEndpoint:
    return ScriptedEndpoint()


async def idle(session: Session) -> None:
    await until(lambda: not session.busy)


async def reopened(store: Store, session: Session, endpoint: ScriptedEndpoint) -> Session:
    again = Session(endpoint, arithmetic(), store=store, conversation_id=session.conversation_id)
    await again.load()
    return again


async def test_a_conversation_is_read_back_as_it_was(store, endpoint):
    figure = Figure(1, Source.MEASURED)
    memory = MemoryBreakdown(0, "H200", figure, figure, figure, figure, figure, figure, figure)
    session = Session(endpoint, arithmetic(), store=store, system="Be kind.", sampling=Sampling(top_k=1))
    session.breakdown = lambda: (memory,)
    session.tools_enabled = frozenset({"add"})
    endpoint.client.answers = [call("add", '{"a": 3, "b": 5}'), say("8")]
    await session.submit("3+5?")
    await idle(session)
    await session.aclose()
    again = await reopened(store, session, endpoint)
    assert again.messages == session.messages
    assert again.title == "3+5?"
    assert (again.system, again.sampling, again.tools_enabled) == ("Be kind.", Sampling(top_k=1), frozenset({"add"}))
    (turn,) = await store.turns(session.conversation_id)
    full = await store.turn(turn.id)
    assert full.breakdown == (memory,)
    assert full.server == endpoint.facts
    assert full.finish_reason == "stop"
    assert len(full.raw) > 4
    assert await store.verify(session.conversation_id) == []
    await again.aclose()


async def test_what_streams_is_in_the_store_soon(store, endpoint):
    session = Session(endpoint, arithmetic(), store=store)
    gate = asyncio.Event()
    endpoint.client.answers = [[TextDelta("half"), gate, TextDelta(" whole"), StreamFinished("stop")]]
    await session.submit("hi")

    async def stored() -> list[Message]:
        infos = await store.conversations()
        return await store.branch(infos[0].id) if infos else []

    end = asyncio.get_running_loop().time() + 5
    while not (
        (messages := await stored()) and messages[-1].text == "half" and await store.turns(session.conversation_id)
    ):
        assert asyncio.get_running_loop().time() < end
    assert not messages[-1].complete
    assert [turn.finish_reason for turn in await store.turns(session.conversation_id)] == [""]
    gate.set()
    await idle(session)
    await session.aclose()
    assert (await stored())[-1].text == "half whole"


async def test_branches_stay_in_the_store(store, endpoint):
    session = Session(endpoint, arithmetic(), store=store)
    endpoint.client.answers = [say("one"), say("two"), say("three")]
    await session.submit("a")
    await idle(session)
    first = session.messages[-1].id
    await session.regenerate()
    await idle(session)
    second = session.messages[-1].id
    await session.edit(session.messages[0].id, "b")
    await idle(session)
    await session.aclose()
    assert await store.versions(first) == [first, second]
    assert len(await store.versions(session.messages[0].id)) == 2
    again = await reopened(store, session, endpoint)
    assert [message.text for message in again.messages] == ["b", "three"]
    events = again.subscribe()
    await again.load(first)
    assert [message.text for message in again.messages] == ["a", "one"]
    assert isinstance(events.drain()[0], BranchChanged)
    await again.aclose()
    third = await reopened(store, session, endpoint)
    assert third.messages[-1].text == "one"
    await third.aclose()


async def test_a_stopped_answer_is_continued_after_a_restart(store, endpoint):
    session = Session(endpoint, arithmetic(), store=store)
    endpoint.client.answers = [[TextDelta("one"), asyncio.Event()], say(" two")]
    await session.submit("count")
    await until(lambda: session.messages and session.messages[-1].text == "one")
    await session.aclose()
    again = await reopened(store, session, endpoint)
    await again.resume()
    await idle(again)
    await again.aclose()
    messages = await store.branch(session.conversation_id)
    assert [message.text for message in messages] == ["count", "one two"]
    assert messages[-1].complete
    assert len(await store.turns(session.conversation_id)) == 2


async def test_settings_and_titles_that_change_are_kept(store, endpoint):
    session = Session(endpoint, arithmetic(), store=store)
    endpoint.client.answers = [say("one"), say("two")]
    await session.submit("a")
    await idle(session)
    await until(lambda: session.conversation_id != session._keeper._local_id)
    session.system = "Be brief."
    await session.submit("b")
    await idle(session)
    await session.rename("mine")
    await session.aclose()
    again = await reopened(store, session, endpoint)
    assert again.system == "Be brief."
    assert (again.title, again.title_is_manual) == ("mine", True)
    await again.aclose()


async def test_a_conversation_that_is_not_there(store, endpoint):
    session = Session(endpoint, arithmetic(), store=store, conversation_id="nope")
    with pytest.raises(ProblemError) as caught:
        await session.load()
    assert caught.value.problem.code == "chat.no_conversation"
    await session.aclose()


async def test_a_store_that_is_closed_is_told_once_and_the_chat_goes_on(store, endpoint):
    session = Session(endpoint, arithmetic(), store=store)
    events = session.subscribe()
    endpoint.client.answers = [say("one"), say("two")]
    await store.close()
    for text in "ab":
        await session.submit(text)
        await idle(session)
    await session.aclose()
    codes = [event.problem.code for event in events.drain() if isinstance(event, Notice)]
    assert len(codes) == 1
    assert codes[0].startswith("store.")
    assert len(session.messages) == 4


# The writer alone.


class Flaky:
    """A store that refuses as long as ``problem`` is set, and every message of ``refused`` for good."""

    def __init__(self) -> None:
        self.problem: Problem | None = None
        self.refused: set[str] = set()
        self.written: list[tuple[str, str]] = []
        self.gate: asyncio.Event | None = None

    async def create_conversation(self, **_):
        if self.problem:
            raise ProblemError(self.problem)
        return ConversationInfo("c", "", False, None, None, None)

    async def put_message(self, conversation_id, message):
        if self.gate:
            await self.gate.wait()
        if self.problem:
            raise ProblemError(self.problem)
        if message.id in self.refused:
            raise ProblemError(Problem("store.sealed", {"id": message.id}))
        self.written.append((message.id, message.text))


class Branch:
    """Messages that a test changes under the writer's feet."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.problems: list[Problem] = []
        self.store = Flaky()
        self.writer = StoreWriter(self.store, None, self.heading, self.message, self.problems.append)

    def heading(self) -> Heading:
        return Heading("", "", "", Settings())

    def message(self, key: str) -> Message | None:
        text = self.texts.get(key)
        return None if text is None else Message(key, "user", (TextPart(text),), None, None)

    def change(self, key: str, text: str) -> None:
        self.texts[key] = text
        self.writer.touch(key)


@pytest.fixture
async def source(monkeypatch):
    monkeypatch.setattr("tui.chat.writer._RETRY", 0.02)
    source = Branch()
    yield source
    await source.writer.aclose()


async def test_changes_are_collected(source):
    source.change("a", "1")
    await source.writer.flush()
    for number in range(100):
        source.change("a", str(number))
        await asyncio.sleep(0)
    await source.writer.flush()
    assert source.store.written[-1] == ("a", "99")
    assert len(source.store.written) <= 3
    await source.writer.flush()


async def test_what_a_store_refused_is_written_later_in_order(source):
    source.store.problem = Problem("store.disk_full")
    source.change("a", "1")
    source.change("b", "1")
    await source.writer.flush()
    source.change("a", "2")
    await source.writer.flush()
    assert source.problems == [Problem("store.disk_full")]
    source.store.problem = None
    await until(lambda: len(source.store.written) == 2)
    assert source.store.written == [("a", "2"), ("b", "1")]
    source.store.problem = Problem("store.disk_full")
    source.change("c", "1")
    await source.writer.flush()
    assert len(source.problems) == 2


async def test_a_change_during_a_write_that_fails_is_not_lost(source):
    await source.writer.flush()
    source.change("a", "1")
    await source.writer.flush()
    source.store.gate = asyncio.Event()
    source.change("a", "2")
    flushing = asyncio.create_task(source.writer.flush())
    await asyncio.sleep(0.01)
    source.change("a", "3")
    source.store.problem = Problem("store.locked")
    source.store.gate.set()
    await flushing
    source.store.problem = None
    await until(lambda: source.store.written[-1] == ("a", "3"))


async def test_one_bad_message_does_not_hold_up_the_others(source):
    source.store.refused.add("a")
    source.change("a", "1")
    source.change("b", "1")
    source.writer.touch("gone")
    await source.writer.flush()
    assert source.store.written == [("b", "1")]
    assert [problem.code for problem in source.problems] == ["store.sealed"]


async def test_captured_messages_are_written_as_they_were(source):
    source.change("a", "1")
    source.change("b", "1")
    source.writer.capture()
    source.texts.clear()
    source.writer.capture()
    await source.writer.flush()
    assert source.store.written == [("a", "1"), ("b", "1")]
