"""Pictures from the chat: what the preview is given to choose from."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from textual import work

from tui.i18n import _
from tui.model.problem import ProblemError
from tui.screens.chat_actions import ChatActions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.worker import Worker

    from tui.model.message import Message
    from tui.model.turn import TurnRecord
    from tui.screens.seam import Workspace
    from tui.screens.shot_picture import ShotContent
    from tui.screens.shot_preview import Choice

_TURNS_SHOWN = 1


class ShotActions(ChatActions):
    """Mixed into the chat screen."""

    def open_shot(self) -> Worker[None]:
        """Open the preview; the worker ends when it is closed."""
        return self.action_shot()

    @work(group="shot", exclusive=True)
    async def action_shot(self) -> None:
        """Open the preview on the selected turn, or the last one."""
        workspace = self.workspace
        messages = workspace.reading.messages if workspace is not None else ()
        if workspace is None or not any(message.parts for message in messages):
            self.hint(_("There is no conversation to take a picture of yet."))
            return
        await asyncio.to_thread(_load)
        from tui.screens.shot_preview import Choice, ShotScreen
        from tui.screens.shot_rows import turns_of

        turns = turns_of(messages)
        selected = self.transcript.selected
        places = [number for number, turn in enumerate(turns, 1) if any(one.id == selected for one in turn)]
        last = places[0] if places else len(turns)
        records = await _records(workspace)
        present = _Present(workspace, records)
        themes = tuple(dict.fromkeys(("lmdeck-light", "lmdeck-dark", self.app.theme)))
        choice = Choice(_TURNS_SHOWN, last, now=not present.has_kept(turns[last - 1]))
        await self.app.push_screen_wait(ShotScreen(present.content, choice, len(turns), themes))


class _Present:
    """The open conversation and everything known about it, for any choice."""

    def __init__(self, workspace: Workspace, records: dict[str, TurnRecord]) -> None:
        self._workspace = workspace
        self._records = records
        self._messages = workspace.reading.messages

    def has_kept(self, turn: Sequence[Message]) -> bool:
        """Whether memory figures were kept with a turn."""
        found = (self._records.get(message.turn or "") for message in turn)
        return any(record.breakdown for record in found if record is not None)

    def content(self, choice: Choice) -> ShotContent:
        """What is in the picture."""
        from tui.screens.shot_content import content_of, live_content, newest, user_at_host
        from tui.screens.shot_rows import turns_of

        turns = turns_of(self._messages)[choice.last - choice.count : choice.last]
        messages = [message for turn in turns for message in turn]
        workspace = self._workspace
        session, memory, link = workspace.session, workspace.memory, workspace.link
        who = "" if choice.hide_user else user_at_host()
        title = session.title if session is not None else ""
        kept = content_of(title, messages, self._records, workspace.reading.turns, who=who)
        if not choice.now or memory is None:
            return kept
        turn = newest(messages, self._records)
        facts, model = (link.facts, link.model or "") if link is not None else (None, "")
        return live_content(kept, memory.state, memory.snapshot(), turn, facts, model)


async def _records(workspace: Workspace) -> dict[str, TurnRecord]:
    """The records of the open conversation's turns; none where nothing is kept."""
    session, kept = workspace.session, workspace.kept
    if session is None or kept is None:
        return {}
    try:
        return {turn.id: turn for turn in await kept.turns(session.conversation_id)}
    except ProblemError:
        return {}  # the picture is of what is on screen; figures that cannot be read are left out


def _load() -> None:
    """Load what draws pictures, in a thread: 0.1 s and more."""
    from importlib import import_module

    for name in ("tui.screens.shot_preview", "tui.shot.png", "resvg_py"):
        with suppress(ImportError):
            import_module(name)
