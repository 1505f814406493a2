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
    "app.not_exported": (
        N_("The conversation could not be written here ({reason})."),
        N_("Start lmdeck in a folder of yours, or copy the text with F9."),
    ),
    "app.file_too_large": (
        N_("{path} is larger than {limit} KiB, so the message was not sent."),
        N_("Copy the part that matters into the message."),
    ),
    "app.file_unreadable": (N_("{path} cannot be read ({reason})."), N_("The message was not sent.")),
    "app.file_binary": (
        N_("{path} is neither text nor a picture, so the message was not sent."),
        N_("Pictures may be PNG, JPEG, GIF, BMP or WebP."),
    ),
    "app.no_editor": (N_("No editor was found."), N_("Set the environment variable EDITOR.")),
    "app.editor_failed": (
        N_("The editor {command} did not work ({reason})."),
        N_("The message is as it was. Set the environment variable EDITOR to another one."),
    ),
    "app.no_last_conversation": (
        N_("There is no earlier conversation to go on with."),
        N_("This is a new one; F8 lists what is kept."),
    ),
    "app.restart_with_parser": (
        N_("lmdeck started this server and can start it again with {flag}; this conversation goes on."),
        N_("Choose “Restart with a tool parser” in the menu (/), or leave it: lmdeck reads the tool calls itself."),
    ),
    "app.no_eyes": (
        N_("{model} understands text only, so the message with the picture was not sent."),
        N_("Take the picture out, or choose a vision model such as InternVL2 (/model)."),
    ),
    "app.crashed": (
        N_("lmdeck ended because of an error of its own. The conversation is kept."),
        N_("A report without your text and keys is in {path}; please attach it when you report this."),
    ),
    "app.crashed_unwritten": (
        N_("lmdeck ended because of an error of its own ({error}). The conversation is kept."),
        N_("The report could not be written ({reason}); please attach what follows when you report this."),
    ),
}
