"""A terminal that draws characters of ambiguous width in two cells: the setting, live, and what the screen shows."""

from __future__ import annotations

import pytest

from tests.support.app import rows, running, screen_text, see
from tests.support.waiting import until_pilot
from tui.config.paths import config_folder
from tui.markdown.cells import ambiguous, width
from tui.model import events
from tui.widgets.narrow import NARROW

TEXT = (
    "“狐狸”说：西瓜——又大又圆……①②③ ± α β → “the end” of a row that is long enough to wrap somewhere — here.\n\n- a\n- b"
)


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_no_row_is_wider_than_such_a_terminal(size: tuple[int, int]):
    async with running(size=size) as (app, pilot, workspace):
        workspace.fake.turn(events.TextDelta(TEXT * 3), question="“什么”？")
        await see(pilot, "西瓜")
        assert any(width(row, wide_ambiguous=True) > size[0] for row in rows(app))
        path = config_folder() / "config.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("ambiguous_width = 2\n")
        await app.live.poll()
        await until_pilot(pilot, lambda: app.chat.transcript.wide_ambiguous)
        await until_pilot(pilot, lambda: all(width(row, wide_ambiguous=True) <= size[0] for row in rows(app)))
        assert "“狐狸”" in screen_text(app)
        outside = [row for row in rows(app) if "西瓜" not in row and "狐狸" not in row]
        assert outside
        path.write_text("ambiguous_width = 1\n")
        await app.live.poll()
        await until_pilot(pilot, lambda: not app.chat.transcript.wide_ambiguous)
        await until_pilot(pilot, lambda: any("·" in row for row in rows(app)), what="the usual glyphs")


async def test_every_dialog_row_fits_too():
    config_folder().mkdir(parents=True, exist_ok=True)
    (config_folder() / "config.toml").write_text("ambiguous_width = 2\n")
    async with running(size=(80, 24)) as (app, pilot, _workspace):
        await until_pilot(pilot, lambda: app.wide_ambiguous)
        await app.run_action("screen.menu", default_namespace=app.screen)
        await see(pilot, "Type to find an action")
        assert not ambiguous().search(screen_text(app))


def test_ascii_stays_what_it_is():
    from rich.segment import Segment
    from textual.color import Color

    segments = [Segment("plain"), Segment("中文")]
    assert NARROW.apply(segments, Color(0, 0, 0)) is segments
    shown = NARROW.apply([Segment("a … “b” ①")], Color(0, 0, 0))
    assert [segment.text for segment in shown] == ['a . "b" ?']
