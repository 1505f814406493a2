"""A server that lmdeck started without a tool parser: which one fits its model, and starting it again with that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import work

from tui.i18n import _
from tui.model.problem import Problem
from tui.screens.launching import LaunchSide

if TYPE_CHECKING:
    from tui.model.launch import ServerEntry

FLAG = "--tool-call-parser"


class ToolParserSide(LaunchSide):
    """Mixed into the app."""

    def __init__(self) -> None:
        super().__init__()
        self._offered: set[str] = set()

    def action_tool_parser(self) -> None:
        """The server of the chat again, with the tool parser that fits its model."""
        if not self._in_a_room():
            self._restart_with_parser()

    @work(group="launch", exclusive=True)
    async def _restart_with_parser(self) -> None:
        from tui.launch.prepare import with_flags
        from tui.launch.wish import ServeWish
        from tui.screens.launch import LaunchScreen

        parser = self._parser()
        if not parser:
            self.chat.hint(_("The model's name does not tell which tool parser fits it."))
            return
        async with self._site() as site:
            if site is None:
                return
            entry = await self._server_of_chat(site.machine)
            if entry is None:
                text = _("lmdeck did not start this server. Where it was started, add {flag} to its command.")
                self.chat.hint(text.replace("{flag}", f"{FLAG} {parser}"))
                return
            wish = with_flags(ServeWish(entry.words), (FLAG, parser))
            await self._visit(site, LaunchScreen(site, wish, replaces=entry))

    def _parser(self) -> str:
        """The parser that fits the model of the chat; empty where its name tells nothing."""
        from tui.lmdeploy.parsers import tool_parser_for

        workspace = self.chat.workspace
        link = workspace.link if workspace is not None else None
        found = tool_parser_for(link.model or "") if link is not None else None
        return found.name if found is not None else ""

    @work(group="offer", exclusive=True)
    async def offer_tool_parser(self) -> None:
        """Say once for each server that it can be started again with a parser, where lmdeck is who started it."""
        workspace, parser = self.chat.workspace, self._parser()
        if workspace is None or not parser or workspace.address in self._offered:
            return
        self._offered.add(workspace.address)
        entry = await self._ours()
        if entry is not None and self.chat.workspace is workspace:
            self.chat.tell(Problem("app.restart_with_parser", {"flag": f"{FLAG} {parser}"}))

    async def _ours(self) -> ServerEntry | None:
        """The entry of the chat's server, looked for where that server is."""
        from tui.launch.machine import LocalMachine

        far = self._far_machines()
        for machine in far:
            if (entry := await self._server_of_chat(machine)) is not None:
                return entry
        if far:
            return None
        local = LocalMachine()
        try:
            return await self._server_of_chat(local)
        finally:
            await local.aclose()
