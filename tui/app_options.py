"""What the screen is asked to open. Imports nothing, so that the command line can build it before Textual is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class AppOptions:
    """One of: a server (``url``), the simulated server (``demo``: its flags, see ``tui.demo.process``), a recording
    (``replay``, ``speed`` times as fast as it was), a profile of the settings file, a machine behind ssh (``ssh``: an
    alias, an address or a pasted ssh line; ``ssh_options``: more words for ssh), the form that starts a server
    (``launch``); or ``connect``: look around and ask. ``homework`` opens the walk through these tasks (ids, or
    ``camp``) over it.

    ``conversation`` is one to go on with: its id, or ``last``; without a server it brings its own.
    ``store`` is the conversations' file, None the user's own one; ``record`` a file to record into. Empty ``language``
    and ``theme`` mean: what the environment asks for, the default theme. ``keymap`` is checked (action id → keys).
    ``gpu_interval`` is seconds between two looks at the cards, ``gpu_total`` the card's bytes as the user knows them.
    """

    url: str = ""
    connect: bool = False
    profile: str = ""
    ssh: str = ""
    ssh_options: tuple[str, ...] = ()
    launch: bool = False
    homework: str = ""
    conversation: str = ""
    model: str | None = None
    system: str = ""
    api_key: str | None = field(default=None, repr=False)
    demo: Mapping[str, Any] | None = None
    replay: str | None = None
    speed: float = 1.0
    record: str | None = None
    store: Path | None = None
    mouse: bool = True
    language: str = ""
    theme: str = ""
    panel_shown: bool = True
    gpu_interval: float = 1.0
    gpu_total: int | None = None
    keymap: Mapping[str, str] = field(default_factory=dict[str, str])
