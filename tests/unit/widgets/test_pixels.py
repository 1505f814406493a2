"""Pictures from outside: right when they are pictures, refused when they are not, within limits always."""

from __future__ import annotations

import base64
import struct
import sys
import zlib
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tui.markdown.ink import Page
from tui.model.message import ImagePart
from tui.widgets.picture import PictureView
from tui.widgets.pixels import FORMATS, MOST_BYTES, Pixels, Refused, develop


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> str:
    file = BytesIO()
    image.save(file, kind, **options)
    return base64.b64encode(file.getvalue()).decode()


def halves(size: tuple[int, int] = (40, 20)) -> Image.Image:
    """Left red, right blue."""
    image = Image.new("RGB", size, (0, 0, 255))
    image.paste((255, 0, 0), (0, 0, size[0] // 2, size[1]))
    return image


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_comes_out_with_its_colours(kind: str):
    made = develop(encoded(halves(), kind), 10, 10)
    assert isinstance(made, Pixels)
    assert (made.kind, made.size, made.width, len(made.lines)) == (kind, (40, 20), 10, 5)
    left, right = made.lines[2][1], made.lines[2][8]
    assert left is not None
    assert right is not None
    assert left >> 16 > 0xD0 > 0x30 > left & 0xFF
    assert right & 0xFF > 0xD0 > 0x30 > right >> 16


def test_small_pictures_stay_small_and_transparent_ones_transparent():
    image = Image.new("RGBA", (3, 2), (0, 0, 0, 0))
    image.putpixel((1, 1), (8, 16, 24, 255))
    made = develop(encoded(image), 60, 36)
    assert isinstance(made, Pixels)
    assert made.lines == ((None, None, None), (None, 0x081018, None))
    made = develop(encoded(image.convert("P")), 60, 36)
    assert isinstance(made, Pixels)
    assert made.width == 3


def test_a_photo_stands_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    made = develop(encoded(halves((64, 32)), "JPEG", exif=exif), 16, 16)
    assert isinstance(made, Pixels)
    assert (made.width, len(made.lines)) == (8, 16)
    top, bottom = made.lines[1][4], made.lines[14][4]
    assert top is not None
    assert bottom is not None
    assert top >> 16 > 0xD0
    assert bottom & 0xFF > 0xD0


def bomb(width: int, height: int) -> str:
    """A PNG that claims to be huge."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 1000)
    raw = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    return base64.b64encode(raw).decode()


@pytest.mark.parametrize("size", [(5000, 5000), (20_000, 10_000), (60_000, 60_000), (2**31 - 1, 1)])
def test_a_bomb_is_refused_before_it_is_decoded(size: tuple[int, int]):
    assert develop(bomb(*size), 60, 36) in (Refused("large"), Refused("broken"))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("", "broken"), ("not base64!", "broken"), ("AAAA", "broken"),
        (base64.b64encode(b"<svg xmlns='http://www.w3.org/2000/svg'/>").decode(), "broken"),
        (base64.b64encode(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n").decode(), "broken"),
        ("A" * (MOST_BYTES * 4 // 3 + 8), "large"),
    ],
)  # fmt: skip
def test_what_is_no_picture_is_refused(data: str, reason: str):
    assert develop(data, 60, 36) == Refused(reason)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(FORMATS), st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=12), st.data())
def test_damaged_files_never_raise(kind: str, damage: list[tuple[int, int]], data: st.DataObject):
    raw = bytearray(base64.b64decode(encoded(halves(), kind)))
    for place, value in damage:
        raw[place % len(raw)] = value
    cut = data.draw(st.integers(0, len(raw)))
    made = develop(base64.b64encode(raw[:cut]).decode(), 20, 20)
    assert isinstance(made, Refused) or made.width <= 20


def test_without_pillow_there_are_words(monkeypatch: pytest.MonkeyPatch):
    data = encoded(halves())
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert develop(data, 20, 20) == Refused("unavailable")


async def shown(view: PictureView, page: Page) -> list[str]:
    view.rows(page)
    work = view.develop(page)
    if work is not None:
        await work
    return [row.text for row in view.rows(page)]


async def test_rows_hold_two_pixels_a_cell():
    image = Image.new("RGBA", (4, 3), (0, 0, 0, 0))
    for x, y in ((0, 0), (1, 1), (2, 0), (2, 1), (3, 0), (3, 1), (0, 2)):
        image.putpixel((x, y), (200, 8 * y, 80, 255))
    image.putpixel((3, 1), (200, 0, 80, 255))
    view = PictureView("m", ImagePart("image/png", encoded(image), "a [/x]\x1b[31m.png"))
    rows = await shown(view, Page(80))
    assert rows[0].startswith("▾ picture a [/x]")
    assert "4×3 PNG" in rows[0]
    assert "\x1b" not in "".join(rows)
    assert rows[1:] == ["  ▀▄▀ ", "  ▀   "]
    assert view.develop(Page(80)) is None
    assert "on#" in view.rows(Page(80))[1].runs[-1].style
    view.set_open(opened=False)
    assert len(await shown(view, Page(80))) == 1
    assert "4×3" in view.source


async def test_other_widths_and_other_terminals():
    view = PictureView("m", ImagePart("image/png", encoded(halves((200, 100)))))
    assert max(len(row) for row in await shown(view, Page(80))) == 62
    assert not any(row.drawn for row in view.rows(Page(30))), "too wide until it was made anew"
    assert max(len(row) for row in await shown(view, Page(30))) <= 30
    wide = await shown(view, Page(30, wide_ambiguous=True))
    assert {row.strip(" ") for row in wide[2:]} == {""}
    assert len(wide) == 2 + 7
    assert view.develop(Page(1)) is None
    view.forget()
    assert not any(row.drawn for row in view.rows(Page(30)))
    await shown(view, Page(30))
    assert any(row.drawn for row in view.rows(Page(30)))


@pytest.mark.parametrize(("data", "words"), [("AAAA", "cannot be shown"), (bomb(9000, 9000), "too large")])
async def test_words_say_why_there_is_no_picture(data: str, words: str):
    view = PictureView("m", ImagePart("image/png", data), name="plot")
    rows = await shown(view, Page(80))
    assert len(rows) == 1
    assert "plot" in rows[0]
    assert words in rows[0]
