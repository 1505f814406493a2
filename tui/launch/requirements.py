"""Version requirements as package metadata writes them (``transformers<5,>=4.33``), checked without pip."""

from __future__ import annotations

import re
from dataclasses import dataclass

_REQUIREMENT = re.compile(r"^\s*([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*\(?([^;)]*)\)?\s*(?:;\s*(.*))?$")
_CLAUSE = re.compile(r"\s*(===|==|!=|<=|>=|~=|<|>)\s*([\w.*+!-]+)\s*")
_NUMBERS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Requirement:
    """A package and the versions it may have; ``marker`` is what stands behind the semicolon."""

    package: str
    clauses: tuple[tuple[str, str], ...]
    marker: str = ""

    @property
    def text(self) -> str:
        """As pip takes it."""
        return self.package + ",".join(f"{sign}{version}" for sign, version in self.clauses)

    def allows(self, version: str) -> bool:
        """Whether a version meets every clause; one that cannot be read does."""
        found = numbers(version)
        return not found or all(_meets(sign, found, wanted) for sign, wanted in self.clauses)


def parse_requirement(text: str) -> Requirement | None:
    """From a line of metadata, with or without ``Requires-Dist:``; None for what is none."""
    match = _REQUIREMENT.match(text.removeprefix("Requires-Dist:"))
    if match is None:
        return None
    clauses = tuple((sign, version) for sign, version in _CLAUSE.findall(match[2]))
    return Requirement(re.sub(r"[-_.]+", "-", match[1]).lower(), clauses, (match[3] or "").strip())


def numbers(version: str) -> tuple[int, ...]:
    """The release part of a version: ``2.12.0+cu130`` → (2, 12, 0); a suffix such as rc1 is dropped."""
    release = re.match(r"\d+(?:\.\d+)*", version.partition("+")[0].strip())
    return tuple(int(part) for part in _NUMBERS.findall(release[0])) if release else ()


def _meets(sign: str, found: tuple[int, ...], wanted: str) -> bool:
    if wanted.endswith(".*"):
        prefix = numbers(wanted[:-2])
        same = _padded(found, len(prefix))[: len(prefix)] == prefix
        return same if sign in ("==", "===") else not same if sign == "!=" else True
    bound = numbers(wanted)
    size = max(len(found), len(bound))
    left, right = _padded(found, size), _padded(bound, size)
    if sign == "~=":
        prefix = bound[:-1]
        return left >= right and _padded(found, len(prefix))[: len(prefix)] == prefix
    return {
        "==": left == right,
        "===": left == right,
        "!=": left != right,
        "<=": left <= right,
        ">=": left >= right,
        "<": left < right,
        ">": left > right,
    }[sign]


def _padded(parts: tuple[int, ...], size: int) -> tuple[int, ...]:
    return parts + (0,) * (size - len(parts))
