"""What the word behind ``lmdeck`` means: an address, a machine behind ssh, a profile, or nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

_NAME = re.compile(r"[^\W\d][\w-]*")


_ALIAS = re.compile(r"[^\W_][\w.-]*")
_SSH_LINE = re.compile(r"(?:[\w@.:~/\\-]*\s*[$#>%]\s*)?(?:\S*/)?ssh(?:\.exe)?\s+\S", re.IGNORECASE)


def is_far(text: str) -> bool:
    """Whether an address means a machine behind ssh: ssh://…, an ssh command line (with a shell's prompt before it,
    too), user@host."""
    return text.lower().startswith("ssh:") or bool(_SSH_LINE.match(text.strip())) or ("@" in text and "://" not in text)


def target_fields(
    target: str | None, *, go_on: bool = False, aliases: Callable[[], Collection[str]] = tuple
) -> dict[str, Any]:
    """The fields of AppOptions that ``target`` sets. Without one the settings' default server or profile is opened
    where there is one, else what is here is offered.

    A bare word is a profile if there is one of that name, a machine behind ssh if it is among ``aliases`` (the names of
    ~/.ssh/config), a profile that is spelled almost so; else a host's name.
    Raises ProblemError(``config.no_profile_like``)."""
    if not target:
        from tui.config.settings_load import quick_settings

        settings = quick_settings()
        known = settings.default_url or settings.default_profile
        return {"connect": not (known or go_on)}
    if is_far(target):
        return {"ssh": target}
    if "://" in target:  # no profile's name; reading them would cost a part of the first frame
        return {"url": target}

    from tui.config.profiles import load_profiles
    from tui.config.settings import config_path
    from tui.config.settings_check import nearest

    profiles = load_profiles(config_path())
    if target in profiles.by_name:
        return {"profile": target}
    if _ALIAS.fullmatch(target) and target in aliases():
        return {"ssh": target}
    if _NAME.fullmatch(target) and target != "localhost" and nearest(target, profiles.by_name):
        profiles.get(target)
    return {"url": target}
