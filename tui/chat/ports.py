"""What the engine and a session need from their neighbours, as small protocols."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal, Protocol

from tui.model.broadcast import Subscription
from tui.model.delta import Delta
from tui.model.events import SessionEvent, TurnFigures
from tui.model.message import ConversationInfo, Message
from tui.model.problem import Problem
from tui.model.request import ChatRequest
from tui.model.server import LinkState, ServerFacts
from tui.model.tool import Decision, ToolCall, ToolSpec
from tui.model.turn import RawLine, TurnRecord

Approver = Callable[[ToolCall, ToolSpec], Awaitable[Decision]]
LineSink = Callable[[RawLine], None]
ProblemSink = Callable[[Problem], None]
CountingWay = Literal["messages", "encode", ""]

# The server room's codes for "this server has no tool parser": the only server problem that the engine mends itself.
NO_TOOL_PARSER = ("server.no_tool_parser", "server.no_tool_parser_unknown")
# … and for "the input is longer than the context": its data are ``tokens`` and ``limit``.
CONTEXT_TOO_LONG = "server.context_too_long"
# … and for an empty answer because nothing fits behind the input (lmdeploy ≤ 0.15).
CONTEXT_FULL = "server.context_full"


class ChatServer(Protocol):
    """Whoever answers chat requests. ``chat`` raises ProblemError; closing its iterator closes the socket.
    ``on_line`` gets the answer's lines, ``on_notice`` what went wrong without ending the answer."""

    def chat(
        self, request: ChatRequest, *, on_line: LineSink | None = None, on_notice: ProblemSink | None = None
    ) -> AsyncGenerator[Delta, None]: ...


class CountingServer(ChatServer, Protocol):
    """A server that may count tokens for us. None: it cannot, or did not answer in time."""

    async def count_tokens(self, request: ChatRequest, how: CountingWay) -> int | None: ...


class AddressPort(Protocol):
    @property
    def base_url(self) -> str: ...
    @property
    def reference(self) -> str: ...


class EndpointPort(Protocol):
    """The server a conversation talks to, and what is known of it."""

    @property
    def address(self) -> AddressPort: ...
    @property
    def client(self) -> CountingServer: ...
    @property
    def facts(self) -> ServerFacts: ...
    @property
    def link(self) -> LinkState: ...
    @property
    def model(self) -> str | None: ...

    async def ready(self, timeout: float) -> bool: ...  # noqa: ASYNC109 (the endpoint's own signature)

    def request_failed(self, problem: Problem) -> None: ...

    def remember_no_tool_parser(self) -> None: ...

    async def learn_context_length(self) -> int | None: ...


class StorePort(Protocol):
    """Where conversations are kept. Every call may raise ProblemError."""

    async def create_conversation(
        self, *, title: str = "", endpoint: str = "", model: str = "", settings: Mapping[str, object] | None = None
    ) -> ConversationInfo: ...

    async def conversation(self, conversation_id: str, /) -> ConversationInfo | None: ...

    async def rename(self, conversation_id: str, title: str, /, *, manual: bool) -> object: ...

    async def change(
        self,
        conversation_id: str,
        /,
        *,
        model: str | None = None,
        endpoint: str | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> None: ...

    async def put_message(self, conversation_id: str, message: Message, /) -> None: ...

    async def set_tip(self, conversation_id: str, message_id: str, /) -> None: ...

    async def branch(
        self, conversation_id: str, tip: str | None = None, /, *, all_of_it: bool = False
    ) -> list[Message]: ...

    async def hide(self, conversation_id: str, ids: Sequence[str], /) -> None: ...

    async def unhide(self, conversation_id: str, ids: Sequence[str], /) -> None: ...

    async def hidden(self, conversation_id: str, /) -> list[tuple[str, ...]]: ...

    async def figures(self, conversation_id: str, /) -> dict[str, TurnFigures]: ...

    async def versions(self, message_id: str, conversation_id: str | None = None, /) -> list[str]: ...

    async def put_turn(self, turn: TurnRecord, /) -> None: ...


class ConversationView(Protocol):
    """What a screen reads of a conversation: a live session or a replayed one."""

    @property
    def messages(self) -> tuple[Message, ...]: ...
    @property
    def busy(self) -> bool: ...
    @property
    def waiting(self) -> tuple[str, ...]: ...
    @property
    def title(self) -> str: ...

    def subscribe(self) -> Subscription[SessionEvent]: ...


def new_id() -> str:
    """A new unique id for messages, turns and calls."""
    return uuid.uuid4().hex


def utc_now() -> datetime:
    return datetime.now(UTC)
