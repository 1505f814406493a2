"""Long texts and bursts: no step of the event loop does all of it, and what is seen is what it would have been."""

from __future__ import annotations

import threading

import pytest

from tests.app.test_transcript import TEXT, painted, transcript
from tests.support.parsing import counted_parses
from tests.support.waiting import until_pilot
from tui.markdown.document import ROUGH, Document
from tui.markdown.ink import Page
from tui.markdown.reply import AT_ONCE, Reply
from tui.widgets import parts
from tui.widgets.jumps import last_code
from tui.widgets.parts import SKETCHED, ReasoningView, TextView, UserView
from tui.widgets.sheet import Place
from tui.widgets.tool_call import ToolCallView

LONG = "".join(f"## Part {number}\n\n{TEXT}\n\n" for number in range(20))


def texts(view: TextView, page: Page) -> list[str]:
    return [row.text for row in view.rows(page)]


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each long text that is rendered: whether that was in the event loop's thread."""
    found: list[bool] = []
    render = parts.rendered

    def note(text: str, page: Page, reply: Reply | None = None) -> Reply:
        if len(text) > SKETCHED:
            found.append(threading.current_thread() is threading.main_thread())
        return render(text, page, reply)

    monkeypatch.setattr(parts, "rendered", note)
    return found


async def test_a_long_stored_text_is_rendered_in_a_thread_and_its_end_is_there_at_once(threads: list[bool]):
    assert len(LONG) > SKETCHED
    async with transcript() as (view, pilot):
        part = TextView("a", text=LONG + "**the very end**")
        view.replace([part])
        assert "**the very end**" in "\n".join(row.text for row in part.rows(view.sheet.page))
        await until_pilot(pilot, lambda: painted(view)[-1].strip() == "the very end")
        assert threads == [False]
        expected = Reply(LONG + "**the very end**", view.sheet.page)
        expected.finish()
        assert texts(part, view.sheet.page) == [row.text for row in expected.rows]
        await pilot.resize_terminal(40, 20)
        await until_pilot(pilot, lambda: view.sheet.page.width < 40 and threads == [False, False])
        expected.page = view.sheet.page
        await until_pilot(pilot, lambda: texts(part, view.sheet.page) == [row.text for row in expected.rows])


async def test_scrolling_up_into_a_long_text_holds_on_to_its_end(threads: list[bool]):
    async with transcript() as (view, pilot):
        part = TextView("a", text=LONG + "the very end")
        view.replace([part, *(UserView(f"u{number}", "x") for number in range(30))])
        assert threads == []
        while view.sheet.top.item > 0:
            view.scroll_rows(-1)
        view.scroll_rows(-3)
        seen = [row.rstrip() for row in painted(view)[:4]]
        await until_pilot(pilot, lambda: threads == [False])
        await until_pilot(pilot, lambda: part.rows(view.sheet.page)[-1].text == "the very end")
        await until_pilot(pilot, lambda: "the very end" in "\n".join(painted(view)))
        row = next(y for y, text in enumerate(painted(view)) if "the very end" in text)
        assert abs(row - next(y for y, text in enumerate(seen) if "the very end" in text)) <= 1


async def test_what_the_user_asks_for_is_rendered_at_once(threads: list[bool]):
    async with transcript() as (view, pilot):
        part = TextView("a", text=LONG)
        view.replace([part, *(UserView(f"u{number}", "x") for number in range(30))])
        await until_pilot(pilot, lambda: painted(view)[-1].strip().endswith("x"))
        found = last_code(view, None)
        assert found is not None
        assert threads == [True]
        assert part.rows(view.sheet.page)[found[0].row - part.GAP].text.strip() == "python"
        assert not part.complete(view.sheet.page)
        again = TextView("a", text=LONG)
        view.replace([again, *(UserView(f"u{number}", "x") for number in range(30))])
        view.find("Part 3")
        place, count = view.find_step(1)
        assert (place, count) == (1, 1)
        await until_pilot(pilot, lambda: "Part 3" in "\n".join(painted(view)))


async def test_a_burst_is_rendered_in_small_steps(monkeypatch: pytest.MonkeyPatch):
    sizes: list[int] = []
    flush = Document.flush

    def note(self: Document, limit: int | None = None) -> bool:
        before = len(self.source)
        changed = flush(self, limit)
        sizes.append(len(self.source) - before)
        return changed

    async with transcript() as (view, pilot):
        part = TextView("a", growing=True)
        view.add(part)
        await until_pilot(pilot, lambda: part.height(view.sheet.page) >= 1)
        expected = Reply(LONG, view.sheet.page)
        expected.finish()
        monkeypatch.setattr(Document, "flush", note)
        part.feed(LONG)
        part.finish()
        await until_pilot(pilot, lambda: texts(part, view.sheet.page) == [row.text for row in expected.rows])
        monkeypatch.undo()
        assert max(sizes) <= AT_ONCE
        assert len(sizes) > len(LONG) // AT_ONCE


@pytest.mark.parametrize("unit", ["[a](", "![a](", "**a ", "[a]( b\n", "a | b **"])
def test_marks_without_partners_do_not_cost_more_with_each_piece(unit: str):
    text = (unit * 16_000)[:16_000]
    with counted_parses() as parsed:
        document = Document()
        for start in range(0, len(text), 80):
            document.feed(text[start : start + 80])
            document.flush()
            assert document.source == text[: start + 80]
            assert sum(len(block.source) for block in document.all_blocks()) == start + 80
    streamed = sum(parsed)
    assert streamed < len(text) * 60, streamed / len(text)  # every piece parsed to the end: × 100, × 200 with lines
    assert ROUGH < max(parsed) <= len(text)
    document.finish()
    whole = Document(text)
    whole.finish()
    page = Page(60)
    one, other = ([row for block in each.blocks for row in block.rows(page)] for each in (document, whole))
    assert one == other


async def test_search_looks_into_what_is_folded_and_unfolds_it():
    async with transcript() as (view, pilot):
        thought = ReasoningView("a", text="I wonder about melons", seconds=1.0)
        other = ReasoningView("a", text="nothing here", seconds=1.0)
        call = ToolCallView("a", "c", "add", '{"a": 1}')
        call.finish("x" * 200 + " papaya", ok=True, seconds=0.1)
        view.replace([thought, other, call, TextView("a", text="The answer has melons too")])
        view.find("melon")
        assert not thought.open
        assert view.find_step(1) == (1, 2)
        assert thought.open
        assert not other.open
        await until_pilot(pilot, lambda: "wonder about melons" in "\n".join(painted(view)))
        assert view.find_step(1) == (2, 2)
        view.find("papaya")
        assert view.find_step(1) == (1, 1)
        assert call.open
        view.find("`melon`s w")  # in no row: nothing is unfolded for it
        thought.set_open(opened=False)
        assert view.find_step(1)[0] == 0
        assert not thought.open
        assert view.sheet.top == Place(0, 0)
