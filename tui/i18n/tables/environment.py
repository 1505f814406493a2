"""Sentences for problems of the environment and of the command line."""

from __future__ import annotations

from tui.i18n import N_

TABLE: dict[str, tuple[str, str]] = {
    "environment.shared_with_lmdeploy": (
        N_(
            "lmdeck was installed into the environment that holds lmdeploy {lmdeploy}, "
            "whose pins brought {package} {found}; lmdeck needs {wanted}."
        ),
        N_("Install lmdeck into an environment of its own: pipx install lmdeck, or uv tool install lmdeck."),
    ),
    "environment.package": (
        N_("lmdeck needs {package} {wanted}, but found {found}."),
        N_("Install lmdeck again into a fresh environment: pipx install lmdeck, or uv tool install lmdeck."),
    ),
    "environment.python": (
        N_("lmdeck needs Python 3.11 or newer; this is {found}."),
        N_("Install it with a newer Python, for example: uv tool install --python 3.12 lmdeck."),
    ),
    "command.no_terminal": (
        N_("lmdeck needs a terminal for its screen, and its output is not one."),
        N_("For scripts and pipes use: lmdeck ask PROMPT --url URL."),
    ),
    "command.unwritten": (
        N_("The output could not be written: {reason}."),
        N_("Make room where it goes, or send it elsewhere."),
    ),
}
