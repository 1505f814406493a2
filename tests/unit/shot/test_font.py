"""The bundled font: what is in it, and that its licence comes with it."""

from __future__ import annotations

import pytest

from tui.shot import font


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


def test_what_the_screen_draws_is_there() -> None:
    assert font.has_glyphs("▸▾⚙✓✗⇄⎿☐☑●○◐…·–—“”↑↓›„")


def test_what_is_not_there_is_known() -> None:
    assert not font.has_glyphs("한")
    assert not font.has_glyphs("🚀")
    assert not font.has_glyphs("中🚀")
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
        font._table(font.font_path().read_bytes(), b"nope")
