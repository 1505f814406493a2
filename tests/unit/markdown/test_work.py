"""What a piece of a long text costs does not grow with what is above it: counted in work, not in time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.parsing import counted_parses
from tests.unit.markdown.documents import streamed, whole
from tui.markdown import grow, paragraph
from tui.markdown.document import ROUGH, Block, Document
from tui.markdown.elements import CodeElement
from tui.markdown.ink import Page, Row
from tui.markdown.layout import Layout
from tui.markdown.reply import Reply
from tui.markdown.table import TableElement

UNPAIRED = {
    "emphasis": "**never closed " + "some words and then more of them. " * 1500,
    "prices": "it costs $5 and then " * 2400,
    "paths": "C:\\dir\\file, " * 3800,
    "pipes": "one | other, " * 3800,
    "one word": "x" * 50_000,
    "emoji": "👨‍👩‍👧‍👦🇨🇳👍🏽" * 3500,
}


def pieces_of(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def unsettled(text: str, width: int = 40) -> list[Row]:
    """The rows of ``text`` when nothing of it is settled before its end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grow, "LONG", len(text) + 1)
        return whole(text, width)


def stream(text: str, size: int = 100) -> Iterator[Reply]:
    """A reply after each piece."""
    reply = Reply("", Page(60))
    for piece in pieces_of(text, size):
        reply.document.feed(piece)
        reply.flush()
        yield reply
    reply.finish()
    yield reply


@pytest.mark.parametrize("name", list(UNPAIRED))
def test_what_is_not_parsed_yet_is_wrapped_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wrapped: list[int] = []
    wrap = paragraph.wrapped_rows

    def note(runs: Any, *others: Any) -> Any:
        wrapped.append(sum(len(run.text) for run in runs))
        return wrap(runs, *others)

    monkeypatch.setattr(paragraph, "wrapped_rows", note)
    text = UNPAIRED[name]
    *_, reply = stream(text)
    assert sum(wrapped) < len(text) * 30  # wrapped again with every piece: × 60 and more
    monkeypatch.undo()
    assert reply.rows == whole(text, 60)


def test_a_paragraph_is_closed_by_a_blank_line_however_long_it_is() -> None:
    document = Document(UNPAIRED["pipes"])
    document.flush()
    assert len(document.tail_source) > ROUGH
    document.feed("end\n\n")
    document.flush()
    assert document.tail_source == "\n"
    assert len(document.blocks) == 1


def test_definitions_are_left_behind() -> None:
    text = "".join(f"see [word {n}]\n\n" for n in range(20)) + "".join(
        f"[word {n}]: https://example.com/{n}\n" + "\n" * (n % 2) for n in range(2000)
    )
    with counted_parses() as parsed:
        *_, reply = stream(text)
    assert max(parsed) < 1500
    assert reply.document.source == text
    assert reply.rows == whole(text, 60)
    assert len(reply.links()) == 20


def test_a_definition_over_two_lines_is_not_cut() -> None:
    head = "".join(f"[other {n}]: /{n}\n" for n in range(60))
    for rest in (
        '[a]:\n/first\n"title"\n[a]: /second\n',
        "[a]:\n[b]: /c\n[b]: /d\n",
        "[a]: /first 'of\n[b]' c\n",
    ):
        text = f"{head}{rest}\n[a] and [b] and [c]\n"
        assert streamed(list(text))[1].rows == whole(text)


def test_blank_lines_are_left_behind() -> None:
    document = Document()
    for _ in range(200):
        document.feed("\n" * 20)
        document.flush()
        assert len(document.tail_source) < 600


def test_late_definitions_lay_out_what_they_change_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "".join(f"paragraph {n} has {'[a link]' if n == 90 else 'words'}\n\n" for n in range(200))
    document = Document(text)
    document.flush()
    layout = Layout(document, Page(60))
    document.feed("[a link]: https://example.com\n")
    laid_out: list[Block] = []
    rows = Block.rows

    def note(self: Block, page: Page) -> Any:
        laid_out.append(self)
        return rows(self, page)

    monkeypatch.setattr(Block, "rows", note)
    document.finish()
    layout.update()
    assert len(laid_out) <= 2
    monkeypatch.undo()
    assert layout.rows == whole(text + "[a link]: https://example.com\n", 60)
    places = [layout.block_at(row) for row in range(0, len(layout.rows), 2)]
    assert places == list(range(200))


def test_code_is_looked_for_in_new_blocks_only(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "".join(f"paragraph {n}\n\n```py\nx = {n}\n```\n\n" for n in range(100))
    looked: list[Block] = []
    codes = Block.codes

    def note(self: Block) -> Iterator[CodeElement]:
        looked.append(self)
        return codes(self)

    monkeypatch.setattr(Block, "codes", note)
    replies = stream(text, 10)
    reply = next(replies)
    for reply in replies:
        for job in reply.highlights():
            while not job.step(1):
                pass
    assert len(looked) < len(text) / 10 * 3 + 200
    assert all(code.painted for block in reply.document.blocks for code in codes(block))
    assert not list(reply.highlights())


INSIDE = {
    "code in an item": ("1. like this:\n\n   ```python\n", "   x{n} = compute({n})  # 注\n"),
    "code that is an item": ("- ```python\n", "  x{n} = compute({n})\n"),
    "code in a quote": ("> ~~~js\n", "> let x{n} = {n};\n"),
    "code deep inside": ("> - one\n>   1. two\n>      > ```\n", ">      > line {n}\n"),
    "a table in an item": ("- here:\n\n  | a | b |\n  |---|--:|\n", "  | row {n} | {n} |\n"),
    "a table in a quote": ("> | a | b |\n> |---|--:|\n", "> | row {n} | {n} |\n"),
}


@pytest.mark.parametrize("name", list(INSIDE))
@pytest.mark.parametrize("end", ["", "\nafter\n", "\n- another\n\n> quote\n"])
def test_code_and_tables_inside_others_are_parsed_line_by_line(name: str, end: str) -> None:
    head, line = INSIDE[name]
    text = head + "".join(line.replace("{n}", str(n)) for n in range(500)) + end
    with counted_parses() as parsed:
        *_, reply = stream(text, 60)
    assert max(parsed) < 1500
    assert reply.document.generation == 0
    assert reply.rows == unsettled(text, 60)


@pytest.mark.parametrize(
    "text",
    [
        # The only child stands on the line of its item's marker, behind a definition that is no block.
        "-   [r]: /\n    12. ```\n           deep\n        ```x\n        ```\n    12. | a | b|\n         |---|--:|\n\n",
        "* [r]: /u\n  -   | a | b |\n      |---|--:|\n      - [ ] ```\n            c0\n            c1\n            c2",
        "- ```py\n  code\n\n- next\n",  # the blank line is code and the gap before the next item
        "> ```\n> a\n>\n\n> b\n",
        "- | a | b |\n  |---|---|\n  | 1 | 2 |\nlazy\n",
        "1. ```\n   a\n   ```x\n   b\n   ```\n   after\n",
    ],
)
def test_lines_inside_others_are_settled_as_they_would_be_read_at_once(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = unsettled(text)
    for long in (0, 60):
        monkeypatch.setattr(grow, "LONG", long)
        for size in (1, 2, 7):
            assert streamed(pieces_of(text, size))[1].rows == expected


def test_a_cell_that_is_being_written_moves_no_column_of_a_long_table(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f"| row {n} | [page {n % 10}](https://example.com/{n}) | `value` |\n" for n in range(300)]
    text = "| a | b | c |\n|---|---|---|\n" + "".join(rows)
    built: list[int] = []
    body = TableElement._body  # pyright: ignore[reportPrivateUsage]

    def note(self: TableElement, *others: Any, **named: Any) -> Any:
        built.append(1)
        return body(self, *others, **named)

    monkeypatch.setattr(TableElement, "_body", note)
    *_, reply = stream(text, 10)
    assert len(built) < 300 + len(text) / 10 * 2 + 30 * 50
    monkeypatch.undo()
    assert reply.rows == whole(text, 60)


@pytest.mark.parametrize(
    "text",
    [
        "<https://中文字中文字中文字中文字中文字中文字中文字> and words that follow after it",
        "call my_function_name or a_b_c and 2 * 3 or 1 < 2 and some _emphasis that is not closed until here_ for once",
        "中文字 a * b 中文字 * 中文字 < 中文字 ~ 中文字 _ 中文字 and *emphasis that goes on until it ends* here",
    ],
)
def test_a_paragraph_is_not_cut_where_a_mark_may_find_its_partner(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = whole(text)
    monkeypatch.setattr(paragraph, "LONG_LINE", 20)
    monkeypatch.setattr(paragraph, "KEPT", 8)
    for size in (1, 3, 10):
        assert streamed(pieces_of(text, size))[1].rows == expected


def test_names_and_comparisons_keep_no_paragraph_from_settling() -> None:
    document = Document(
        "".join(f"Call my_function_{n} when a < {n} and 2 * {n} is less than <b> more. " for n in range(200))
    )
    while document.waiting:
        document.flush(1500)
        assert len(document._text) < 2500  # pyright: ignore[reportPrivateUsage]
