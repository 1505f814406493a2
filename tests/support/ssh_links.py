"""Links to test boxes that end with the test, and a user who answers ssh's questions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest

from tests.support.sshd import Box, StartSshd, sshd
from tests.support.waiting import until
from tui.model.question import Question, QuestionKind
from tui.model.server import LinkPhase, LinkState
from tui.ssh.hub import Hub
from tui.ssh.link import Link
from tui.ssh.target import Target
from tui.ssh.timing import Timing

__all__ = ["QUICK", "Box", "OpenLink", "StartSshd", "User", "open_link", "sshd", "watched"]

QUICK = Timing(pauses=(0.2, 0.4, 0.8), ping=0.3, late=20.0, lost=60.0, look=0.2)
"""The same behaviour in less time; an agent on a busy machine may answer late. Silence has tests of its own."""


class User:
    """Answers questions: by kind, one after the other; None declines. ``asked`` are all questions."""

    def __init__(self, **answers: str | list[str | None] | None) -> None:
        self.asked: list[Question] = []
        self._answers = {kind: list(value) if isinstance(value, list) else value for kind, value in answers.items()}
        self.waits: asyncio.Event | None = None

    async def __call__(self, question: Question) -> str | None:
        self.asked.append(question)
        if self.waits is not None:
            await self.waits.wait()
        answer = self._answers.get(question.kind.value.replace("-", "_"))
        return (answer.pop(0) if answer else None) if isinstance(answer, list) else answer

    def kinds(self) -> list[QuestionKind]:
        return [question.kind for question in self.asked]


OpenLink = Callable[..., Link]


@pytest.fixture
async def open_link(sshd: StartSshd) -> AsyncIterator[OpenLink]:
    """``link = open_link(target, user)``; closed before the boxes stop. All share one hub."""
    hub = Hub()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(hub.aclose)

        def start(target: Target, user: User | None = None, timing: Timing = QUICK) -> Link:
            link = Link(target, user or User(), hub, timing)
            stack.push_async_callback(link.aclose)
            return link

        yield start


class Watched:
    """Every state of a link since this began, the present one first."""

    def __init__(self, link: Link) -> None:
        self.states: list[LinkState] = [link.state]
        self._subscription = link.subscribe()
        self._link = link
        self._looked_at = 0

    @property
    def phases(self) -> list[LinkPhase]:
        self.states += self._subscription.drain()
        found: list[LinkPhase] = []
        for state in self.states:
            if not found or found[-1] is not state.phase:
                found.append(state.phase)
        return found

    async def reaches(self, *wanted: LinkPhase, limit: float = 15.0) -> LinkState:
        """Wait until the link is in one of these phases, or was since the last wait; its state then."""
        return await until(lambda: self._next(wanted), limit, f"{wanted}; {self.phases} {self._link.state}")

    def _next(self, wanted: tuple[LinkPhase, ...]) -> LinkState | None:
        self.states += self._subscription.drain()
        for place in range(self._looked_at, len(self.states)):
            if self.states[place].phase in wanted:
                self._looked_at = place
                return self.states[place]
        return None


def watched(link: Link) -> Watched:
    return Watched(link)
