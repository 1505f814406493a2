"""What all dialogs share: a box in the middle, a heading that is never markup, Esc closes without an answer."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

Result = TypeVar("Result")


class Dialog(ModalScreen[Result | None]):
    """A modal question; its answer is None when it is closed with Esc."""

    CSS_PATH = "../styles/dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", show=False, id="dialog.close")]
    HORIZONTAL_BREAKPOINTS: ClassVar[list[tuple[int, str]]] = [(0, "-slim"), (72, "-broad")]
    VERTICAL_BREAKPOINTS: ClassVar[list[tuple[int, str]]] = [(0, "-flat"), (20, "-short"), (34, "-tall")]

    def __init__(self) -> None:
        super().__init__(classes="dialog")
        self._withdrawn = False

    def action_close(self) -> None:
        self.dismiss(None)

    def withdraw(self) -> None:
        """Nobody waits for the answer any more: close without one, below another screen once that is gone. Does
        nothing when it was answered."""
        self._withdrawn = True
        self._close_withdrawn()

    def on_screen_resume(self) -> None:
        self._close_withdrawn()

    def _close_withdrawn(self) -> None:
        if self._withdrawn and self.is_active:  # Textual's dismiss closes whichever screen is on top
            self.dismiss(None)


def heading(text: str) -> Static:
    """A heading; ``text`` may hold foreign words."""
    return Static(Content(text), classes="heading", markup=False)


def note(text: str, *, id: str | None = None) -> Static:  # noqa: A002 (Textual's name)
    """A quieter line below."""
    return Static(Content(text), classes="note", id=id, markup=False)
