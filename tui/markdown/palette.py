"""Style names → Rich styles of the current theme.

Colours are theme variables (``text-accent``, ``surface`` …), so every theme works; a theme may name its own for a
style: ``md-code = "#aabbcc"``, ``md-code-background``, ``md-link`` … (the style names below with ``md-`` before).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from rich.style import Style
from textual.color import Color, ColorParseError

# style name: colour variable ("" keeps the text's), its share in percent, attributes
_INK: dict[str, tuple[str, int, str]] = {
    "strong": ("", 100, "bold"),
    "em": ("", 100, "italic"),
    "strike": ("", 100, "strike"),
    "code": ("text-warning", 100, ""),
    "code-block": ("", 100, ""),
    "code-label": ("", 60, "italic"),
    "link": ("text-primary", 100, "underline"),
    "address": ("", 65, ""),
    "image": ("text-secondary", 100, "italic"),
    "footnote": ("text-accent", 100, ""),
    "math": ("text-success", 100, ""),
    "marker": ("text-accent", 100, ""),
    "bar": ("text-secondary", 100, ""),
    "rule": ("", 40, ""),
    "border": ("", 40, ""),
    "th": ("", 100, "bold"),
    "h1": ("text-primary", 100, "bold underline"),
    "h2": ("text-primary", 100, "bold"),
    "h3": ("text-accent", 100, "bold"),
    "h4": ("", 100, "bold underline"),
    "h5": ("", 100, "bold"),
    "h6": ("", 70, "bold"),
    "syntax-comment": ("", 60, "italic"),
    "syntax-error": ("text-error", 100, ""),
    "syntax-keyword": ("text-accent", 100, "bold"),
    "syntax-constant": ("text-error", 100, ""),
    "syntax-type": ("text-secondary", 100, "bold"),
    "syntax-number": ("text-warning", 100, ""),
    "syntax-string": ("text-success", 100, ""),
    "syntax-builtin": ("text-accent", 100, ""),
    "syntax-class": ("text-warning", 100, "bold"),
    "syntax-decorator": ("text-primary", 100, "bold"),
    "syntax-function": ("text-warning", 100, ""),
    "syntax-tag": ("text-primary", 100, "bold"),
    "syntax-attribute": ("text-warning", 100, ""),
    "syntax-operator": ("", 80, ""),
    "syntax-variable": ("text-secondary", 100, ""),
    "syntax-deleted": ("text-error", 100, ""),
    "syntax-inserted": ("text-success", 100, ""),
    "muted": ("", 60, ""),
    "accent": ("text-accent", 100, ""),
    "good": ("text-success", 100, ""),
    "bad": ("text-error", 100, ""),
    "warning": ("text-warning", 100, ""),
    "user-bar": ("primary", 100, ""),
}
_BACKGROUNDS = {"code-block": "boost", "code-label": "boost", "match": "secondary", "match-current": "accent"}
_INVERTED = frozenset(("match", "match-current"))


class Palette:
    """Rich styles for one theme and one pair of base colours. ``base`` is the widget's own style."""

    def __init__(self, variables: Mapping[str, str], base: Style) -> None:
        self.base = base
        self._variables = variables
        self._foreground = _rich_to_color(base, foreground=True)
        self._background = _rich_to_color(base, foreground=False)
        self._styles: dict[str, Style] = {"": base}

    def style(self, names: str) -> Style:
        """The full style (base included) for names joined by spaces; ``#rrggbb`` and ``on#rrggbb`` are colours."""
        style = self._styles.get(names)
        if style is None:
            style = self.base
            for name in names.split():
                style += self._one(name)
            if "#" not in names:  # a picture has thousands, which are not needed again
                self._styles[names] = style
        return style

    def over(self, style: Style, name: str) -> Style:
        """``style`` with ``name`` (a highlight) laid over it."""
        return style + self._one(name)

    def _one(self, name: str) -> Style:
        if name.startswith("#"):
            return Style(color=name)
        if name.startswith("on#"):
            return Style(bgcolor=name[2:])
        variable, share, attributes = _INK.get(name, ("", 100, ""))
        colour = self._colour(f"md-{name}", share) or (self._colour(variable, share) if variable else None)
        if colour is None and share < 100:
            colour = self._faded(share)
        background = self._colour(f"md-{name}-background", 100) or self._colour(_BACKGROUNDS.get(name, ""), 100)
        if name in _INVERTED:
            colour = background.get_contrast_text(1.0) if background and background.ansi is None else colour
            attributes = attributes if background and background.ansi is None else "reverse"
        return Style(
            color=colour.rich_color if colour else None,
            bgcolor=background.rich_color if background and background.a > 0 else None,
            **_switched_on(attributes),
            dim=True if share < 100 and colour is None else None,
        )

    def _faded(self, share: int) -> Color | None:
        """The text's colour mixed into the background; None where the terminal's own colours are used."""
        if self._foreground is None or self._background is None:
            return None
        return self._background.blend(self._foreground, share / 100)

    def _colour(self, variable: str, share: int) -> Color | None:
        value = self._variables.get(variable, "")
        words = value.split()
        if not words or words[0] in ("auto", "initial", "transparent"):
            return None
        try:
            colour = Color.parse(words[0])
        except ColorParseError:
            return None
        if colour.ansi is not None or self._background is None:
            return colour if colour.ansi is not None else colour.with_alpha(1.0)
        alpha = colour.a * share / 100
        if len(words) > 1 and words[1].endswith("%"):
            alpha *= float(words[1][:-1]) / 100
        return self._background.blend(colour.with_alpha(1.0), alpha) if alpha < 1 else colour


class _Attributes(TypedDict, total=False):
    bold: bool
    italic: bool
    underline: bool
    strike: bool
    reverse: bool


def _switched_on(names: str) -> _Attributes:
    attributes = _Attributes()
    for name in names.split():
        attributes[name] = True  # type: ignore[literal-required]
    return attributes


def _rich_to_color(style: Style, *, foreground: bool) -> Color | None:
    """A base colour as one that can be mixed; None for the terminal's own."""
    colour = style.color if foreground else style.bgcolor
    if colour is None or colour.is_default or colour.triplet is None:
        return None
    return Color(*colour.triplet)
