"""What a turn asks of a server, before the server's dialect is applied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tui.model.message import Message
from tui.model.tool import ToolSpec


@dataclass(frozen=True, slots=True)
class Sampling:
    """Sampling parameters; None means "not sent", so that the server's or the model's default holds.

    ``extra`` is passed through verbatim into the request body (any field lmdeploy knows and we do not).
    """

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    repetition_penalty: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    chat_template_kwargs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    response_format: Mapping[str, Any] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One request: the conversation so far, oldest first. ``continue_last`` asks the server to go on with the last
    (assistant) message instead of answering it. ``tools_raw``: the server has no tool parser; the tools go into the
    prompt all the same, and the model's own markup comes back as text."""

    model: str
    messages: tuple[Message, ...]
    system: str = ""
    tools: tuple[ToolSpec, ...] = ()
    sampling: Sampling = field(default_factory=Sampling)
    stream: bool = True
    continue_last: bool = False
    tools_raw: bool = False
