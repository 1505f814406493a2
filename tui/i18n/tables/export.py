"""Sentences for problems of exports, reports, assignments and of fetching files."""

from __future__ import annotations

from tui.i18n import N_

TABLE: dict[str, tuple[str, str]] = {
    "export.unknown": (
        N_("There is no conversation “{name}” in the history."),
        N_("Give its id or title as the history (F8) shows it, or last."),
    ),
    "export.ambiguous": (
        N_("{count} conversations begin with “{name}”."),
        N_("Write more of the id."),
    ),
    "export.taken": (
        N_("{path} exists already and was not touched."),
        N_("Give another name behind /export."),
    ),
    "export.exists": (
        N_("{path} exists already."),
        N_("Choose another name, or add --force to replace it."),
    ),
}
