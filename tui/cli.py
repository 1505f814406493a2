"""The ``lmdeck`` command: choose the language, look at the environment, parse, hand over.

Nothing heavy is imported here before the command is known; the screen is imported only by the commands that need it.

Exit codes: 0 done; 1 no answer, or something failed while running; 2 the command line or a file is wrong; 3 the server
could not be reached or refused us; 130 interrupted. A signal that ends the screen gives 128 + its number.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tui import __version__
from tui.exit_codes import INTERRUPTED, USAGE
from tui.i18n import _, preferred_language, set_language

if TYPE_CHECKING:
    import argparse

    from tui.app_options import AppOptions
    from tui.model.problem import Problem


def main(arguments: Sequence[str] | None = None) -> int:
    """Run lmdeck with ``arguments`` (default: the command line); returns the exit code."""
    if None in (sys.stdin, sys.stdout, sys.stderr):
        from tui.streams import replace_closed

        replace_closed()
    words = list(sys.argv[1:] if arguments is None else arguments)
    set_language(preferred_language())
    command = words[0] if words and words[0] in COMMANDS else ""
    try:
        try:
            return COMMANDS[command](words[1:] if command else words)
        finally:
            sys.stdout.flush()  # what cannot be written is noticed here, not by Python behind our back
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        from tui.streams import give_up

        return give_up(error)


def _complain(problem: Problem) -> int:
    """Print a problem's sentence and next step on stderr; returns the exit code for a wrong command line."""
    from tui.i18n.problems import explain

    print(explain(problem).text, file=sys.stderr)
    return USAGE


def _parser(name: str, description: str, epilog: str = "") -> argparse.ArgumentParser:
    import argparse

    return argparse.ArgumentParser(
        prog=f"lmdeck {name}".strip(),
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _add_server_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", help=_("the model to use; default: the first one that the server offers"))
    parser.add_argument("--system", default="", help=_("system prompt"))
    parser.add_argument(
        "--api-key-env",
        metavar="NAME",
        default="LMDECK_API_KEY",
        help=_("environment variable that holds the server's API key (default: LMDECK_API_KEY)"),
    )


def _api_key(variable: str) -> str | None:
    return os.environ.get(variable) or None


# ── commands that open the screen ─────────────────────────────────────────────────────────────────────────────────────


def _open(words: list[str]) -> int:
    """``lmdeck``: look around and offer what is here; with an address or a profile: the chat there."""
    from tui.ssh_words import add_ssh_option, joined_options

    about = _("A full-screen terminal app for LMDeploy: chat, tool calls inline, and where the GPU's memory went.")
    parser = _parser("", about, _command_list())
    parser.add_argument(
        "target",
        nargs="?",
        metavar="URL|PROFILE",
        help=_(
            "a running server, a machine behind ssh (ssh://user@host:port, or a name from ~/.ssh/config), a profile"
        ),
    )
    parser.add_argument(
        "-c", "--continue", dest="go_on", action="store_true", help=_("go on with the last conversation")
    )
    _add_server_options(parser)
    add_ssh_option(parser)
    _add_screen_options(parser)
    parser.add_argument("--version", action="store_true", help=_("say which version this is, and end"))
    options = parser.parse_args(joined_options(words))
    if options.version:  # asked for only now: reading the packages' metadata takes a while
        print(_version_text())
        return 0
    return _open_target(options)


def _ssh(words: list[str]) -> int:
    """``lmdeck ssh …``: any ssh line as it is; lmdeck's own options have two dashes."""
    from tui.ssh_words import add_ssh_option, joined_options, split_ssh_words

    line, ours = split_ssh_words(words)
    about = _("Open the chat on a server behind ssh. The words of any ssh line are understood, options in any place.")
    parser = _parser("ssh", about, _("example: lmdeck ssh -CNg -L 23333:127.0.0.1:23333 root@host -p 48626"))
    parser.usage = "lmdeck ssh SSH-WORDS … [--model NAME] [--ssh-option OPTION] …"
    parser.add_argument("--continue", dest="go_on", action="store_true", help=_("go on with the last conversation"))
    _add_server_options(parser)
    add_ssh_option(parser)
    _add_screen_options(parser)
    options = parser.parse_args(joined_options(ours))
    options.target = line or "ssh://"
    return _open_target(options)


def _open_target(options: argparse.Namespace) -> int:
    """The chat on what the command line names."""
    from tui.app_options import AppOptions
    from tui.config.targets import target_fields
    from tui.model.problem import ProblemError
    from tui.ssh_words import option_words

    try:
        fields = target_fields(options.target, go_on=options.go_on, aliases=_aliases)
        fields["ssh_options"] = option_words(options.ssh_option)
        _check_machine(fields)
    except ProblemError as error:
        return _complain(error.problem)
    return _run_screen(
        AppOptions(
            **fields,
            conversation="last" if options.go_on else "",
            model=options.model,
            system=options.system,
            api_key=_api_key(options.api_key_env),
            record=options.record,
            mouse=not options.no_mouse,
        )
    )


def _aliases() -> set[str]:
    """The names in ~/.ssh/config."""
    from tui.hosts.ssh_config import ssh_hosts

    return {host.alias for host in ssh_hosts()}


def _check_machine(fields: dict[str, Any]) -> None:
    """A machine's address that makes no sense is said before the screen is opened. Raises ProblemError."""
    if fields.get("ssh"):
        from tui.ssh.command_line import with_options
        from tui.ssh.target import parse_target

        with_options(parse_target(fields["ssh"]), fields["ssh_options"])


def _demo(words: list[str]) -> int:
    """``lmdeck demo``: the chat on a simulated server, or just that server."""
    parser = _parser(
        "demo",
        _("Open the chat on a simulated lmdeploy server and GPU. No model and no GPU are needed."),
        _("With --server-only all options of the simulated server are accepted: lmdeck demo --server-only --help"),
    )
    parser.add_argument(
        "--server-only", action="store_true", help=_("run only the simulated server, without the screen")
    )
    if "--server-only" in words:
        from tui.demo.main import main as serve

        return serve([word for word in words if word != "--server-only"])
    parser.add_argument(
        "--speed", type=float, default=60.0, metavar="N", help=_("tokens per second; 0: as fast as possible")
    )
    parser.add_argument("--lmdeploy", default="0.18", metavar="VERSION", help=_("the lmdeploy release to behave like"))
    parser.add_argument(
        "--port", type=int, default=0, metavar="N", help=_("port of the simulated server; default: any free one")
    )
    _add_screen_options(parser)
    options = parser.parse_args(words)

    from tui.app_options import AppOptions

    demo = {"speed": options.speed, "lmdeploy": options.lmdeploy, "port": options.port}
    return _run_screen(AppOptions(demo=demo, record=options.record, mouse=not options.no_mouse))


def _replay(words: list[str]) -> int:
    """``lmdeck replay FILE``: a recorded session on the screen again."""
    parser = _parser("replay", _("Show a recorded session again (lmdeck URL --record FILE records one)."))
    parser.add_argument("file", help=_("the recording"))
    parser.add_argument("--speed", type=float, default=1.0, metavar="N", help=_("N times as fast; 0: all at once"))
    parser.add_argument("--no-mouse", action="store_true", help=_("leave the mouse to the terminal (for tmux)"))
    options = parser.parse_args(words)

    from pathlib import Path

    from tui.app_options import AppOptions
    from tui.model.problem import ProblemError
    from tui.recording import read_header

    try:
        read_header(Path(options.file))
    except ProblemError as error:
        return _complain(error.problem)
    return _run_screen(AppOptions(replay=options.file, speed=options.speed, mouse=not options.no_mouse))


def _add_screen_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--record", metavar="FILE", help=_("record everything that happens, for lmdeck replay"))
    parser.add_argument("--no-mouse", action="store_true", help=_("leave the mouse to the terminal (for tmux)"))


def _run_screen(options: AppOptions) -> int:
    from tui.model.problem import Problem

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return _complain(Problem("command.no_terminal"))
    options = _with_settings(options)
    gc.disable()  # nothing of what is imported now is ever garbage; the app enables it again
    try:
        from tui.app import run_app
    except ImportError:
        # Reading the packages' metadata takes as long as a fifth of the first frame: only when something is wrong. What
        # imports but is too old is noticed behind the first frame (tui.screens.workspace).
        from tui.config.environment import environment_problem

        if (problem := environment_problem()) is not None:
            return _complain(problem)
        raise
    return run_app(options)


def _with_settings(options: AppOptions) -> AppOptions:
    """What of the settings must be known before Textual is loaded; the rest is worn by the app."""
    from dataclasses import replace

    from tui.config.settings_load import quick_settings
    from tui.config.terminal import wear_settings

    settings = quick_settings()
    wear_settings(
        os.environ,
        colours=settings.colour_depth,
        animations=settings.animations,
        keyboard=settings.keyboard_protocol,
    )
    return replace(options, mouse=options.mouse and settings.mouse)


# ── commands without a screen ─────────────────────────────────────────────────────────────────────────────────────────


def _ask(words: list[str]) -> int:
    from tui.config.environment import environment_problem
    from tui.headless_command import ask_command

    if (problem := environment_problem()) is not None:
        return _complain(problem)
    return ask_command(words, sys.stdin, sys.stdout, sys.stderr)


def _plan(words: list[str]) -> int:
    from tui.planner.cli import plan_command

    return plan_command(words, sys.stdout, sys.stderr)


def _serve(words: list[str]) -> int:
    from tui.launch_commands import serve_command

    return serve_command(words, _open_address)


def _open_address(url: str, ssh_options: Sequence[str]) -> int:
    """The chat on a server that ``lmdeck serve`` has started, here or behind ssh."""
    from tui.app_options import AppOptions

    far = url.startswith("ssh://")
    return _run_screen(AppOptions(ssh=url, ssh_options=tuple(ssh_options)) if far else AppOptions(url=url))


def _quantize(words: list[str]) -> int:
    from tui.launch_commands import quantize_command

    return quantize_command(words)


def _env(words: list[str]) -> int:
    from tui.launch_commands import env_command

    return env_command(words)


def _outside(module: str, name: str) -> Callable[[list[str]], int]:
    """A command that lives in a module of its own, loaded when it is asked for."""

    def run(words: list[str]) -> int:
        from importlib import import_module

        return getattr(import_module(module), name)(words)

    return run


def _homework(words: list[str]) -> int:
    from tui.homework_command import main_homework

    return main_homework(words, _run_screen)


def _config(words: list[str]) -> int:
    from tui.config.commands import config_command

    return config_command(words)


def _profile(words: list[str]) -> int:
    from tui.config.commands import profile_command

    return profile_command(words)


def _command_list() -> str:
    rows = [
        ("lmdeck", _("look around and offer what is here")),
        ("lmdeck URL|PROFILE", _("open the chat on a running server")),
        ("lmdeck ssh …", _("open the chat behind an ssh line, as you would type it")),
        ("lmdeck -c", _("go on with the last conversation")),
        ("lmdeck demo", _("open the chat on a simulated server and GPU")),
        ("lmdeck ask PROMPT --url URL", _("one answer without a screen")),
        ("lmdeck replay FILE", _("show a recorded session again")),
        ("lmdeck plan MODEL --gpu 24GiB", _("where the GPU's memory would go")),
        ("lmdeck serve MODEL …", _("start lmdeploy's API server")),
        ("lmdeck quantize MODEL …", _("quantise a model with lmdeploy lite auto_awq")),
        ("lmdeck env", _("check the environments that hold lmdeploy")),
        ("lmdeck export CONVERSATION|last", _("a conversation as Markdown, JSON or HTML")),
        ("lmdeck shot CONVERSATION|last …", _("a conversation as a picture")),
        ("lmdeck homework", _("walk through the course's tasks")),
        ("lmdeck report CONVERSATION …", _("a report: command, plan, measurement, pictures, talk")),
        ("lmdeck pull [HOST]", _("fetch the pictures and reports of another machine")),
        ("lmdeck config …, lmdeck profile …", _("settings and profiles")),
    ]
    lines = [_("commands:"), *(f"  {usage:<35}{text}" for usage, text in rows), "", _("exit codes:")]
    lines.append(
        "  " + _("0 done; 1 no answer or a failure; 2 wrong usage; 3 server unreachable or refusing; 130 interrupted")
    )
    return "\n".join(lines)


def _version_text() -> str:
    from tui.config.environment import version_of

    lmdeploy = version_of("lmdeploy")
    return f"lmdeck {__version__}" + (f" (lmdeploy {lmdeploy})" if lmdeploy else "")


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "": _open,
    "ssh": _ssh,
    "demo": _demo,
    "ask": _ask,
    "replay": _replay,
    "plan": _plan,
    "serve": _serve,
    "quantize": _quantize,
    "env": _env,
    "export": _outside("tui.export_command", "main_export"),
    "shot": _outside("tui.screens.shot_command", "main_shot"),
    "homework": _homework,
    "report": _outside("tui.homework_command", "main_report"),
    "pull": _outside("tui.pull_command", "main_pull"),
    "config": _config,
    "profile": _profile,
}
