"""The search: Chinese words of one and two characters, words by their beginning, snippets with positions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.store.samples import indexed, message, rows
from tui.model.message import NoticePart, ReasoningPart, ToolCallPart, ToolResultPart
from tui.model.problem import Problem, ProblemError
from tui.model.search import SearchHit
from tui.store.store import Store
from tui.store.tokens import fold, index_text, match_expression, matches, query_terms

STORY = "从前有一只狐狸，它最爱吃西瓜。\nThe fox met LMDeploy_v0.18 and internlm2_5-1_8b；量化ＡＷＱ部署完成 🦊 hello"


async def found(store: Store, query: str) -> list[str | None]:
    return [hit.message_id for hit in await store.search(query)]


@pytest.mark.parametrize(
    "query",
    [
        "狐",
        "狸",
        "瓜",
        "狐狸",
        "一只狐狸",
        "西瓜 狐狸",
        "狐狸，它",
        "狐狸 fox",
        "FOX",
        "lmdep",
        "LMDeploy_v0.18",
        "v0.1",
        "internlm2_5",
        "1_8b",
        "量化AWQ",
        "ａｗｑ部署",
        "AWQ",
        "AND hello",
        "hel",
        '"hello"',
    ],
)
async def test_what_is_found(store: Store, query: str) -> None:
    conversation = (await store.create_conversation()).id
    await store.put_message(conversation, message(STORY + " and", id="story"))
    await store.put_message(conversation, message("something else entirely 完全不同", "story", id="other"))
    await indexed(store)
    assert await found(store, query) == ["story"]
    (hit,) = await store.search(query)
    assert hit.spans
    assert "\n" not in hit.snippet


@pytest.mark.parametrize(
    "query", ["狸狐", "瓜西", "ox", "eploy", "狐狸西瓜", "fox 老虎", "", "  ", "!?，。", "\ud83d", '"', "v0.2"]
)
async def test_what_is_not_found(store: Store, query: str) -> None:
    conversation = (await store.create_conversation()).id
    await store.put_message(conversation, message(STORY))
    await indexed(store)
    assert await store.search(query) == []


async def test_a_hit_says_where_and_what(store: Store) -> None:
    info = await store.create_conversation(title="关于 Fox 的故事")
    await store.put_message(info.id, message("no animal here", id="1"))
    await store.put_message(info.id, message("a fox", "1", id="2"))
    await store.put_message(
        info.id, message("x" * 300 + "\n\nThe  quick\tfox, FOXES and \u5979 " + "y" * 300, "2", id="3")
    )
    await indexed(store)
    (hit,) = await store.search("fox")
    assert hit == SearchHit(hit.conversation, "3", hit.snippet, hit.spans, ((3, 6),))
    assert hit.conversation.id == info.id
    assert hit.snippet.startswith("…")
    assert hit.snippet.endswith("…")
    assert "The quick fox, FOXES and" in hit.snippet
    assert [hit.snippet[start:end] for start, end in hit.spans] == ["fox", "FOX"]


async def test_titles_are_searched_too_and_the_last_used_comes_first(store: Store) -> None:
    empty = await store.create_conversation(title="Melon 西瓜")
    old = await store.create_conversation(title="untitled")
    await store.put_message(old.id, message("melons", id="old"))
    new = await store.create_conversation()
    await store.put_message(new.id, message("melon and 西瓜", id="new"))
    await indexed(store)
    assert await found(store, "melon") == ["new", "old", None]
    assert await found(store, "西瓜 mel") == ["new", None]
    assert [hit.message_id for hit in await store.search("melon", 2)] == ["new", "old"]
    hits = await store.search("瓜")
    assert (hits[1].conversation.id, hits[1].snippet, hits[1].spans) == (empty.id, "Melon 西瓜", ((7, 8),))
    await store.delete(new.id)
    assert await found(store, "melon") == ["old", None]
    await store.delete(empty.id)
    assert await found(store, "melon") == ["old"]
    await store.restore(new.id)
    assert await found(store, "melon") == ["new", "old"]
    await store.delete(new.id)
    await store.purge()
    assert await found(store, "melon") == ["old"]


async def test_a_fork_is_a_hit_of_its_own(store: Store) -> None:
    one = await store.create_conversation(title="one")
    await store.put_message(one.id, message("a fox", id="fox"))
    two = await store.fork(one.id, "fox", title="two")
    await indexed(store)
    hits = await store.search("fox")
    assert {(hit.conversation.id, hit.message_id) for hit in hits} == {(one.id, "fox"), (two.id, "fox")}


async def test_tool_calls_and_results_are_found_but_no_reasoning(store: Store) -> None:
    conversation = (await store.create_conversation()).id
    parts = (
        ReasoningPart("thinking of zebras"),
        ToolCallPart("c", "multiply", '{"first": 31}'),
        ToolResultPart("c", "multiply", "result 961"),
        NoticePart(Problem("chat.stopped")),
    )
    await store.put_message(conversation, message(parts, role="assistant", id="m"))
    await indexed(store)
    for query in ("multiply", "first", "31", "961"):
        assert await found(store, query) == ["m"]
    assert await found(store, "zebras") == []


async def test_messages_are_found_once_they_are_complete_and_not_before(store: Store) -> None:
    conversation = (await store.create_conversation()).id
    now = datetime.now(UTC)
    await store.put_message(conversation, message("a fox", id="m", complete=False, created=now))
    await indexed(store)
    assert await found(store, "fox") == []
    await store.put_message(conversation, message("a fox!", id="m", created=now))
    await indexed(store)
    assert await found(store, "fox") == ["m"]


async def test_an_abandoned_message_is_found_and_may_still_go_on(store: Store) -> None:
    conversation = (await store.create_conversation()).id
    long_ago = datetime.now(UTC) - timedelta(hours=2)
    await store.put_message(conversation, message("a fox", id="m", complete=False, created=long_ago))
    await indexed(store)
    assert await found(store, "fox") == ["m"]
    await store.put_message(conversation, message("a melon", id="m", created=long_ago))
    await indexed(store)
    assert await found(store, "fox") == []
    assert await found(store, "melon") == ["m"]
    rows(store, "INSERT INTO search (search) VALUES ('integrity-check')")


async def test_what_was_waiting_is_indexed_at_the_next_start(store: Store) -> None:
    conversation = (await store.create_conversation()).id
    for number in range(50):
        await store.put_message(conversation, message(f"fox{number}"))
    await indexed(store)
    rows(store, "UPDATE messages SET indexed = 0")
    rows(store, "DELETE FROM search_data WHERE id > 100")
    rows(store, "INSERT INTO search (search) VALUES ('delete-all')")
    await store.close()
    again = await Store.open(store.path)
    await indexed(again)
    assert rows(again, "SELECT count(*) FROM messages WHERE NOT indexed") == [(0,)]
    assert len(await again.search("fox49")) == 1
    await again.close()


async def test_a_lost_index_harms_nothing_but_the_search(store: Store) -> None:
    conversation = (await store.create_conversation()).id
    rows(store, "DROP TABLE search")
    one = message("a fox")
    await store.put_message(conversation, one)
    await store.put_message(conversation, message("another", one.id))
    assert len(await store.branch(conversation)) == 2
    with pytest.raises(ProblemError, match=r"store\.failed"):
        await store.search("fox")
    await store.close()
    again = await Store.open(store.path)
    await indexed(again)
    assert await found(again, "fox") == [one.id]
    await again.close()


def test_positions_stay_right_where_letters_change_their_length() -> None:
    text = "İİİ Straße ＦＯＸ"
    assert len(fold(text)) == len(text)
    assert [text[start:end] for start, end in matches(text, "fox")] == ["ＦＯＸ"]


def test_overlapping_matches_are_merged() -> None:
    assert matches("西瓜瓜", "西瓜 瓜瓜") == [(0, 3)]


LETTERS = st.text(st.sampled_from("狐狸西瓜ab1_ ，-Ａİ"), max_size=12)


@settings(max_examples=400, deadline=None)
@given(text=LETTERS, start=st.integers(0, 11), length=st.integers(1, 6))
def test_every_piece_that_begins_like_a_word_is_found_and_marked(text: str, start: int, length: int) -> None:
    """Against FTS5 itself: a piece of a text, cut where a word may begin, finds the text; then it is marked too."""
    import sqlite3

    piece = text[start : start + length]
    folded = fold(text)
    cut = folded[max(0, start - 1) : start + 1]
    inside_word = len(cut) == 2 and all(letter.isalnum() and letter not in "狐狸西瓜" for letter in cut)
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute(
            "CREATE VIRTUAL TABLE search USING fts5 (text, content = '', tokenize = 'ascii', prefix = '1')"
        )
        connection.execute("INSERT INTO search (rowid, text) VALUES (1, ?)", (index_text(text),))
        terms = query_terms(piece)
        if not terms:
            assert matches(text, piece) == []
            return
        hit = connection.execute("SELECT 1 FROM search WHERE search MATCH ?", (match_expression(terms),)).fetchone()
        if not inside_word:
            assert hit
        if hit:
            assert matches(text, piece)
    finally:
        connection.close()
