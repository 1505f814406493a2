"""Pictures as files: PNG or SVG by the name's ending, further pages beside the first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tui.model.problem import Problem, ProblemError
from tui.shot.cells import Grid, Missing, placed
from tui.shot.png import Stock, to_png
from tui.shot.svg import draw_svg, missing_in

_AT_ONCE = 2  # pages
_NOT_IN_NAMES = re.compile(r"[^\w.-]+")


@dataclass(frozen=True, slots=True)
class Written:
    """The files that were written, and what could not be drawn in them."""

    paths: tuple[Path, ...]
    missing: Missing


def page_path(path: Path, number: int) -> Path:
    """Where page ``number`` (from 0) goes: ``x.png``, ``x-2.png`` …"""
    return path if number == 0 else path.with_stem(f"{path.stem}-{number + 1}")


def save(
    pages: Sequence[Grid],
    path: Path,
    *,
    scale: int = 2,
    system_fonts: bool = False,
    outlines: bool = False,
    title: str = "",
) -> Written:
    """Write the pages as PNG or SVG, by the ending of ``path``; files of these names are replaced. ``outlines``: see
    :func:`tui.shot.svg.draw_svg`. Blocks.

    Raises ProblemError: "shot.bad_suffix", "shot.not_written", and those of :func:`tui.shot.png.to_png`."""
    kind = path.suffix.lower()
    if kind not in (".png", ".svg"):
        raise ProblemError(Problem("shot.bad_suffix", {"path": str(path)}))
    stock = Stock(scale)
    missing = Missing()
    for grid in pages:
        rows = placed(grid)
        missing = missing.plus(missing_in(rows))
        if kind == ".png" and not system_fonts:
            stock.learn(rows)

    def drawn(grid: Grid) -> bytes:
        if kind == ".svg":
            return draw_svg(grid, system_fonts=system_fonts, outlines=outlines, title=title).svg.encode()
        return to_png(grid, scale=scale, system_fonts=system_fonts, stock=stock)

    paths = [page_path(path, number) for number in range(len(pages))]
    # Compression, which is half of the work, leaves Python to the other page.
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for target, data in zip(paths, pool.map(drawn, pages), strict=True):
            _write(target, data)
    return Written(tuple(paths), missing)


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        reason = error.strerror or str(error)
        raise ProblemError(Problem("shot.not_written", {"path": str(path), "reason": reason})) from error


def free_stem(folder: Path, title: str) -> Path:
    """A name made of the title that no picture in the folder has; without an ending."""
    name = _NOT_IN_NAMES.sub("-", title).strip("-.")[:60] or "picture"
    return next(one for one in _stems(folder, name) if not (page(one, ".png").exists() or page(one, ".svg").exists()))


def page(stem: Path, kind: str) -> Path:
    """The file of a picture's first page: names made of titles may have dots in them."""
    return stem.with_name(stem.name + kind)


def _stems(folder: Path, name: str) -> Iterator[Path]:
    yield folder / name
    number = 2
    while True:
        yield folder / f"{name}_{number}"
        number += 1
