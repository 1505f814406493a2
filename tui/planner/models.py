"""Models the planner can offer: those known by name, and folders on this machine."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tui.lmdeploy.known_models import known_names

_USUAL = ("/root/models", "~/models")
_MOST = 100


def candidates(roots: Iterable[str] = ()) -> list[str]:
    """Folders with a config.json below ``roots`` and the usual places, then the known names. Blocks."""
    found: list[str] = []
    for root in (*roots, *_USUAL):
        folder = Path(root).expanduser()
        try:
            inside = [entry for entry in sorted(folder.iterdir()) if (entry / "config.json").is_file()]
        except OSError:
            continue
        found += [str(entry) for entry in inside[:_MOST] if str(entry) not in found]
    return [*found, *known_names()]
