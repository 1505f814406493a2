"""What is said about a picture."""

from __future__ import annotations

from tui.i18n import ngettext
from tui.shot.cells import Missing

_NAMED = 12


def missing_text(missing: Missing, *, system_fonts: bool) -> str:
    """What could not be drawn, and what helps; empty when everything could."""
    if not missing.count:
        return ""
    names = " ".join(missing.characters[:_NAMED])
    more = "" if len(missing.characters) <= _NAMED else " …"
    if system_fonts:
        text = ngettext(
            "{count} character is not in lmdeck's font and was left to this machine's fonts: {names}",
            "{count} characters are not in lmdeck's font and were left to this machine's fonts: {names}",
            missing.count,
        )
    else:
        text = ngettext(
            "{count} character has no glyph in lmdeck's font and is drawn as a box: {names}",
            "{count} characters have no glyph in lmdeck's font and are drawn as boxes: {names}",
            missing.count,
        )
    return text.format(count=missing.count, names=names + more)
