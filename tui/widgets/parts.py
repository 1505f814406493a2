"""The parts of a conversation as the transcript draws them: text, thoughts, a notice, the figures of a turn."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any

from textual.content import Content

from tui.i18n import _
from tui.markdown.ink import BLANK, Link, Page, Row
from tui.widgets import words
from tui.widgets.literal import literal
from tui.widgets.part import PartView
from tui.widgets.part_rows import INDENT, USER, estimated_rows, plain_rows

if TYPE_CHECKING:
    from tui.markdown.highlight import HighlightJob
    from tui.markdown.layout import CodePlace
    from tui.markdown.reply import Reply
    from tui.model.events import Timings, Usage
    from tui.model.problem import Problem

# What one view shows at most of a part that is not the answer itself; the rest is kept and can be copied.
DETAIL_LINES = 40
DETAIL_CHARACTERS = 4_000
# A plain body of 100,000 characters takes 0.2 s to lay out; ten megabytes would stop the screen for half a minute.
SHOWN_CHARACTERS = 100_000
# Beyond this a text is shown plain: laying it out for another width would stop the screen for seconds.
MARKDOWN_CHARACTERS = 1_000_000
# A complete text of more characters than this is rendered in a thread: 10,000 take 50 ms and more. Of what is below
# the place that is shown meanwhile, so much stands there as it came.
SKETCHED = 6_000
_SKETCH = 3_000
_SOON = 0.001
_FIGURES_SECONDS = 0.5


def rendered(text: str, page: Page, reply: Reply | None = None) -> Reply:
    """A complete text, laid out for a page; ``reply`` where it was rendered for another one."""
    from tui.markdown.reply import Reply

    if reply is None:
        reply = Reply(text, page)
        reply.finish()
    reply.page = page
    reply.row_count(page)
    return reply


class _Text:
    """Text in pieces, joined when it is asked for."""

    def __init__(self, text: str = "") -> None:
        self._pieces = [text] if text else []
        self.size = len(text)

    def add(self, text: str) -> None:
        self._pieces.append(text)
        self.size += len(text)

    def after(self, start: int) -> str:
        """What came after so many characters. Costs what it gives, not what is there."""
        index, size = len(self._pieces), self.size
        while size > start:
            index -= 1
            size -= len(self._pieces[index])
        return "".join(self._pieces[index:])[start - size :]

    @property
    def whole(self) -> str:
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0] if self._pieces else ""


class TextView(PartView):
    """The text of an answer, as Markdown.

    ``feed`` appends; the transcript flushes at the rate of the screen, and only what is in view. ``finish`` renders
    what is left, from ``text`` when given. The raw text is kept as it came."""

    SAID = True

    def __init__(self, message_id: str, *, text: str = "", growing: bool = False, classes: str = "text") -> None:
        super().__init__(message_id, classes)
        self._text = _Text(text)
        self.growing = growing or not text
        self._reply: Reply | None = None
        self._fed = 0  # characters that _reply was given
        self._rendering = False

    @property
    def text(self) -> str:
        """Everything fed so far."""
        return self._text.whole

    @property
    def source(self) -> str:
        return self._text.whole

    def feed(self, text: str) -> None:
        if not self.growing:  # a text that was complete grows again
            self.growing, self._reply = True, None
            self._page = None
        self._text.add(text)
        if self.host is not None:
            self.host.part_changed(self, grew=True)

    def finish(self, text: str | None = None) -> None:
        """The text is complete; ``text`` is the stored whole."""
        if text is not None and text != self._text.whole:
            self._text = _Text(text)
            self._reply = None
        self.growing = False
        if self.host is not None:
            self.host.part_changed(self, 0.0)

    @property
    def _plain(self) -> bool:
        return self._text.size > MARKDOWN_CHARACTERS

    def draw(self, page: Page) -> Sequence[Row]:
        if self._plain:
            self._reply = None
            return shortened_rows(self._text.whole, page)
        if self._sketched(page):
            return self._sketch(page)
        reply = self._made(page)
        if reply.page != page:
            reply.page = page
        return reply.rows

    def _made(self, page: Page) -> Reply:
        """The rendered text, made now if it was not, with all that was fed."""
        if self._reply is None:
            from tui.markdown.reply import AT_ONCE, Reply

            if not self.growing:
                self._reply = rendered(self._text.whole, page)
            else:
                self._reply = Reply("", page)
                self._reply.document.feed(self._text.whole)
                self._reply.flush(AT_ONCE)
                self._go_on()
            self._fed = self._text.size
        return self._reply

    def _go_on(self) -> None:
        """Render the next piece soon, if one waits: what comes at once is not rendered in one step."""
        self.hurries = self._reply is not None and self._reply.waiting and self.host is not None
        if self.hurries and self.host is not None:
            self.host.part_changed(self, _SOON)

    # a long text is sketched – its end as plain text – until a thread has rendered it

    def _sketched(self, page: Page) -> bool:
        if self.growing or self._plain or self._text.size <= SKETCHED:
            return False
        return self._reply is None or self._reply.page != page

    def _sketch(self, page: Page) -> Sequence[Row]:
        end = plain_rows(self._text.whole[-_SKETCH:], page)
        above = estimated_rows(self._text.whole[:-_SKETCH], page.width)
        return [*([BLANK] * above), *end]

    def develop(self, page: Page) -> Coroutine[Any, Any, None] | None:
        if self._rendering or not self._sketched(page):
            return None
        self._rendering = True
        reply, self._reply = self._reply, None
        return self._develop(page, reply)

    async def _develop(self, page: Page, reply: Reply | None) -> None:
        text = self._text.whole
        try:
            made = await asyncio.to_thread(rendered, text, page, reply)
        finally:
            self._rendering = False
        if self.growing or self._reply is not None or text is not self._text.whole:
            return
        self._reply, self._fed = made, self._text.size
        self.grew_above = True
        self.redraw()

    def complete(self, page: Page) -> bool:
        if not self._sketched(page):
            return False
        self._reply, self._fed = rendered(self._text.whole, page, self._reply), self._text.size
        self.redraw()
        return True

    def flush(self) -> int | None:
        reply, page = self._reply, self._page
        if reply is None or page is None or self._plain:
            self._page = None
            self.strips.clear()
            return 0
        from tui.markdown.reply import AT_ONCE

        if self._fed < self._text.size:
            reply.document.feed(self._text.after(self._fed))
            self._fed = self._text.size
        changed = reply.flush(AT_ONCE)
        self._go_on()
        if not self.hurries and not self.growing:
            changed = min((row for row in (changed, reply.finish()) if row is not None), default=None)
        self._rows = reply.rows
        if changed is not None:
            for row in [row for row in self.strips if row >= changed]:
                del self.strips[row]
        return changed

    def forget(self) -> None:
        super().forget()
        if not self.growing:
            self._reply = None

    def estimate(self, page: Page) -> int:
        return self.GAP + estimated_rows(self._text.whole[:SHOWN_CHARACTERS], page.width)

    def codes(self) -> list[CodePlace]:
        return self._reply.codes() if self._reply is not None else []

    def link_at(self, row: int, column: int) -> Link | None:
        return self._reply.link_at(row, column) if self._reply is not None else None

    def highlights(self) -> Iterator[HighlightJob]:
        return self._reply.highlights() if self._reply is not None else iter(())

    def painted(self, job: HighlightJob) -> range:
        if self._reply is None or not job.element.painted:
            return range(0)
        rows = range(*(self._reply.layout.repaint(job.element) or (0, 0)))
        for row in rows:
            self.strips.pop(row, None)
        return rows

    def markdown(self, first: int, last: int) -> str:
        """The Markdown source of the blocks that the rows ``first`` to ``last`` touch."""
        return self._reply.layout.source_of(first, last) if self._reply is not None else self.source


class UserView(PartView):
    """What the user sent, as it was written."""

    SAID = True

    def __init__(self, message_id: str, text: str) -> None:
        super().__init__(message_id, "user")
        self.text = text

    @property
    def source(self) -> str:
        return self.text

    def draw(self, page: Page) -> Sequence[Row]:
        return shortened_rows(self.text, page, bar=True)

    def estimate(self, page: Page) -> int:
        return self.GAP + estimated_rows(self.text[:SHOWN_CHARACTERS], page.width - 2)


def shortened_rows(text: str, page: Page, *, bar: bool = False) -> Sequence[Row]:
    """A text as it stands, without its beginning when it is very long."""
    margin = USER if bar else INDENT
    if len(text) <= SHOWN_CHARACTERS:
        return plain_rows(text, page, margin)
    above = _("… {count} characters above are kept but not shown; copying the message gives all of it")
    head = plain_rows(above.format(count=f"{len(text) - SHOWN_CHARACTERS:,}"), page, margin, "muted")
    return [*head, *plain_rows(text[-SHOWN_CHARACTERS:], page, margin)]


class ReasoningView(TextView):
    """The model's thoughts, folded to one line with seconds and tokens; the body is rendered only while it is open."""

    FOLDS = True
    SAID = False
    TONE = "muted"

    def __init__(self, message_id: str, *, text: str = "", seconds: float | None = None) -> None:
        super().__init__(message_id, text=text, classes="reasoning")
        self._started = monotonic()
        self._last = self._started
        self._seconds = seconds
        self._tokens: int | None = None
        self._counted = self._wide = 0  # characters that were looked at, and those of them that are Chinese
        self._head = 0

    def feed(self, text: str) -> None:
        self.growing = True
        self._text.add(text)
        self._last = monotonic()
        if self.host is not None:
            self.host.part_changed(self, None if self.open else _FIGURES_SECONDS, grew=True)

    def finish(self, text: str | None = None, *, seconds: float | None = None, tokens: int | None = None) -> None:
        """The thinking is over; figures that are known better than from the arrival of pieces replace ours."""
        if seconds is not None:
            self._seconds = seconds
        elif self._seconds is None:
            self._seconds = self._last - self._started
        self._tokens = tokens or self._tokens
        super().finish(text)
        self._counted = self._wide = 0

    @property
    def thinking(self) -> bool:
        return self._seconds is None

    def head(self) -> str:
        """The line that stays when it is folded."""
        seconds = self._last - self._started if self._seconds is None else self._seconds
        template = _("thinking {seconds} · {tokens} tok") if self.thinking else _("thought {seconds} · {tokens} tok")
        self._wide += words.count_wide(self._text.after(self._counted))
        self._counted = self._text.size
        tokens = f"{self._tokens:,}" if self._tokens else f"≈{words.tokens_of(self._counted, self._wide):,}"
        return f"{words.fold_mark(self.open)} " + template.format(seconds=words.seconds(seconds), tokens=tokens)

    def draw(self, page: Page) -> Sequence[Row]:
        head = plain_rows(self.head(), page)
        self._head = len(head)
        return [*head, *super().draw(page)] if self.open else head

    def flush(self) -> int | None:
        if self.open and self._reply is not None and not self._plain:
            super().flush()
        self._page = None
        self.strips.clear()
        return 0

    def develop(self, page: Page) -> Coroutine[Any, Any, None] | None:
        return super().develop(page) if self.open else None

    def complete(self, page: Page) -> bool:
        return self.open and super().complete(page)

    def forget(self) -> None:
        super().forget()
        if not self.open:
            self._reply = None

    def estimate(self, page: Page) -> int:
        return super().estimate(page) + 1 if self.open else self.GAP + 1

    def codes(self) -> list[CodePlace]:
        return [place._replace(first=place.first + self._head, end=place.end + self._head) for place in super().codes()]

    def link_at(self, row: int, column: int) -> Link | None:
        return super().link_at(row - self._head, column) if self.open else None

    def painted(self, job: HighlightJob) -> range:
        rows = super().painted(job)
        self._page = None
        self.strips.clear()
        return range(rows.start + self._head, rows.stop + self._head) if self.open else range(0)

    def markdown(self, first: int, last: int) -> str:  # noqa: ARG002 (thoughts are copied as a whole)
        return self.source


class NoticeView(PartView):
    """Something lmdeck says inside the conversation: a cause and a next step."""

    TONE = "warning"

    def __init__(self, message_id: str, problem: Problem) -> None:
        super().__init__(message_id, "notice")
        self.problem = problem

    def picture(self) -> Content:
        from tui.i18n.problems import explain

        explanation = explain(self.problem)
        head = Content("! ") + literal(explanation.sentence)
        return Content("\n").join([head, Content("  ") + literal(explanation.step)]) if explanation.step else head


class TurnLine(PartView):
    """The figures of a finished turn: tokens in and out, time to the first token, tokens a second."""

    TONE = "muted"
    GAP = 0
    NEWS = False

    def __init__(self, message_id: str, usage: Usage | None, timings: Timings | None) -> None:
        super().__init__(message_id, "turn")
        self._usage, self._timings = usage, timings

    def picture(self) -> Content:
        return Content(" · ".join([*words.usage(self._usage), *words.timings(self._timings)]))
