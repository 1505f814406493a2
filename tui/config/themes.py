"""Finding theme files: the shipped ones (in the wheel beside the package, or in a checkout) and the user's own.

What a theme file means is Textual's business and is checked in :mod:`tui.widgets.theming`.
"""

from __future__ import annotations

from pathlib import Path

from tui.config.paths import config_folder

_PACKAGE = Path(__file__).parent.parent


def shipped_folder() -> Path:
    """``tui/themes`` in a wheel, ``themes`` of the checkout in an editable install."""
    inside = _PACKAGE / "themes"
    return inside if inside.is_dir() else _PACKAGE.parent / "themes"


def theme_files() -> list[Path]:
    """All theme files, the shipped ones first, each folder in name order; a user's file of the same name comes later
    and therefore wins."""
    found: list[Path] = []
    for folder in (shipped_folder(), config_folder() / "themes"):
        try:
            found.extend(sorted(folder.glob("*.toml")))
        except OSError:
            continue
    return found
