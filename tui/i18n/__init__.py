"""Message catalogues: English is the source, Simplified Chinese is complete.

``_("text")`` translates at the moment of the call, so a language switch needs no restart; ``N_("text")`` only marks a
string of a table for extraction. Sentences are never joined from pieces; placeholders are named (``{model}``).
"""

from __future__ import annotations

import gettext
import locale
import os
from pathlib import Path

LANGUAGES = ("en", "zh-CN")
_LOCALE_FOLDER = Path(__file__).parent / "locale"


class _State:
    language = "en"
    catalogue: gettext.NullTranslations = gettext.NullTranslations()


def preferred_language() -> str:
    """The language the environment asks for (LC_ALL, LC_MESSAGES, LANG, then the system's locale): en or zh-CN."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name, ""):
            return "zh-CN" if value.lower().startswith("zh") else "en"
    system = locale.getlocale()[0] or ""
    return "zh-CN" if system.lower().startswith(("zh", "chinese")) else "en"


def set_language(language: str) -> None:
    """Use ``en`` or ``zh-CN`` from now on; raises ValueError for another one.

    A missing or broken catalogue falls back to English: the app must start anyway."""
    if language not in LANGUAGES:
        raise ValueError(language)
    _State.language = language
    _State.catalogue = gettext.NullTranslations()
    if language != "en":
        try:
            _State.catalogue = gettext.translation("lmdeck", _LOCALE_FOLDER, [language.replace("-", "_")])
        except (OSError, ValueError, UnicodeError):
            _State.catalogue = gettext.NullTranslations()


def current_language() -> str:
    return _State.language


def _(message: str) -> str:
    """``message`` in the current language."""
    return _State.catalogue.gettext(message)


def ngettext(one: str, many: str, count: int) -> str:
    """The form for ``count``, in the current language; Chinese has one form."""
    return _State.catalogue.ngettext(one, many, count)


def N_(message: str) -> str:  # noqa: N802 (gettext's own name)
    """Mark a string for extraction; it is translated later with ``_``."""
    return message
