"""Which tools the model may call, what they look like to it, and trying them by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, SelectionList, Static
from textual.widgets.selection_list import Selection

from tui.i18n import _
from tui.i18n.problems import explain
from tui.model.problem import Problem, ProblemError
from tui.model.tool import ToolSpec
from tui.screens.dialog import Dialog, heading, note
from tui.widgets.literal import literal, one_line

if TYPE_CHECKING:
    from tui.screens.seam import ToolsRoom
    from tui.tools.mcp_servers import McpServer

_SCHEMA_CHARACTERS = 4_000
_LOG_CHARACTERS = 2_000

TEMPLATE = '''\
def area(width: float, height: float) -> float:
    """Compute the area of a rectangle.

    Args:
        width: The width in metres.
        height: The height in metres.
    """
    return width * height
'''


class ToolsScreen(Dialog[frozenset[str]]):
    """Answers with the names of the tools that are on; ``enabled`` None: all. Without a ``room`` there is nothing to
    edit, to restart or to try."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "try_tool", show=False, id="tools.try"),
        Binding("e", "edit_file", show=False, id="tools.edit"),
        Binding("n", "new_file", show=False, id="tools.new"),
        Binding("a", "next_rule", show=False, id="tools.rule"),
        Binding("r", "reload", show=False, id="tools.reload"),
    ]

    def __init__(
        self, specs: Sequence[ToolSpec], enabled: frozenset[str] | None, room: ToolsRoom | None = None
    ) -> None:
        super().__init__()
        self._specs = tuple(specs)
        self._off = frozenset[str]() if enabled is None else frozenset(spec.name for spec in specs) - enabled
        self._room = room

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield heading(_("Tools that the model may call"))
            yield SelectionList[str](*self._rows(), id="list")
            with VerticalScroll(classes="scroll", can_focus=False):
                yield Static(Content(""), markup=False, id="details")
            yield Static(Content(""), markup=False, id="problems", classes="error")
            yield note(_("Space switches a tool. Tools other than the built-in arithmetic ask before they run."))
            if self._room is not None:
                with Horizontal(classes="buttons", id="more"):
                    yield Button(_("Try (t)"), id="try", compact=True)
                    yield Button(_("Edit (e)"), id="edit", compact=True)
                    yield Button(_("New (n)"), id="new", compact=True)
                    yield Button(_("Rule (a)"), id="rule", compact=True)
                    yield Button(_("Reload (r)"), id="reload", compact=True)
            with Horizontal(classes="buttons"):
                yield Button(_("Cancel"), id="cancel")
                yield Button(_("Use these"), id="ok", variant="primary")

    def on_mount(self) -> None:
        self._list.focus()
        self._show()
        if self._room is not None:
            self.action_reload()

    @property
    def _list(self) -> SelectionList[str]:
        return cast("SelectionList[str]", self.query_one("#list", SelectionList))

    @property
    def chosen(self) -> ToolSpec | None:
        """The tool that the cursor is on."""
        place = self._list.highlighted
        return self._specs[place] if place is not None and place < len(self._specs) else None

    def _rows(self) -> list[Selection[str]]:
        return [Selection(_line(spec), spec.name, spec.name not in self._off) for spec in self._specs]

    def _fill(self) -> None:
        """Show the tools as they are now; the cursor stays where it is."""
        if self._room is None or not self.is_attached:
            return
        self._off = frozenset(spec.name for spec in self._specs) - frozenset(self._list.selected)
        place = self._list.highlighted
        self._specs = self._room.box.specs()
        self._list.clear_options()
        self._list.add_options(self._rows())
        if self._specs:
            self._list.highlighted = min(place or 0, len(self._specs) - 1)
        self._show()

    @on(SelectionList.SelectionHighlighted)
    def _show(self) -> None:
        spec = self.chosen
        details = Content("") if spec is None else self._details(spec)
        self.query_one("#details", Static).update(details)
        problems = self._room.box.problems() if self._room is not None else ()
        texts = [explain(problem).text for problem in problems]
        servers = [_server_line(server) for server in self._room.box.servers] if self._room is not None else []
        self.query_one("#problems", Static).update(literal("\n".join([*servers, *texts])))

    def _details(self, spec: ToolSpec) -> Content:
        schema = json.dumps(spec.parameters, indent=2, ensure_ascii=False)
        pieces = [literal(spec.description)] if spec.description else []
        pieces.append(Content.styled(f"{self._origin(spec)} · {self._rule(spec)}", "$text-muted"))
        pieces.append(literal(schema[:_SCHEMA_CHARACTERS]))
        return Content("\n").join(pieces)

    def _origin(self, spec: ToolSpec) -> str:
        if not spec.source:
            return _("built in")
        path = self._path_of(spec)
        if path is not None:
            return _("from {file}").format(file=one_line(path.name, 60))
        return _("from the MCP server {name}").format(name=one_line(spec.source, 40))

    def _rule(self, spec: ToolSpec) -> str:
        from tui.tools.approval import Rule

        if not spec.needs_approval:
            return _("runs without asking")
        rule = self._room.policy.rule(spec) if self._room is not None else Rule.ASK
        return {
            Rule.ASK: _("asks before it runs"),
            Rule.ALLOW: _("always allowed"),
            Rule.NEVER: _("never runs"),
        }[rule]

    def _path_of(self, spec: ToolSpec) -> Path | None:
        if self._room is None:
            return None
        entry = next((entry for entry in self._room.box.entries() if entry.spec.name == spec.name), None)
        file = self._room.box.python.file_of(entry.offer) if entry is not None else None
        return file.path if file is not None else None

    # what can be done

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        actions = {
            "try": self.action_try_tool,
            "edit": self.action_edit_file,
            "new": self.action_new_file,
            "rule": self.action_next_rule,
            "reload": self.action_reload,
        }
        act = actions.get(event.button.id or "")
        if act is not None:
            act()
        else:
            self.dismiss(frozenset(self._list.selected) if event.button.id == "ok" else None)

    @work(group="dialog", exclusive=True)
    async def action_try_tool(self) -> None:
        """Run the tool with arguments of one's own."""
        from tui.screens.tool_try import TryToolScreen

        spec = self.chosen
        if spec is not None and self._room is not None:
            await self.app.push_screen_wait(TryToolScreen(spec, self._room.box))

    def action_edit_file(self) -> None:
        """Change the file that the tool stands in."""
        spec = self.chosen
        path = self._path_of(spec) if spec is not None else self._broken_file()
        if path is None:
            path = self._broken_file()
        if path is not None:
            self._edit(path)

    def _broken_file(self) -> Path | None:
        """A file that gives no tools because something is wrong with it."""
        files = self._room.box.python.files if self._room is not None else ()
        return next((file.path for file in files if file.problems), None)

    def action_new_file(self) -> None:
        """Write a new file of tools, beginning with an example."""
        if self._room is None:
            return
        folder = self._room.box.python.folder
        number = 1
        while (path := folder / f"tools{number}.py").exists():
            number += 1
        self._edit(path, TEMPLATE)

    @work(group="dialog", exclusive=True)
    async def _edit(self, path: Path, template: str = "") -> None:
        from textual.app import SuspendNotSupported

        from tui.screens.editor import edit_file, editor_command

        try:
            with self.app.suspend():
                await edit_file(editor_command(), path, template)
        except SuspendNotSupported:
            self._say(_("An editor cannot be opened here. The file is {path}.").format(path=path))
            return
        except ProblemError as error:
            self._tell(error.problem)
            return
        finally:
            self.refresh(layout=True)
        self.action_reload()

    @work(group="dialog", exclusive=True)
    async def action_next_rule(self) -> None:
        """Ask, always allow, never run: the next of the three."""
        from tui.tools.approval import Rule

        spec = self.chosen
        if spec is None or self._room is None or not spec.needs_approval:
            return
        order = (Rule.ASK, Rule.ALLOW, Rule.NEVER)
        rule = order[(order.index(self._room.policy.rule(spec)) + 1) % len(order)]
        await self._room.policy.set_rule(spec, rule)
        self._show()

    @work(group="reload", exclusive=True)
    async def action_reload(self) -> None:
        """Read changed files; start MCP servers that are not running."""
        if self._room is None:
            return
        for server in self._room.box.servers:
            if server.state == "failed":
                await server.restart()
        await self._room.box.refresh()
        self._fill()
        for server in self._room.box.servers:
            if server.state == "starting":
                await server.settled(server.config.fields.start_timeout)
                self._fill()

    def _tell(self, problem: Problem) -> None:
        self._say(explain(problem).text)

    def _say(self, text: str) -> None:
        self.query_one("#problems", Static).update(literal(text))


def _line(spec: ToolSpec) -> Content:
    return Content.assemble(literal(one_line(spec.name, 40), "bold"), "  ", literal(one_line(spec.description, 120)))


_STATES = {"off": "○", "starting": "…", "ready": "●", "failed": "✗"}


def _server_line(server: McpServer) -> str:
    """One line about an MCP server, with the end of what it printed when it failed."""
    words = {
        "off": _("off"),
        "starting": _("starting"),
        "ready": _("{count} tools").format(count=len(server.offers())),
        "failed": _("failed"),
    }
    line = f"{_STATES[server.state]} {server.name}: {words[server.state]}"
    if server.state == "failed" and server.log.strip():
        line += "\n" + server.log[-_LOG_CHARACTERS:].strip().rpartition("\n")[2]
    return line
