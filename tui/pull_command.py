"""``lmdeck pull [HOST]``: the pictures and reports of another machine, over the ssh connection."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from tui.exit_codes import FAILED, INTERRUPTED, USAGE, code_of
from tui.export.clean import one_line
from tui.export_command import refuse
from tui.hosts.fetching import FOLDER, FarSide, Fetched, fetch, list_files
from tui.i18n import _, ngettext
from tui.model.problem import Problem, ProblemError


def pull_command(words: Sequence[str], out: TextIO, err: TextIO) -> int:
    """Do what the words behind ``lmdeck pull`` say; returns the exit code: 0 done, 1 something was left there or
    failed, 2 wrong usage, 3 the machine cannot be reached. Exits through SystemExit(2) as argparse does."""
    options = _parser().parse_args(list(words))
    try:
        where = options.host or _usual_host()
        return asyncio.run(_pull(where, options, out, err))
    except ProblemError as error:
        refuse(err, "pull", error.problem)
        return _code(error.problem)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return refuse(err, "pull", Problem("pull.not_written", {"path": str(options.to or ""), "reason": reason}))
    except KeyboardInterrupt:
        return INTERRUPTED


def _code(problem: Problem) -> int:
    return code_of(problem, USAGE if problem.code == "pull.no_host" else FAILED)


def _usual_host() -> str:
    """The machine of the usual profile, else of the only profile over ssh. Raises ProblemError(pull.no_host)."""
    from tui.config.profiles import load_profiles
    from tui.config.settings import config_path
    from tui.config.settings_load import quick_settings

    far = [name for name, profile in load_profiles(config_path()).by_name.items() if profile.ssh]
    usual = quick_settings().default_profile
    if usual in far:
        return usual
    if len(far) != 1:
        raise ProblemError(Problem("pull.no_host", {"names": ", ".join(far) or "–"}))
    return far[0]


async def _pull(where: str, options: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from tui.config.profiles import load_profiles
    from tui.config.settings import config_path
    from tui.hosts.remote import open_remote
    from tui.hosts.terminal import ask_on_terminal

    profile = load_profiles(config_path()).by_name.get(where)
    host = await open_remote(profile if profile and profile.ssh else where, ask_on_terminal)
    try:
        await host.link.up()
        target: Path = options.to or Path(f"{FOLDER}-{_name(host.name)}")
        return await pull_into(host, target, out, err, folder=options.folder, replace=options.force)
    finally:
        await host.aclose()


def _name(machine: str) -> str:
    from tui.export.files import safe_name

    return safe_name(machine.partition("@")[2] or machine, "machine")


async def pull_into(
    host: FarSide, target: Path, out: TextIO, err: TextIO, *, folder: str = FOLDER, replace: bool = False
) -> int:
    """Fetch everything and say what became of it; returns the exit code. Raises ProblemError and OSError."""
    files = await list_files(host, folder)
    counts = {"saved": 0, "same": 0, "large": 0, "other": 0}
    async for one in fetch(host, files, target, replace=replace):
        counts[one.what] += 1
        if text := _said(one):
            (out if one.what == "saved" else err).write(text + "\n")
    saved = ngettext("{count} file fetched into {folder}", "{count} files fetched into {folder}", counts["saved"])
    out.write(saved.format(count=counts["saved"], folder=target) + "\n")
    if counts["same"]:
        text = ngettext("{count} file was here already", "{count} files were here already", counts["same"])
        out.write(text.format(count=counts["same"]) + "\n")
    return 1 if counts["large"] else 0


def _said(one: Fetched) -> str:
    name = one_line(one.file.name, 200)
    if one.what == "saved":
        return str(one.path)
    if one.what == "large":
        size = f"{one.file.size / 2**20:.0f}"
        return _("{name} has {size} MiB and was left there: fetch it with scp.").format(name=name, size=size)
    return _("{name} is no picture or report and was left there.").format(name=name) if one.what == "other" else ""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lmdeck pull",
        description=_("Fetch the pictures and reports that lmdeck wrote on another machine, over the ssh connection."),
        epilog=_("exit codes: 0 done; 1 failed, or something was left there; 2 wrong usage; 3 machine unreachable"),
    )
    parser.add_argument(
        "host", nargs="?", default="", metavar="HOST",
        help=_("ssh://user@host:port, a name from ~/.ssh/config, a profile; default: the usual profile's machine"),
    )  # fmt: skip
    parser.add_argument("--to", type=Path, metavar="DIR", help=_("where to put them; default: a folder here"))
    parser.add_argument("--folder", default=FOLDER, metavar="NAME", help=_("the folder there, below the home"))
    parser.add_argument("--force", action="store_true", help=_("replace files that are here with other content"))
    return parser


def main_pull(words: list[str]) -> int:
    """For the command table."""
    return pull_command(words, sys.stdout, sys.stderr)
