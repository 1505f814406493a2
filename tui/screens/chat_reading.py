"""What a user can do while reading: find, jump, follow links, copy code, look at the original text."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from textual import on, work

from tui.config.terminal import over_ssh
from tui.i18n import _
from tui.screens.chat_actions import ChatActions
from tui.widgets.find_bar import FindBar
from tui.widgets.jumps import last_code, next_of
from tui.widgets.transcript import Transcript

if TYPE_CHECKING:
    from tui.markdown.ink import Link


class ReadingActions(ChatActions):
    """Mixed into the chat screen."""

    # finding

    async def action_find(self) -> None:
        await self.query_one(FindBar).open()

    @on(FindBar.Changed)
    def _find_changed(self, event: FindBar.Changed) -> None:
        self.transcript.find(event.needle)
        self._find_step(1)

    @on(FindBar.Step)
    def _find_stepped(self, event: FindBar.Step) -> None:
        self._find_step(event.direction)

    def _find_step(self, direction: int) -> None:
        self.query_one(FindBar).show_count(*self.transcript.find_step(direction))

    @on(FindBar.Closed)
    def _find_closed(self) -> None:
        self.transcript.find("")
        self.composer.focus()

    # copying

    def _copied(self, text: str) -> None:
        self.app.copy_to_clipboard(text)
        self.hint(_("Sent to the terminal's clipboard: {count} characters.").format(count=f"{len(text):,}"))

    def action_copy_code(self) -> None:
        found = last_code(self.transcript, self.transcript.selected)
        if found is None:
            self.hint(_("There is no code block."))
        else:
            self._copied(found[1].code.code)

    def action_copy_selection(self) -> None:
        text = self.transcript.selected_markdown()
        if text:
            self._copied(text)
        else:
            self.hint(_("Nothing is selected: drag the mouse over the text first."))

    @on(Transcript.CodeClicked)
    def _code_clicked(self, event: Transcript.CodeClicked) -> None:
        self._copied(event.code)

    @work(group="dialog")
    async def action_show_raw(self) -> None:
        from tui.screens.raw import RawScreen

        message = self._chosen(None if self.transcript.selected else "assistant")
        if message is None or not message.text:
            self.hint(_("There is no message to show."))
            return
        await self.app.push_screen_wait(RawScreen(_("The message as it came"), message.text))

    # jumping

    def action_jump(self, what: str) -> None:
        transcript = self.transcript
        if what == "call":
            from tui.widgets.tool_call import ToolCallView

            place = next_of(transcript, ToolCallView)
            nothing = _("There is no tool call.")
        else:
            found = last_code(transcript, transcript.selected)
            place = found[0] if found is not None else None
            nothing = _("There is no code block.")
        if place is None:
            self.hint(nothing)
        else:
            transcript.show_place(place)

    # links

    @on(Transcript.LinkHovered)
    def _link_hovered(self, event: Transcript.LinkHovered) -> None:
        self.keys_line.change(hint=event.link.address if event.link is not None else "")

    @on(Transcript.LinkClicked)
    def _link_clicked(self, event: Transcript.LinkClicked) -> None:
        self._ask_about(event.link)

    @work(group="dialog")
    async def _ask_about(self, link: Link) -> None:
        await self._offer(link)

    async def _offer(self, link: Link) -> None:
        """Show the address; open or copy it when the user says so. Over ssh a browser here would not be theirs."""
        from tui.screens.link import LinkScreen

        openable = link.openable and (self.app.is_web or not over_ssh(os.environ))
        answer = await self.app.push_screen_wait(LinkScreen(link.address, openable=openable))
        if answer == "copy":
            self._copied(link.address)
        elif answer == "open" and openable:
            self.app.open_url(link.address)

    @work(group="dialog")
    async def action_links(self) -> None:
        from tui.screens.pick import PickScreen

        message = self._chosen(None if self.transcript.selected else "assistant")
        links = self.transcript.links_of(message.id) if message is not None else []
        if not links:
            self.hint(_("The message has no links."))
            return
        chosen = await self.app.push_screen_wait(
            PickScreen(_("Links of the message"), [link.address for link in links], 0)
        )
        if chosen is not None:
            await self._offer(links[chosen])
