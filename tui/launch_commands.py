"""``lmdeck serve``, ``lmdeck quantize`` and ``lmdeck env``: the machine they concern, here or over ssh."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from tui.exit_codes import INTERRUPTED, USAGE, code_of
from tui.i18n.problems import explain
from tui.launch import show
from tui.launch.cli import ServeCommand
from tui.launch.machine import LocalMachine, Machine
from tui.launch.quantise_cli import QuantiseCommand, quantise_help, read_quantise
from tui.launch.words import env_parser, read_serve, serve_help
from tui.model.problem import ProblemError

if TYPE_CHECKING:
    from tui.config.settings import Settings

OpenChat = Callable[[str, Sequence[str]], int]


@asynccontextmanager
async def machine_on(where: str) -> AsyncGenerator[Machine]:
    """This machine for "", else the one a profile's name, an alias, a URL or a pasted ssh line means.

    Raises ProblemError when it cannot be reached."""
    if not where:
        local = LocalMachine()
        try:
            yield local
        finally:
            await local.aclose()
        return
    from tui.config.profiles import load_profiles
    from tui.config.settings import config_path
    from tui.hosts.remote import open_remote
    from tui.hosts.remote_machine import RemoteMachine
    from tui.hosts.terminal import ask_on_terminal

    profile = load_profiles(config_path()).by_name.get(where)
    host = await open_remote(profile if profile and profile.ssh else where, ask_on_terminal)
    try:
        await host.link.up()
        yield RemoteMachine(host)
    finally:
        await host.aclose()


def serve_command(words: Sequence[str], open_chat: OpenChat | None = None) -> int:
    """``lmdeck serve WORDS``. ``open_chat`` opens the chat on an address (a URL, or ``ssh://…`` with more words for
    ssh) once the server is ready; without it, or without a terminal, the address is only printed.
    Returns the exit code."""
    settings = _settings()
    try:
        read = read_serve(words, settings.lmdeploy_path, settings.gpu_total)
    except ProblemError as error:
        return _refuse("serve", error)
    if read is None:
        sys.stdout.write(serve_help() + "\n")
        return 0
    reached: list[tuple[str, tuple[str, ...]]] = []

    async def run() -> int:
        async with machine_on(read.on) as machine:
            command = ServeCommand(machine, read, sys.stdout, sys.stderr)
            code = await command.run()
            if command.url:
                reached.append(_address(machine, command.url))
            return code

    code = _run("serve", run)
    interactive = sys.stdin.isatty() and sys.stdout.isatty() and not read.as_json
    return open_chat(*reached[0]) if reached and open_chat is not None and interactive else code


def _address(machine: Machine, url: str) -> tuple[str, tuple[str, ...]]:
    """Where the chat finds a server of that machine, and what ssh must be told more."""
    from tui.hosts.remote_machine import RemoteMachine

    return (machine.url(url), machine.options) if isinstance(machine, RemoteMachine) else (url, ())


def quantize_command(words: Sequence[str]) -> int:
    """``lmdeck quantize WORDS``. Returns the exit code."""
    settings = _settings()
    try:
        read = read_quantise(words, settings.lmdeploy_path, settings.gpu_total)
    except ProblemError as error:
        return _refuse("quantize", error)
    if read is None:
        sys.stdout.write(quantise_help() + "\n")
        return 0

    async def run() -> int:
        async with machine_on(read.on) as machine:
            ask = _ask if sys.stdin.isatty() else None
            return await QuantiseCommand(machine, read, sys.stdout, sys.stderr, ask).run()

    return _run("quantize", run)


def env_command(words: Sequence[str]) -> int:
    """``lmdeck env WORDS``. Returns the exit code."""
    from tui.launch.checkup import EnvCommand

    parser = env_parser()
    try:
        options = parser.parse_args(list(words))
    except ProblemError as error:
        return _refuse("env", error)
    if options.help:
        sys.stdout.write(parser.format_help())
        return 0
    path: str = options.lmdeploy or _settings().lmdeploy_path

    async def run() -> int:
        async with machine_on(options.on) as machine:
            return await EnvCommand(machine, path, as_json=options.json, out=sys.stdout, err=sys.stderr).run()

    return _run("env", run)


def _settings() -> Settings:
    from tui.config.settings_load import quick_settings

    return quick_settings()


def _run(name: str, command: Callable[[], Coroutine[Any, Any, int]]) -> int:
    try:
        return asyncio.run(command())
    except ProblemError as error:
        return _refuse(name, error)
    except KeyboardInterrupt:
        return INTERRUPTED


def _refuse(name: str, error: ProblemError) -> int:
    sys.stderr.write(f"lmdeck {name}: {show.plain(explain(error.problem).text)}\n")
    return code_of(error.problem, USAGE)


def _ask(question: str) -> str | None:
    """A question of the program, put to the user; None when the input ends."""
    try:
        return input(f"{show.plain(question)} ")
    except EOFError:
        return None
