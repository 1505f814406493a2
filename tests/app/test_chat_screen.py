"""The chat screen on a fake session."""

from __future__ import annotations

from tests.support.app import running, screen_text, see
from tests.support.waiting import until_pilot
from tui.model import events


async def test_a_turn_is_shown_from_question_to_figures():
    async with running() as (app, pilot, workspace):
        await pilot.press(*"hi", "enter")
        await until_pilot(pilot, lambda: workspace.fake.calls == [("submit", "hi", False, False)])
        workspace.fake.turn(
            events.ReasoningDelta("let me think"),
            events.TextDelta("The result "),
            events.TextDelta("is 16."),
            question="Compute (3+5)*2",
        )
        await see(pilot, "The result is 16.")
        await see(pilot, "↑107 ↓15 · first token 80 ms · 142 tok/s")
        assert "Compute (3+5)*2" in screen_text(app)
        assert "▸ thought" in screen_text(app)
        assert "let me think" not in screen_text(app)
