"""Running a tool by hand: its arguments as JSON, its result as the model and the user would get it."""

from __future__ import annotations

import asyncio
import json
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static, TextArea

from tui.i18n import _
from tui.i18n.problems import explain
from tui.model.tool import ToolCall, ToolOutcome, ToolRunner, ToolSpec
from tui.screens.dialog import Dialog, heading
from tui.widgets import words
from tui.widgets.literal import literal, one_line
from tui.widgets.tool_details import result_text

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHOWN = 6_000
_SAMPLES: dict[str, Any] = {"integer": 0, "number": 0, "string": "", "boolean": False, "array": [], "object": {}}


class TryToolScreen(Dialog[None]):
    """Closed with Esc; a tool that runs then is ended."""

    def __init__(self, spec: ToolSpec, runner: ToolRunner) -> None:
        super().__init__()
        self._spec, self._runner = spec, runner
        self.running = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield heading(_("Try {name}").format(name=one_line(self._spec.name, 60)))
            yield TextArea(json.dumps(sample(self._spec.parameters), indent=2, ensure_ascii=False), id="arguments")
            with VerticalScroll(classes="scroll", can_focus=False):
                yield Static(Content(""), markup=False, id="result")
            with Horizontal(classes="buttons"):
                yield Button(_("Close"), id="close")
                yield Button(_("Run"), id="run", variant="primary")

    def on_mount(self) -> None:
        self.query_one(TextArea).focus()

    @on(Button.Pressed, "#close")
    def _close_pressed(self) -> None:
        self.dismiss(None)

    @on(Button.Pressed, "#run")
    def _run_pressed(self) -> None:
        self.run_tool()

    @work(group="run", exclusive=True)
    async def run_tool(self) -> None:
        """Check the arguments and run the tool once."""
        from tui.tools.schema import check_arguments

        text = self.query_one(TextArea).text
        try:
            given: Any = json.loads(text)
        except (ValueError, RecursionError) as error:
            self._say(Content.styled(_("That is not JSON: {reason}").format(reason=str(error)), "$text-error"))
            return
        if not isinstance(given, dict):
            self._say(Content.styled(_("The arguments are a JSON object: {…}"), "$text-error"))
            return
        arguments = cast("dict[str, Any]", given)
        reason = await asyncio.to_thread(check_arguments, arguments, self._spec.parameters)
        if reason:
            self._say(literal(_("The model would be told: {reason}").format(reason=reason), "$text-error"))
            return
        self.running = True
        self._say(Content.styled(_("runs …"), "$text-muted"))
        begin = monotonic()
        try:
            outcome = await self._runner.run(ToolCall("by-hand", self._spec.name, arguments, text))
        finally:
            self.running = False
        self._show(outcome, monotonic() - begin)

    def _show(self, outcome: ToolOutcome, seconds: float) -> None:
        head = Content.assemble(
            ("✓ " if outcome.ok else "✗ ", "$text-success" if outcome.ok else "$text-error"), words.seconds(seconds)
        )
        pieces = [head]
        if outcome.problem is not None:
            pieces.append(literal(explain(outcome.problem).sentence))
        pieces.append(literal(result_text(outcome.full or outcome.content)[:_SHOWN]))
        if outcome.log:
            pieces += [Content.styled(_("printed"), "$text-muted"), literal(outcome.log[-_SHOWN:])]
        self._say(Content("\n").join(pieces))

    def _say(self, content: Content) -> None:
        self.query_one("#result", Static).update(content)


def sample(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments to begin with: every required one with an empty value, or its default, or the first choice."""
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return {}
    fields = cast("dict[str, Any]", properties)
    required = schema.get("required") or list(fields)
    return {name: _value(fields[name]) for name in cast("list[str]", required) if name in fields}


def _value(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return None
    fields = cast("dict[str, Any]", schema)
    if "default" in fields:
        return fields["default"]
    if fields.get("enum"):
        return fields["enum"][0]
    if fields.get("type") == "object":
        return sample(fields)
    return _SAMPLES.get(str(fields.get("type")))
