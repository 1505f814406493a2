"""A conversation with everything a picture shows."""

from __future__ import annotations

from datetime import UTC, datetime

from tui.export.document import Document
from tui.model.events import Timings, Usage
from tui.model.memory import Figure, KvOccupancy, MemoryBreakdown, ServerSetup, Source, Witness
from tui.model.message import Message, ReasoningPart, TextPart, ToolCallPart, ToolResultPart
from tui.model.server import ServerFacts
from tui.model.turn import TurnRecord

WHEN = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
GIB = 2**30
ANSWER = """The result is **16**. 一张表：

| part | GiB |
|---|---:|
| 权重 | 1.44 |

```python
def add(a: int, b: int) -> int:
    return a + b
```
"""


def figure(size: float, source: Source = Source.MEASURED) -> Figure:
    return Figure(round(size * GIB), source)


def card(*, witness: bool = True) -> MemoryBreakdown:
    """The split of the course's first task, with what others say about it."""
    setup = ServerSetup("chat-4bit", "turbomind", "0.18.0", "awq", 4, 4, 0.4, 8192)
    said = Witness(
        "2026/11/22 13:00:01, NVIDIA A100, 11769 MiB, 24576 MiB, 37 %",
        "nvidia-smi",
        WHEN.timestamp(),
        'INFO:     127.0.0.1:51234 - "POST /v1/chat/completions HTTP/1.1" 200 OK',
        setup,
    )
    return MemoryBreakdown(
        0,
        "NVIDIA A100",
        figure(24),
        figure(1.44, Source.CHECKPOINT),
        figure(8.14, Source.SERVER_LOG),
        figure(1.91),
        figure(0),
        figure(0),
        figure(12.51),
        occupancy=KvOccupancy(0.11, Source.METRICS, tokens=37_000, capacity_tokens=333_000),
        time=WHEN.timestamp(),
        witness=said if witness else None,
    )


def turn_messages(number: int, question: str, answer: str = ANSWER, *, tools: bool = False) -> list[Message]:
    """The messages of one turn."""
    turn, before = f"t{number}", f"b{number - 1}" if number > 1 else None
    messages = [Message(f"u{number}", "user", (TextPart(question),), before, WHEN, turn=turn)]
    if tools:
        call = ToolCallPart(f"c{number}", "add", '{"a": 3, "b": 5}')
        thought = ReasoningPart("First the sum. 先加。", 0.8)
        messages.append(Message(f"a{number}", "assistant", (thought, call), f"u{number}", WHEN, turn=turn))
        result = ToolResultPart(f"c{number}", "add", "8", seconds=0.003)
        messages.append(Message(f"x{number}", "tool", (result,), f"a{number}", WHEN, turn=turn))
    messages.append(Message(f"b{number}", "assistant", (TextPart(answer),), messages[-1].id, WHEN, turn=turn))
    return messages


def record(number: int, *, cards: tuple[MemoryBreakdown, ...] | None = None) -> TurnRecord:
    return TurnRecord(
        f"t{number}",
        "c1",
        "chat-4bit",
        "http://127.0.0.1:23333",
        WHEN,
        finish_reason="stop",
        timings=Timings(total=1.2, first_token=0.08, generation=1.0, completion_tokens=15),
        usage=(Usage(107, 15),),
        server=ServerFacts(("chat-4bit",), "turbomind", ("0.17", "0.18")),
        breakdown=(card(),) if cards is None else cards,
    )


def document(turns: int = 2) -> Document:
    """A conversation of so many turns; the first one calls a tool."""
    messages = [
        message
        for number in range(1, turns + 1)
        for message in turn_messages(number, f"question {number} 问题", tools=number == 1)
    ]
    records = tuple(record(number) for number in range(1, turns + 1))
    return Document("Quantising 量化", tuple(messages), records, "c1")
