"""Patterns with large character classes cost milliseconds to compile: they are compiled when they are first needed, so
that importing a module that has some costs nothing before the first frame."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache


def lazy(pattern: str, flags: int = 0) -> Callable[[], re.Pattern[str]]:
    """``pattern``, compiled at the first call. Call it once and keep the result where it is used in a loop."""

    @cache
    def compiled() -> re.Pattern[str]:
        return re.compile(pattern, flags)

    return compiled
