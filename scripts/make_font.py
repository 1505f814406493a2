#!/usr/bin/env python3
"""Make the pictures' font, ``tui/shot/fonts/lmdeck-mono.ttf``: every glyph exactly one or two cells wide.

    # Debian 12
    apt-get download fonts-noto-cjk=1:20220127+repack1-1 fonts-jetbrains-mono=2.242+ds-3 \
        fonts-noto-mono=20201225-1 fonts-noto-core=20201225-1
    for package in fonts-*.deb; do dpkg-deb -x "$package" unpacked; done
    npm pack @expo-google-fonts/noto-emoji@0.4.7 && tar -xzf expo-google-fonts-*.tgz -C unpacked
    pip install fonttools==4.68.0
    python scripts/make_font.py unpacked

Narrow characters come from JetBrains Mono and Noto Sans Mono (600 units wide), everything two cells wide from Noto
Sans Mono CJK SC, enlarged to exactly 1,200 units; symbols that none of the narrow fonts has come from Noto Sans Math
and Noto Sans Symbols, made to fit one cell; common emoji, in one colour, from Noto Emoji. All are under the SIL Open
Font License 1.1 and so is the result (tui/shot/fonts/OFL.txt). It has a name of its own, because the licence of Noto
Sans CJK's sources reserves the name "Source". The same files give the same bytes; their SHA-256 sums are checked.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from fontTools.fontBuilder import FontBuilder
from fontTools.misc.roundTools import otRound
from fontTools.pens.boundsPen import BoundsPen
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.pens.transformPen import TransformPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTCollection, TTFont
from rich.cells import get_character_cell_size

# Which file a narrow character is taken from, first come first served; the collection gives the wide ones.
SOURCES = (
    ("JetBrainsMono-Regular.ttf", "a3014fb90ae8ddfbdfc778de75f95b49a857947fde5335ab3f50b6d56eb517be"),
    ("NotoSansMono-Regular.ttf", "6b692c4b6d15ccf59f1c1fe8d11cb8a92f51960f3e9f1f523781755a3af7e29f"),
    ("NotoSansCJK-Regular.ttc", "b76b0433203017ca80401b2ee0dd69350349871c4b19d504c34dbdd80541690a"),
    ("NotoSansMath-Regular.ttf", "8242bd1e55368b27e32455260754cf9aa58f3ad7ea80664b66c21f1b09910d6c"),
    ("NotoSansSymbols2-Regular.ttf", "876598db5f1e3bef2bc77c4d94c5b0d5d2c1620be4878a06f18fb5434e331688"),
    ("NotoSansSymbols-Regular.ttf", "24b615ceb7d50a2c09060664ca9e24a160c9beb6bfca0563e8359369a4bc0993"),
)
EMOJI_SOURCE = ("NotoEmoji_400Regular.ttf", "24aaa2a20c9c06ffe9bf04284bfd1f14376a329d10122f902abe2770817eb504")
WIDE = 2  # which of them
WIDE_FACE = 7  # Noto Sans Mono CJK SC in the collection
TARGET = Path(__file__).resolve().parents[1] / "tui" / "shot" / "fonts" / "lmdeck-mono.ttf"

FAMILY = "lmdeck Mono"
CELL = 600
ASCENT, DESCENT = 1020, -300
WIDE_SCALE = 2 * CELL / 1000
EMOJI_SCALE = 2 * CELL / 2600
EMOJI_SHIFT = 37  # brings them to the middle of the line
# What models like to write beside the smileys (U+1F600…U+1F64F).
EMOJI = (
    "✅❌❓❔❗❎➕➖➗⭐⚡⛔⛅☕⌚⌛⏰⏳⏩⏪⚪⚫⬛⬜✨✋✊"
    "🚀🔥💡📌📍📝🎯👍👎👉👈👆👇👏👋👌💪🤝🤔🤖🤗🤣🤩🥳🥰🧠💬💭💻📱🖱💾💿📷🎥🔍🔎🔧🔨🔑🔒🔓🔗🔔🔄🔴🟠🟡🟢🔵🟣🟥🟧🟨🟩🟦🟪"
    "📁📂📄📃📅📆📊📈📉📋📎📏📐📓📕📗📘📙📚📖📦📢📣📧📨📩📮🌍🌎🌏🌐🌈🌊🌞🌟🌙🌱🌲🌳🌴🌵🌸🌹🌻🍀🍁🍂🍃"
    "🍉🍊🍋🍎🍏🍇🍓🍒🍑🍌🍍🍅🥕🌽🍞🍕🍔🍟🍰🎂🍺🍵🎉🎊🎁🎈🎓🎨🎬🎮🎲🎵🎶🎸🏆🏅🏃🏠🏡🏢🏫🏥🐶🐱🐭🐰🦊🐻🐼🐯🦁🐮🐷"
    "🐵🐔🐧🐦🐤🦆🦉🐍🐢🐟🐬🐳🦋🐝🐞🚗🚕🚌🚲🚂🚄🛫🚢🚦🚧🚨🚩🚫🆕🆗🆒🆘🔝🔢💯💰💳💎💖💙💚💛💜💔💕💥💦💤👀👑👦👧👨👩👴👵👶"
)
HAN_SHIFT = -96  # Han, 880 above and 120 below its baseline, comes to the middle of the line
ROOM = CELL - 40  # what a squeezed symbol may fill of its cell
TOLERANCE = 4.0  # units; how far a quadratic curve may be from the cubic one
MADE = 3_850_000_000  # seconds since 1904: a date of its own would change the bytes
LICENCE = "This Font Software is licensed under the SIL Open Font License, Version 1.1. https://openfontlicense.org"
COPYRIGHT = (
    "Copyright 2014-2021 Adobe (http://www.adobe.com/), with Reserved Font Name 'Source'. "
    "Copyright 2020 The JetBrains Mono Project Authors (https://github.com/JetBrains/JetBrainsMono). "
    "Copyright 2013-2026 Google LLC (Noto Sans Mono, Noto Sans Math, Noto Sans Symbols, Noto Emoji). "
    "Their glyphs, scaled and joined by the lmdeck authors."
)


def decoded(codec: str, rows: Iterable[int], cells: range = range(0xA1, 0xFF)) -> Iterator[int]:
    """The characters of a two-byte encoding's rows."""
    for row in rows:
        for cell in cells:
            try:
                text = bytes((row, cell)).decode(codec)
            except UnicodeDecodeError:
                continue
            if len(text) == 1:
                yield ord(text)


def wanted() -> set[int]:
    """GB 2312 (symbols and both levels), the first level of JIS X 0208, kana, bopomofo, CJK punctuation and signs."""
    found = {*decoded("gb2312", range(0xA1, 0xF8)), *decoded("euc_jp", range(0xA1, 0xD0))}
    for first, last in (
        (0x02B0, 0x02FF),
        (0x1D00, 0x1DBF),  # raised and lowered letters
        (0x2000, 0x2BFF),  # punctuation, arrows, mathematics, technical, box, block, shapes, dingbats
        (0x2C60, 0x2C7F),
        (0x03D0, 0x03FF),
        (0x3000, 0x312F),  # CJK punctuation, kana, bopomofo
        (0x31F0, 0x33FF),  # enclosed and squared
        (0xFE30, 0xFE4F),
        (0xFF01, 0xFFE6),
        (0x1D538, 0x1D56B),  # letters of sets of numbers
        (0x1D7D8, 0x1D7E1),
    ):
        found.update(range(first, last + 1))
    return found


def checked(root: Path, name: str, checksum: str) -> Path:
    """A source file, found anywhere below ``root``."""
    path = next(root.rglob(name), None)
    if path is None:
        sys.exit(f"{name} is not below {root}")
    actual = hashlib.sha256(path.read_bytes()).hexdigest()
    if actual != checksum:
        sys.exit(f"{name}: SHA-256 is {actual}, expected {checksum}")
    return path


def opened(path: Path) -> TTFont:
    return TTCollection(path).fonts[WIDE_FACE] if path.suffix == ".ttc" else TTFont(path)


class Drawer:
    """Copies outlines of one font, moved and scaled, as quadratic curves without components."""

    def __init__(self, font: TTFont) -> None:
        self.map: dict[int, str] = font.getBestCmap()
        self._glyphs = font.getGlyphSet()
        self._cubic = "CFF " in font

    def bounds(self, code: int) -> tuple[float, float, float, float]:
        """xMin, yMin, xMax, yMax; all 0 for an empty glyph."""
        pen = BoundsPen(self._glyphs)
        self._glyphs[self.map[code]].draw(pen)
        return pen.bounds or (0, 0, 0, 0)

    def advance(self, code: int) -> float:
        return self._glyphs[self.map[code]].width

    def glyph(self, code: int, scale: float = 1.0, dx: float = 0.0, dy: float = 0.0) -> Any:
        outline = DecomposingRecordingPen(self._glyphs)
        self._glyphs[self.map[code]].draw(outline)
        target = TTGlyphPen(None)
        quadratic = Cu2QuPen(target, TOLERANCE, reverse_direction=self._cubic)
        outline.replay(TransformPen(quadratic, (scale, 0, 0, scale, dx, dy)))
        return target.glyph(round=otRound)


def fitted(source: Drawer, code: int, enlarged: float, shift: float) -> Any:
    """A symbol of another width made to fit one cell, in the middle of it; its height on the line stays."""
    left, bottom, right, top = source.bounds(code)
    scale = min(enlarged, ROOM / max(right - left, 1))
    middle = (bottom + top) / 2
    return source.glyph(code, scale, CELL / 2 - (left + right) / 2 * scale, middle * (enlarged - scale) + shift)


def narrow_glyph(sources: Sequence[Drawer], code: int) -> tuple[Any, int] | None:
    """The glyph and advance of a character of one cell (or of none, if it combines)."""
    for place, source in enumerate(sources):
        if code not in source.map:
            continue
        if source.advance(code) in (0, CELL):
            return source.glyph(code), int(source.advance(code))
        wide = place == WIDE
        return fitted(source, code, WIDE_SCALE if wide else 1.0, HAN_SHIFT if wide else 0.0), CELL
    return None


def drawn_emoji(source: Drawer) -> Iterator[tuple[int, Any, int]]:
    """The same for emoji, in outlines of one colour."""
    for code in sorted({*map(ord, EMOJI), *range(0x1F600, 0x1F650)}):
        if get_character_cell_size(chr(code)) == 2:
            yield code, source.glyph(code, EMOJI_SCALE, 0, EMOJI_SHIFT), 2 * CELL


def drawn(sources: Sequence[Drawer]) -> Iterator[tuple[int, Any, int]]:
    """Code point, glyph and advance of everything the font has."""
    wide = sources[WIDE]
    for code in sorted(wanted() | set(sources[0].map)):
        cells = get_character_cell_size(chr(code))
        if cells < 2:
            found = narrow_glyph(sources, code)
            if found is not None:
                yield code, *found
        elif code in wide.map:
            spare = (1000 - wide.advance(code)) / 2
            yield code, wide.glyph(code, WIDE_SCALE, spare * WIDE_SCALE, HAN_SHIFT), 2 * CELL


def built(sources: Sequence[Drawer], emoji: Drawer) -> FontBuilder:
    """The font: outlines, widths, character map and names, nothing else."""
    blank = TTGlyphPen(None).glyph()
    glyphs: dict[str, Any] = {".notdef": blank}
    widths = {".notdef": CELL}
    names: dict[int, str] = {}
    for code, glyph, advance in (*drawn(sources), *drawn_emoji(emoji)):
        names[code] = f"u{code:04X}"
        glyphs[names[code]], widths[names[code]] = glyph, advance
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder(list(glyphs))
    font.setupCharacterMap(names)
    font.setupGlyf(glyphs)
    bounds = {name: getattr(font.font["glyf"][name], "xMin", 0) for name in glyphs}
    font.setupHorizontalMetrics({name: (widths[name], bounds[name]) for name in glyphs})
    font.setupHorizontalHeader(ascent=ASCENT, descent=DESCENT)
    font.setupNameTable(
        {
            "copyright": COPYRIGHT,
            "familyName": FAMILY,
            "styleName": "Regular",
            "uniqueFontIdentifier": f"{FAMILY} 1.000",
            "fullName": FAMILY,
            "version": "Version 1.000",
            "psName": FAMILY.replace(" ", ""),
            "licenseDescription": LICENCE,
            "licenseInfoURL": "https://openfontlicense.org",
        },
        mac=False,
    )
    font.setupOS2(sTypoAscender=ASCENT, sTypoDescender=DESCENT, usWinAscent=ASCENT, usWinDescent=-DESCENT)
    font.setupPost(isFixedPitch=1, keepGlyphNames=False)
    font.font["head"].created = font.font["head"].modified = MADE
    font.font.recalcTimestamp = False
    return font


def main(arguments: list[str]) -> None:
    if len(arguments) != 1:
        sys.exit(__doc__)
    root = Path(arguments[0])
    sources = [Drawer(opened(checked(root, name, checksum))) for name, checksum in SOURCES]
    emoji = Drawer(opened(checked(root, *EMOJI_SOURCE)))
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    built(sources, emoji).save(TARGET)
    print(f"{TARGET.name}: {TARGET.stat().st_size:,} bytes, {hashlib.sha256(TARGET.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main(sys.argv[1:])
