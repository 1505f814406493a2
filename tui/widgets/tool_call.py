"""A tool call as one line – name, arguments, result, time, state – that unfolds to the whole of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import Enum
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

from textual.content import Content

from tui.i18n import _
from tui.widgets import words
from tui.widgets.literal import literal, one_line
from tui.widgets.parts import DETAIL_CHARACTERS, DETAIL_LINES, PartView
from tui.widgets.tool_details import image_notes, parsed, result_text, scalar

if TYPE_CHECKING:
    from tui.model.message import ImagePart
    from tui.model.problem import Problem

_SHOWN_ARGUMENTS = 120
_SHOWN_RESULT = 80
_MOST_DELTAS = 40
_CROSS = range(2, 4)  # cells


class CallState(Enum):
    WRITING = "writing"
    ASKED = "asked"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    BROKEN = "broken"
    CANCELLED = "cancelled"


# What ended a call, where that is a state of its own.
_STATES = {
    "chat.call_refused": CallState.REFUSED,
    "chat.call_refused_because": CallState.REFUSED,
    "ask.not_allowed": CallState.REFUSED,
    "tools.never": CallState.REFUSED,
    "chat.call_cancelled": CallState.CANCELLED,
    "chat.call_not_json": CallState.BROKEN,
    "chat.call_cut": CallState.BROKEN,
}
_ENDED = frozenset((CallState.DONE, CallState.FAILED, CallState.REFUSED, CallState.BROKEN, CallState.CANCELLED))


class ToolCallView(PartView):
    """Follows one call from its first letter to its result."""

    FOLDS = True
    GAP = 0

    def __init__(self, message_id: str, call_id: str, name: str, arguments: str = "") -> None:
        super().__init__(message_id, "tool")
        self.call_id = call_id
        self.name_of_tool = name
        self.state = CallState.WRITING
        self._pieces: list[str] = [arguments] if arguments else []
        self._result = ""
        self._seconds = 0.0
        self._problem: Problem | None = None
        self._log = ""
        self._full = ""
        self._images: tuple[ImagePart, ...] = ()
        self._since = 0.0
        self._begun = monotonic()
        self._deltas: list[tuple[float, str]] = []

    @property
    def arguments(self) -> str:
        """The JSON text as the model wrote it so far."""
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0] if self._pieces else ""

    def feed(self, fragment: str) -> None:
        """A further piece of the arguments; the line is repainted five times a second at most."""
        self._pieces.append(fragment)
        if len(self._deltas) <= _MOST_DELTAS:
            self._deltas.append((monotonic() - self._begun, fragment))
        if self.host is not None:
            self.host.part_changed(self, 0.2)

    def set_state(self, state: CallState) -> None:
        if state is CallState.RUNNING and self.state is not state:
            self._since = monotonic()
        self.state = state
        self.redraw()

    def finish(self, content: str, *, ok: bool, seconds: float, problem: Problem | None = None) -> None:
        """The call ended; ``content`` is what the model got."""
        self._result, self._seconds, self._problem = content, seconds, problem
        failed = _STATES.get(problem.code, CallState.FAILED) if problem is not None else CallState.FAILED
        self.set_state(CallState.DONE if ok else failed)

    def tell(self, *, log: str, full: str, images: tuple[ImagePart, ...]) -> None:
        """What only the user gets of the result: see :class:`tui.model.tool.ToolOutcome`."""
        self._log, self._full, self._images = log, full, images
        self.redraw()

    def picture(self) -> Content:
        gear = ("✕ ", "bold $text-warning") if self.state is CallState.RUNNING else ("⚙ ", "$text-muted")
        head = Content.assemble(
            (f"{words.fold_mark(self.open)} ", "$text-muted"),
            gear,
            literal(one_line(self.name_of_tool, 60), "bold"),
            "  ",
            literal(one_line(self._short_arguments(), _SHOWN_ARGUMENTS)),
            self._outcome(),
        )
        return Content("\n").join([head, self._details()]) if self.open else head

    def pressed_at(self, row: int, column: int) -> str:
        """The id of this call where its ✕ stands."""
        return self.call_id if self.state is CallState.RUNNING and row == 0 and column in _CROSS else ""

    @property
    def searched(self) -> str:
        return Content("\n").join([Content(self.name_of_tool), self._details()]).plain

    def _short_arguments(self) -> str:
        parsed = _parse(self.arguments)
        if parsed is None:
            return self.arguments[:400]
        return "  ".join(f"{key}={scalar(value)}" for key, value in parsed.items())

    def _outcome(self) -> Content:
        from tui.i18n.problems import explain

        if self.state is CallState.WRITING:
            return Content("  …")
        if self.state is CallState.ASKED:
            return Content.styled("  " + _("waits for your decision"), "$text-warning")
        if self.state is CallState.RUNNING:
            elapsed = words.seconds(float(int(monotonic() - self._since)))
            return Content.styled("  " + _("runs … {elapsed} (✕ cancels it)").format(elapsed=elapsed), "$text-muted")
        time = Content.styled(f"  {words.seconds(self._seconds)}", "$text-muted")
        if self.state is CallState.DONE:
            return Content("  → ") + literal(one_line(self._result, _SHOWN_RESULT), "$text-success") + time
        reason = explain(self._problem).sentence if self._problem else self._result
        if self.state in (CallState.REFUSED, CallState.CANCELLED):
            return Content.styled("  ⊘ ", "$text-warning") + literal(
                one_line(reason, _SHOWN_RESULT * 2), "$text-warning"
            )
        return Content("  ✗ ") + literal(one_line(reason, _SHOWN_RESULT * 2), "$text-error") + time

    def _details(self) -> Content:
        parsed = _parse(self.arguments)
        arguments = self.arguments if parsed is None else json.dumps(parsed, indent=2, ensure_ascii=False)
        pieces = [_caption(_("arguments")), _shorten(arguments)]
        if self.state in _ENDED:
            result = "\n".join([result_text(self._full or self._result), *image_notes(self._images)])
            pieces += [_caption(_("result")), _shorten(result)]
            if self._full:
                pieces.append(
                    _caption(_("the model got {count} characters of it").format(count=f"{len(self._result):,}"))
                )
            if self._log:
                pieces += [_caption(_("printed")), _shorten(self._log)]
        if self._deltas:
            pieces += [_caption(_("as the model wrote it, piece by piece")), literal("\n".join(self._pieces_in_time()))]
        return Content("\n").join(pieces)

    def _pieces_in_time(self) -> Iterator[str]:
        """The raw fragments with the seconds since the call began; quoted, so that blanks are seen."""
        for seconds, fragment in self._deltas[:_MOST_DELTAS]:
            yield f"{seconds:7.3f} s  {json.dumps(fragment[:_SHOWN_ARGUMENTS], ensure_ascii=False)}"
        if len(self._deltas) > _MOST_DELTAS:
            yield _("… and more: “Show the request” has all of them")


def _caption(text: str) -> Content:
    return Content.styled(text, "$text-muted")


def _parse(text: str) -> dict[str, Any] | None:
    data = parsed(text)
    return cast("dict[str, Any]", data) if isinstance(data, dict) else None


def _shorten(text: str) -> Content:
    lines = text[:DETAIL_CHARACTERS].split("\n")
    shown = "\n".join(lines[:DETAIL_LINES])
    if len(shown) == len(text):
        return literal(shown)
    rest = _("… {count} more characters").format(count=f"{len(text) - len(shown):,}")
    return Content("\n").join([literal(shown), Content.styled(rest, "$text-muted")])
