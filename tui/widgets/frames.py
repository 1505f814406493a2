"""Write frames economically: only cells that changed, and scrolled rows moved by the terminal itself.

Textual repaints every row of a region that scrolled: over 1,200 bytes a token while a reply streams. A
:class:`FrameWriter` remembers what the terminal shows. For each update it finds rows that merely moved, moves them with
the terminal's scroll region (DECSTBM, then line feeds or reverse index, which every terminal since the VT100 has), and
writes the remaining differences from the first to the last cell that changed.

What the terminal shows is only known while nobody else writes to it: :meth:`FrameWriter.invalidate` after a resize,
a suspension or on the user's request makes the next update a full one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from typing import TypeVar

from rich.cells import cell_len
from rich.color import ColorSystem
from rich.console import Console
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.strip import Strip

from tui.markdown.cells import ambiguous

# Characters that every terminal draws alone and with the width we count (ambiguous ones as one cell). A row with others
# – emoji, combining marks, scripts that are joined or written from the right – is always written whole, from its first
# cell, so that a terminal that disagrees is put right by the next change of that row.
_SAFE = (
    "[\x20-\x7e\xa0-\xac\xae-\u02ff\u0370-\u0482\u048a-\u058f\u1e00-\u1fff\u2010-\u2027\u2030-\u205e\u2070-\u2319\u2320-\u23e8"
    "\u2400-\u25fc\u2800-\u28ff\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff01-\uffe6\U00020000-\U0003fffd]*"
)
_RESET = "\x1b[0m"
_MIN_MOVED = 3
_MIN_ERASED = 8
_CLEAR_GAIN = 0.6  # share of rows that a move must settle to be taken without weighing it against plain writing

T = TypeVar("T")
Cell = tuple[str, str]
"""A character and the SGR codes it is drawn with."""


class _Line:
    """A whole row of the terminal: strips side by side, and what they are rendered to."""

    __slots__ = ("_cells", "_text", "rendered", "strips")

    def __init__(self, strips: Sequence[Strip], console: Console) -> None:
        self.strips = strips
        self.rendered = "".join([strip.render(console) for strip in strips])
        self._text: str | None = None
        self._cells: list[Cell] | None = None

    @property
    def text(self) -> str:
        if self._text is None:
            self._text = "".join([strip.text for strip in self.strips])
        return self._text

    @property
    def width(self) -> int:
        return sum([strip.cell_length for strip in self.strips])

    def cells(self, colors: ColorSystem) -> list[Cell]:
        if self._cells is None:
            self._cells = [cell for strip in self.strips for cell in _cells(strip, colors)]
        return self._cells

    def cut(self, start: int, end: int) -> list[Strip]:
        """The columns ``start`` to ``end``; strips that lie inside are given as they are."""
        found: list[Strip] = []
        x = 0
        for strip in self.strips:
            after = x + strip.cell_length
            if after > start and x < end:
                inside = x >= start and after <= end
                found.append(strip if inside else strip.crop(max(0, start - x), min(end, after) - x))
            x = after
        return found


class FrameWriter:
    """Turns compositor updates into the bytes that bring the terminal from what it shows to what it should show.

    ``erase_to_end`` allows ``CSI K`` for trailing blanks; False for terminals that erase with the default background.
    """

    def __init__(self, *, erase_to_end: bool = True) -> None:
        self._erase_to_end = erase_to_end
        self.wide_ambiguous = False
        """Whether the terminal draws ambiguous characters in two cells: rows that have some are written whole."""
        self._rows: list[_Line | None] = []
        self._width = 0

    def invalidate(self) -> None:
        """Forget what the terminal shows; the next update writes every row that it holds."""
        self._rows = []

    def encode(self, update: CompositorUpdate, console: Console, width: int, height: int) -> str | None:
        """The bytes for an update on a screen of ``width`` × ``height`` cells; None for an update of another kind."""
        if width != self._width or height != len(self._rows):
            self._width = width
            self._rows = [None for _ in range(height)]
        if isinstance(update, LayoutUpdate):
            changed = self._full(update, console)
        elif isinstance(update, ChopsUpdate):
            changed = self._partial(update, console)
        else:
            self.invalidate()
            return None
        return self._write(changed, console)

    def rows(self, x: int, first: int, strips: Sequence[Strip], console: Console) -> str | None:
        """The bytes for new content of rows from ``first`` on, from column ``x`` on; None if what stands beside it is
        not known."""
        last = first + len(strips)
        if not 0 <= first <= last <= len(self._rows) or None in self._rows[first:last]:
            return None
        changed = {y: self._splice(self._rows[y], {x: strip}, console) for y, strip in enumerate(strips, first)}
        return self._write(changed, console)

    # ── what the update says ────────────────────────────────────────────────────────────────────────────────────────

    def _full(self, update: LayoutUpdate, console: Console) -> dict[int, _Line]:
        top = update.region.y
        rows = enumerate(update.strips, top)
        return {y: _Line(list(strips), console) for y, strips in rows if 0 <= y < len(self._rows)}

    def _partial(self, update: ChopsUpdate, console: Console) -> dict[int, _Line]:
        """The new content of every row that the update touches, spliced into the old one."""
        pieces: dict[int, dict[int, Strip]] = {}
        for y, x1, x2 in update.spans:
            if 0 <= y < len(self._rows):
                pieces.setdefault(y, {}).update(_pieces(update, y, x1, x2))
        return {y: self._splice(self._rows[y], row, console) for y, row in pieces.items() if row}

    def _splice(self, old: _Line | None, pieces: dict[int, Strip], console: Console) -> _Line:
        """A row: ``pieces`` by their first column, the old content (or blanks) where there is none."""
        parts: list[Strip] = []
        column = 0
        for x in sorted(pieces):
            if x < column:  # two spans met inside a piece; the wider one came first
                continue
            if x > column:
                parts += old.cut(column, x) if old else [Strip.blank(x - column)]
            parts.append(pieces[x])
            column = x + pieces[x].cell_length
        if column < self._width:
            parts += old.cut(column, self._width) if old else [Strip.blank(self._width - column)]
        return _Line(parts, console)

    # ── what the terminal must be told ──────────────────────────────────────────────────────────────────────────────

    def _write(self, changed: dict[int, _Line], console: Console) -> str:
        before = [None if row is None else row.rendered for row in self._rows]
        after = {y: line.rendered for y, line in changed.items()}
        different = sorted(y for y, text in after.items() if before[y] != text)
        colors = _colors(console)
        move = find_move(before, after, different) if len(different) >= _MIN_MOVED else None
        moved, kept = self._with_move(move, changed, colors) if move is not None else (None, 0)
        if moved is not None and kept >= _CLEAR_GAIN * len(different):
            out = moved
        else:
            out = "".join([self._row(y, self._rows[y], changed[y], colors) for y in different])
            out = out if moved is None else min(out, moved, key=len)
        for y, line in changed.items():
            self._rows[y] = line
        return out

    def _with_move(self, move: tuple[int, int, int], changed: dict[int, _Line], colors: ColorSystem) -> tuple[str, int]:
        """The same update after letting the terminal move rows; rows that should have stayed are written back. Also
        how many rows need not be written."""
        top, bottom, _up = move
        wanted = dict(changed)
        for y in range(top, bottom + 1):
            if y not in wanted and (row := self._rows[y]) is not None:
                wanted[y] = row
        shown = _moved(self._rows, move)
        out = [_move(move)]
        kept = 0
        for y in sorted(wanted):
            line = shown[y]
            if line is not None and line.rendered == wanted[y].rendered:
                kept += 1
            else:
                out.append(self._row(y, line, wanted[y], colors))
        return "".join(out), kept

    def _row(self, y: int, old: _Line | None, new: _Line, colors: ColorSystem) -> str:
        """Bring one row from ``old`` to ``new``."""
        if not self._safe(new.text) or new.width != self._width:
            return f"\x1b[{y + 1};1H{new.rendered}"
        cells = new.cells(colors)
        start, end = 0, len(cells)
        if old is not None and old.width == self._width and self._safe(old.text):
            start, end = _difference(old.cells(colors), cells)
        column = cell_len("".join([character for character, _ in cells[:start]]))
        erase = self._erased_from(cells, start, end)
        text = _styled(cells[start:erase])
        if erase < end:
            text += f"\x1b[0;{cells[erase][1]}m\x1b[K"
        return f"\x1b[{y + 1};{column + 1}H{text}{_RESET}"

    def _safe(self, text: str) -> bool:
        return _safe(text) and not (self.wide_ambiguous and not text.isascii() and ambiguous().search(text))

    def _erased_from(self, cells: Sequence[Cell], start: int, end: int) -> int:
        """Where the blanks begin that reach the end of the row and may be erased rather than written; else ``end``."""
        if not self._erase_to_end or end != len(cells) or not cells:
            return end
        blank = (" ", cells[-1][1])
        if _decorated(blank[1]):
            return end
        first = end
        while first > start and cells[first - 1] == blank:
            first -= 1
        return first if end - first >= _MIN_ERASED else end


@cache
def _safe_pattern() -> re.Pattern[str]:
    # Compiled at the first change, not at the start: it takes longer than the first frame may wait.
    return re.compile(_SAFE)


def _safe(text: str) -> bool:
    return text.isascii() or _safe_pattern().fullmatch(text) is not None


def _pieces(update: ChopsUpdate, y: int, x1: int, x2: int) -> Iterator[tuple[int, Strip]]:
    """The pieces of row ``y`` that the update holds between ``x1`` and ``x2``, with their first column."""
    for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
        if strip is None or x > x2 or end <= x1:
            continue
        yield x, strip if x >= x1 and end <= x2 else strip.crop(0, min(end, x2) - x)


def find_move(
    before: Sequence[str | None], after: dict[int, str], different: Sequence[int]
) -> tuple[int, int, int] | None:
    """The vertical move that explains most changed rows: (top row, bottom row, rows up; negative: down), or None.

    Blank rows prove nothing: only rows that occur once before the update vote."""
    seen = Counter(text for text in before if text)
    where = {text: y for y, text in enumerate(before) if text and seen[text] == 1}
    votes = Counter(where[after[y]] - y for y in different if after[y] in where)
    if not votes:
        return None
    up, count = votes.most_common(1)[0]
    if up == 0 or count < _MIN_MOVED:
        return None
    matched = sorted(y for y, text in after.items() if 0 <= y + up < len(before) and before[y + up] == text)
    first, last = matched[0], matched[-1]
    return (first, last + up, up) if up > 0 else (first + up, last, up)


def _move(move: tuple[int, int, int]) -> str:
    """Move the rows between ``top`` and ``bottom`` up (or down) inside a scroll region."""
    top, bottom, up = move
    scroll = f"\x1b[{bottom + 1};1H" + "\n" * up if up > 0 else f"\x1b[{top + 1};1H" + "\x1bM" * -up
    return f"\x1b[{top + 1};{bottom + 1}r{scroll}\x1b[r"


def _moved(rows: Sequence[T | None], move: tuple[int, int, int]) -> list[T | None]:
    """``rows`` as the terminal shows them after the move; what came in is unknown (None)."""
    top, bottom, up = move
    inside = [rows[y + up] if top <= y + up <= bottom else None for y in range(top, bottom + 1)]
    return [*rows[:top], *inside, *rows[bottom + 1 :]]


def _colors(console: Console) -> ColorSystem:
    """The terminal's colour system; Rich has no public accessor that gives the enumeration."""
    return console._color_system or ColorSystem.TRUECOLOR  # pyright: ignore[reportPrivateUsage]


def _codes(style: Style, colors: ColorSystem) -> str:
    """A style's SGR codes, from the cache that Textual's own strips fill."""
    cached = style._ansi  # pyright: ignore[reportPrivateUsage]
    codes = Strip.render_ansi(style, colors) if cached is None else cached
    return f"{codes}\x00{style.link}" if style.link else codes


def _cells(strip: Strip, colors: ColorSystem) -> Iterator[Cell]:
    for text, style, _control in strip:
        codes = "" if style is None else _codes(style, colors)
        for character in text:
            yield character, codes


def _difference(old: Sequence[Cell], new: Sequence[Cell]) -> tuple[int, int]:
    """First and last+1 cell of ``new`` that differ. Both rows have the same width, so equal ends line up."""
    start = 0
    for mine, theirs in zip(old, new, strict=False):
        if mine != theirs:
            break
        start += 1
    end = len(new)
    other = len(old)
    while end > start and other > start and new[end - 1] == old[other - 1]:
        end -= 1
        other -= 1
    return start, end


def _decorated(codes: str) -> bool:
    """Whether blanks drawn with these codes show more than a background: reverse, underline and the like."""
    return "\x00" in codes or any(code in {"4", "7", "9", "21", "53"} for code in codes.split(";"))


def _styled(cells: Sequence[Cell]) -> str:
    out: list[str] = []
    current: str | None = None
    link = ""
    for character, codes in cells:
        if codes != current:
            sgr, _, target = codes.partition("\x00")
            if target != link:
                out.append(f"\x1b]8;;{target}\x1b\\")
                link = target
            out.append(_change(None if current is None else current.partition("\x00")[0], sgr))
            current = codes
        out.append(character)
    if link:
        out.append("\x1b]8;;\x1b\\")
    return "".join(out)


@lru_cache(1024)
def _change(before: str | None, after: str) -> str:
    """The shortest sequence from one set of SGR codes to another."""
    whole = f"\x1b[0;{after}m" if after else _RESET
    if before is None:
        return whole
    old, new = _by_place(before), _by_place(after)
    if not old.keys() <= new.keys():
        return whole  # something is switched off
    codes = ";".join([code for place, code in new.items() if old.get(place) != code])
    return f"\x1b[{codes}m" if codes else ""


def _by_place(codes: str) -> dict[str, str]:
    """SGR codes by what they set: ``fg`` and ``bg``, attributes by themselves."""
    found: dict[str, str] = {}
    words = iter(codes.split(";") if codes else ())
    for word in words:
        if word in {"38", "48"}:
            kind = next(words, "5")
            rest = [next(words, "0") for _ in range(3 if kind == "2" else 1)]
            found["fg" if word == "38" else "bg"] = ";".join([word, kind, *rest])
        elif word.isdecimal() and (30 <= int(word) <= 39 or 90 <= int(word) <= 97):
            found["fg"] = word
        elif word.isdecimal() and (40 <= int(word) <= 49 or 100 <= int(word) <= 107):
            found["bg"] = word
        else:
            found[word] = word
    return found
