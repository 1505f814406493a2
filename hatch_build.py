"""Compile the message catalogues in every build; put the themes inside the package in a wheel.

An editable install reads ``themes/`` from the checkout: a copy in site-packages would hide the package itself. It gets
its bytecode here, as pip does for what it installs: where Python may not write it (``PYTHONDONTWRITEBYTECODE``, a
read-only checkout) every start would compile a hundred modules again, for longer than the rest of the start takes.
"""

from compileall import compile_dir
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


def compile_catalogues(root: Path) -> list[Path]:
    """Write a ``.mo`` beside every ``.po`` below ``root/tui/i18n/locale`` and return what was written."""
    written: list[Path] = []
    for source in sorted((root / "tui" / "i18n" / "locale").rglob("*.po")):
        with source.open("rb") as stream:
            catalogue = read_po(stream)
        target = source.with_suffix(".mo")
        with target.open("wb") as stream:
            write_mo(stream, catalogue)
        written.append(target)
    return written


class CatalogueHook(BuildHookInterface):  # pyright: ignore[reportMissingTypeArgument]
    """Runs before each build target."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        compile_catalogues(Path(self.root))
        if version == "editable":
            compile_dir(Path(self.root) / "tui", quiet=2)
        elif self.target_name == "wheel":
            build_data["force_include"]["themes"] = "tui/themes"
