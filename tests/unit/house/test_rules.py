"""Budgets that keep the house habitable: file length, class size, no forbidden layout habits."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted((ROOT / "tui").rglob("*.py"))
FRAMEWORK = re.compile(r"^(_|on_|action_|watch_|compute_|validate_|compose$|render|get_content_|check_action$|check_)")


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", FILES, ids=name)
def test_files_are_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


@pytest.mark.parametrize("path", FILES, ids=name)
def test_classes_are_small(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef):
            methods = {
                item.name
                for item in node.body
                if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)) and not FRAMEWORK.match(item.name)
            }
            assert len(methods) <= 15, f"{node.name}: {sorted(methods)}"


def test_foreign_text_is_never_markup_by_accident() -> None:
    """Static, Label and notify read plain strings as markup: f-strings there are how foreign text slips in."""
    guilty = re.compile(r"\b(Static|Label|Button|notify|Option)\(\s*f[\"']")
    screens = [path for path in FILES if path.relative_to(ROOT).parts[1] in {"screens", "widgets", "app.py"}]
    found = [
        f"{name(path)}: {match.group(0)}" for path in screens for match in guilty.finditer(path.read_text("utf-8"))
    ]
    assert found == []


def test_style_sheets_avoid_what_restyles_everything() -> None:
    """Universal selectors with pseudo-classes, and :focus-within, make every focus change restyle every widget."""
    for sheet in (ROOT / "tui").rglob("*.tcss"):
        text = re.sub(r"/\*.*?\*/", "", sheet.read_text("utf-8"), flags=re.DOTALL)
        assert "focus-within" not in text, name(sheet)
        assert not re.search(r"\*:[a-z]", text), name(sheet)


def test_nothing_names_a_machine() -> None:
    """No absolute path of a developer's machine stands in the project."""
    private = re.compile(r"(?<![\w.~/])/(?:work|home/[a-z]\w*|Users)/[\w.]")
    for folder in ("tui", "tests", "docs", "scripts", "themes"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in {".py", ".md", ".toml", ".tcss", ".sh"} and path != Path(__file__):
                assert not private.search(path.read_text("utf-8", "replace")), name(path)


def test_every_module_is_used_by_another() -> None:
    """Code that only tests run is no part of lmdeck. Modules are imported, or named as text (workers, commands)."""
    used = {"tui", "tui.__main__", "tui.demo.__main__", "tui.cli", "tui.ssh.askpass"}  # started by name
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                used |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                used |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("tui."):
                used.add(node.value)
    modules = {name(path).removesuffix(".py").replace("/", ".") for path in FILES if path.name != "__init__.py"}
    assert {module for module in modules - used if not module.startswith("tui.i18n.tables.")} == set()
