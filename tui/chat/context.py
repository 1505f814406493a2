"""How full the model's context is, and what to leave out when it is full."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from tui.chat.estimate import message_tokens, request_tokens
from tui.chat.ports import EndpointPort
from tui.model.events import ContextMeter, Usage
from tui.model.message import Message
from tui.model.problem import ProblemError
from tui.model.request import ChatRequest

NEAR = 0.9  # from here on the user is warned
_LOOK = 0.75  # from here on an estimate is not good enough before a message is sent
_TRIM_TO = 0.7  # a trimmed request leaves room for an answer
_COUNT_TIMEOUT = 2.0


class ContextGauge:
    """Measures requests against the context of an endpoint. Estimates learn from the server's own counts."""

    def __init__(self, endpoint: EndpointPort) -> None:
        self._endpoint = endpoint
        self._factor = 1.0
        self._learned_limit: int | None = None

    @property
    def limit(self) -> int | None:
        """The model's context in tokens: what the server said, or what it refused; None when unknown."""
        return self._endpoint.facts.context_length or self._learned_limit

    def learn_limit(self, limit: int) -> None:
        self._learned_limit = limit

    def learn(self, request: ChatRequest, usage: Usage) -> None:
        """The server counted this request: let estimates follow its vocabulary."""
        estimated = request_tokens(request)
        if not usage.estimated and usage.prompt_tokens > 0 and estimated > 0:
            self._factor = min(3.0, max(0.3, usage.prompt_tokens / estimated))

    def estimate(self, request: ChatRequest) -> int:
        return round(request_tokens(request) * self._factor)

    async def measure(self, request: ChatRequest) -> ContextMeter:
        """Count a request: by the server where it can, else estimated. Takes at most two seconds."""
        how = self._endpoint.facts.counts_tokens
        counted: int | None = None
        if how:
            try:
                async with asyncio.timeout(_COUNT_TIMEOUT):
                    counted = await self._endpoint.client.count_tokens(request, how)
            except (ProblemError, TimeoutError):
                counted = None
        if counted is None:
            return ContextMeter(self.estimate(request), self.limit, estimated=True)
        return ContextMeter(counted, self.limit)

    async def full(self, request: ChatRequest) -> ContextMeter | None:
        """The meter, when the request leaves no room for an answer; None when it may be sent. Asks the server only
        when it may be close, so that a chat is not slowed down."""
        limit = self.limit
        if limit is None or self.estimate(request) < limit * _LOOK:
            return None
        meter = await self.measure(request)
        return meter if meter.tokens >= limit else None

    def trim(self, request: ChatRequest) -> tuple[ChatRequest, int]:
        """The request without its oldest turns, so that about a third of the context is free, and how many messages
        were left out. The last user message and what follows it always stay."""
        limit = self.limit
        tokens = self.estimate(request)
        if limit is None or tokens < limit * _TRIM_TO:
            return request, 0
        messages = list(request.messages)
        dropped = 0
        for turn in _turns(request.messages)[:-1]:
            if tokens < limit * _TRIM_TO:
                break
            tokens -= round(sum(message_tokens(message) for message in turn) * self._factor)
            dropped += len(turn)
        return replace(request, messages=tuple(messages[dropped:])), dropped


def _turns(messages: tuple[Message, ...]) -> list[list[Message]]:
    """The messages in groups that begin with a user's message."""
    turns: list[list[Message]] = []
    for message in messages:
        if message.role == "user" or not turns:
            turns.append([])
        turns[-1].append(message)
    return turns
