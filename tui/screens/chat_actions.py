"""What a user can do on the chat screen. Each ``action_…`` stands in the table of :mod:`tui.config.actions`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from textual import work
from textual.screen import Screen

from tui.i18n import _
from tui.model.problem import Problem, ProblemError
from tui.widgets.composer import Composer
from tui.widgets.lines import Banner, KeysLine, QueueLine, StatusLine
from tui.widgets.transcript import Transcript

if TYPE_CHECKING:
    from tui.model.events import MessageHeld
    from tui.model.message import Message
    from tui.screens.sampling import Preset
    from tui.screens.seam import ChatSession, Workspace
    from tui.screens.settings import ConversationSettings


class ChatActions(Screen[None]):
    """The verbs of the chat screen; the screen itself supplies widgets and streams."""

    def __init__(self) -> None:
        super().__init__()
        self.workspace: Workspace | None = None
        self._early: list[str] = []
        self._editing: str | None = None
        self._sending = asyncio.Lock()
        self._news: int | None = None
        # Held, not queried: what still runs while the app closes may write into lines that were just removed.
        self.status_line, self.keys_line = StatusLine(id="status"), KeysLine(id="keys")
        self.queue_line, self.banner = QueueLine(id="queue"), Banner(id="banner")

    @property
    def transcript(self) -> Transcript:
        return self.query_one(Transcript)

    @property
    def composer(self) -> Composer:
        return self.query_one(Composer)

    @property
    def session(self) -> ChatSession | None:
        return self.workspace.session if self.workspace is not None else None

    @property
    def busy(self) -> bool:
        return self.workspace is not None and self.workspace.reading.busy

    @property
    def eats(self) -> frozenset[str]:
        """Keys that this terminal keeps for itself."""
        return frozenset()

    def tell(self, problem: Problem) -> None:
        raise NotImplementedError

    def hint(self, text: str) -> None:
        raise NotImplementedError

    # sending

    def send(self, text: str) -> None:
        """Send a message, or the edited version of an old one; before the workspace is there it waits."""
        editing, self._editing = self._editing, None
        if self.workspace is None:
            self._early.append(text)
            self.queue_line.show_waiting(tuple(self._early))
        elif (session := self.session) is None:
            self.hint(_("This is a replay: nothing can be sent."))
            self.composer.put(text)
        elif editing is not None:
            self.command(lambda: session.edit(editing, text))
        else:
            self.command(lambda: session.submit(text))

    def send_early(self) -> None:
        """Send what was typed before the workspace was there."""
        early, self._early = self._early, []
        for text in early:
            self.send(text)

    @work(group="command")
    async def command(self, call: Callable[[], Awaitable[None]]) -> None:
        """Run one of the session's verbs; they keep their order. What they refuse is said in the conversation."""
        async with self._sending:
            try:
                await call()
            except ProblemError as error:
                self.tell(error.problem)

    def _with_session(self, verb: Callable[[ChatSession], Awaitable[None]]) -> None:
        session = self.session
        if session is None:
            self.hint(_("There is no conversation to do this with yet."))
        else:
            self.command(lambda: verb(session))

    def _when_idle(self, verb: Callable[[ChatSession], Awaitable[None]]) -> None:
        if self.busy:
            self.hint(_("A reply is running: stop it first (Esc)."))
        else:
            self._with_session(verb)

    @work(group="stop")
    async def action_stop(self) -> None:
        if (session := self.session) is not None and session.busy:
            await session.stop()
        elif self._editing is not None:
            self._editing = None
            self.composer.clear_draft()
            self.hint(_("Editing was given up."))
        else:
            self.transcript.select(None)

    def action_regenerate(self) -> None:
        chosen = self._chosen("assistant")
        self._when_idle(lambda session: session.regenerate(chosen.id if chosen else None))

    def action_resume(self) -> None:
        self._when_idle(lambda session: session.resume())

    def action_history(self, step: int) -> None:
        if not self.composer.recall(step):
            self.hint(_("There is no further message in the history."))

    @work(group="command")
    async def action_take_back(self) -> None:
        session = self.session
        if session is None or not session.waiting:
            self.hint(_("No message waits."))
            return
        text = await session.take_back(len(session.waiting) - 1)
        draft = self.composer.draft
        self.composer.put(f"{text}\n{draft}" if draft else text)

    def action_edit_message(self) -> None:
        message = self._chosen("user")
        if message is None:
            self.hint(_("There is no message of yours to edit."))
        elif self.busy:
            self.hint(_("A reply is running: stop it first (Esc)."))
        else:
            self._editing = message.id
            self.composer.put(message.text)
            self.composer.focus()
            self.hint(_("Enter sends the changed message as a new branch; Esc gives up."))

    def action_delete_message(self) -> None:
        selected = self.transcript.selected
        if selected is None:
            self.hint(_("Select the message first: Alt+↑ walks through them."))
            return

        async def delete(session: ChatSession) -> None:
            if selected not in {message.id for message in session.messages}:
                return  # gone meanwhile
            await session.delete(selected)
            self.hint(_("Deleted. The menu brings it back: “Bring back what was deleted”."))

        self._when_idle(delete)

    def action_undelete_message(self) -> None:
        async def undelete(session: ChatSession) -> None:
            if not await session.undelete():
                self.hint(_("Nothing was deleted on this branch."))

        self._when_idle(undelete)

    def action_copy_message(self) -> None:
        message = self._chosen("assistant") if self.transcript.selected is None else self._chosen(None)
        if message is None or not message.text:
            self.hint(_("There is no message to copy."))
        else:
            self.copy_text(message.text)

    def copy_text(self, text: str) -> None:
        """Copy, and say no more than is known about it."""
        self.app.copy_to_clipboard(text)
        self.hint(_("Sent to the terminal's clipboard: {count} characters.").format(count=f"{len(text):,}"))

    def _chosen(self, role: str | None) -> Message | None:
        """The selected message if its role fits, else the last one of that role."""
        if self.workspace is None:
            return None
        messages = [item for item in self.workspace.reading.messages if role is None or item.role == role]
        selected = self.transcript.selected
        return next((item for item in messages if item.id == selected), messages[-1] if messages else None)

    def action_walk(self, step: int) -> None:
        self.transcript.walk(step)

    def action_fold(self) -> None:
        self.transcript.fold_parts()

    def action_scroll_transcript(self, where: str) -> None:
        self.transcript.move_view(where)

    def completions(self, name: str) -> tuple[str, ...]:
        """What may stand behind a command."""
        del name
        return ()

    # dialogs

    @work(group="dialog")
    async def action_menu(self) -> None:
        from tui.screens.menu import INSERT_SLASH, MenuScreen

        chosen = await self.app.push_screen_wait(MenuScreen(self.completions, self.composer.keys_for_menu))
        if chosen == INSERT_SLASH:
            self.composer.insert("/")
        elif chosen is not None and chosen.startswith("/"):
            self.send(chosen)
        elif chosen is not None:
            await self.app.run_action(chosen, default_namespace=self)

    @work(group="dialog")
    async def action_choose_model(self) -> None:
        from tui.screens.pick import PickScreen

        link = self.workspace.link if self.workspace is not None else None
        if link is None or not link.facts.models:
            self.hint(_("The server has not named its models yet."))
            return
        names = link.facts.models
        place = names.index(link.model) if link.model in names else 0
        chosen = await self.app.push_screen_wait(PickScreen(_("Models of this server"), names, place))
        if chosen is not None:
            link.choose_model(names[chosen])
            self.hint(_("The next message goes to {model}.").format(model=names[chosen]))

    @work(group="dialog")
    async def action_settings(self) -> None:
        from tui.screens.settings import ConversationSettings, SettingsScreen

        session = self.session
        if session is None:
            self.hint(_("There is no conversation to do this with yet."))
            return
        now = ConversationSettings(session.system, session.sampling)
        link = self.workspace.link if self.workspace is not None else None
        form = SettingsScreen(now, link.facts if link is not None else None, self._presets())
        chosen = await self.app.push_screen_wait(form)
        if chosen is not None:
            session.system, session.sampling = chosen.system, chosen.sampling
            self.hint(_("Used from the next message on."))
            if chosen.keep:
                await self._keep_as_default(chosen)

    def _presets(self) -> tuple[Preset, ...]:
        """Sampling parameters that can be chosen by name."""
        return ()

    async def _keep_as_default(self, chosen: ConversationSettings) -> None:
        """New conversations begin with this."""

    @work(group="dialog")
    async def action_new_conversation(self) -> None:
        from tui.screens.confirm import ConfirmScreen

        workspace = self.workspace
        if workspace is None or workspace.session is None:
            self.hint(_("There is no conversation to do this with yet."))
            return
        if self.busy:
            question = _("A reply is running. Stop it and start a new conversation?")
            if not await self.app.push_screen_wait(ConfirmScreen(question)):
                return
            await workspace.session.stop()
        await workspace.new_conversation()
        self.session_changed()

    def session_changed(self, notices: tuple[Problem, ...] = ()) -> None:
        """The workspace has another conversation now: follow that one, and say the notices in it."""
        raise NotImplementedError

    @work(group="dialog")
    async def action_server_facts(self) -> None:
        from tui.screens.facts import FactsScreen

        link = self.workspace.link if self.workspace is not None else None
        await self.app.push_screen_wait(FactsScreen(link.facts if link else None, link.link if link else None))

    @work(group="dialog")
    async def choose_for_held(self, held: MessageHeld) -> None:
        """The context is full: let the user choose what happens to the message that was not sent."""
        from tui.i18n.problems import explain
        from tui.screens.pick import PickScreen

        choices = (
            _("Leave the oldest turns out of the requests"),
            _("Start a new conversation with this message"),
            _("Send it anyway"),
            _("Back to the composer"),
        )
        chosen = await self.app.push_screen_wait(PickScreen(explain(held.problem).text, choices, 0))
        session, workspace = self.session, self.workspace
        if session is None or workspace is None or chosen in (None, 3):
            self.composer.put(held.text)
            return
        if chosen == 1:
            await workspace.new_conversation()
            self.session_changed()
            session = workspace.session or session
        self.command(lambda: session.submit(held.text, held.images, trim_oldest=chosen == 0, anyway=chosen == 2))
