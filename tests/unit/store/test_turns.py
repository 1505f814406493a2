"""Turns: everything about them comes back, the server's lines are kept compressed."""

from __future__ import annotations

import dataclasses
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest

from tui.model.events import Timings, Usage
from tui.model.memory import Figure, KvOccupancy, MemoryBreakdown, Source
from tui.model.problem import Problem, ProblemError
from tui.model.request import Sampling
from tui.model.server import ServerFacts
from tui.model.turn import RawLine, TurnRecord
from tui.store.store import Store

KNOWN = Figure(1 << 30, Source.MEASURED, 5, "why")
UNKNOWN = Figure(None, Source.UNKNOWN)
BREAKDOWN = MemoryBreakdown(
    0, "NVIDIA A100", KNOWN, KNOWN, KNOWN, KNOWN, UNKNOWN, KNOWN, KNOWN,
    KvOccupancy(0.11, Source.METRICS, 3.5, 37_000, 333_000), True, 12.5,
)  # fmt: skip
FULL = TurnRecord(
    id="turn-1",
    conversation_id="",
    model="internlm2_5-1_8b-chat",
    endpoint="http://127.0.0.1:23333",
    started=datetime(2026, 3, 1, 12, 0, 0, 1, tzinfo=UTC),
    sampling=Sampling(
        temperature=0.8,
        stop=("a", "b"),
        chat_template_kwargs={"enable_thinking": False},
        response_format={"type": "json_object"},
        extra={"type": "anything", "list": [1, {"type": "TextPart"}]},
    ),
    system="你是狐狸",
    finish_reason="stop",
    problem=Problem("chat.notice", {"n": 1}, "detail"),
    timings=Timings(1.5, 0.08, 1.2, 0.1, 2, 15),
    usage=(Usage(107, 15), Usage(130, 9, estimated=True)),
    raw=(RawLine(0.1, 'data: {"x": "\ud83d狐"}'), RawLine(0.25, "data: [DONE]")),
    server=ServerFacts(
        ("m",), "turbomind", ("0.16", "0.18"), frozenset({"/v1/models", "/health"}), True, problems=(Problem("p"),)
    ),
    breakdown=(BREAKDOWN,),
)


async def test_a_turn_comes_back_exactly(store: Store) -> None:
    conversation = (await store.create_conversation()).id
    turn = dataclasses.replace(FULL, conversation_id=conversation)
    await store.put_turn(turn)
    assert await store.turn("turn-1") == turn
    assert await store.turns(conversation) == [dataclasses.replace(turn, raw=())]
    assert await store.turn("nothing") is None


async def test_lines_are_appended_compressed(store: Store) -> None:
    lines = tuple(RawLine(number / 8, f"data: line {number} of many" * 20) for number in range(300))
    turn = TurnRecord("t", "c", "m", "e", datetime.now(UTC))
    for size in (0, 100, 100, 300):
        await store.put_turn(dataclasses.replace(turn, raw=lines[:size]))
    with closing(sqlite3.connect(store.path or "")) as other:
        pieces = other.execute("SELECT length(data) FROM raw").fetchall()
    assert len(pieces) == 2
    assert sum(size for (size,) in pieces) < sum(len(line.text) for line in lines) / 5
    found = await store.turn("t")
    assert found is not None
    assert found.raw == lines
    await store.put_turn(dataclasses.replace(turn, raw=lines[:1], finish_reason="stop"))
    assert await store.turn("t") == dataclasses.replace(turn, raw=lines[:1], finish_reason="stop")


async def test_turns_come_in_the_order_of_their_start(store: Store) -> None:
    for name, day in (("b", 2), ("a", 3), ("c", 1)):
        await store.put_turn(TurnRecord(name, "one", "m", "e", datetime(2026, 1, day, tzinfo=UTC)))
    assert [turn.id for turn in await store.turns("one")] == ["c", "b", "a"]


async def test_a_record_that_cannot_be_read_is_named(store: Store) -> None:
    await store.put_turn(TurnRecord("t", "c", "m", "e", datetime.now(UTC)))
    for record in ("{", '{"type": "Hologram"}', '{"type": "TextPart", "text": "x"}'):
        with closing(sqlite3.connect(store.path or "", isolation_level=None)) as other:
            other.execute("UPDATE turns SET record = ?", (record,))
        with pytest.raises(ProblemError) as caught:
            await store.turn("t")
        assert (caught.value.problem.code, caught.value.problem.data) == ("store.unreadable_turn", {"id": "t"})
