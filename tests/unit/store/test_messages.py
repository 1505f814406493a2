"""Messages: written piece by piece, read back exactly, sealed, proven unaltered."""

from __future__ import annotations

import dataclasses
import sqlite3
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.store.samples import message
from tui.model.message import (
    ImagePart,
    Message,
    NoticePart,
    Part,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from tui.model.problem import Problem, ProblemError
from tui.store.store import Store

ALL_PARTS: tuple[Part, ...] = (
    ReasoningPart("let me think", 1.25),
    TextPart("狐狸与西瓜 \x00 \x1b[31m [markup] 🦊\ud83d"),
    ToolCallPart("call-1", "add", '{"a": 3, "b": 5'),
    ToolResultPart(
        "call-1", "add", "8", False, 0.5, Problem("tools.bad", {"line": 3, "share": 0.5, "why": "x"}, "raw")
    ),
    ImagePart("image/png", "aGVsbG8=", "fox.png"),
    NoticePart(Problem("chat.stopped")),
)


async def test_every_kind_of_part_comes_back_exactly(store: Store) -> None:
    conversation = (await store.create_conversation()).id
    first = message("system prompt", role="system")
    second = message(ALL_PARTS, first.id, "assistant", turn="turn-1")
    empty = message((), second.id)
    for one in (first, second, empty):
        await store.put_message(conversation, one)
    assert await store.branch(conversation) == [first, second, empty]


async def test_a_growing_message_is_readable_at_any_time_and_marked(store: Store) -> None:
    conversation = (await store.create_conversation()).id
    question = message("why?")
    await store.put_message(conversation, question)
    stages: list[tuple[Part, ...]] = [
        (),
        (ReasoningPart("hm"),),
        (ReasoningPart("hmm", 0.5),),
        (ReasoningPart("hmm", 0.5), TextPart("Be")),
        (ReasoningPart("hmm", 0.5), TextPart("Because"), ToolCallPart("c", "add", '{"a"')),
        (ReasoningPart("hmm", 0.5), TextPart("Because"), ToolCallPart("c", "add", '{"a": 1}')),
        (TextPart("hmm"),),
    ]
    for parts in stages:
        answer = message(parts, question.id, "assistant", id="answer", complete=False)
        await store.put_message(conversation, answer)
        assert await store.branch(conversation) == [question, answer]
    await store.put_message(conversation, dataclasses.replace(answer, complete=True))
    assert (await store.messages(["answer"]))[0].complete


async def test_appending_writes_only_what_is_new_and_completing_compacts(store: Store) -> None:
    conversation = (await store.create_conversation()).id
    text = "x" * 100_000
    await store.put_message(conversation, message(text, id="m", complete=False))
    await store.put_message(conversation, message(text + "y", id="m", complete=False))
    with closing(sqlite3.connect(store.path or "")) as other:
        assert other.execute("SELECT text FROM chunks").fetchall() == [("y",)]
        await store.put_message(conversation, message(text + "yz", id="m"))
        assert other.execute("SELECT count(*) FROM chunks").fetchone() == (0,)
        assert other.execute("SELECT text FROM parts").fetchall() == [(text + "yz",)]


async def test_a_sealed_message_may_be_put_again_but_not_changed(store: Store) -> None:
    conversation = (await store.create_conversation()).id
    one = message("one")
    await store.put_message(conversation, one)
    await store.put_message(conversation, one)
    for other in (dataclasses.replace(one, parts=(TextPart("two"),)), dataclasses.replace(one, role="assistant")):
        with pytest.raises(ProblemError) as caught:
            await store.put_message(conversation, other)
        assert caught.value.problem == Problem("store.sealed", {"id": one.id})
    assert await store.branch(conversation) == [one]


async def test_a_cut_message_is_sealed_by_what_follows_it(store: Store) -> None:
    conversation = (await store.create_conversation()).id
    cut = message("half an ans", role="assistant", complete=False)
    await store.put_message(conversation, cut)
    await store.put_message(conversation, message("go on", cut.id))
    with pytest.raises(ProblemError, match=r"store\.sealed"):
        await store.put_message(conversation, dataclasses.replace(cut, parts=(TextPart("other"),)))
    assert (await store.messages([cut.id]))[0].complete is False
    done = dataclasses.replace(cut, complete=True)
    await store.put_message(conversation, done)
    assert await store.messages([cut.id]) == [done]
    assert await store.verify(conversation) == []


async def test_a_parent_must_be_there_first(store: Store) -> None:
    conversation = (await store.create_conversation()).id
    with pytest.raises(ProblemError) as caught:
        await store.put_message(conversation, message("orphan", "nobody"))
    assert caught.value.problem == Problem("store.unknown_message", {"id": "nobody"})
    with pytest.raises(ProblemError, match=r"store\.unknown_conversation"):
        await store.put_message("nowhere", message())


async def test_versions_branches_and_tips(store: Store) -> None:
    conversation = (await store.create_conversation()).id
    question = message("question")
    answers = [message(f"answer {number}", question.id, "assistant") for number in range(3)]
    edited = message("question, edited")
    for one in (question, *answers, edited):
        await store.put_message(conversation, one)
    assert await store.branch(conversation) == [edited]
    await store.set_tip(conversation, answers[1].id)
    assert await store.branch(conversation) == [question, answers[1]]
    assert await store.branch(conversation, answers[2].id) == [question, answers[2]]
    assert await store.branch_ids(conversation) == [question.id, answers[1].id]
    assert await store.versions(answers[1].id) == [one.id for one in answers]
    assert await store.versions(question.id) == [question.id, edited.id]
    assert await store.versions("nothing") == []
    expected = {one.id: 3 for one in answers} | {question.id: 2, edited.id: 2}
    assert await store.branch_points(conversation) == expected
    assert await store.branch(conversation, "nothing") == []
    assert await store.messages([answers[2].id, "nothing", question.id]) == [answers[2], question]
    other = (await store.create_conversation()).id
    assert await store.branch(other) == []
    with pytest.raises(ProblemError, match=r"store\.unknown_message"):
        await store.set_tip(other, question.id)


async def test_verify_names_what_was_altered(store: Store) -> None:
    conversation = (await store.create_conversation()).id
    one, two, three = message("one", id="1"), message("two", "1", id="2"), message("three", "2", id="3")
    for each in (one, two, three, message("being writ", "3", id="4", complete=False)):
        await store.put_message(conversation, each)
    assert await store.verify(conversation) == []
    with closing(sqlite3.connect(store.path or "", isolation_level=None)) as other:
        other.execute("UPDATE parts SET text = 'TWO' WHERE text = 'two'")
        assert await store.verify(conversation) == ["2"]
        # Whoever also forges the hash breaks the next one.
        from tui.store.parts import content_hash, to_row

        root = other.execute("SELECT hash FROM messages WHERE id = '1'").fetchone()[0]
        forged = content_hash("user", [to_row(TextPart("TWO"))], root)
        other.execute("UPDATE messages SET hash = ? WHERE id = '2'", (forged,))
        assert await store.verify(conversation) == ["3"]
        other.execute("DELETE FROM messages WHERE id = '2'")
        assert await store.verify(conversation) == ["3"]


async def test_what_cannot_be_understood_becomes_a_notice(store: Store) -> None:
    conversation = (await store.create_conversation()).id
    for text in ("one", "two", "three"):
        await store.put_message(conversation, message(text, id=text))
    with closing(sqlite3.connect(store.path or "", isolation_level=None)) as other:
        other.execute("UPDATE parts SET kind = 'HologramPart' WHERE text = 'one'")
        other.execute("UPDATE parts SET payload = '{' WHERE text = 'two'")
        other.execute(
            "UPDATE parts SET kind = 'Usage', payload = ? WHERE text = 'three'",
            ['{"prompt_tokens": 1, "completion_tokens": 2}'],
        )
    kinds = []
    for found in await store.messages(["one", "two", "three"]):
        (part,) = found.parts
        assert isinstance(part, NoticePart)
        assert part.problem.code == "store.unreadable_part"
        assert found.id in part.problem.detail
        kinds.append(part.problem.data["kind"])
    assert kinds == ["HologramPart", "TextPart", "Usage"]


TEXT = st.text(st.characters(), max_size=60)
PARTS = st.one_of(
    st.builds(TextPart, TEXT),
    st.builds(ReasoningPart, TEXT, st.floats(0, 100)),
    st.builds(ToolCallPart, st.text("abc"), st.text("abc"), TEXT),
    st.builds(ToolResultPart, st.text("abc"), st.text("abc"), TEXT, st.booleans(), st.floats(0, 9)),
    st.builds(NoticePart, st.builds(Problem, st.text("abc"), st.dictionaries(st.text("abc"), st.integers()))),
)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
async def test_any_tree_comes_back_exactly(data: st.DataObject) -> None:
    store = await Store.memory()
    conversation = (await store.create_conversation()).id
    nodes: list[Message] = []
    for number in range(data.draw(st.integers(1, 12))):
        parent = data.draw(st.sampled_from([None, *(node.id for node in nodes)]))
        parts = tuple(data.draw(st.lists(PARTS, max_size=4)))
        complete = data.draw(st.booleans())
        node = message(
            parts, parent, data.draw(st.sampled_from(["user", "assistant", "tool"])), id=f"n{number}", complete=complete
        )
        await store.put_message(conversation, node)
        nodes.append(node)
    assert await store.messages([node.id for node in nodes]) == nodes
    by_id = {node.id: node for node in nodes}
    for node in nodes:
        path = [node]
        while path[-1].parent is not None:
            path.append(by_id[path[-1].parent])
        assert await store.branch(conversation, node.id) == path[::-1]
        siblings = [other.id for other in nodes if other.parent == node.parent]
        assert await store.versions(node.id) == siblings
    assert await store.verify(conversation) == []
    await store.close()


@settings(max_examples=60, deadline=None)
@given(parts=st.lists(PARTS, min_size=1, max_size=5), cuts=st.lists(st.floats(0, 1), max_size=8))
async def test_any_split_of_a_stream_is_the_same_as_one_piece(parts: list[Part], cuts: list[float]) -> None:
    """The final message decides; what was put before it, prefix or not, leaves no trace."""
    store = await Store.memory()
    conversation = (await store.create_conversation()).id
    whole = message(tuple(parts), id="whole", role="assistant")
    await store.put_message(conversation, whole)
    texts = [part for part in parts if isinstance(part, TextPart)]
    total = sum(len(part.text) for part in texts)
    for share in sorted(cuts):
        left, shown = int(share * total), []
        for part in parts:
            shown.append(TextPart(part.text[:left]) if isinstance(part, TextPart) else part)
            left -= min(left, len(part.text)) if isinstance(part, TextPart) else 0
        await store.put_message(conversation, message(tuple(shown), id="split", role="assistant", complete=False))
        assert (await store.messages(["split"]))[0].parts == tuple(shown)
    await store.put_message(conversation, message(tuple(parts), id="split", role="assistant"))
    one, two = await store.messages(["whole", "split"])
    assert one.parts == two.parts == tuple(parts)
    hashes = await store._reader.run(lambda connection: connection.execute("SELECT hash FROM messages").fetchall())  # pyright: ignore[reportPrivateUsage]
    assert hashes[0] == hashes[1]
    await store.close()


async def test_the_newest_branch_through_a_message_is_found(store: Store) -> None:
    conversation = (await store.create_conversation()).id
    question = message("why?")
    first, second = message("a", question.id, "assistant"), message("b", question.id, "assistant")
    more, late = message("more", first.id), message("late", first.id)
    for one in (question, first, second, more, late):
        await store.put_message(conversation, one)
    assert await store.leaf(conversation, first.id) == late.id
    assert await store.leaf(conversation, second.id) == second.id
    assert await store.leaf(conversation, question.id) == late.id
    assert await store.leaf(conversation, "unknown") == "unknown"
