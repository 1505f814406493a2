"""Problem code → (sentence, next step), one module a room. Strings are marked with ``N_`` for extraction.

Every module of this package is a room's table: adding a file is enough.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules


def _load() -> dict[str, tuple[str, str]]:
    tables: dict[str, tuple[str, str]] = {}
    for module in iter_modules(__path__):
        tables.update(import_module(f"{__name__}.{module.name}").TABLE)
    return tables


TABLES = _load()
