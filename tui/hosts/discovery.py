"""Looking around on this machine: what could be used, started or reached. All probes run at once, each with a time
limit, and none blocks the event loop. Nothing outside this machine is asked.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tui.model.message import ConversationInfo
from tui.model.problem import Problem, ProblemError
from tui.model.surroundings import FoundCard, FoundHost, FoundLmdeploy, FoundProfile, FoundServer, Surroundings

USUAL_PORTS = (23333,)
"""lmdeploy's default port of ``serve api_server`` (0.5.3 … 0.18)."""
_ASK_SECONDS = 1.5
_LIMIT_SECONDS = 8.0
_MOST_HOSTS = 200

Changes = Mapping[str, Any]
Probe = Callable[[], Awaitable[Changes]]


@dataclass(frozen=True)
class Where:
    """Where to look; the defaults are this user's own places. ``processes`` lists the api_servers that run here as
    :func:`tui.agent.servers` does; ``store`` is the conversations' file, ``last`` replaces reading it."""

    ports: Sequence[int] = USUAL_PORTS
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    home: Path | None = None
    settings: Path | None = None
    ssh_config: Path | None = None
    lmdeploy: str = ""
    store: Path | None = None
    processes: Callable[[], list[dict[str, Any]]] | None = None


async def look_around(where: Where | None = None) -> AsyncIterator[Surroundings]:
    """What is found, growing: one value at once, then one for each probe that is done. Never raises."""
    where = where or Where()
    probes: dict[str, Probe] = {
        "servers": lambda: _servers(where),
        "lmdeploy": lambda: _installations(where),
        "cards": _cards,
        "hosts": lambda: _hosts(where),
        "profiles": lambda: _profiles(where),
        "last": lambda: _last(where),
    }
    now = Surroundings(searching=frozenset(probes))
    yield now
    running = {asyncio.create_task(_limited(probe)): name for name, probe in probes.items()}
    try:
        while running:
            done, _pending = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                now = replace(now, searching=now.searching - {running.pop(task)}, **_merged(now, task.result()))
            yield now
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def _merged(now: Surroundings, found: Changes) -> dict[str, Any]:
    problems = now.problems + tuple(found.get("problems", ()))
    return {**found, "problems": problems}


async def _limited(probe: Probe) -> Changes:
    """A probe within its time; one that fails or takes too long has found nothing."""
    try:
        async with asyncio.timeout(_LIMIT_SECONDS):
            return await probe()
    except ProblemError as error:
        return {"problems": (error.problem,)}
    except (OSError, TimeoutError):
        return {}


# servers


async def _servers(where: Where) -> Changes:
    from tui.agent import servers

    processes = await asyncio.to_thread(where.processes or servers)
    known = {port: process for process in processes for port in process["ports"]}
    asked = await asyncio.gather(*(ask_server(port, known.get(port)) for port in {*where.ports, *known}))
    found = [server for server in asked if server is not None]
    listening = {process["pid"] for process in processes if process["ports"]}
    # One that loads its model does not listen yet; where it will is on its command line.
    found += [_silent(process) for process in processes if process["pid"] not in listening]
    return {"servers": tuple(sorted(found, key=lambda server: (not server.answers, server.url)))}


async def ask_server(port: int, process: Mapping[str, Any] | None = None) -> FoundServer | None:
    """The lmdeploy server on a port of this machine; None when nothing, or something else, answers there and no
    process of lmdeploy listens on it."""
    from tui.server.address import Address
    from tui.server.client import ServerClient
    from tui.server.probe import first_facts

    url = f"http://127.0.0.1:{port}"
    pid = process["pid"] if process else None
    path = model_of(process["arguments"]) if process else ""
    client = ServerClient(Address.parse(url))
    try:
        async with asyncio.timeout(_ASK_SECONDS):
            facts = (await first_facts(client)).facts
    except ProblemError as error:
        needs_key = error.problem.code in _KEY_WANTED
        if not needs_key and process is None:
            return None
        return FoundServer(url, answers=False, needs_key=needs_key, pid=pid, model_path=path)
    except TimeoutError:
        return None if process is None else FoundServer(url, answers=False, pid=pid, model_path=path)
    finally:
        await client.aclose()
    if any(problem.code == "server.other_server" for problem in facts.problems):
        return None
    return FoundServer(url, facts.models, simulated=facts.simulated, pid=pid, model_path=path)


_KEY_WANTED = frozenset({"server.key_missing", "server.key_rejected"})


def model_of(arguments: Sequence[str]) -> str:
    """The model on the command line of ``lmdeploy serve api_server MODEL …``, empty when it is not found."""
    words = list(arguments)
    if "api_server" not in words:
        return ""
    rest = words[words.index("api_server") + 1 :]
    return next((word for word in rest[:1] if not word.startswith("-")), "")


def _silent(process: Mapping[str, Any]) -> FoundServer:
    arguments = list(process["arguments"])
    port = _option(arguments, "--server-port") or "23333"
    return FoundServer(f"http://127.0.0.1:{port}", answers=False, pid=process["pid"], model_path=model_of(arguments))


def _option(arguments: list[str], name: str) -> str:
    for place, word in enumerate(arguments):
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
        if word == name and place + 1 < len(arguments):
            return arguments[place + 1]
    return ""


# the rest


async def _installations(where: Where) -> Changes:
    from tui.hosts.installations import find_installations

    found: tuple[FoundLmdeploy, ...] = await asyncio.to_thread(
        find_installations, where.environ, where.home, where.lmdeploy
    )
    return {"installations": found}


async def _cards() -> Changes:
    return {"cards": await asyncio.to_thread(_read_cards)}


def _read_cards() -> tuple[FoundCard, ...]:
    from tui.gpu.source import LocalReader

    reader = LocalReader()
    try:
        samples = reader.read().samples
    finally:
        reader.close()
    return tuple(FoundCard(one.index, one.name, one.total, one.free) for one in samples)


async def _hosts(where: Where) -> Changes:
    from tui.hosts.ssh_config import SshHost, ssh_hosts

    def shown(host: SshHost) -> str:
        if not host.host_name:
            return ""
        user = f"{host.user}@" if host.user else ""
        return f"{user}{host.host_name}" + (f":{host.port}" if host.port else "")

    found = await asyncio.to_thread(ssh_hosts, where.ssh_config)
    return {"hosts": tuple(FoundHost(host.alias, shown(host)) for host in found[:_MOST_HOSTS])}


async def _profiles(where: Where) -> Changes:
    from tui.config.profiles import load_profiles
    from tui.config.settings import config_path

    found = await asyncio.to_thread(load_profiles, where.settings or config_path())
    shown = (FoundProfile(one.name, one.address, one.model) for one in found.by_name.values())
    return {"profiles": tuple(shown), "problems": _once(found.problems)}


def _once(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple({(one.code, tuple(one.data.items())): one for one in problems}.values())


async def _last(where: Where) -> Changes:
    return {"last": await last_conversation(where.store)}


async def last_conversation(path: Path | None = None) -> ConversationInfo | None:
    """The conversation used last, None when there is none. Creates no file. Raises ProblemError."""
    from tui.store.files import default_path
    from tui.store.store import Store

    path = path or default_path()
    if not await asyncio.to_thread(path.exists):
        return None
    store = await Store.open(path)
    try:
        recent = await store.conversations(limit=1)
    finally:
        await store.close()
    return recent[0] if recent else None
