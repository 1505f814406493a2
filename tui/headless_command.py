"""The command line of ``lmdeck ask``."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import TextIO

from tui.exit_codes import USAGE
from tui.headless import AskOptions, ask
from tui.i18n import _
from tui.i18n.problems import explain
from tui.model.problem import ProblemError
from tui.model.request import Sampling
from tui.ssh_words import add_ssh_option, joined_options, option_words

DEFAULT_URL = "http://127.0.0.1:23333"
KEY_VARIABLE = "LMDECK_API_KEY"


def ask_command(words: Sequence[str], stdin: TextIO, out: TextIO, err: TextIO) -> int:
    """Parse the words behind ``lmdeck ask`` and do it; returns the exit code (see :mod:`tui.headless`).

    Exits through SystemExit(2) for a wrong command line, as argparse does."""
    options = _parser().parse_args(joined_options(words))
    try:
        ssh_options = option_words(options.ssh_option)
    except ProblemError as error:
        err.write(explain(error.problem).text + "\n")
        return USAGE
    prompt: str = _read(stdin) if options.prompt == "-" else options.prompt
    tools: str | None = options.tools
    return asyncio.run(
        ask(
            AskOptions(
                prompt,
                options.url,
                model=options.model,
                system=options.system,
                tools=None if tools is None else _names(tools),
                stream=not options.no_stream,
                save=options.save,
                json=options.json,
                events=options.events,
                allow=frozenset(options.allow),
                api_key=os.environ.get(options.api_key_env) or None,
                ssh_options=ssh_options,
                sampling=Sampling(
                    temperature=options.temperature,
                    top_p=options.top_p,
                    max_tokens=options.max_tokens,
                    stop=tuple(options.stop),
                    seed=options.seed,
                ),
                store=options.store,
            ),
            out,
            err,
        )
    )


def _read(stdin: TextIO) -> str:
    """Everything on standard input: UTF-8 whatever the locale says, or the locale's encoding where it is none."""
    raw = stdin.read().encode() if isinstance(stdin, StringIO) else stdin.buffer.read()
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode(stdin.encoding or "utf-8", "replace")


def _names(text: str) -> tuple[str, ...]:
    """``add,mul`` → its names; ``none`` and nothing → no tools."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    return () if names == ("none",) else names


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lmdeck ask",
        description=_("Ask a running lmdeploy server and print the answer; tools run as in the chat."),
        epilog=_(
            "exit codes: 0 an answer came; 1 failed or no answer; 2 wrong usage; "
            "3 server unreachable or refusing; 130 interrupted (what had arrived is printed)"
        ),
    )
    parser.add_argument("prompt", metavar="PROMPT", help=_("what to ask; - reads it from standard input"))
    parser.add_argument(
        "--url",
        default=DEFAULT_URL,
        help=_("the server, or a machine behind ssh: ssh://user@host:port (default: {url})").format(url=DEFAULT_URL),
    )
    add_ssh_option(parser)
    parser.add_argument("--model", help=_("the model to use; default: the first one that the server offers"))
    parser.add_argument("--system", default="", help=_("system prompt"))
    parser.add_argument(
        "--tools",
        metavar="NAMES",
        help=_("tools to offer, separated by commas, or none (default: add,mul and those that are allowed)"),
    )
    parser.add_argument(
        "--allow",
        metavar="NAME",
        action="append",
        default=[],
        help=_("let this tool run although it needs approval; may be given several times"),
    )
    parser.add_argument("--no-stream", action="store_true", help=_("ask for the answer in one piece"))
    parser.add_argument("--save", action="store_true", help=_("keep the conversation in the history"))
    parser.add_argument("--store", type=Path, metavar="FILE", help=_("the file that --save writes to"))
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help=_("print one JSON object at the end"))
    form.add_argument("--events", action="store_true", help=_("print every event as a line of JSON"))
    parser.add_argument(
        "--api-key-env",
        metavar="NAME",
        default=KEY_VARIABLE,
        help=_("environment variable that holds the server's API key (default: {name})").format(name=KEY_VARIABLE),
    )
    _add_sampling(parser)
    return parser


def _add_sampling(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(_("sampling (default: the server's)"))
    group.add_argument("--temperature", type=float, metavar="T")
    group.add_argument("--top-p", type=float, metavar="P")
    group.add_argument("--max-tokens", type=int, metavar="N")
    group.add_argument("--seed", type=int, metavar="N")
    group.add_argument("--stop", action="append", default=[], metavar="TEXT")
