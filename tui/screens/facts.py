"""What is known of the server, and what went wrong with it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui.i18n import _
from tui.i18n.problems import explain
from tui.model.server import LinkState, ServerFacts
from tui.screens.dialog import Dialog, heading, note
from tui.widgets import words
from tui.widgets.literal import literal, one_line


class FactsScreen(Dialog[None]):
    """A page to read; "unknown" means "not found out"."""

    def __init__(self, facts: ServerFacts | None, link: LinkState | None) -> None:
        super().__init__()
        self._facts, self._link = facts, link

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield heading(_("About the server"))
            with VerticalScroll(classes="scroll"):
                yield Static(Content("\n").join(self._lines()), markup=False)
            yield note(_("Esc closes"))

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()

    def _lines(self) -> list[Content]:
        lines = [_line(_("Link"), words.link(self._link))]
        if trouble := words.link_trouble(self._link):
            lines.append(_line(_("Trouble"), trouble))
        facts = self._facts
        if facts is None:
            return lines
        lines += [
            _line(_("Models"), ", ".join(facts.models) or _unknown()),
            _line(_("Engine"), words.engine(facts) or _unknown()),
            _line(_("Context length"), f"{facts.context_length:,}" if facts.context_length else _unknown()),
            _line(_("Tool parser"), _yes_no(facts.has_tool_parser)),
            _line(_("Reasoning parser"), _yes_no(facts.has_reasoning_parser)),
            _line(_("Metrics"), _yes_no(facts.metrics)),
            _line(_("Proxy"), _yes_no(facts.is_proxy)),
            _line(_("Simulated"), _yes_no(facts.simulated)),
        ]
        lines += [_line(_("Note"), explain(problem).text) for problem in facts.problems]
        return lines


def _line(name: str, value: str) -> Content:
    label = Content.styled(name, "$text-muted")
    return label + " " * max(1, 20 - label.cell_length) + literal(one_line(value, 600))


def _unknown() -> str:
    return _("unknown")


def _yes_no(value: bool | None) -> str:
    return _unknown() if value is None else _("yes") if value else _("no")
