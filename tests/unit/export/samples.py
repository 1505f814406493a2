"""A conversation with everything that can stand in one."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

from tui.export.document import Document
from tui.model.events import Timings, Usage
from tui.model.memory import Figure, KvOccupancy, MemoryBreakdown, ServerSetup, Source, Witness
from tui.model.message import (
    ImagePart,
    Message,
    NoticePart,
    Part,
    ReasoningPart,
    Role,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from tui.model.problem import Problem
from tui.model.request import Sampling
from tui.model.server import ServerFacts
from tui.model.tool import ToolSpec
from tui.model.turn import TurnRecord

WHEN = datetime(2026, 3, 1, 12, 30, 45, tzinfo=UTC)
GIB = 1 << 30
PIXEL = base64.b64encode(
    base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==")
).decode()
SETUP = ServerSetup(
    model="internlm2_5-1_8b-chat-w4a16-4bit", engine="turbomind", version="0.18", weight_format="awq", weight_bits=4,
    quant_policy=4, ratio=0.4, session_len=32768, command=("lmdeploy", "serve", "api_server", "m"), started=1e9,
)  # fmt: skip
WITNESS = Witness("11759MiB / 24576MiB", "vgpu-smi", 1.77e9, '127.0.0.1:5 - "POST /v1/chat/completions" 200', SETUP)


def size(gib: float | None, source: Source = Source.MEASURED) -> Figure:
    return Figure(None if gib is None else round(gib * GIB), source)


def card(**changes: Any) -> MemoryBreakdown:
    """The homework's split, as it was measured."""
    values: dict[str, Any] = {
        "card": 0,
        "name": "NVIDIA A100",
        "total": size(24.0),
        "weights": size(1.44, Source.CHECKPOINT),
        "kv_cache": size(8.14, Source.SERVER_LOG),
        "other": size(1.91),
        "other_processes": size(None, Source.UNKNOWN),
        "driver_reserve": size(0.6),
        "free": size(11.91),
        "occupancy": KvOccupancy(0.11, Source.METRICS, 2.0, 37_000, 333_000),
        "time": 1.77e9,
        "witness": WITNESS,
    }
    return MemoryBreakdown(**{**values, **changes})


def turn(identifier: str = "t1", **changes: Any) -> TurnRecord:
    values: dict[str, Any] = {
        "id": identifier,
        "conversation_id": "c",
        "model": "internlm2_5-1_8b-chat",
        "endpoint": "http://user:secret@gpu-box:23333",
        "started": WHEN,
        "sampling": Sampling(temperature=0.0, top_p=0.8, stop=("END",)),
        "system": "Be brief.",
        "finish_reason": "stop",
        "timings": Timings(3.0, 0.08, 2.0, 0.005, 2, 284),
        "usage": (Usage(107, 15), Usage(150, 20)),
        "server": ServerFacts(),
        "breakdown": (card(),),
        "tools": (ToolSpec("add", "Add.", {"type": "object"}),),
    }
    return TurnRecord(**{**values, **changes})


def say(role: Role, *parts: Part | str, id: str = "m", turn: str | None = None, complete: bool = True) -> Message:
    real = tuple(TextPart(part) if isinstance(part, str) else part for part in parts)
    return Message(id, role, real, None, WHEN, complete, turn)


def everything(text: str = "The result is **16**.", name: str = "add") -> Document:
    """One of each kind of part; ``text`` and ``name`` go wherever foreign text can stand."""
    messages = (
        say("system", f"rules {text}", id="s"),
        say("user", ImagePart("image/png", PIXEL, f"{name}.png"), f"Compute (3+5)*2 {text}", id="u"),
        say(
            "assistant", ReasoningPart(f"first add {text}", 0.8), ToolCallPart("1", name, f'{{"a": 3, "b": 5}} {text}'),
            ToolCallPart("2", name, ""), id="a1", turn="t1",
        ),
        say("tool", ToolResultPart("1", name, f"8 {text}", seconds=0.003), id="r1", turn="t1"),
        say(
            "tool",
            ToolResultPart("9", name, text, ok=False, problem=Problem("tools.failed", {"name": name}), log=text,
                           images=(ImagePart("image/svg+xml", "PHN2Zy8+", text),)),
            id="r2", turn="t1",
        ),
        say(
            "assistant", NoticePart(Problem("x.y", {"text": text}, text)), text, id="a2", turn="t1", complete=False
        ),
    )  # fmt: skip
    return Document(f"Sums {text}", messages, (turn(system=text),), "c", written=WHEN)
