"""lmdeploy release numbers as comparable values, and the landmarks that change how memory is used."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBER = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?(?:\.?(?:post|rc|a|b|dev)\d*)?")


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A release; suffixes such as ``.post1`` are dropped because no rule depends on them."""

    major: int
    minor: int
    patch: int = 0

    @classmethod
    def parse(cls, text: str) -> Version | None:
        """The first release number in a text (``"0.18"``, ``"lmdeploy 0.9.2.post1"``), or None."""
        match = _NUMBER.search(text)
        if match is None:
            return None
        return cls(int(match[1]), int(match[2]), int(match[3] or 0))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


BASELINE = Version(0, 18, 0)
"""The release the reference was read from; assumed where a server's version is not known."""

OBJECT_CACHE = Version(0, 15, 0)
"""TurboMind's kv cache became one region cut into slabs; ``--cache-max-entry-count`` must be below 1."""

BLOCK_COUNT_UNTIL = Version(0, 15, 0)
"""Before it, TurboMind read a ratio of 1 or more as a number of blocks."""

NEW_RUNTIME_RESERVE = Version(0, 8, 0)
"""PyTorch's reserve became (prefill + 2 · batch) · vocab · 2 bytes; 0.5.3–0.7.3 used about prefill · vocab · 7."""
