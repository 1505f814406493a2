"""The Python environment lmdeck was started in: is it one where it can work?

The InternLM camp pins packages for lmdeploy that break the openai SDK lmdeck needs; whoever installs lmdeck into that
environment must hear so in one sentence, not in a traceback.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata

from tui.model.problem import Problem


@dataclass(frozen=True, slots=True)
class Need:
    """A package lmdeck cannot do without: at least ``at_least``, below ``below`` (both as release numbers)."""

    package: str
    at_least: tuple[int, ...]
    below: tuple[int, ...]


NEEDS = (Need("textual", (8, 2, 8), (8, 3)), Need("openai", (3, 50), (4,)), Need("httpx2", (2, 16), (3,)))


def version_of(package: str) -> str | None:
    """The installed version of a package in this environment, None when it is not there."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def release(version: str) -> tuple[int, ...]:
    """The leading numbers of a version: ``"3.50.1rc2"`` → ``(3, 50, 1)``."""
    numbers: list[int] = []
    for piece in version.split("."):
        digits = piece[: len(piece) - len(piece.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
        if digits != piece:
            break
    return tuple(numbers)


def environment_problem() -> Problem | None:
    """Why lmdeck cannot work in this environment, or None. Reads package metadata only, imports nothing."""
    for need in NEEDS:
        found = version_of(need.package)
        if found is not None and need.at_least <= release(found) < need.below:
            continue
        wanted = f"{_text(need.at_least)} … <{_text(need.below)}"
        data = {"package": need.package, "found": found or "–", "wanted": wanted}
        lmdeploy = version_of("lmdeploy")
        if lmdeploy is not None:
            return Problem("environment.shared_with_lmdeploy", {**data, "lmdeploy": lmdeploy})
        return Problem("environment.package", data)
    return None


def _text(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))
