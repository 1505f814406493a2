"""What is said about a picture."""

from __future__ import annotations

from unicodedata import category

from tui.i18n import _, ngettext
from tui.shot.cells import Missing
from tui.shot.font import extra_path

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
    said = text.format(count=missing.count, names=names + more)
    if not system_fonts and extra_path() is None and any(category(one[0]) == "Lo" for one in missing.characters):
        return said + "\n" + _("Korean and rare Chinese characters come with: pip install 'lmdeck[cjk]'")
    return said
