"""Events, messages and samples survive JSON."""

from __future__ import annotations

import dataclasses
import json
import typing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.model import events, gpu, memory, message, request, server, turn
from tui.model.codec import from_json, to_json
from tui.model.problem import Problem

problem = st.builds(Problem, st.text(), st.dictionaries(st.text(), st.one_of(st.text(), st.integers())), st.text())
timings = st.builds(events.Timings, st.floats(0, 1e6), st.none() | st.floats(0, 10))
figure = st.builds(memory.Figure, st.none() | st.integers(0), st.sampled_from(memory.Source), st.integers(0), st.text())
part = st.one_of(
    st.builds(message.TextPart, st.text()),
    st.builds(message.ReasoningPart, st.text(), st.floats(0, 9)),
    st.builds(message.ToolCallPart, st.text(), st.text(), st.text()),
    st.builds(
        message.ToolResultPart, st.text(), st.text(), st.text(), st.booleans(), st.floats(0, 9), st.none() | problem
    ),
    st.builds(message.NoticePart, problem),
)
samples = st.one_of(
    st.builds(events.TurnStarted, st.text(), st.text()),
    st.builds(events.ToolResult, st.text(), st.text(), st.text(), st.booleans(), st.floats(0, 9), st.none() | problem),
    st.builds(events.TurnFailed, problem, timings),
    st.builds(events.QueueChanged, st.lists(st.text()).map(tuple)),
    st.builds(
        message.Message,
        st.text(),
        st.sampled_from(["user", "assistant"]),
        st.lists(part).map(tuple),
        st.none() | st.text(),
        st.datetimes(timezones=st.just(UTC)),
    ),
    st.builds(server.LinkState, st.sampled_from(server.LinkPhase), st.floats(0, 9), st.none() | problem),
    st.builds(
        server.ServerFacts, st.lists(st.text()).map(tuple), version_band=st.none() | st.tuples(st.text(), st.text())
    ),
    st.builds(memory.MemoryBreakdown, st.integers(), st.text(), figure, figure, figure, figure, figure, figure, figure),
    st.builds(
        gpu.GpuReading,
        st.floats(0, 9),
        st.lists(st.builds(gpu.GpuSample, st.integers(), st.text(), st.none(), st.integers(), st.none())).map(tuple),
        st.text(),
    ),
)


@given(samples)
def test_round_trip(value: object) -> None:
    assert from_json(json.loads(json.dumps(to_json(value)))) == value


def test_a_turn_record_round_trips() -> None:
    record = turn.TurnRecord(
        "t",
        "c",
        "m",
        "http://x",
        datetime.now(UTC),
        sampling=request.Sampling(temperature=0.5, stop=("a",), chat_template_kwargs={"enable_thinking": True}),
        raw=(turn.RawLine(0.1, "data: {}"),),
        usage=(events.Usage(1, 2),),
        server=server.ServerFacts(models=("m",), paths=frozenset({"/a", "/b"})),
    )
    assert from_json(json.loads(json.dumps(to_json(record)))) == record


def test_every_event_of_the_seam_is_known_to_the_codec() -> None:
    for cls in typing.get_args(events.SessionEvent):
        fields = dataclasses.fields(cls)
        fake = {field.name: None for field in fields}
        assert isinstance(from_json({"type": cls.__name__, **fake}), cls)


def test_fields_of_a_newer_lmdeck_are_ignored() -> None:
    assert from_json({"type": "TextDelta", "text": "a", "colour": "red"}) == events.TextDelta("a")


@pytest.mark.parametrize(
    "data", [None, 3, {}, {"type": "Popen"}, {"type": "TextDelta"}, {"type": "Message", "parts": 3}]
)
def test_nonsense_is_refused(data: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        from_json(data)


def test_what_is_no_dataclass_is_not_encoded() -> None:
    with pytest.raises(TypeError):
        to_json(Path("/"))
