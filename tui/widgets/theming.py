"""Theme files become Textual themes, checked so that choosing one can never end the app.

Textual looks at a theme's colours only when it is used, and a bad one raises in the middle of a style refresh.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from textual.css.stylesheet import Stylesheet
from textual.theme import Theme

from tui.model.problem import Problem, ProblemError

# lmdeck's own variables with their defaults; a theme overrides them in [variables].
OWN_VARIABLES: Mapping[str, str] = {
    "vram-weights": "#56b4e9",
    "vram-kv": "#e69f00",
    "vram-other": "#cc79a7",
    "vram-free": "#5a6470",
}


def read_theme(path: Path) -> Theme:
    """The theme in a file, unchecked. Raises ProblemError("app.theme_bad") for what is no theme at all."""
    try:
        data: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
        return Theme(**data)
    except (OSError, ValueError, TypeError) as error:
        raise _bad(path, error) from error


def check_theme(theme: Theme, path: Path, style_sheet: Stylesheet) -> None:
    """Try everything the theme colours against the style sheets that the app uses now.

    Raises ProblemError("app.theme_bad") when choosing this theme would end the app.
    """
    try:
        trial = style_sheet.copy()
        trial.set_variables({**OWN_VARIABLES, **theme.to_color_system().generate(), **theme.variables})
        trial.parse()
    except Exception as error:
        raise _bad(path, error) from error


def _bad(path: Path, error: Exception) -> ProblemError:
    reason = str(error).strip().splitlines()
    return ProblemError(
        Problem("app.theme_bad", {"path": str(path), "reason": reason[0] if reason else type(error).__name__})
    )
