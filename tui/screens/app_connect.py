"""The app's side of connecting: the first question, the connect screen, another server while lmdeck runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from textual import work

from tui.app_options import AppOptions
from tui.i18n import _, set_language
from tui.screens.far_side import MachinesSide

if TYPE_CHECKING:
    from tui.screens.connect import Look
    from tui.screens.seam import Approver, Teller, Workspace, WorkspaceFactory

Opener = Callable[[AppOptions], "WorkspaceFactory"]


class ConnectSide(MachinesSide):
    """Mixed into the app. ``opener`` makes a workspace of options, ``look`` looks around (tests replace them)."""

    _options: AppOptions
    look: Look | None = None

    def __init__(self) -> None:
        super().__init__()
        self.opener: Opener = self._usual_opener

    def _usual_opener(self, options: AppOptions) -> WorkspaceFactory:
        """The real workspace behind these options."""

        async def open_it(approve: Approver, tell: Teller) -> Workspace:
            # Loaded in a thread: it waits for the first frame, and typing does not wait for it.
            room = await asyncio.to_thread(import_module, "tui.screens.workspace")
            return await room.open_workspace(options, approve, tell, far=lambda: self.far)

        return open_it

    @work(group="connect", exclusive=True)
    async def first_start(self) -> None:
        """The very first start asks for the language; then what is here is offered."""
        from tui.screens.connect import ConnectScreen

        screen = ConnectScreen(self._options, self._look())
        shown = self.push_screen(screen, self._connected)
        if self._asks_language():
            await shown
            from tui.screens.language import LanguageScreen

            language = await self.push_screen_wait(LanguageScreen())
            if language is not None:
                set_language(language)
                self.retranslate_all()
            await self.keep({"language": language or "auto"})

    def _asks_language(self) -> bool:
        import os

        told = bool(os.environ.get("LMDECK_LANGUAGE")) or "language" in self.fixed
        return not told and not self.live.path.exists()

    def _look(self) -> Look:
        if self.look is not None:
            return self.look
        from tui.hosts.discovery import Where, look_around

        where = Where(settings=self.live.path, lmdeploy=self.live.settings.lmdeploy_path, store=self._options.store)
        return partial(look_around, where)

    def _connected(self, chosen: AppOptions | None) -> None:
        if chosen is not None and chosen.launch:
            self.action_launch()
        elif chosen is not None:
            self._options = chosen
            self.chat.use(self.opener(chosen))
            if chosen.homework:
                self.chat.action_homework(chosen.homework)

    def action_launch(self) -> None:
        """The form that starts a server."""
        raise NotImplementedError

    def action_connect(self) -> None:
        """Look around again; what is chosen replaces what is open."""
        from tui.screens.connect import ConnectScreen

        if not any(isinstance(screen, ConnectScreen) for screen in self.screen_stack):
            self._connect_elsewhere()

    @work(group="connect", exclusive=True)
    async def _connect_elsewhere(self) -> None:
        from tui.screens.confirm import ConfirmScreen
        from tui.screens.connect import ConnectScreen

        question = _("A reply is running. Stop it and connect elsewhere? What has arrived is kept.")
        if self.chat.busy and not await self.push_screen_wait(ConfirmScreen(question)):
            return
        base = AppOptions(record=None, store=self._options.store, mouse=self._options.mouse)
        self._connected(await self.push_screen_wait(ConnectScreen(base, self._look(), can_leave=self.chat.is_open)))
