"""What a user can do with tools from the chat: switch them, decide about calls, look at a request."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual import on, work

from tui.i18n import _
from tui.model.problem import ProblemError
from tui.screens.chat_actions import ChatActions
from tui.widgets.transcript import Transcript
from tui.widgets.words import tools_in_words

if TYPE_CHECKING:
    from tui.model.tool import Decision, ToolCall, ToolSpec
    from tui.screens.seam import ToolsRoom


class ToolActions(ChatActions):
    """Mixed into the chat screen."""

    def __init__(self) -> None:
        super().__init__()
        self._approving = asyncio.Lock()

    @work(group="dialog")
    async def action_tools(self) -> None:
        from tui.screens.tools import ToolsScreen

        session, workspace = self.session, self.workspace
        if session is None or workspace is None:
            self.hint(_("There is no conversation to do this with yet."))
            return
        chosen = await self.app.push_screen_wait(
            ToolsScreen(workspace.tools, session.tools_enabled, workspace.tools_room)
        )
        every = frozenset(spec.name for spec in workspace.tools)
        if chosen is not None:
            session.tools_enabled = None if chosen == every else chosen
        self.show_tools()

    def offer_tool_parser(self) -> None:
        """The server passes tool calls on unread: where lmdeck started it, it can start it again with a parser."""
        from tui.screens.tool_parser import ToolParserSide

        if isinstance(self.app, ToolParserSide):
            self.app.offer_tool_parser()

    async def read_tools(self, room: ToolsRoom) -> None:
        """Read the tools folder behind the screen, so that the first message does not wait for it."""
        await room.box.refresh()
        self.show_tools()
        for server in room.box.servers:
            if server.state == "starting":
                await server.settled(server.config.fields.start_timeout)
                self.show_tools()

    def show_tools(self) -> None:
        """Say beside the composer which tools are on."""
        session, workspace = self.session, self.workspace
        if session is not None and workspace is not None:
            names = [spec.name for spec in workspace.tools]
            on = [name for name in names if session.tools_enabled is None or name in session.tools_enabled]
            self.keys_line.change(tools=tools_in_words(on))

    @on(Transcript.CancelClicked)
    def _cancel_clicked(self, event: Transcript.CancelClicked) -> None:
        self._cancel_call(event.call_id)

    def _cancel_call(self, call_id: str) -> None:
        session = self.session
        if session is None or not session.cancel_call(call_id):
            self.hint(_("This call has ended already."))

    @work(group="dialog")
    async def action_cancel_call(self) -> None:
        """End the tool call that runs; where several do, the user chooses."""
        from tui.screens.pick import PickScreen
        from tui.widgets.tool_call import CallState, ToolCallView

        views = self.transcript.part_views()
        running = [view for view in views if isinstance(view, ToolCallView) and view.state is CallState.RUNNING]
        if not running:
            self.hint(_("No tool runs now."))
            return
        chosen: int | None = 0
        if len(running) > 1:
            lines = [f"{call.name_of_tool}  {call.arguments}" for call in running]
            chosen = await self.app.push_screen_wait(PickScreen(_("Which call is to be cancelled?"), lines))
        if chosen is not None:
            self._cancel_call(running[chosen].call_id)

    @work(group="dialog")
    async def action_wire(self) -> None:
        """The request behind the selected (or the last) answer."""
        from tui.screens.wire import WireScreen

        message = self._chosen("assistant")
        workspace = self.workspace
        try:
            view = await workspace.wire(message.id) if message is not None and workspace is not None else None
        except ProblemError as error:
            self.tell(error.problem)
            return
        if view is None:
            self.hint(_("Nothing is kept of a request for this."))
            return
        copied = await self.app.push_screen_wait(WireScreen(view))
        if copied:
            self.copy_text(copied)

    async def approve(self, call: ToolCall, spec: ToolSpec) -> Decision:
        """Ask the user about a tool call; one dialog at a time. Cancelled with the turn."""
        from tui.screens.approval import ApprovalScreen

        async with self._approving:
            answer: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
            screen = ApprovalScreen(call, spec)

            def decided(decision: Decision | None) -> None:
                if decision is not None and not answer.done():
                    answer.set_result(decision)

            self.app.call_later(self.app.push_screen, screen, decided)
            try:
                return await answer
            finally:
                self.app.call_later(screen.withdraw)
