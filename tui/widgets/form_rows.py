"""What forms are made of: captions, and one-row controls: a choice of a few words, and a slider over a list of values.
Keyboard and mouse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from tui.i18n import _
from tui.widgets.cell_rows import pad

LABEL_CELLS = 15


class Caption(Static):
    """Words of ours, marked with ``N_``, in the language that is spoken now."""

    def __init__(
        self,
        words: str,
        *,
        id: str | None = None,  # noqa: A002 (Textual's name)
        classes: str | None = None,
    ) -> None:
        super().__init__(Content(_(words)), id=id, classes=classes, markup=False)
        self._caption = words

    def retranslate(self) -> None:
        self.update(Content(_(self._caption)))


def field(words: str, entry: Widget) -> Horizontal:
    """A caption and the entry behind it."""
    return Horizontal(Caption(words), entry, classes="field")


class FormRow(Widget, can_focus=True):
    """A label and a value out of ``values``. ← and → (Home, End) change it; so do clicks. ``shown`` makes a value's
    text in the current language; ``name`` is the field's."""

    DEFAULT_CSS = """
    FormRow { height: 1; width: 1fr; }
    FormRow:focus { background: $boost; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", show=False, id="form.less"),
        Binding("right", "step(1)", show=False, id="form.more"),
        Binding("home", "end(0)", show=False, id="form.least"),
        Binding("end", "end(-1)", show=False, id="form.most"),
    ]

    class Changed(Message):
        """Another value was chosen."""

        def __init__(self, row: FormRow, value: object) -> None:
            super().__init__()
            self.row, self.value = row, value

        @property
        def control(self) -> FormRow:
            return self.row

    def __init__(
        self, name: str, label: str, values: Sequence[object], place: int = 0, shown: Callable[[object], str] = str
    ) -> None:
        super().__init__(name=name, id=f"form-{name}")
        self._label, self._values, self._place, self._text = label, list(values), place, shown

    @property
    def value(self) -> object:
        return self._values[self._place]

    def show_value(self, value: object) -> None:
        """Show this value (the nearest one for numbers that are not in the list), without a message."""
        if value in self._values:
            self._place = self._values.index(value)
        elif isinstance(value, (int, float)):
            numbers = [(at, item) for at, item in enumerate(self._values) if isinstance(item, (int, float))]
            nearest = min(((abs(item - value), at) for at, item in numbers), default=(0, self._place))
            self._place = nearest[1]
        self.refresh()

    def offer(self, values: Sequence[object]) -> None:
        """Other values may be chosen from now on; the present one stays where it can."""
        now = self.value
        self._values = list(values)
        self._place = self._values.index(now) if now in self._values else 0
        self.refresh()

    def action_step(self, step: int) -> None:
        self.choose(self._place + step)

    def action_end(self, place: int) -> None:
        self.choose(place % len(self._values))

    def choose(self, place: int) -> None:
        """Take the value at ``place``, as near as there is one."""
        place = min(max(place, 0), len(self._values) - 1)
        if place != self._place:
            self._place = place
            self.refresh()
            self.post_message(self.Changed(self, self.value))

    def retranslate(self) -> None:
        self.refresh()

    def _labelled(self, *pieces: Content) -> Content:
        style = "bold" if self.has_focus else ""
        label = Content.styled(pad(_(self._label), LABEL_CELLS), style)
        return Content("").join([label, *pieces]).truncate(max(self.size.width, 1), ellipsis=True)

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()


class ChoiceRow(FormRow):
    """All values beside each other, the chosen one marked by brackets and colour; where they do not all fit, as many as
    do up to the chosen one."""

    def render(self) -> Content:
        pieces: list[Content] = []
        for place in range(self._first, len(self._values)):
            text = self._text(self._values[place])
            chosen = place == self._place
            pieces.append(Content.styled(f"[{text}]", "bold $text-accent") if chosen else Content(f" {text} "))
        return self._labelled(*pieces)

    def _cells(self, place: int) -> int:
        return cell_len(self._text(self._values[place])) + 2

    @property
    def _first(self) -> int:
        """The first value that is shown, so that the chosen one always is."""
        first, room = self._place, self.size.width - LABEL_CELLS - self._cells(self._place)
        while first > 0 and (room := room - self._cells(first - 1)) >= 0:
            first -= 1
        return first

    def on_click(self, event: events.Click) -> None:
        self.focus()
        left = LABEL_CELLS
        for place in range(self._first, len(self._values)):
            cells = self._cells(place)
            if left <= event.x < left + cells:
                self.choose(place)
            left += cells


class SliderRow(FormRow):
    """A track with a knob, and the value behind it. A click or a drag moves the knob."""

    VALUE_CELLS = 9

    @property
    def _track(self) -> int:
        return max(self.size.width - LABEL_CELLS - self.VALUE_CELLS, 4)

    def render(self) -> Content:
        cells = self._track
        knob = round(self._place / max(len(self._values) - 1, 1) * (cells - 1))
        track = Content.assemble(
            ("━" * knob, "$text-accent"), ("●", "bold $text-accent"), ("─" * (cells - knob - 1), "$text-muted")
        )
        return self._labelled(track, Content(" " + self._text(self.value)))

    def _move_to(self, x: int) -> None:
        share = (x - LABEL_CELLS) / max(self._track - 1, 1)
        self.choose(round(min(max(share, 0.0), 1.0) * (len(self._values) - 1)))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self.focus()
        self.capture_mouse()
        self._move_to(event.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self.app.mouse_captured is self:
            self._move_to(event.x)

    def on_mouse_up(self) -> None:
        self.release_mouse()

    def action_step(self, step: int) -> None:
        self.choose(self._place + step)
