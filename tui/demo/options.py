"""What a simulated server is told on its command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tui.demo.dialects import VERSIONS
from tui.i18n import _

DEFAULT_MODEL = "lmdeck-demo"


@dataclass(frozen=True, slots=True)
class Options:
    """Flags of a simulated server; the defaults are those of the command line.

    ``speed`` is tokens per second of one stream (0: as fast as possible), ``first_token`` and ``startup`` seconds,
    ``context_length`` tokens. ``metrics`` None is the release's own habit. ``tool_call_parser`` and
    ``reasoning_parser`` are "" for none. ``thinking`` says when the brain thinks: when ``asked`` to, ``always``, or
    ``unclosed`` (it never closes its thoughts unless asked to think, like the recorded models, so that a reasoning
    parser takes the whole answer for reasoning).
    """

    host: str = "127.0.0.1"
    port: int = 0
    lmdeploy: str = "0.18"
    engine: Literal["turbomind", "pytorch"] = "turbomind"
    models: tuple[str, ...] = (DEFAULT_MODEL,)
    tool_call_parser: str = "qwen"
    reasoning_parser: str = "default"
    api_keys: tuple[str, ...] = ()
    speed: float = 60.0
    first_token: float = 0.15
    metrics: bool | None = None
    metrics_interval: float = 10.0
    docs: bool = True
    context_length: int = 32768
    startup: float = 0.0
    seed: int = 0
    thinking: Literal["asked", "always", "unclosed"] = "asked"
    proxy: bool = False
    nodes: int = 2
    allow_terminate: bool = False
    die_with_parent: bool = False


def _or_none(value: str) -> str:
    return "" if value == "none" else value


def parser() -> argparse.ArgumentParser:
    """The command line of ``python -m tui.demo``; flags that lmdeploy has too keep lmdeploy's spelling."""
    add = argparse.ArgumentParser(prog="python -m tui.demo", description=_("A simulated lmdeploy server."))
    add.add_argument("--host", default="127.0.0.1")
    add.add_argument(
        "--port", type=int, default=0, help=_("0: chosen by the system, printed as JSON on standard output")
    )
    add.add_argument("--lmdeploy", choices=VERSIONS, default=VERSIONS[-1], help=_("the release to behave like"))
    add.add_argument("--engine", choices=("turbomind", "pytorch"), default="turbomind")
    add.add_argument("--model", "--model-name", action="append", dest="models", help=_("repeat for several models"))
    add.add_argument(
        "--tool-call-parser",
        type=_or_none,
        default="qwen",
        help=_("a parser of lmdeploy, such as qwen or internlm, or none"),
    )
    add.add_argument("--reasoning-parser", type=_or_none, default="default", help=_("default or none"))
    add.add_argument("--api-key", action="append", dest="api_keys", help=_("repeat for several keys"))
    add.add_argument("--speed", type=float, default=60.0, help=_("tokens per second, 0: as fast as possible"))
    add.add_argument("--first-token", type=float, default=0.15, help=_("seconds until the first token"))
    add.add_argument("--no-metrics", "--disable-metrics", action="store_false", dest="metrics", default=None)
    add.add_argument("--enable-metrics", action="store_true", dest="metrics", default=None)
    add.add_argument("--metrics-interval", type=float, default=10.0, help=_("seconds between refreshes of the gauges"))
    add.add_argument("--disable-fastapi-docs", action="store_false", dest="docs")
    add.add_argument("--context-length", "--session-len", type=int, default=32768, help=_("tokens"))
    add.add_argument("--startup", type=float, default=0.0, help=_("seconds of loading before the port opens"))
    add.add_argument("--seed", type=int, default=0)
    add.add_argument("--thinking", choices=("asked", "always", "unclosed"), default="asked")
    add.add_argument("--proxy", action="store_true", help=_("behave like lmdeploy serve proxy"))
    add.add_argument("--nodes", type=int, default=2, help=_("servers behind the proxy"))
    add.add_argument("--allow-terminate-by-client", action="store_true", dest="allow_terminate")
    add.add_argument("--die-with-parent", action="store_true", help=_("end when standard input is closed"))
    return add


def parse(arguments: Sequence[str] | None = None) -> Options:
    """Options from a command line; exits with argparse's message when it is wrong."""
    given = vars(parser().parse_args(arguments))
    given["models"] = tuple(given["models"] or (DEFAULT_MODEL,))
    given["api_keys"] = tuple(given["api_keys"] or ())
    return Options(**given)
