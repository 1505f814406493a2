"""No class of ours takes a private name of Textual's by accident: a screen that called its own flag ``_closed`` lost
what it was told meanwhile."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import textwrap
from collections.abc import Iterator
from functools import cache

from textual.message_pump import MessagePump

import tui.app
import tui.markdown
import tui.screens
import tui.widgets

INTENDED = {"_display", "_handle_exception", "_fatal_error"}
"""Overridden on purpose: CONTRIBUTING.md, "Private names we depend on"."""
MADE_BY_TEXTUAL = {
    "_bindings", "_computes", "_css_type_name", "_css_type_names", "_decorated_handlers", "_default_css",
    "_inherit_bindings", "_inherit_component_classes", "_inherit_css", "_merged_bindings", "_reactives",
}  # fmt: skip


@cache
def private_names(cls: type) -> frozenset[str]:
    """Names with one underscore that a class has or that its methods set on ``self``."""
    names = {*vars(cls), *vars(cls).get("__annotations__", {})}
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (OSError, TypeError, SyntaxError):
        tree = ast.Module([], [])
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name):
            names |= {node.attr} if node.value.id == "self" else set()
    return frozenset(name for name in names if name.startswith("_") and not name.startswith(("__", "_abc_")))


def ours() -> Iterator[type]:
    for package in (tui.screens, tui.widgets, tui.markdown):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    waiting: list[type] = [MessagePump]
    while waiting:
        cls = waiting.pop()
        waiting += cls.__subclasses__()
        if cls.__module__.startswith("tui."):
            yield cls


def test_no_private_name_of_textual_is_taken() -> None:
    allowed = INTENDED | MADE_BY_TEXTUAL
    taken: set[str] = set()
    for cls in ours():
        theirs = {
            name: base.__name__
            for base in cls.__mro__
            if base.__module__.startswith("textual.")
            for name in private_names(base)
        }
        for name in private_names(cls) & set(theirs) - allowed:
            # Handlers of messages are called on every class that has one; nothing is replaced.
            if not name.startswith("_on_"):
                taken.add(f"{cls.__module__}.{cls.__name__}.{name} (of {theirs[name]})")
    assert not taken, "\n".join(sorted(taken))
