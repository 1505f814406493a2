"""Deleting messages and bringing them back: the session, with a scripted server and a real store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.chat import ScriptedEndpoint, call, of, say
from tests.support.waiting import until
from tui.model.events import BranchChanged, ContextMeter, MessagesDeleted, TurnFigures
from tui.session import Session
from tui.store.store import Store
from tui.tools.arithmetic import arithmetic


@pytest.fixture
def endpoint() -> ScriptedEndpoint:
    return ScriptedEndpoint()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(tmp_path / "c.sqlite3")
    yield store
    await store.close()


@pytest.fixture
async def session(endpoint: ScriptedEndpoint, store: Store) -> AsyncIterator[Session]:
    session = Session(endpoint, arithmetic(), store=store)
    yield session
    await session.aclose()


async def talk(session: Session, endpoint: ScriptedEndpoint, *pairs: tuple[str, str]) -> None:
    for question, answer in pairs:
        endpoint.client.answers.append(say(answer))
        await session.submit(question)
        await until(lambda: not session.busy, what="the end of the turn")


async def reopened(session: Session, endpoint: ScriptedEndpoint, store: Store) -> Session:
    await session.flush()
    other = Session(endpoint, arithmetic(), store=store, conversation_id=session.conversation_id)
    await other.load()
    return other


def texts(session: Session) -> list[str]:
    return [message.text for message in session.messages]


def sent(endpoint: ScriptedEndpoint) -> list[str]:
    """What the server was sent last."""
    return [message.text for message in endpoint.client.requests[-1].messages]


async def test_a_question_goes_with_its_answer_and_comes_back_in_its_place(session, endpoint, store):
    await talk(session, endpoint, ("a", "A"), ("b", "B"))
    events = session.subscribe()
    ids = await session.delete(session.messages[0].id)
    assert len(ids) == 2
    assert texts(session) == ["b", "B"]
    assert events.drain()[0] == MessagesDeleted(ids)
    await talk(session, endpoint, ("c", "C"))
    assert sent(endpoint) == ["b", "B", "c"]
    other = await reopened(session, endpoint, store)
    assert texts(other) == ["b", "B", "c", "C"]
    assert await other.undelete() == ids
    assert texts(other) == ["a", "A", "b", "B", "c", "C"]
    assert await other.undelete() == ()
    await other.flush()
    assert await store.hidden(other.conversation_id) == []
    assert await store.verify(other.conversation_id) == []
    await other.aclose()


async def test_an_answer_at_the_end_goes_alone_and_what_follows_hangs_behind_it(session, endpoint, store):
    await talk(session, endpoint, ("a", "A"))
    answer = session.messages[1].id
    assert await session.delete(answer) == (answer,)
    await talk(session, endpoint, ("b", "B"))
    assert texts(session) == ["a", "b", "B"]
    assert session.messages[1].parent == answer
    assert sent(endpoint) == ["a\n\nb"]
    events = session.subscribe()
    assert await session.undelete() == (answer,)
    assert texts(session) == ["a", "A", "b", "B"]
    assert of(events.drain(), BranchChanged) == [
        BranchChanged(session.conversation_id, session.messages[-1].id, (answer,))
    ]


async def test_calls_go_with_their_results(session, endpoint):
    endpoint.client.answers = [call("add", '{"a": 3, "b": 5}'), say("8")]
    await session.submit("3+5")
    await until(lambda: not session.busy, what="the end of the turn")
    question, calls, results, answer = session.messages
    assert await session.delete(calls.id) == (calls.id, results.id)
    assert [message.id for message in session.messages] == [question.id, answer.id]
    assert await session.delete(question.id) == (question.id, answer.id)
    assert session.messages == ()
    assert len(await session.undelete()) == 2
    assert len(await session.undelete()) == 2
    assert session.messages == (question, calls, results, answer)


async def test_versions_are_made_beside_the_original_whatever_was_deleted_before_it(session, endpoint, store):
    await talk(session, endpoint, ("a", "A"), ("b", "B"))
    first_answer, question = session.messages[1], session.messages[2]
    await session.delete(first_answer.id)
    endpoint.client.answers.append(say("C"))
    await session.edit(question.id, "c")
    await until(lambda: not session.busy and texts(session)[-1:] == ["C"], what="the new branch")
    assert session.messages[1].parent == question.parent == first_answer.id
    await session.flush()
    assert len(await store.versions(question.id, session.conversation_id)) == 2
    await session.delete(session.messages[-1].id)
    endpoint.client.answers.append(say("D"))
    await session.regenerate()
    await until(lambda: not session.busy and texts(session)[-1:] == ["D"], what="another answer")
    assert texts(session) == ["a", "c", "D"]
    assert await session.undelete() != ()
    assert texts(session) == ["a", "A", "c", "D"]  # the deleted answer is on another branch


async def test_a_cut_answer_is_not_continued_when_what_followed_it_was_deleted(session, endpoint):
    endpoint.client.answers = [say("half", reason="length")]
    await session.submit("a")
    await until(lambda: not session.busy, what="the end of the turn")
    await talk(session, endpoint, ("b", "B"))
    await session.delete(session.messages[2].id)
    endpoint.client.answers.append(say("rest"))
    await session.resume()
    await until(lambda: not session.busy and texts(session)[-1:] == ["rest"], what="the rest")
    assert len(session.messages) == 4
    assert session.messages[1].text == "half"


async def test_the_context_is_measured_again(session, endpoint):
    await talk(session, endpoint, ("a " * 500, "A"), ("b", "B"))
    events = session.subscribe()
    full = await session.measure()
    await session.delete(session.messages[0].id)
    await until(lambda: of(events.drain(), ContextMeter)[-1:] not in ([], [full]), what="a smaller context")


async def test_what_is_not_there_cannot_be_deleted(session, endpoint):
    with pytest.raises(KeyError):
        await session.delete("nobody")
    assert await session.undelete() == ()


async def test_a_session_without_a_store_does_it_too(endpoint):
    session = Session(endpoint, arithmetic())
    await talk(session, endpoint, ("a", "A"))
    await session.delete(session.messages[0].id)
    assert texts(session) == []
    await session.undelete()
    assert texts(session) == ["a", "A"]
    await session.aclose()


async def test_figures_are_there_live_and_after_opening(session, endpoint, store):
    await talk(session, endpoint, ("a", "A"), ("b", "B"))
    turn = session.messages[1].turn
    assert turn is not None
    assert isinstance(session.turns[turn], TurnFigures)
    assert len(session.turns) == 2
    other = await reopened(session, endpoint, store)
    assert dict(other.turns) == dict(session.turns)
    await other.aclose()
