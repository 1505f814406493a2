"""Sentences for problems of pictures."""

from __future__ import annotations

from tui.i18n import N_

TABLE: dict[str, tuple[str, str]] = {
    "shot.no_resvg": (
        N_("PNG pictures need the package resvg-py, which is not installed here."),
        N_("Install it (pip install resvg-py), or write an .svg instead."),
    ),
    "shot.failed": (
        N_("The picture could not be drawn ({reason})."),
        N_("Write an .svg instead, and please report this."),
    ),
    "shot.not_written": (
        N_("The picture could not be written to {path} ({reason})."),
        N_("Choose another place with --out, or free some space."),
    ),
    "shot.nothing": (
        N_("There is nothing to show: the conversation is empty."),
        N_("Send a message first, then take the picture."),
    ),
    "shot.bad_turns": (
        N_("“{text}” names no turns of this conversation, which has {count}."),
        N_("Write a number or a range: --turns 2 or --turns 3-5."),
    ),
    "shot.bad_suffix": (
        N_("A picture's name must end in .png or .svg, and {path} does not."),
        N_("Add one of them."),
    ),
    "shot.bad_theme": (
        N_("There is no theme called “{name}”."),
        N_("There are these: {names}."),
    ),
}
