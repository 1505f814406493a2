"""What a user can do with conversations from the chat: the list, versions, forks, titles, files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import work

from tui.i18n import _
from tui.model.problem import ProblemError
from tui.screens.chat_actions import ChatActions
from tui.widgets.dates import when
from tui.widgets.literal import one_line

if TYPE_CHECKING:
    from tui.screens.seam import ChatSession, KeptConversations, Workspace


class ConversationActions(ChatActions):
    """Mixed into the chat screen."""

    def _with_kept(self) -> tuple[Workspace, ChatSession, KeptConversations] | None:
        """What all of these need; says so where it is missing (in a replay, before the workspace is there)."""
        workspace = self.workspace
        if workspace is None or workspace.session is None or workspace.kept is None:
            self.hint(_("There is no conversation to do this with yet."))
            return None
        return workspace, workspace.session, workspace.kept

    def action_conversations(self) -> None:
        self.find_conversations("")

    @work(group="dialog")
    async def find_conversations(self, words: str) -> None:
        """The list of conversations, with a search already typed."""
        from tui.screens.history import HistoryScreen

        found = self._with_kept()
        if found is None:
            return
        workspace, session, kept = found
        screen = HistoryScreen(kept, session.conversation_id, words, rename_open=session.rename, eats=self.eats)
        opened = await self.app.push_screen_wait(screen)
        if opened is None:
            return
        await self.show_conversation(workspace, opened.conversation_id, opened.message_id)

    async def show_conversation(self, workspace: Workspace, conversation_id: str, message_id: str | None) -> None:
        """Open a kept conversation; where a message was found that is on another branch, that branch."""
        if not await self._may_leave():
            return
        kept = workspace.kept
        try:
            session = workspace.session
            if session is None or session.conversation_id != conversation_id:
                await workspace.open_conversation(conversation_id)
            here = {message.id for message in workspace.reading.messages}
            if message_id is not None and message_id not in here and kept is not None:
                await workspace.open_conversation(conversation_id, await kept.leaf(conversation_id, message_id))
        except ProblemError as error:
            self.tell(error.problem)
            return
        self.session_changed()
        if message_id is not None:
            self.call_after_refresh(self._select_found, message_id)

    def _select_found(self, message_id: str) -> None:
        self.transcript.select(message_id)

    async def _may_leave(self) -> bool:
        """A running reply is stopped only after a question; what has arrived is kept."""
        from tui.screens.confirm import ConfirmScreen

        session = self.session
        if session is None or not session.busy:
            return True
        question = _("A reply is running. Stop it and open another conversation?")
        if not await self.app.push_screen_wait(ConfirmScreen(question)):
            return False
        await session.stop()
        return True

    @work(group="dialog")
    async def action_versions(self) -> None:
        """Choose among the versions of a message; its newest branch is shown."""
        from tui.screens.pick import PickScreen

        found = self._with_kept()
        if found is None:
            return
        workspace, session, kept = found
        conversation = session.conversation_id
        try:
            points = await kept.branch_points(conversation)
            shown = [message.id for message in session.messages]
            several = [one for one in shown if points.get(one, 1) > 1]
            chosen_one = self._chosen(None)
            selected = chosen_one.id if chosen_one is not None else ""
            place = selected if selected in several else several[-1] if several else None
            if place is None:
                self.hint(_("No message here has several versions: Ctrl+R makes another one."))
                return
            ids = await kept.versions(place, conversation)
            messages = await kept.messages(ids)
        except ProblemError as error:
            self.tell(error.problem)
            return
        lines = [f"{when(one.created)}  {one_line(one.text or one.reasoning, 100)}" for one in messages]
        question = _("Versions of this message")
        chosen = await self.app.push_screen_wait(PickScreen(question, lines, ids.index(place) if place in ids else 0))
        if chosen is None or messages[chosen].id == place or not await self._may_leave():
            return
        try:
            await workspace.open_conversation(conversation, await kept.leaf(conversation, messages[chosen].id))
        except ProblemError as error:
            self.tell(error.problem)
            return
        self.session_changed()

    @work(group="dialog")
    async def action_fork(self) -> None:
        found = self._with_kept()
        if found is None:
            return
        workspace, session, kept = found
        tip = self._chosen(None)
        if tip is None:
            self.hint(_("There is no message to fork at."))
            return
        if not await self._may_leave():
            return
        try:
            made = await kept.fork(session.conversation_id, tip.id)
            await workspace.open_conversation(made.id)
        except ProblemError as error:
            self.tell(error.problem)
            return
        self.session_changed()
        self.hint(_("This is a new conversation with the same beginning."))

    @work(group="dialog")
    async def action_rename(self) -> None:
        from tui.screens.ask import AskScreen

        session = self.session
        if session is None:
            self.hint(_("There is no conversation to do this with yet."))
            return
        hint = _("An automatic title never replaces it.")
        title = await self.app.push_screen_wait(AskScreen(_("Title of this conversation"), session.title, hint=hint))
        if title and title.strip():
            await session.rename(title.strip())

    @work(group="dialog")
    async def action_export(self, kind: str = "md", target: str = "") -> None:
        """Write the visible branch into a file, without overwriting anything."""
        from tui.screens.export import export_conversation

        await export_conversation(self, kind, target)
