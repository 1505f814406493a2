"""Writing a message: /commands, files named with @, pictures, the user's own editor, drafts that wait."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on, work

from tui.i18n import _
from tui.model.problem import Problem, ProblemError
from tui.screens.chat_actions import ChatActions
from tui.widgets.composer import Composer

if TYPE_CHECKING:
    from tui.config.drafts import Drafts
    from tui.screens.sampling import Preset
    from tui.screens.seam import ChatSession
    from tui.screens.settings import ConversationSettings


class WritingActions(ChatActions):
    """Mixed into the chat screen."""

    def __init__(self) -> None:
        super().__init__()
        self._drafts: Drafts | None = None
        self._drafting: ChatSession | None = None  # whose the composer's text is
        self.box: Composer | None = None  # still has its text when the screen's widgets are gone

    # sending

    def action_compose_submit(self) -> None:
        """“Send” was clicked: the same as its key."""
        self.composer.focus()
        self.composer.action_submit()

    def action_compose_newline(self) -> None:
        self.composer.focus()
        self.composer.action_newline()

    def send(self, text: str) -> None:
        """A command is obeyed, files named with @ are read; everything else goes the usual way."""
        from tui.screens.slash import parse

        if (command := parse(text)) is not None:
            self.run_slash(*command)
        elif "@" in text and self.session is not None and self._editing is None:
            self._send_with_files(text)
        else:
            super().send(text)

    @work(group="attach")
    async def _send_with_files(self, text: str) -> None:
        from tui.screens.attach import expand

        made = await asyncio.to_thread(expand, text, Path.cwd())
        session = self.session
        if made.problem is not None or session is None:
            if not self.composer.draft:
                self.composer.put(text)
            self.tell(made.problem or Problem("chat.no_model"))
            return
        if made.images and (problem := self._no_eyes()) is not None:
            if not self.composer.draft:
                self.composer.put(text)
            self.tell(problem)
            return
        self.command(lambda: session.submit(made.text, made.images))

    def _no_eyes(self) -> Problem | None:
        """Why a picture cannot be sent; None where it can, or where only the server knows."""
        from tui.lmdeploy.vision import sees_pictures

        workspace = self.workspace
        if workspace is None or workspace.link is None:
            return None
        model = workspace.link.model or ""
        known = workspace.memory.question() if workspace.memory is not None else None
        sees = known.config.vision if known is not None else sees_pictures(model)
        if workspace.link.facts.simulated:
            sees = False
        return Problem("app.no_eyes", {"model": model}) if sees is False else None

    # commands

    def run_slash(self, name: str, argument: str) -> None:
        """Obey a command typed behind /."""
        raise NotImplementedError

    def completions(self, name: str) -> tuple[str, ...]:
        """What may stand behind a command here."""
        from tui.screens.slash import arguments_of

        workspace = self.workspace
        models = workspace.link.facts.models if workspace is not None and workspace.link is not None else ()
        tools = tuple(spec.name for spec in workspace.tools) if workspace is not None else ()
        return arguments_of(name, models, tools, tuple(sorted(self.app.available_themes)))

    async def keep_setting(self, name: str, value: str) -> None:
        """Save a setting that was changed by a command."""
        from tui.screens.app_settings import SettingsSide

        if isinstance(self.app, SettingsSide):
            await self.app.keep({name: value})

    def _presets(self) -> tuple[Preset, ...]:
        from tui.screens.app_settings import SettingsSide
        from tui.screens.preference_rows import profiles_of
        from tui.screens.sampling import presets

        if not isinstance(self.app, SettingsSide):
            return ()
        live = self.app.live
        return presets(live.settings, profiles_of(live.loaded) if live.loaded is not None else ())

    async def _keep_as_default(self, chosen: ConversationSettings) -> None:
        from tui.screens.app_settings import SettingsSide
        from tui.screens.sampling import kept_values

        if isinstance(self.app, SettingsSide):
            await self.app.keep({**kept_values(chosen.sampling), "system_prompt": chosen.system or None})

    def mentions_of(self, text: str) -> str:
        """What stands for pictures dropped on the terminal; empty for any other paste."""
        from tui.screens.attach import dropped_files, mention

        return "".join(f"{mention(path)} " for path in dropped_files(text))

    # completing a file's name

    @on(Composer.PathAsked)
    def _path_asked(self, event: Composer.PathAsked) -> None:
        self._complete_path(event.start)

    @work(group="path", exclusive=True)
    async def _complete_path(self, start: str) -> None:
        from tui.screens.attach import completion

        rest = await asyncio.to_thread(completion, start, Path.cwd())
        if rest and self.composer.path_start == start:
            self.composer.suggestion = rest

    # the editor

    @work(group="dialog")
    async def action_editor(self) -> None:
        """Write the message in $VISUAL or $EDITOR; the terminal is the editor's until it ends."""
        from textual.app import SuspendNotSupported

        from tui.screens.editor import edit, editor_command

        command = editor_command()
        try:
            with self.app.suspend():
                text = await edit(command, self.composer.draft)
        except SuspendNotSupported:
            self.hint(_("An editor cannot be opened here."))
            return
        except ProblemError as error:
            self.tell(error.problem)
            return
        finally:
            self._repaint()
        self.composer.put(text)

    def _repaint(self) -> None:
        from tui.widgets.display import EconomicalDisplay

        if isinstance(self.app, EconomicalDisplay):
            self.app.repaint_terminal()

    # drafts

    async def _known_drafts(self) -> Drafts:
        if self._drafts is None:
            from tui.config.drafts import Drafts

            self._drafts = await asyncio.to_thread(Drafts.read)
        return self._drafts

    async def bring_draft(self) -> None:
        """What was being written in this conversation when it was left."""
        drafts = await self._known_drafts()
        self._drafting = self.session
        if not self.composer.draft and (text := drafts.take(_draft_key(self._drafting))):
            self.composer.put(text)

    def change_draft(self) -> None:
        """Another conversation is open: what was being written stays with the one that was left."""
        if self._drafting is None or self._drafts is None or self.session is self._drafting:
            return
        self._drafts.put(_draft_key(self._drafting), self.composer.draft)
        self._drafting, self._editing = self.session, None
        self.composer.put(self._drafts.take(_draft_key(self._drafting)))
        self.run_worker(self._write_drafts(self._drafts), group="drafts")

    async def keep_draft(self) -> None:
        """Keep what is being written, behind the messages that still wait to be sent; an unwritable disk costs the
        draft, nothing else."""
        if self.box is None or not (self.box.draft or self._drafting):
            return  # an empty composer that belongs to no conversation says nothing about one
        waiting = self._drafting.waiting if self._drafting is not None else ()
        drafts = await self._known_drafts()
        drafts.put(_draft_key(self._drafting), "\n\n".join(text for text in (*waiting, self.box.draft) if text))
        await self._write_drafts(drafts)

    async def _write_drafts(self, drafts: Drafts) -> None:
        with suppress(OSError, ProblemError):
            await asyncio.to_thread(drafts.write)


def _draft_key(session: ChatSession | None) -> str:
    """The conversation's id once something was said in it; a new one has the empty key."""
    return session.conversation_id if session is not None and session.messages else ""
