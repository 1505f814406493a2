"""What the screens expect from a session and its surroundings, so that tests and replays can stand in for them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tui.model.broadcast import Subscription
from tui.model.events import SessionEvent, TurnFigures
from tui.model.memory import MemoryBreakdown
from tui.model.message import ConversationInfo, ImagePart, Message
from tui.model.monitor import Attention, MemoryState
from tui.model.plan import Explanation, PlanInput
from tui.model.problem import Problem
from tui.model.request import Sampling
from tui.model.search import SearchHit
from tui.model.server import LinkState, ServerFacts, ServerMetrics
from tui.model.tool import Decision, ToolCall, ToolSpec
from tui.model.turn import TurnRecord

if TYPE_CHECKING:
    from tui.chat.wire import WireView
    from tui.hosts.findings import Told
    from tui.hosts.remote import RemoteHost
    from tui.hosts.run_keeper import RunKeeper
    from tui.tools.approval import Policy
    from tui.tools.setup import UserTools

Approver = Callable[[ToolCall, ToolSpec], Awaitable[Decision]]
EndpointNews = LinkState | ServerFacts | ServerMetrics


class ReadableSession(Protocol):
    """What a screen reads of a conversation; a replay offers just this."""

    @property
    def messages(self) -> tuple[Message, ...]: ...
    @property
    def busy(self) -> bool: ...
    @property
    def waiting(self) -> tuple[str, ...]: ...
    @property
    def turns(self) -> Mapping[str, TurnFigures]:
        """The figures of the turns that messages come from, by ``Message.turn``."""
        ...

    def subscribe(self) -> Subscription[SessionEvent]: ...
    async def aclose(self) -> None: ...


class ChatSession(ReadableSession, Protocol):
    """One conversation on one endpoint (``tui.session.Session``)."""

    title: str
    system: str
    sampling: Sampling
    tools_enabled: frozenset[str] | None  # None: all

    async def submit(
        self, text: str, images: tuple[ImagePart, ...] = (), *, trim_oldest: bool = False, anyway: bool = False
    ) -> None: ...
    async def stop(self) -> None: ...
    def cancel_call(self, call_id: str) -> bool: ...
    async def regenerate(self, message_id: str | None = None) -> None: ...
    async def edit(self, message_id: str, text: str) -> None: ...
    async def resume(self) -> None: ...
    async def take_back(self, index: int) -> str: ...
    async def rename(self, title: str) -> None: ...
    async def delete(self, message_id: str) -> tuple[str, ...]: ...
    async def undelete(self) -> tuple[str, ...]: ...

    @property
    def conversation_id(self) -> str: ...


class ServerLink(Protocol):
    """A server as the screen sees it (``tui.server.endpoint.Endpoint``)."""

    @property
    def facts(self) -> ServerFacts: ...
    @property
    def link(self) -> LinkState: ...
    @property
    def model(self) -> str | None: ...
    def subscribe(self) -> Subscription[EndpointNews]: ...
    def choose_model(self, name: str) -> None: ...
    def retry(self) -> None:
        """Look at the server now, without waiting for the next attempt."""
        ...


class KeptConversations(Protocol):
    """The conversations on the disk (``tui.store``). Every call may raise ProblemError."""

    async def conversations(self, limit: int = 200, offset: int = 0) -> list[ConversationInfo]: ...
    async def conversation(self, conversation_id: str) -> ConversationInfo | None: ...
    async def search(self, query: str, limit: int = 50) -> list[SearchHit]: ...
    async def rename(self, conversation_id: str, title: str, *, manual: bool) -> object: ...
    async def delete(self, conversation_id: str) -> None: ...
    async def restore(self, conversation_id: str) -> None: ...
    async def fork(self, conversation_id: str, message_id: str, *, title: str | None = None) -> ConversationInfo: ...
    async def messages(self, ids: list[str]) -> list[Message]: ...
    async def versions(self, message_id: str, conversation_id: str | None = None) -> list[str]: ...
    async def branch_points(self, conversation_id: str) -> dict[str, int]: ...
    async def leaf(self, conversation_id: str, message_id: str) -> str: ...
    async def turns(self, conversation_id: str) -> list[TurnRecord]: ...
    async def branch(self, conversation_id: str, tip: str | None = None) -> list[Message]: ...


class MemoryWatch(Protocol):
    """The memory of a server and its cards (``tui.hosts.monitor.MemoryMonitor``)."""

    @property
    def state(self) -> MemoryState: ...
    @property
    def keeper(self) -> RunKeeper | None:
        """The runs; None in a replay."""
        ...

    def subscribe(self) -> Subscription[MemoryState]: ...
    def watching(self, attention: Attention) -> AbstractContextManager[None]: ...
    def snapshot(self) -> tuple[MemoryBreakdown, ...]:
        """The newest split with its witnesses."""
        ...

    def explain(self, part: str, card: int = 0) -> Explanation | None: ...
    def question(self, card: int = 0) -> PlanInput | None: ...
    def tell(self, told: Told | None) -> None: ...


@dataclass(frozen=True, slots=True)
class ToolsRoom:
    """The user's tools and the rules for them."""

    box: UserTools
    policy: Policy


class Workspace(Protocol):
    """Everything behind the chat screen; built after the first frame."""

    @property
    def session(self) -> ChatSession | None:
        """The open conversation that can be written to; None in a replay."""
        ...

    @property
    def reading(self) -> ReadableSession:
        """The open conversation or the replay."""
        ...

    @property
    def link(self) -> ServerLink | None: ...
    @property
    def memory(self) -> MemoryWatch | None: ...
    @property
    def tools(self) -> tuple[ToolSpec, ...]: ...
    @property
    def tools_room(self) -> ToolsRoom | None:
        """Where the tools come from; None where there are only the built-in ones."""
        ...

    @property
    def notices(self) -> tuple[Problem, ...]:
        """What the user should be told first: a store that could not be opened."""
        ...

    @property
    def host(self) -> RemoteHost | None:
        """The machine over ssh that the server is on, if it is."""
        ...

    @property
    def address(self) -> str:
        """Where the server is, for the status line."""
        ...

    def begin(self) -> None:
        """The screen follows everything now: a replay may start."""
        ...

    async def new_conversation(self) -> None:
        """Replace the session by an empty one with the same settings."""
        ...

    @property
    def kept(self) -> KeptConversations | None:
        """The conversations that are kept; None in a replay."""
        ...

    async def open_conversation(self, conversation_id: str, tip: str | None = None) -> None:
        """Replace the session by a kept conversation, on the branch that ends at ``tip``. Raises ProblemError."""
        ...

    async def wire(self, message_id: str) -> WireView | None:
        """What went over the wire for an assistant's message; None where nothing is kept of it. Raises ProblemError."""
        ...

    async def aclose(self) -> None:
        """Stop what runs, close the store, end children."""
        ...


Teller = Callable[[Problem], None]
WorkspaceFactory = Callable[[Approver, Teller], Awaitable[Workspace]]
