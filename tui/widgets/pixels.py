"""Pictures as coloured pixels for cells: decoding what came from outside, within limits. Call it in a thread.

Pillow is imported here and nowhere else, with the first picture that is shown. It only reads the formats named below,
and decodes nothing before the header has said that the picture has a sensible size: a file of some kilobytes may hold
gigabytes of pixels.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP")
MOST_BYTES = 24 * 1024 * 1024
MOST_PIXELS = 16_000_000  # of four bytes each while it is decoded
MOST_JPEG_PIXELS = 100_000_000  # a JPEG is decoded at an eighth of its size
_STEP = 8  # colours are rounded to this, so that neighbours are more often alike


@dataclass(frozen=True, slots=True)
class Pixels:
    """A small picture. ``lines`` hold ``0xRRGGBB``, None where it is transparent; ``size`` and ``kind`` (PNG …) are the
    original's."""

    kind: str
    size: tuple[int, int]
    lines: tuple[tuple[int | None, ...], ...]

    @property
    def width(self) -> int:
        return len(self.lines[0]) if self.lines else 0


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a picture is not shown: ``broken``, ``large`` (too many bytes or pixels) or ``unavailable`` (no Pillow)."""

    reason: str


def develop(data: str, columns: int, lines: int) -> Pixels | Refused:
    """A picture in base64, made smaller to fit; never larger than it is. One frame of a moving one."""
    if len(data) * 3 // 4 > MOST_BYTES:
        return Refused("large")
    try:
        raw = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return Refused("broken")
    try:
        from PIL import Image
    except ImportError:
        return Refused("unavailable")
    try:
        with Image.open(BytesIO(raw), formats=FORMATS) as image:
            most = MOST_JPEG_PIXELS if image.format == "JPEG" else MOST_PIXELS
            if image.width * image.height > most:
                return Refused("large")
            return Pixels(image.format or "", image.size, _lines(image, columns, lines))
    except Image.DecompressionBombError:
        return Refused("large")
    except Exception:  # noqa: BLE001 (Pillow's readers raise all kinds of errors for broken files)
        return Refused("broken")


def _lines(image: Image, columns: int, lines: int) -> tuple[tuple[int | None, ...], ...]:
    from PIL import ImageOps

    longest = 2 * max(columns, lines)
    image.draft("RGB", (longest, longest))
    orientation = image.getexif().get(0x0112, 1)
    small = image.convert("RGBA") if image.mode != "RGB" else image.copy()
    if orientation != 1:
        small.thumbnail((longest, longest))
        small.getexif()[0x0112] = orientation
        small = ImageOps.exif_transpose(small)
    small.thumbnail((columns, lines))
    data = small.convert("RGBA").tobytes()
    width = small.width
    pixels = [_pixel(*data[at : at + 4]) for at in range(0, len(data), 4)]
    return tuple(tuple(pixels[at : at + width]) for at in range(0, len(pixels), width))


def _pixel(red: int, green: int, blue: int, alpha: int) -> int | None:
    if alpha < 128:
        return None
    return (red // _STEP * _STEP) << 16 | (green // _STEP * _STEP) << 8 | blue // _STEP * _STEP
