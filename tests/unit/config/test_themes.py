"""Every shipped theme: Textual accepts it, texts can be read on it, and the memory colours can be told apart."""

from __future__ import annotations

import itertools
import tomllib
from pathlib import Path

import pytest
from textual.app import App, ComposeResult
from textual.color import Color
from textual.css.stylesheet import Stylesheet
from textual.theme import Theme
from textual.widgets import Input, Label

import tui
from tests.support.waiting import until_pilot
from tui.config.themes import shipped_folder

FILES = sorted(shipped_folder().glob("*.toml"))
VRAM = ("vram-weights", "vram-kv", "vram-other", "vram-free")
STYLES = sorted(Path(tui.__file__).parent.glob("styles/*.tcss"))
SHEET = """
Screen { background: $background; color: $foreground; }
.panel { background: $panel; color: $text-muted; border: round $border; }
.bad { background: $surface; color: $error; }
.good { color: $success; } .careful { color: $warning; } .head { color: $primary; } .more { color: $accent; }
.weights { color: $vram-weights; } .kv { color: $vram-kv; } .other { color: $vram-other; } .free { color: $vram-free; }
Input { background: $boost; color: $secondary; scrollbar-color: $scrollbar; }
"""
# Machado, Oliveira, Fernandes (2009), severity 1.0, on linear RGB.
VISION = {
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


def _load(path: Path) -> tuple[Theme, dict[str, str]]:
    theme = Theme(**tomllib.loads(path.read_text("utf-8")))
    return theme, {**theme.to_color_system().generate(), **theme.variables}


def _linear(value: int) -> float:
    share = value / 255
    return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4


def _luminance(color: Color) -> float:
    return 0.2126 * _linear(color.r) + 0.7152 * _linear(color.g) + 0.0722 * _linear(color.b)


def contrast(one: Color, other: Color) -> float:
    """WCAG 2: 1 (none) to 21 (black on white)."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _resolved(value: str, ground: Color) -> Color:
    """What a text colour becomes on ``ground``; ``auto 60%`` is black or white, whichever reads better, blended."""
    if value.startswith("auto"):
        share = value.partition(" ")[2].rstrip("%") or "100"
        return ground.blend(ground.get_contrast_text(1.0), float(share) / 100)
    return ground + Color.parse(value)


def _seen(color: Color, vision: str) -> tuple[float, float, float]:
    """CIE Lab of a colour as that kind of vision sees it."""
    rgb = [_linear(part) for part in (color.r, color.g, color.b)]
    if vision in VISION:
        rgb = [min(1.0, max(0.0, sum(a * b for a, b in zip(row, rgb, strict=True)))) for row in VISION[vision]]
    red, green, blue = rgb
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883
    fx, fy, fz = (part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116 for part in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def _distance(one: Color, other: Color, vision: str) -> float:
    pairs = zip(_seen(one, vision), _seen(other, vision), strict=True)
    return sum((a - b) ** 2 for a, b in pairs) ** 0.5


def test_the_promised_themes_are_there():
    names = {tomllib.loads(path.read_text("utf-8"))["name"] for path in FILES}
    assert names >= {"lmdeck-dark", "lmdeck-light", "high-contrast-dark", "high-contrast-light"}
    assert names >= {"colour-blind", "ansi", "ember", "dusk"}
    assert len(names) == len(FILES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_textual_accepts_it(path: Path):
    theme, variables = _load(path)
    assert theme.name == path.stem
    assert set(VRAM) <= set(theme.variables)
    for name in VRAM:
        Color.parse(theme.variables[name])
    sheet = Stylesheet(variables=variables)
    sheet.add_source(SHEET)
    for number, source in enumerate(STYLES):
        sheet.add_source(source.read_text("utf-8"), read_from=(str(source), str(number)))
    sheet.parse()
    assert sheet.rules


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_its_texts_can_be_read(path: Path):
    theme, variables = _load(path)
    if theme.ansi:
        assert all(value.startswith("ansi_") for value in (theme.primary, *(theme.variables[one] for one in VRAM)))
        return
    high = theme.name.startswith("high-contrast")
    for ground_name in ("background", "surface", "panel"):
        ground = Color.parse(variables[ground_name])
        assert contrast(Color.parse(variables["foreground"]), ground) >= (15 if high else 7), ground_name
        muted = _resolved(variables["text-muted"], ground)
        assert contrast(muted, ground) >= (9 if high else 4.5), ground_name
        for name in ("primary", "accent", "success", "warning", "error"):
            least = 7 if high else 3 if name == "primary" else 4
            assert contrast(Color.parse(variables[name]), ground) >= least, (ground_name, name)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_its_memory_colours_stand_out(path: Path):
    theme, variables = _load(path)
    if theme.ansi:
        assert len({theme.variables[one] for one in VRAM}) == len(VRAM)
        return
    for name in VRAM:
        color = Color.parse(variables[name])
        for ground in ("background", "surface"):
            # WCAG 1.4.11: 3 to 1 for graphics. Free memory is where nothing is; its glyph may be fainter.
            assert contrast(color, Color.parse(variables[ground])) >= (2.8 if name == "vram-free" else 3), (
                name,
                ground,
            )
    for one, other in itertools.combinations(VRAM, 2):
        assert _distance(Color.parse(variables[one]), Color.parse(variables[other]), "usual") > 20, (one, other)


@pytest.mark.parametrize("vision", VISION)
def test_the_colour_blind_theme_tells_everything_apart(vision: str):
    _theme, variables = _load(shipped_folder() / "colour-blind.toml")
    for names in (VRAM[:3], ("success", "warning", "error")):
        for one, other in itertools.combinations(names, 2):
            assert _distance(Color.parse(variables[one]), Color.parse(variables[other]), vision) > 20, (one, other)


async def test_an_app_can_wear_each_of_them():
    class Small(App[None]):
        CSS = "Label { color: $vram-kv; background: $panel; border: round $border; }"

        def compose(self) -> ComposeResult:
            yield Label("text")
            yield Input("text")

        def get_theme_variable_defaults(self) -> dict[str, str]:
            return dict.fromkeys(VRAM, "#808080")

    app = Small()
    async with app.run_test() as pilot:
        for path in FILES:
            theme, _variables = _load(path)
            app.register_theme(theme)
            app.theme = theme.name
            wanted = theme.variables["vram-kv"]
            await until_pilot(pilot, lambda one=wanted: app.theme_variables["vram-kv"] == one, what=theme.name)
            await pilot.pause()
