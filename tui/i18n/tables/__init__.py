"""Problem code → (sentence, next step), one module a room. Strings are marked with ``N_`` for extraction."""

from __future__ import annotations

from importlib import import_module

_ROOMS = ("server", "chat", "store", "app", "gpu", "planner")


def _load() -> dict[str, tuple[str, str]]:
    tables: dict[str, tuple[str, str]] = {}
    for room in _ROOMS:
        module = import_module(f"tui.i18n.tables.{room}")
        tables.update(module.TABLE)
    return tables


TABLES = _load()
