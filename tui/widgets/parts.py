"""One widget for each part of a message: text, thoughts, a tool call, a notice, the figures of a turn."""

from __future__ import annotations

from time import monotonic

from textual.content import Content
from textual.events import Click
from textual.timer import Timer
from textual.visual import VisualType
from textual.widgets import Static

from tui.i18n import _
from tui.i18n.problems import explain
from tui.model.events import Timings, Usage
from tui.model.problem import Problem
from tui.widgets import words
from tui.widgets.literal import literal

# What one view shows at most of a part that is not the answer itself; the rest is kept and can be copied.
DETAIL_LINES = 40
# A plain body of 100,000 characters takes 0.2 s to lay out; ten megabytes would stop the screen for half a minute.
SHOWN_CHARACTERS = 100_000
DETAIL_CHARACTERS = 4_000


class PartView(Static):
    """Common to all parts: the message it belongs to, and folding where a part can fold."""

    FOLDS = False
    SAID = False  # part of what somebody said: walking from message to message stops here

    def __init__(self, message_id: str, classes: str = "") -> None:
        super().__init__(Content(""), classes=f"part {classes}".strip(), markup=False)
        self.message_id = message_id
        self.open = False

    def set_open(self, *, opened: bool) -> None:
        """Show or hide the details of a part that folds."""
        if self.FOLDS and opened != self.open:
            self.open = opened
            self.redraw()

    def on_click(self, event: Click) -> None:
        if self.FOLDS and event.y == 0:
            event.stop()
            self.set_open(opened=not self.open)

    def retranslate(self) -> None:
        self.redraw()

    def redraw(self) -> None:
        self.update(self.picture())

    def picture(self) -> VisualType:
        """What the part looks like now."""
        return Content("")


class TextView(PartView):
    """The text of an answer or of a user's message.

    ``feed`` appends and repaints at most every ``interval`` seconds (the first piece at once); ``finish`` paints what
    is left, from ``text`` when given. The raw text is kept as it came.
    """

    SAID = True

    def __init__(self, message_id: str, *, text: str = "", interval: float = 1 / 12, classes: str = "text") -> None:
        super().__init__(message_id, classes)
        self._pieces: list[str] = [text] if text else []
        self._interval = interval
        self._timer: Timer | None = None
        self._cost = 0.0

    def on_mount(self) -> None:
        self.redraw()

    @property
    def text(self) -> str:
        """Everything fed so far."""
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0] if self._pieces else ""

    def feed(self, text: str) -> None:
        first = not self._pieces
        self._pieces.append(text)
        if first:
            self.flush()
        elif self._timer is None and self.is_attached:
            # Long texts cost more to lay out: never spend more than a fifth of the time on it.
            self._timer = self.set_timer(max(self._interval, 5 * self._cost), self.flush)

    def finish(self, text: str | None = None) -> None:
        if text is not None:
            self._pieces = [text]
        self.flush()

    def flush(self) -> None:
        """Paint what was fed."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        start = monotonic()
        self.redraw()
        self._cost = monotonic() - start

    def picture(self) -> VisualType:
        text = self.text
        if len(text) <= SHOWN_CHARACTERS:
            return literal(text)
        above = _("… {count} characters above are kept but not shown; copying the message gives all of it")
        head = Content.styled(above.format(count=f"{len(text) - SHOWN_CHARACTERS:,}"), "$text-muted")
        return Content("\n").join([head, literal(text[-SHOWN_CHARACTERS:])])


class UserView(TextView):
    """What the user sent."""

    def __init__(self, message_id: str, text: str) -> None:
        super().__init__(message_id, text=text, classes="user")


class ReasoningView(PartView):
    """The model's thoughts, folded to one line with seconds and tokens; the body exists only while it is open."""

    FOLDS = True

    def __init__(
        self, message_id: str, *, text: str = "", seconds: float | None = None, interval: float = 0.25
    ) -> None:
        super().__init__(message_id, "reasoning")
        self._pieces: list[str] = [text] if text else []
        self._started = monotonic()
        self._last = self._started
        self._seconds = seconds
        self._tokens: int | None = None
        self._interval = interval
        self._timer: Timer | None = None

    def on_mount(self) -> None:
        self.redraw()

    @property
    def text(self) -> str:
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0] if self._pieces else ""

    def feed(self, text: str) -> None:
        self._pieces.append(text)
        self._last = monotonic()
        if self._timer is None and self.is_attached:
            self._timer = self.set_timer(self._interval, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self.redraw()

    def finish(self, *, seconds: float | None = None, tokens: int | None = None) -> None:
        """The thinking is over; figures that are known better than from the arrival of pieces replace ours."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if seconds is not None:
            self._seconds = seconds
        elif self._seconds is None:
            self._seconds = self._last - self._started
        self._tokens = tokens or self._tokens
        self.redraw()

    @property
    def thinking(self) -> bool:
        return self._seconds is None

    def picture(self) -> VisualType:
        seconds = self._last - self._started if self._seconds is None else self._seconds
        template = _("thinking {seconds} · {tokens} tok") if self.thinking else _("thought {seconds} · {tokens} tok")
        tokens = f"{self._tokens:,}" if self._tokens else "≈" + f"{words.estimate_tokens(self.text):,}"
        head = Content(
            f"{words.fold_mark(self.open)} " + template.format(seconds=words.seconds(seconds), tokens=tokens)
        )
        return Content("\n").join([head, literal(self.text)]) if self.open else head


class NoticeView(PartView):
    """Something lmdeck says inside the conversation: a cause and a next step."""

    def __init__(self, message_id: str, problem: Problem) -> None:
        super().__init__(message_id, "notice")
        self.problem = problem

    def on_mount(self) -> None:
        self.redraw()

    def picture(self) -> VisualType:
        explanation = explain(self.problem)
        head = Content("! ") + literal(explanation.sentence)
        return Content("\n").join([head, Content("  ") + literal(explanation.step)]) if explanation.step else head


class TurnLine(PartView):
    """The figures of a finished turn: tokens in and out, time to the first token, tokens a second."""

    def __init__(self, message_id: str, usage: Usage | None, timings: Timings | None) -> None:
        super().__init__(message_id, "turn")
        self._usage, self._timings = usage, timings

    def on_mount(self) -> None:
        self.redraw()

    def picture(self) -> VisualType:
        return Content(" · ".join([*words.usage(self._usage), *words.timings(self._timings)]))
