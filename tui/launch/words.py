"""The words of ``lmdeck serve`` and ``lmdeck quantize``: lmdeck's own options among lmdeploy's."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from tui.i18n import _
from tui.launch.wish import ServeWish
from tui.lmdeploy.option_table import OPTIONS
from tui.lmdeploy.options import Option
from tui.lmdeploy.versions import BASELINE
from tui.model.problem import Problem, ProblemError
from tui.planner.cli import parse_size

_RELEASE = re.compile(r"\d+\.\d+(\.\w+)*")
_ENGINES = {"turbomind": "TurboMind", "pytorch": "PyTorch"}


class Parser(argparse.ArgumentParser):
    """Reports a usage error as a problem instead of leaving the program."""

    def error(self, message: str) -> NoReturn:
        raise ProblemError(Problem("launch.usage", {"message": message[:300], "command": self.prog}))


@dataclass(frozen=True, slots=True)
class ServeWords:
    """``lmdeck serve``'s command line, read. ``action`` is start, dry-run, list or stop."""

    action: str
    wish: ServeWish
    on: str = ""
    as_json: bool = False
    chat: bool = True
    stop: str = ""


def own_parser(name: str, description: str) -> Parser:
    """A parser of lmdeck's own options alone; what it does not know is lmdeploy's."""
    parser = Parser(prog=f"lmdeck {name}", description=description, allow_abbrev=False, add_help=False)
    parser.add_argument("-h", "--help", action="store_true", help=_("show this"))
    parser.add_argument("--on", default="", metavar="HOST", help=_("the machine to run it on, reached by SSH"))
    parser.add_argument("--dry-run", action="store_true", help=_("show the command line and the plan; start nothing"))
    parser.add_argument("--json", action="store_true", help=_("print JSON, sizes in bytes"))
    parser.add_argument(
        "--lmdeploy",
        default="",
        metavar="PATH",
        help=_("the lmdeploy command or its environment; or a release to assume"),
    )
    parser.add_argument("--gpu", metavar="SIZE", help=_("the card's memory when it cannot be read, e.g. 24GiB"))
    parser.add_argument("--free", metavar="SIZE", help=_("what is free on it"))
    return parser


def serve_parser() -> Parser:
    parser = own_parser("serve", _("Start lmdeploy serve api_server, see its memory first, and chat when it is ready."))
    parser.add_argument("--cards", metavar="0,1", help=_("the cards to use; default: those with the most free memory"))
    parser.add_argument("--anyway", action="store_true", help=_("start even what the plan says will not fit"))
    parser.add_argument("--no-chat", action="store_true", help=_("do not open the chat when the server is ready"))
    parser.add_argument("--list", action="store_true", help=_("list the servers of the machine"))
    parser.add_argument("--stop", metavar="NAME", default="", help=_("stop a server: its id, port, process or model"))
    return parser


def env_parser() -> Parser:
    """Of ``lmdeck env``."""
    parser = Parser(
        prog="lmdeck env",
        description=_("Check the environments lmdeploy is installed in: what is broken, and what repairs it."),
        allow_abbrev=False,
        add_help=False,
    )
    parser.add_argument("-h", "--help", action="store_true", help=_("show this"))
    parser.add_argument("--on", default="", metavar="HOST", help=_("the machine to look at, reached by SSH"))
    parser.add_argument("--lmdeploy", default="", metavar="PATH", help=_("the lmdeploy command or its environment"))
    parser.add_argument("--json", action="store_true", help=_("print JSON, sizes in bytes"))
    return parser


def read_serve(words: Sequence[str], settings_path: str = "", total_gib: float | None = None) -> ServeWords | None:
    """The command line of ``lmdeck serve``; None when help was asked for. ``settings_path`` and ``total_gib`` come from
    the settings (lmdeploy_path, gpu_total). Raises ProblemError launch.usage, plan.size."""
    mine, verbatim = split(words)
    options, rest = serve_parser().parse_known_args(mine)
    if options.help:
        return None
    wish = replace(ServeWish.pasted([*rest, "--", *verbatim]), anyway=options.anyway, folder=working_folder(options.on))
    wish = with_common(wish, options, settings_path, total_gib)
    if options.cards is not None:
        wish = replace(wish, cards=_cards(options.cards))
    action = "list" if options.list else "stop" if options.stop else "dry-run" if options.dry_run else "start"
    return ServeWords(action, wish, options.on, options.json, not options.no_chat, options.stop)


def split(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """What stands before and after ``--``."""
    plain = list(words)
    at = plain.index("--") if "--" in plain else len(plain)
    return plain[:at], plain[at + 1 :]


def working_folder(on: str) -> str:
    """Where the program runs: here in the folder lmdeck was started in, elsewhere at home."""
    return "" if on else os.getcwd()


def with_common(wish: ServeWish, options: argparse.Namespace, settings_path: str, total_gib: float | None) -> ServeWish:
    """The wish with ``--lmdeploy``, ``--gpu`` and ``--free``, or what the settings say."""
    given: str = options.lmdeploy
    release = bool(_RELEASE.fullmatch(given)) and not Path(given).exists()
    total = parse_size(options.gpu) if options.gpu else round(total_gib * (1 << 30)) if total_gib else None
    free = parse_size(options.free) if options.free else None
    if free is not None and total is not None and free > total:
        raise ProblemError(Problem("plan.free"))
    path = "" if release else given or settings_path
    return replace(wish, lmdeploy=path, version=given if release else "", total=total, free=free)


def _cards(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() for part in parts) or len(set(parts)) != len(parts):
        raise ProblemError(Problem("launch.cards", {"text": text}))
    return tuple(int(part) for part in parts)


def serve_help() -> str:
    """The help: lmdeck's own options, then lmdeploy's from the table."""
    lines = [serve_parser().format_help(), _("options of lmdeploy serve api_server (all are passed on):")]
    for option in sorted(OPTIONS, key=lambda entry: entry.flag):
        lines += _about(option)
    lines += ["", _("What follows -- is passed on unread.")]
    return "\n".join(lines)


def _about(option: Option) -> list[str]:
    head = f"  {option.flag}" + ("" if option.kind == "flag" else f" {_kind(option)}")
    facts: list[str] = []
    if option.engines != "both":
        facts.append(_ENGINES[option.engines])
    if option.since is not None:
        facts.append(_("since {version}").replace("{version}", str(option.since)))
    if option.until is not None and option.until < BASELINE:
        facts.append(_("until {version}").replace("{version}", str(option.until)))
    if facts:
        head += f"  ({', '.join(facts)})"
    return [head, *(f"      {_(text)}" for text in (option.about, option.memory) if text)]


def _kind(option: Option) -> str:
    if option.choices:
        return "{" + ",".join(option.choices) + "}"
    return {"int": "N", "float": "X", "list": "A B …", "json": "JSON"}.get(option.kind, "TEXT")
