"""A recording behind the chat screen: it can be read and scrolled, nothing can be sent."""

from __future__ import annotations

from pathlib import Path

from tui.app_options import AppOptions
from tui.model.problem import Problem
from tui.model.tool import ToolSpec
from tui.replay import ReplayedLink, ReplayedMemory, ReplaySession


class ReplayWorkspace:
    """Owns a replay; it begins when the screen follows it."""

    session = None
    kept = None
    tools: tuple[ToolSpec, ...] = ()
    tools_room: None = None
    notices: tuple[Problem, ...] = ()

    def __init__(self, replay: ReplaySession, name: str) -> None:
        self._replay = replay
        self._name = name

    @property
    def reading(self) -> ReplaySession:
        return self._replay

    @property
    def link(self) -> ReplayedLink:
        return self._replay.link

    @property
    def memory(self) -> ReplayedMemory:
        return self._replay.memory

    @property
    def host(self) -> None:
        """A recording is on no machine."""

    @property
    def address(self) -> str:
        return self._name

    def begin(self) -> None:
        self._replay.start()

    async def wire(self, message_id: str) -> None:
        """A recording holds events, not the lines they came from."""

    async def new_conversation(self) -> None:
        """A recording has the conversations that it has."""

    async def open_conversation(self, conversation_id: str, tip: str | None = None) -> None:
        """A recording shows only itself."""

    async def aclose(self) -> None:
        await self._replay.aclose()


async def open_replay(options: AppOptions) -> ReplayWorkspace:
    """Read the recording that ``options`` name. Raises ProblemError."""
    path = Path(options.replay or "")
    return ReplayWorkspace(await ReplaySession.open(path, options.speed), path.name)
