"""The rule of the house: only the screen's rooms import Textual, and heavy libraries wait until they are used."""

from __future__ import annotations

import json
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import tui

SCREEN_ROOMS = {"app", "web", "screens", "widgets", "markdown"}
HEAVY = {
    "openai", "httpx2", "aiohttp", "pynvml", "mcp", "sqlite3", "jsonschema", "prometheus_client", "pydantic",
    "resvg_py", "PIL",
}  # fmt: skip
ROOMS = sorted(module.name for module in pkgutil.iter_modules(tui.__path__) if module.name != "__main__")


def loaded_after(*modules: str) -> set[str]:
    """Top-level packages in sys.modules of a fresh interpreter that imported ``modules``."""
    code = (
        f"import sys, json, importlib\nfor name in {modules!r}: importlib.import_module(name)\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    # Coverage measures in child processes too, and brings modules of its own.
    bare = {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE")}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=bare)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def modules_of(room: str) -> list[str]:
    package = Path(tui.__file__).parent / room
    if not package.is_dir():
        return [f"tui.{room}"]
    inside = (module.name for module in pkgutil.walk_packages([str(package)], f"tui.{room}."))
    return [f"tui.{room}", *(name for name in inside if not name.endswith("__main__"))]


@pytest.mark.parametrize("room", [room for room in ROOMS if room not in SCREEN_ROOMS])
def test_core_rooms_do_not_load_textual(room: str) -> None:
    assert "textual" not in loaded_after(*modules_of(room))


def test_the_app_starts_without_heavy_libraries() -> None:
    assert loaded_after("tui.app", "tui.screens.chat") & HEAVY == set()


def test_the_command_itself_is_light() -> None:
    assert loaded_after("tui.cli") & (HEAVY | {"textual", "rich", "asyncio"}) == set()
