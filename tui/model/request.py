"""What a turn asks of a server, before the server's dialect is applied."""

from __future__ import annotations

from dataclasses import dataclass, field

from tui.model.message import Message
from tui.model.sampling import Sampling
from tui.model.tool import ToolSpec

__all__ = ("ChatRequest", "Sampling")


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
