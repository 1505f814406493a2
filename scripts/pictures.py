#!/usr/bin/env python3
"""Make the pictures of README and docs: sessions with the simulated server, in both languages, by lmdeck's own engine.

    python scripts/pictures.py [--only NAME] [--lang en|zh-CN]

Writes ``docs/NAME.LANGUAGE.png``. The app runs headless in this process; the server is ``lmdeck demo``'s.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("COLORTERM", "truecolor")

from tests.support.app import screen_text, strips  # noqa: E402
from tests.support.waiting import until_pilot  # noqa: E402
from tui.app import LmdeckApp  # noqa: E402
from tui.app_options import AppOptions  # noqa: E402
from tui.config.terminal import Terminal  # noqa: E402
from tui.export_command import read_document  # noqa: E402
from tui.i18n import set_language  # noqa: E402
from tui.screens.shot_colours import Colours, find_theme, runs_of  # noqa: E402
from tui.screens.shot_content import kept_content  # noqa: E402
from tui.screens.shot_picture import ShotLook, compose  # noqa: E402
from tui.shot.cells import Grid  # noqa: E402
from tui.shot.saving import save  # noqa: E402

SIZE = (120, 36)
LANGUAGES = ("en", "zh-CN")
ASKED: Mapping[str, tuple[str, str]] = {
    "en": ("Tell me the story of the fox and the watermelon", "Compute (3+5)*2 with the tools"),
    "zh-CN": ("讲一个狐狸和西瓜的故事", "用工具计算 (3+5)*2"),
}


class Stage:
    """The running app and its pilot."""

    def __init__(self, app: Any, pilot: Any, language: str) -> None:
        self.app, self.pilot, self.language = app, pilot, language

    async def see(self, text: str, seconds: float = 40.0) -> None:
        await until_pilot(
            self.pilot, lambda: text in screen_text(self.app), seconds, f"{text!r}\n{screen_text(self.app)}"
        )

    async def quiet(self) -> None:
        """Wait for the end of a reply: its figures are below it."""
        await until_pilot(self.pilot, lambda: not self.app.chat.busy, 40.0, "the end of the reply")
        await self.pilot.pause(0.5)

    async def ask(self, text: str) -> None:
        self.app.chat.send(text)
        await until_pilot(self.pilot, lambda: self.app.chat.busy, 20.0, "a reply")
        await self.quiet()

    def save(self, name: str) -> Path:
        """The screen as it is, as a picture."""

        canvas = Colours(find_theme(self.app.theme)).canvas
        rows = tuple(runs_of(strip, canvas) for strip in strips(self.app))
        grid = Grid(self.app.size.width, rows, canvas.foreground, canvas.background)
        return save([grid], target(name, self.language), scale=1).paths[0]


def target(name: str, language: str) -> Path:
    (ROOT / "docs").mkdir(exist_ok=True)
    return ROOT / "docs" / f"{name}.{language}.png"


@asynccontextmanager
async def staged(language: str, folder: Path) -> AsyncIterator[Stage]:
    """The chat on a simulated server, with its memory in view."""

    demo = {"speed": 120.0, "lmdeploy": "0.18"}
    options = AppOptions(demo=demo, language=language, theme="lmdeck-dark", store=folder / "c.sqlite3")
    app = LmdeckApp(options=options, terminal=Terminal("plain"))
    async with app.run_test(size=SIZE, tooltips=False, notifications=True) as pilot:
        app.animation_level = "none"
        stage = Stage(app, pilot, language)
        await until_pilot(pilot, lambda: app.chat.session is not None, 40.0, "the workspace")
        await stage.see("TurboMind")
        await stage.see("24.00 GiB")
        yield stage


async def chat(language: str, folder: Path) -> list[Path]:
    """The chat with tool calls and the memory panel; then the planner; then the homework picture of the same turns."""

    made: list[Path] = []
    async with staged(language, folder) as stage:
        for question in ASKED[language]:
            await stage.ask(question)
        await stage.pilot.pause(3.0)  # the panel's histories grow by a point a second
        made.append(stage.save("chat"))
        await stage.pilot.press("f5")
        await until_pilot(stage.pilot, lambda: type(stage.app.screen).__name__ == "PlannerScreen", 20.0, "the planner")
        await stage.pilot.pause(2.0)
        made.append(stage.save("planner"))
        await stage.pilot.press("escape")
        await stage.pilot.pause(0.5)

    pages = compose(
        kept_content(await read_document("last", folder / "c.sqlite3"), "2", who="student@gpu-box"), ShotLook()
    )
    made += save(pages, target("shot", language), scale=1).paths
    return made


PICTURES: Mapping[str, Callable[[str, Path], Awaitable[list[Path]]]] = {"chat": chat}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", choices=sorted(PICTURES))
    parser.add_argument("--lang", choices=LANGUAGES)
    options = parser.parse_args()

    for language in LANGUAGES if options.lang is None else (options.lang,):
        for name, make in PICTURES.items():
            if options.only in (None, name):
                with TemporaryDirectory() as folder:
                    for variable in ("LMDECK_CONFIG_DIR", "LMDECK_DATA_DIR", "LMDECK_STATE_DIR"):
                        os.environ[variable] = folder
                    set_language(language)
                    for path in asyncio.run(make(language, Path(folder))):
                        print(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
