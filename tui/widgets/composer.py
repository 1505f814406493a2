"""The multi-line message box: Enter sends, Ctrl+J or a trailing backslash makes a line, history, large pastes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import TextArea

from tui.config.actions import BY_ID
from tui.i18n import _
from tui.widgets.history import History

# Above these a paste becomes a placeholder: a TextArea needs 1.9 s a key on one line of 1 MB (Textual 8.2.8).
PASTE_CHARACTERS = 20_000
PASTE_LINE = 2_000
MENU_KEYS = ("/", "／")


def _binding(identifier: str) -> Binding:
    action = BY_ID[identifier]
    return Binding(action.keys, action.run, action.title, id=action.id, priority=action.priority, show=False)


class Composer(TextArea):
    """Where a message is written. It never blocks and never clears itself except by sending."""

    BINDINGS: ClassVar[list[BindingType]] = [_binding("composer.send"), _binding("composer.newline")]

    @dataclass
    class Submitted(Message):
        """The user sent ``text`` (placeholders already filled in)."""

        text: str

    @dataclass
    class PathAsked(Message):
        """The user is writing a file's name behind an @; ``start`` is what there is of it."""

        start: str

    class MenuAsked(Message):
        """The user typed / (or ／) into the empty composer."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        self.dropped: Callable[[str], str] = lambda _text: ""  # a paste that is files dropped on the terminal
        super().__init__(id=id, compact=True, show_line_numbers=False, highlight_cursor_line=False, soft_wrap=True)
        self.cursor_blink = False  # a blinking cursor writes 2 kB a second to an idle terminal
        self.sent = History()
        self.large_paste = PASTE_CHARACTERS
        self._pastes: dict[str, str] = {}
        self._ahead: list[events.Key] | None = None  # typed since the menu was asked for, which is not there yet
        self.retranslate()

    def retranslate(self) -> None:
        self.placeholder = Content(_("Message — / opens the menu"))

    # sending

    def action_submit(self) -> None:
        if self.text.endswith("\\") and self.cursor_at_end_of_text:
            self.delete(*self._last_character())
            self.insert("\n")
            return
        text = self._with_pastes(self.text)
        if not text.strip():
            return
        self.sent.add(self.text if not self._pastes else text)
        self.clear_draft()
        self.post_message(self.Submitted(text))

    def action_newline(self) -> None:
        self.insert("\n")

    def _last_character(self) -> tuple[tuple[int, int], tuple[int, int]]:
        row, column = self.document.end
        return (row, column - 1), (row, column)

    def clear_draft(self) -> None:
        """Empty the composer and forget the pasted pieces."""
        self._pastes.clear()
        self.text = ""

    def put(self, text: str) -> None:
        """Replace what is written; the cursor goes to the end. Large text becomes a placeholder."""
        self._pastes.clear()
        self.text = self._placeholder(text) if self._is_large(text) else text
        self.move_cursor(self.document.end)

    @property
    def draft(self) -> str:
        """What would be sent now."""
        return self._with_pastes(self.text)

    # history

    def action_cursor_up(self, select: bool = False) -> None:
        if not select and self._on_edge_row(first=True) and self.recall(-1):
            return
        super().action_cursor_up(select)

    def action_cursor_down(self, select: bool = False) -> None:
        if not select and self._on_edge_row(first=False) and self.recall(1):
            return
        super().action_cursor_down(select)

    def recall(self, step: int) -> bool:
        """Show the message ``step`` further in the history (−1: older); False when there is none."""
        text = self.sent.move(step, self.draft)
        if text is None:
            return False
        self.put(text)
        return True

    def _on_edge_row(self, *, first: bool) -> bool:
        """Whether the cursor is on the first (last) row as wrapped on screen."""
        row = self.wrapped_document.location_to_offset(self.cursor_location).y
        return row == 0 if first else row >= self.wrapped_document.height - 1

    # completing a file's name

    @property
    def path_start(self) -> str | None:
        """What stands between an @ and the cursor at the end of its line; None where no file's name is written."""
        row, column = self.cursor_location
        line = self.document.get_line(row)
        word = line[:column].rpartition(" ")[2]
        return word[1:] if column == len(line) and word.startswith("@") else None

    def update_suggestion(self) -> None:
        super().update_suggestion()
        if "@" in self.text and (start := self.path_start):
            self.post_message(self.PathAsked(start))

    # keys and paste

    def keys_for_menu(self) -> list[events.Key]:
        """What was typed between the / and now; the menu is there and takes the rest itself."""
        keys, self._ahead = self._ahead or [], None
        return keys

    def on_key(self, event: events.Key) -> None:
        if self._ahead is not None:
            event.stop()
            event.prevent_default()
            self._ahead.append(event)
            return
        # Not as priority bindings: those run at once, before the characters typed just before have been inserted.
        if not event.is_printable and (action := self._own_action(event.key)):
            event.stop()
            event.prevent_default()
            action()
        elif event.key == "tab" and self.suggestion:
            event.stop()
            event.prevent_default()
            self.insert(self.suggestion)
        elif event.character in MENU_KEYS and not self.text:
            event.stop()
            event.prevent_default()
            self._ahead = []
            self.post_message(self.MenuAsked())

    def _own_action(self, key: str) -> Callable[[], None] | None:
        """The composer's action for a key, as the user's keymap has it."""
        active = self.screen.active_bindings.get(key)
        if active is None or active.node is not self:
            return None
        return {"composer.send": self.action_submit, "composer.newline": self.action_newline}.get(
            active.binding.id or ""
        )

    def on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        from tui.markdown.clean import clean

        text = clean(event.text)
        if files := self.dropped(text):
            text = files
        elif self._is_large(text):
            text = self._placeholder(text)
        result = self.insert(text)
        self.move_cursor(result.end_location)
        self.focus()

    def _placeholder(self, text: str) -> str:
        number = len(self._pastes) + 1
        shown = _("[pasted text {number}: {lines} lines, {characters} characters]").format(
            number=number, lines=f"{text.count(chr(10)) + 1:,}", characters=f"{len(text):,}"
        )
        self._pastes[shown] = text
        return shown

    def _with_pastes(self, text: str) -> str:
        for shown, pasted in self._pastes.items():
            text = text.replace(shown, pasted, 1)
        return text

    def _is_large(self, text: str) -> bool:
        return len(text) > self.large_paste or any(len(line) > PASTE_LINE for line in text.split("\n"))
