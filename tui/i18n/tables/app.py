"""Sentences for problems of the app room."""

from __future__ import annotations

from tui.i18n import N_

TABLE: dict[str, tuple[str, str]] = {
    "app.theme_bad": (
        N_("The theme file {path} cannot be used: {reason}."),
        N_("Correct the file and choose the theme again; the current theme stays."),
    ),
    "app.theme_unknown": (
        N_("There is no theme called {name}, so the default one is used."),
        N_("“Choose the theme” in the menu lists those that there are."),
    ),
    "app.no_last_conversation": (
        N_("There is no earlier conversation to go on with."),
        N_("This is a new one; F8 lists what is kept."),
    ),
    "app.ssh_later": (
        N_("Reaching {target} by SSH comes with a later version of lmdeck."),
        N_("Until then run {command} in another window to open the tunnel."),
    ),
    "app.launch_later": (
        N_("Starting a model from here comes with a later version of lmdeck."),
        N_("Until then run {command} in another window."),
    ),
    "app.image_not_shown": (N_("A picture is part of this message: {name}."), ""),
    "app.crashed": (
        N_("lmdeck ended because of an error of its own. The conversation is kept."),
        N_("A report without your text and keys is in {path}; please attach it when you report this."),
    ),
    "app.crashed_unwritten": (
        N_("lmdeck ended because of an error of its own ({error}). The conversation is kept."),
        N_("The report could not be written: {reason}."),
    ),
}
