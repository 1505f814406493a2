"""Finding lmdeploy on a machine, and the environment its programs are run with."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, cast

from tui.launch.machine import Machine, look
from tui.lmdeploy.versions import Version
from tui.model.launch import Installation
from tui.model.problem import Problem, ProblemError

_OURS = ("LMDECK_", "TEXTUAL")


async def working_environment(machine: Machine) -> dict[str, str]:
    """The variables programs are started with: those of an interactive login shell. Here, what this process has goes
    first: it was most likely started from such a shell, with an environment activated by hand."""
    try:
        login = cast("dict[str, str]", await look(machine, "login"))
    except ProblemError:
        login = {}
    if machine.name:
        return login
    own = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return {**login, **own}


async def find_installations(
    machine: Machine, environment: Mapping[str, str], path: str = ""
) -> tuple[Installation, ...]:
    """Every lmdeploy of a machine, the likeliest first. ``path`` is the settings' command or environment."""
    prefix = "" if machine.name else sys.prefix
    found = await look(machine, "installations", environment=environment, path=path, prefix=prefix)
    return tuple(_installation(entry) for entry in cast("list[dict[str, Any]]", found))


def _installation(entry: Mapping[str, Any]) -> Installation:
    packages = cast("dict[str, dict[str, Any]]", entry["packages"])
    return Installation(
        how=str(entry["how"]),
        prefix=str(entry["prefix"]),
        program=str(entry["program"]),
        python=str(entry["python"]),
        packages={name: str(facts["version"]) for name, facts in packages.items()},
        requires=tuple(map(str, packages.get("lmdeploy", {}).get("requires", ()))),
        torch_cuda=str(packages.get("torch", {}).get("cuda", "")),
    )


def choose(found: Sequence[Installation], path: str = "") -> Installation | None:
    """The installation to use: the first that knows its release. Raises ProblemError launch.lmdeploy-path when the
    settings name one that is not there."""
    if path and not any(entry.how == "settings" for entry in found):
        raise ProblemError(Problem("launch.lmdeploy-path", {"path": path}))
    known = [entry for entry in found if entry.version]
    return (known or [*found, None])[0]


def release_of(installation: Installation | None) -> Version | None:
    """The release of an installation, None when it is not known."""
    return Version.parse(installation.version) if installation and installation.version else None


def program_words(installation: Installation | None) -> tuple[str, ...]:
    """How lmdeploy is called there."""
    if installation is None:
        return ("lmdeploy",)
    if installation.program:
        return (installation.program,)
    return (installation.python or "python3", "-m", "lmdeploy")
