"""``lmdeck ask`` with the user's own tools, over HTTP."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support import demo as demo_server
from tui.headless_command import ask_command
from tui.tools.python_tools import tools_folder

demo = demo_server.demo


@pytest.fixture(autouse=True)
def area() -> Path:
    """A tools folder with one file."""
    folder = tools_folder()
    folder.mkdir(parents=True)
    path = folder / "area.py"
    path.write_text(
        'def area(width: float, height: float) -> float:\n    """Compute the area of a rectangle."""\n'
        '    print("computing")\n    return width * height\n'
    )
    return path


def ask(url: str, *words: str, prompt: str = 'Use area {"width": 3, "height": 2.5}') -> tuple[int, dict]:
    out, err = io.StringIO(), io.StringIO()
    arguments: Sequence[str] = [prompt, "--url", url, "--json", *words]
    code = ask_command(arguments, io.StringIO(), out, err)
    return code, json.loads(out.getvalue())


def test_an_allowed_function_runs(demo) -> None:
    code, answer = ask(demo.url, "--allow", "area")
    assert code == 0
    (call,) = answer["tool_calls"]
    assert (call["name"], call["result"], call["ok"]) == ("area", "7.5", True)
    assert "7.5" in answer["answer"]


def test_one_that_is_only_offered_is_refused(demo) -> None:
    _, answer = ask(demo.url, "--tools", "area")
    (call,) = answer["tool_calls"]
    assert not call["ok"]
    assert call["error"]["code"] == "ask.not_allowed"


def test_the_built_in_ones_stay_on_beside_an_allowed_one(demo) -> None:
    _, answer = ask(demo.url, "--allow", "area", prompt="Compute (3+5)*2")
    assert [call["result"] for call in answer["tool_calls"]] == ["8", "16"]


def test_a_name_that_nobody_knows(demo) -> None:
    code, answer = ask(demo.url, "--allow", "volume")
    assert code == 2
    assert answer["error"]["code"] == "ask.unknown_tool"
    assert "area" in answer["error"]["message"]
