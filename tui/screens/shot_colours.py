"""The colours of a picture: a theme without an app that wears it, and Textual's styles as ink."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style
from rich.terminal_theme import SVG_EXPORT_THEME, TerminalTheme
from textual.color import Color, ColorParseError
from textual.theme import BUILTIN_THEMES, Theme

from tui.config.themes import theme_files
from tui.markdown.palette import Palette
from tui.model.problem import Problem, ProblemError
from tui.shot.cells import Ink, Run
from tui.widgets.theming import OWN_VARIABLES, read_theme

PRINT_THEME = "lmdeck-light"
"""What pictures wear unless somebody says otherwise: readable on paper and in a blog."""

_PANEL = {
    "weights": "vram-weights", "kv": "vram-kv", "other": "vram-other", "free": "vram-free", "warning": "text-warning",
    "error": "text-error", "accent": "text-accent", "success": "text-success",
}  # fmt: skip
# Rich's DEFAULT_TERMINAL_THEME has greys for colours that must be told apart on white paper.
_ANSI: TerminalTheme = SVG_EXPORT_THEME


def themes() -> dict[str, Theme]:
    """Every theme by name: Textual's, lmdeck's, the user's. Files that are no themes are left out."""
    found = dict(BUILTIN_THEMES)
    for path in theme_files():
        try:
            theme = read_theme(path)
        except ProblemError:
            continue
        found[theme.name] = theme
    return found


def find_theme(name: str) -> Theme:
    """A theme by its name. Raises ProblemError("shot.bad_theme")."""
    every = themes()
    if name not in every:
        raise ProblemError(Problem("shot.bad_theme", {"name": name, "names": ", ".join(sorted(every))}))
    return every[name]


class Colours:
    """One theme's colours as ink."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme
        self._variables: Mapping[str, str] = {**OWN_VARIABLES, **theme.to_color_system().generate(), **theme.variables}
        canvas = Ink("#e0e0e0", "#121212") if theme.dark else Ink("#1c2128", "#ffffff")
        self.canvas = Ink(self._plain("foreground", canvas.foreground), self._plain("background", canvas.background))
        base = Style(color=self.canvas.foreground, bgcolor=self.canvas.background)
        self._palettes = {"": Palette(self._variables, base)}
        self._inks: dict[Style, Ink] = {}

    def _plain(self, variable: str, otherwise: str) -> str:
        """A variable as ``#rrggbb``; ``otherwise`` where it is a terminal's own colour."""
        try:
            colour = Color.parse(self._variables.get(variable, ""))
        except ColorParseError:
            return otherwise
        return otherwise if colour.ansi is not None else colour.with_alpha(1.0).hex6.lower()

    def palette(self, tone: str = "") -> Palette:
        """The styles of Markdown on text of a tone (a part's ``TONE``)."""
        if tone not in self._palettes:
            colour = self.ink(self._palettes[""].style(tone))
            base = Style(color=colour.foreground, bgcolor=colour.background)
            self._palettes[tone] = Palette(self._variables, base)
        return self._palettes[tone]

    def ink(self, style: Style) -> Ink:
        """A style as ink."""
        if style not in self._inks:
            self._inks[style] = ink_of(style, self.canvas)
        return self._inks[style]

    def panel(self, name: str) -> Ink:
        """The ink of a style of the memory panel (see :mod:`tui.widgets.row_view`)."""
        if name == "bold":
            return self.canvas._replace(bold=True)
        if name == "muted":
            return self.ink(self._palettes[""].style("muted"))
        return self.canvas._replace(foreground=self._panel_colour(_PANEL.get(name, "")))

    def _panel_colour(self, variable: str) -> str:
        words = self._variables.get(variable, "").split()
        try:
            colour = Color.parse(words[0]) if words else None
        except ColorParseError:
            colour = None
        if colour is None:
            return self.canvas.foreground
        if colour.ansi is not None:
            return hex_colour(colour.rich_color, self.canvas.foreground)
        if colour.a < 1:
            colour = Color.parse(self.canvas.background).blend(colour.with_alpha(1.0), colour.a)
        return colour.hex6.lower()


def ink_of(style: Style | None, canvas: Ink) -> Ink:
    """A style on a canvas: reversed colours turned, dim ones mixed with the background."""
    if style is None:
        return canvas
    front = hex_colour(style.color, canvas.foreground)
    back = hex_colour(style.bgcolor, canvas.background, foreground=False)
    if style.reverse:
        front, back = back, front
    if style.dim:
        front = Color.parse(back).blend(Color.parse(front), 0.6).hex6.lower()
    return Ink(front, back, bool(style.bold), bool(style.italic), bool(style.underline), bool(style.strike))


@lru_cache(1024)
def hex_colour(colour: RichColor | None, otherwise: str, *, foreground: bool = True) -> str:
    """``#rrggbb``; ``otherwise`` for none and for the terminal's own."""
    if colour is None or colour.is_default:
        return otherwise
    return colour.get_truecolor(_ANSI, foreground=foreground).hex


def runs_of(segments: Iterable[Segment], canvas: Ink) -> tuple[Run, ...]:
    """A strip as runs of a grid; what only steers a terminal is left out."""
    return tuple(Run(text, ink_of(style, canvas)) for text, style, control in segments if text and not control)
