"""What a user types about a server → what the monitor can use."""

from __future__ import annotations

import shlex
from dataclasses import replace

from tui.hosts.findings import Told
from tui.lmdeploy.options import ServerCommand, find_server, parse_options
from tui.planner.cli import parse_size, resolve_model


def told_from(model: str, card: str) -> Told:
    """``model`` is a folder, a name, or a whole ``lmdeploy serve api_server …`` line; ``card`` its size, or empty.

    Raises ProblemError: ``plan.model``, ``plan.size``, ``checkpoint.…``. Reads the folder: call it in a thread."""
    total = parse_size(card) if card.strip() else None
    command = command_from(model)
    config, checkpoint = resolve_model(command.model)
    return Told(config, checkpoint, command, total)


def command_from(text: str) -> ServerCommand:
    """The flags of a pasted command line (continued lines and a prompt before it do not matter); else just a model."""
    try:
        words = shlex.split(text.replace("\\\n", " "), posix=True)
    except ValueError:
        words = text.split()
    options = find_server(words)
    return parse_options(options) if options is not None else replace(parse_options(()), model=text.strip())
