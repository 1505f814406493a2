"""The tools scenes of the recordings: the calls that the real server parsed, and the same ones as raw markup."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import pytest

from tests.support.replay_server import body_of, recording
from tui.chat.rounds import RoundReader
from tui.demo.markup import markup
from tui.demo.script import Call
from tui.lmdeploy.tool_markup import MarkupParser
from tui.model.delta import Delta, StreamFinished, ToolCallDelta
from tui.model.events import TextDelta
from tui.model.request import Sampling
from tui.server.answer import AnswerReader

SCENES = [
    (name, scene)
    for name in ("turbomind-tools", "turbomind-tools-internlm")
    for scene, value in recording(name).items()
    if scene.startswith("tools_") and value["status"] == 200
]
FAMILIES = ["qwen", "internlm", "llama3", "kimi_k2", "qwen3coder", "glm47", "deepseek-v32", "deepseek-v4"]


def recorded(name: str, scene: str) -> list[Delta]:
    value = recording(name)[scene]
    headers = {key.lower(): text for key, text in value["headers"].items()}
    reader = AnswerReader(headers.get("content-type", ""))
    return [*reader.feed(body_of(value)), *reader.finish()]


def read(deltas: list[Delta], schemas: dict[str, Any]) -> tuple[list[tuple[str, str]], int]:
    """The calls (name, arguments) and how many of them were read out of text."""
    reader = RoundReader(lambda _event: None, perf_counter, Sampling(), set(), markup=MarkupParser(schemas))
    for delta in deltas:
        reader.feed(delta)
    reader.close()
    return [(call.name, call.arguments) for call in reader.calls], reader.calls_read


@pytest.mark.parametrize(("name", "scene"), SCENES)
def test_recorded_calls_and_their_markup_give_the_same(name: str, scene: str) -> None:
    deltas = recorded(name, scene)
    schemas = {
        tool["function"]["name"]: tool["function"]["parameters"]
        for tool in recording(name)[scene]["request"].get("tools") or []
    }
    calls, found = read(deltas, schemas)
    assert found == 0
    fragments = [delta.arguments for delta in deltas if isinstance(delta, ToolCallDelta) and delta.arguments]
    sizes = [len(fragment) for fragment in fragments] or [5]
    for family in FAMILIES:
        expected = calls[:1] if family == "llama3" else calls  # Llama's markup has no end: one call an answer
        raw = "".join(markup(Call(call, arguments), family) for call, arguments in expected)
        pieces: list[Delta] = []
        place = 0
        while place < len(raw):  # cut as the model's own tokens were
            size = sizes[len(pieces) % len(sizes)]
            pieces.append(TextDelta(raw[place : place + size]))
            place += size
        again, found = read([*pieces, StreamFinished("stop")], schemas)
        assert again == expected, family
        assert found == len(expected)
