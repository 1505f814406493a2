"""A setting that nothing reads is a promise nobody keeps."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

import tui
from tui.config.settings import SamplingSettings, Settings
from tui.config.settings_options import options_of

ROOT = Path(tui.__file__).parent


def _is_settings(node: ast.expr) -> bool:
    """Whether an expression is called settings: ``settings``, ``live.settings``, ``_settings()``, ``Settings()``."""
    if isinstance(node, ast.Call):
        return _is_settings(node.func)
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return name.strip("_").lower() == "settings"


@cache
def _reads() -> dict[str, list[str]]:
    """What is read of anything called settings, and by which files."""
    found: dict[str, list[str]] = {}
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and _is_settings(node.value):
                found.setdefault(node.attr, []).append(str(path.relative_to(ROOT)))
    return found


@cache
def _read_by_methods(cls: type) -> dict[str, set[str]]:
    """Method of a declaring class → the fields that it reads of itself."""
    tree = ast.parse((ROOT / "config" / "settings.py").read_text("utf-8"))
    body = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == cls.__name__)
    return {
        method.name: {
            node.attr
            for node in ast.walk(method)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
        }
        for method in body.body
        if isinstance(method, ast.FunctionDef)
    }


def _readers(name: str) -> list[str]:
    if name.startswith("sampling."):
        assert name.partition(".")[2] in _read_by_methods(SamplingSettings)["to_sampling"]
        return _reads()["sampling"]
    through = [method for method, fields in _read_by_methods(Settings).items() if name in fields]
    return [place for attribute in (name, *through) for place in _reads().get(attribute, [])]


@pytest.mark.parametrize("name", [one.name for one in options_of(Settings).values()])
def test_every_declared_setting_is_read_somewhere(name: str):
    assert _readers(name), f"nothing reads the setting {name}"


def test_the_search_does_not_take_everything_for_a_setting():
    assert "nonsense" not in _reads()
    assert not _is_settings(ast.parse("self.panel", mode="eval").body)
