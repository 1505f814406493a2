"""The bundled font: what is in it, and that its licence comes with it."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.pixels import read_png
from tests.unit.shot.pictures import grid
from tui.shot import font, svg
from tui.shot.cells import Missing
from tui.shot.png import to_png


def encodable(codec: str, first: int, last: int) -> set[int]:
    found: set[int] = set()
    for row in range(first, last + 1):
        for cell in range(0xA1, 0xFF):
            try:
                found.add(ord(bytes((row, cell)).decode(codec)))
            except UnicodeDecodeError:
                continue
    return found


def test_all_of_gb_2312_and_the_common_kanji_are_there() -> None:
    assert len(encodable("gb2312", 0xB0, 0xF7)) == 6763
    assert encodable("gb2312", 0xA1, 0xF7) <= font.characters()
    assert encodable("euc_jp", 0xB0, 0xCF) <= font.characters()
    assert set(range(0x20, 0x7F)) | set(range(0xA0, 0x130)) <= font.characters()


def test_it_is_what_the_script_makes() -> None:
    """``scripts/make_font.py`` prints this for the sources that it names; other bytes would draw other pictures."""
    made = "c804f910090712efd37e10e853e1240a37ab6a389959d2c94a4b5b6c9369f25b"
    assert hashlib.sha256(font.font_path().read_bytes()).hexdigest() == made


def test_what_the_screen_draws_is_there() -> None:
    assert all(map(font.has_glyphs, "▸▾⚙✓✗⇄⎿☐☑●○◐…·–—“”↑↓›„🚀✅😀"))


def test_what_is_not_there_is_known() -> None:
    assert not font.has_glyphs("한")
    assert not font.has_glyphs("🦄")
    assert not font.has_glyphs("👨‍👩‍👧")
    assert not font.has_glyphs("👍🏽")
    assert not font.has_glyphs("🇨🇳")
    assert font.has_glyphs("e\u0301")
    assert font.has_glyphs("")
    assert font.has_glyphs("⚙\ufe0f")


def test_the_licence_lies_beside_it() -> None:
    folder = font.font_path().parent
    text = (folder / "OFL.txt").read_text("utf-8")
    assert "SIL OPEN FONT LICENSE Version 1.1" in text
    assert "Reserved Font Name 'Source'" in text
    assert "JetBrains" in text
    assert b"l\0m\0d\0e\0c\0k\0 \0M\0o\0n\0o" in font.font_path().read_bytes()
    assert font.font_path().stat().st_size < 3_000_000


def test_another_table_is_not_there() -> None:
    with pytest.raises(ValueError, match="nope"):
        font.table_offset(font.font_path().read_bytes(), b"nope")


def collection(font_bytes: bytes) -> bytes:
    """A collection of one font: its tables lie behind the collection's header."""
    header = struct.pack(">4sIII", b"ttcf", 0x00010000, 1, 16)
    moved = bytearray(font_bytes)
    for number in range(struct.unpack_from(">H", moved, 4)[0]):
        at = 12 + 16 * number + 8
        struct.pack_into(">I", moved, at, struct.unpack_from(">I", moved, at)[0] + len(header))
    return header + bytes(moved)


@pytest.fixture
def extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The extra is installed, and the bundled font lacks 中."""
    package = tmp_path / "manimgx_fonts_cjk"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "NotoSansCJK-VF.otf.ttc").write_bytes(collection(font.font_path().read_bytes()))
    monkeypatch.syspath_prepend(tmp_path)
    known = font.characters() - {ord("中")}
    monkeypatch.setattr(font, "characters", lambda: known)
    forget()
    yield
    monkeypatch.undo()
    forget()


def forget() -> None:
    font.extra_path.cache_clear()
    font._extra_characters.cache_clear()
    svg._is_known.cache_clear()


def test_the_extra_draws_what_the_bundled_font_lacks(extra: None) -> None:
    drawing = svg.draw_svg(grid("中文한"))
    assert drawing.missing == Missing(1, ("한",))
    assert 'font-family="Noto Sans CJK SC" font-size="20"' in drawing.svg
    assert drawing.svg.count("font-size=") == 2
    assert read_png(to_png(grid("中文한"), scale=1)).size == (60, 24)


def test_an_extra_without_its_font_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "manimgx_fonts_cjk").mkdir()
    (tmp_path / "manimgx_fonts_cjk" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    forget()
    assert font.extra_path() is None
    assert not font.extra_has_glyphs("한")
    monkeypatch.undo()
    forget()
