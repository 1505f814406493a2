"""A branch shown from the store looks like the branch that was watched live: pictures, calls, figures, notices."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from tests.app.test_transcript import transcript
from tui.chat.assemble import Assembly, utc_now
from tui.model import events
from tui.model.message import ImagePart, Message, TextPart
from tui.model.problem import Problem
from tui.screens.feed import TurnFeed
from tui.widgets.parts import ReasoningView
from tui.widgets.transcript import Transcript

_TIMES = events.Timings(2.0, 0.3, 1.0, completion_tokens=50)


def picture(name: str = "") -> ImagePart:
    file = BytesIO()
    Image.new("RGB", (8, 8), (0, 200, 0)).save(file, "PNG")
    return ImagePart("image/png", b64encode(file.getvalue()).decode(), name)


def round_(number: int, *items: events.TurnEvent) -> list[events.TurnEvent]:
    return [events.RoundStarted(number, f"a{number}"), *items, events.Usage(10, 5, 2 if number == 1 else 0)]


CALLS = round_(
    1,
    events.ReasoningDelta("let me see"), events.ReasoningFinished(0.5), events.TextDelta("I draw."),
    events.ToolCallStarted("c1", "plot"), events.ToolCallArguments("c1", "{}"),
    events.ToolCallStarted("c2", "add"), events.ToolCallArguments("c2", '{"a": 1}'),
    events.ToolRunning("c1"), events.ToolRunning("c2"),
    events.ToolResult("c1", "plot", "drawn", images=(picture(),), log="printed", seconds=0.1),
    events.ToolResult("c2", "add", "no", ok=False, problem=Problem("chat.call_refused"), seconds=0.2),
)  # fmt: skip
TURNS: dict[str, list[events.TurnEvent]] = {
    "regular": [*round_(1, events.TextDelta("fine **so**")), events.TurnFinished("stop", _TIMES)],
    "thoughts": [
        *round_(1, events.ReasoningDelta("hm"), events.ReasoningFinished(0.1), events.TextDelta("ok")),
        events.TurnFinished("stop", _TIMES),
    ],
    "tools": [*CALLS, *round_(2, events.TextDelta("done")), events.TurnFinished("stop", _TIMES)],
    "failed": [*round_(1, events.TextDelta("half")), events.TurnFailed(Problem("some.code", {}, "reset"), _TIMES)],
    "noticed": [
        *round_(1, events.TextDelta("x"), events.Notice(Problem("app.theme_unknown", {"name": "y"}))),
        events.TurnFinished("length", _TIMES),
    ],
    "was answer": [
        *round_(1, events.ReasoningDelta("all of it"), events.ReasoningWasAnswer()),
        events.TurnFinished("stop", _TIMES),
    ],
    "was thought": [
        *round_(1, events.TextDelta("inner"), events.TextWasReasoning(), events.TextDelta("outer")),
        events.TurnFinished("stop", _TIMES),
    ],
}  # fmt: skip


def look(view: Transcript) -> list[tuple[Any, ...]]:
    """Every part with what it says, without seconds that only a watcher knows."""
    return [
        (type(part).__name__, part.message_id, part.source if isinstance(part, ReasoningView) else part.picture().plain)
        if not hasattr(part, "image") and not hasattr(part, "text")
        else (type(part).__name__, part.message_id, part.source)
        for part in view.part_views()
    ]


@pytest.mark.parametrize("kind", TURNS)
async def test_live_and_stored_look_the_same(kind: str):
    async with transcript() as (view, _pilot):
        assembly = Assembly()
        feed = TurnFeed(view)
        attached = picture("mine.png")
        asked = Message("u", "user", (attached, TextPart("draw")), None, utc_now())
        assembly.add(asked)
        feed.images_of = lambda _id: [attached]
        for event in [events.UserMessageAdded("u", "draw"), events.TurnStarted("t", "m"), *TURNS[kind]]:
            assembly.apply(event)
            feed.feed(event)
        live = look(view)
        again = TurnFeed(view)
        again.show(assembly.messages, assembly.turns)
        assert look(view) == live
        assert [name for name, *_ in live].count("TurnLine") == 1
        assert live[0] == ("PictureView", "u", live[0][2])
        assert ("PictureView" in [name for name, *_ in live[1:]]) == (kind == "tools")


async def test_a_cut_answer_that_goes_on_loses_its_figures_and_gets_new_ones():
    async with transcript() as (view, _pilot):
        assembly = Assembly()
        feed = TurnFeed(view)
        first = [events.TurnStarted("t", "m"), *TURNS["failed"]]
        for event in first:
            assembly.apply(event)
        feed.show(assembly.messages, assembly.turns)
        for event in [
            events.TurnStarted("t2", "m"), events.RoundStarted(1, "a1"), events.TextDelta(" whole"),
            events.TurnFinished("stop", _TIMES),
        ]:  # fmt: skip
            assembly.apply(event)
            feed.feed(event)
        live = look(view)
        assert [name for name, *_ in live] == ["TextView", "TurnLine"]
        assert live[0][2] == "half whole"
        feed.show(assembly.messages, assembly.turns)
        assert look(view) == live


async def test_deleted_messages_go_with_their_figures():
    async with transcript() as (view, _pilot):
        assembly = Assembly()
        feed = TurnFeed(view)
        for number in (1, 2):
            for event in [
                events.UserMessageAdded(f"u{number}", "?"), events.TurnStarted(f"t{number}", "m"),
                events.RoundStarted(1, f"a{number}"), events.TextDelta(f"answer {number}"),
                events.TurnFinished("stop", _TIMES), events.TitleChanged("x"),
            ]:  # fmt: skip
                assembly.apply(event)
                feed.feed(event)
        gone = events.MessagesDeleted(("u1", "a1"))
        assembly.apply(gone)
        feed.feed(gone)
        live = look(view)
        assert [part[1] for part in live] == ["u2", "a2", "a2"]
        feed.show(assembly.messages, assembly.turns)
        assert look(view) == live


async def test_text_that_turns_out_to_be_thought_has_the_seconds_it_took():
    async with transcript() as (view, _pilot):
        feed = TurnFeed(view)
        for event in [
            events.TurnStarted("t", "m"), events.RoundStarted(1, "a1"), events.TextDelta("inner"),
            events.TextWasReasoning(), events.ReasoningFinished(2.5), events.TextDelta("outer"),
        ]:  # fmt: skip
            feed.feed(event)
        thought, answer = view.part_views()
        assert isinstance(thought, ReasoningView)
        assert "thought 2.5 s" in thought.head()
        assert answer.source == "outer"
