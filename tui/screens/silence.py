"""Whether the server keeps silent while a reply runs. Counts only while the next word is the server's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

from tui.model import events

_THE_SERVERS_TURN = (
    events.TurnStarted,
    events.RoundStarted,
    events.TextDelta,
    events.ReasoningDelta,
    events.ToolCallStarted,
    events.ToolCallArguments,
)
_NOT_ITS_TURN = (events.ToolApprovalAsked, events.ToolRunning, events.TurnFinished, events.TurnFailed)


class Silence:
    """Tells ``say`` the seconds of silence once a second from ``limit`` seconds on, and 0 when it is over.

    One timer at a time, none while no reply runs: what arrives only notes when it did."""

    def __init__(self, say: Callable[[int], None], limit: float = 15.0) -> None:
        self.limit = limit
        self._say = say
        self._heard = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._told = False

    def heard(self, event: events.SessionEvent) -> None:
        """Something happened in the conversation."""
        if isinstance(event, _NOT_ITS_TURN):
            self.end()
        elif isinstance(event, _THE_SERVERS_TURN):
            self._heard = monotonic()
            self._quiet()
            if self._timer is None:
                self._arm(self.limit)

    def end(self) -> None:
        """Nothing is expected from the server any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._quiet()

    def _quiet(self) -> None:
        if self._told:
            self._told = False
            self._say(0)

    def _arm(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        silent = monotonic() - self._heard
        if silent < self.limit:
            self._arm(self.limit - silent)
            return
        self._told = True
        self._say(round(silent))
        self._arm(1.0)
