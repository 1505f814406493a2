"""The request behind an answer, on the screen."""

from __future__ import annotations

from typing import Any

import pytest
from textual.widgets import Button

from tests.support.app import running, see
from tests.support.waiting import until_pilot
from tui.chat.wire import WireDelta, WireView
from tui.model import events
from tui.screens.wire import WireScreen

DELTAS = tuple(WireDelta(1, place / 10, "text", f"piece {place} \x1b[31m") for place in range(600))


@pytest.mark.parametrize("by", ["server", "lmdeck", ""])
async def test_python_curl_and_pieces(by: Any) -> None:
    async with running(size=(100, 40)) as (app, pilot, workspace):
        await app.run_action("screen.wire", default_namespace=app.screen)
        await see(pilot, "Nothing is kept")
        workspace.fake.turn(events.TextDelta("hello"))
        workspace.wired = WireView("curl [x]" + " y" * 15_000, "from openai import OpenAI", DELTAS, by)
        await app.run_action("screen.wire", default_namespace=app.screen)
        await until_pilot(pilot, lambda: isinstance(app.screen, WireScreen))
        await see(pilot, "from openai import OpenAI")
        await see(pilot, {"server": "The server read", "lmdeck": "lmdeck read", "": "no tool calls"}[by])
        app.screen.query_one("#curl", Button).press()
        await see(pilot, "curl [x]")
        app.screen.query_one("#deltas", Button).press()
        await see(pilot, "1     0.100 s  text       piece 1")
        app.screen.query_one("#copy", Button).press()
        await see(pilot, "Sent to the terminal's clipboard")
        assert "… 100 more pieces" in app.clipboard
