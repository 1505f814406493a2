"""Times as people say them: today by the hour, then yesterday, then the date. Plain text in the current language."""

from __future__ import annotations

from datetime import datetime

from tui.i18n import _


def when(moment: datetime, now: datetime | None = None) -> str:
    """``18:20`` today, ``yesterday 18:20``, ``03-27 18:20`` this year, ``2025-03-27`` before. Local time."""
    now = (now or datetime.now().astimezone()).astimezone()
    local = moment.astimezone(now.tzinfo)
    days = (now.date() - local.date()).days
    clock = f"{local:%H:%M}"
    if days == 0:
        return clock
    if days == 1:
        return _("yesterday {time}").format(time=clock)
    return f"{local:%m-%d} {clock}" if local.year == now.year else f"{local:%Y-%m-%d}"
