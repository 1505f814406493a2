"""``lmdeck serve``: start, list and stop lmdeploy servers from a terminal, without a screen."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TextIO

from tui.exit_codes import FAILED, INTERRUPTED, USAGE, code_of
from tui.i18n import N_, _
from tui.i18n.problems import explain
from tui.launch import records, show
from tui.launch.machine import Machine
from tui.launch.prepare import prepare
from tui.launch.servers import may_stop, servers, stop
from tui.launch.starting import Spawned, start
from tui.launch.watching import Pace, Watch
from tui.launch.wish import Prepared
from tui.launch.words import ServeWords
from tui.model.launch import ServerEntry
from tui.model.problem import Problem, ProblemError


class ServeCommand:
    """One ``lmdeck serve``. ``url`` is set when the server became ready and a chat was asked for."""

    def __init__(self, machine: Machine, words: ServeWords, out: TextIO, err: TextIO, pace: Pace | None = None) -> None:
        self.url = ""
        self._machine = machine
        self._words = words
        self._out = out
        self._err = err
        self._pace = pace or Pace()

    async def run(self) -> int:
        """Exit codes: 0 done, 1 the start failed, 2 refused before anything ran, 3 the machine is not reachable."""
        actions: dict[str, Callable[[], Coroutine[Any, Any, int]]] = {
            "dry-run": self._dry_run,
            "list": self._list,
            "stop": self._stop,
            "start": self._start,
        }
        try:
            return await actions[self._words.action]()
        except ProblemError as error:
            return self._refuse(error.problem)

    def _refuse(self, problem: Problem) -> int:
        if self._words.as_json:
            self._out.write(json.dumps({"problem": show.problem_data(problem)}, ensure_ascii=False) + "\n")
        self._err.write(f"lmdeck serve: {show.plain(explain(problem).text)}\n")
        return code_of(problem, USAGE)

    async def _prepare(self, *, dry: bool) -> Prepared:
        busy = [entry.port for entry in await servers(self._machine) if entry.running and entry.port]
        own = await asyncio.to_thread(records.own_measurements)
        return await prepare(self._machine, self._words.wish, own, dry=dry, busy_ports=busy)

    async def _dry_run(self) -> int:
        prepared = await self._prepare(dry=True)
        if self._words.as_json:
            self._out.write(json.dumps(show.prepared_data(prepared), indent=2, ensure_ascii=False) + "\n")
        else:
            show.show_prepared(prepared, self._out)
        return 0

    # ── start ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _start(self) -> int:
        prepared = await self._prepare(dry=False)
        if not self._words.as_json:
            show.show_prepared(prepared, self._out)
            self._out.write("\n")
        spawned = await start(self._machine, prepared)
        watch = Watch(self._machine, spawned, prepared, self._pace)
        printer = show.StartPrinter(self._out, json_lines=self._words.as_json)
        async with interruptible() as interrupted:
            async for event in watch.events():
                printer.show(event)
                if interrupted.is_set():
                    break
        if interrupted.is_set() and not watch.ready:
            await self._take_back(spawned, prepared)
            return INTERRUPTED
        return await self._arrived(prepared, spawned, watch)

    async def _take_back(self, spawned: Spawned, prepared: Prepared) -> None:
        """Interrupted while it started: nobody wants it any more."""
        self._err.write(_("Interrupted: stopping the server.") + "\n")
        entry = ServerEntry(spawned.pid, prepared.model, prepared.port, spawned.id, mine=True, pids=(spawned.pid,))
        listed = [one for one in await servers(self._machine) if one.id == spawned.id]
        async for step in stop(self._machine, listed[0] if listed else entry):
            self._err.write(f"  {show.stop_line(step)}\n")

    async def _arrived(self, prepared: Prepared, spawned: Spawned, watch: Watch) -> int:
        if not watch.ready:
            return FAILED
        name = await records.identity(self._machine, spawned)
        _run, problem = await asyncio.to_thread(records.keep, prepared, spawned, watch, name)
        if problem is not None:
            self._err.write(show.plain(explain(problem).text) + "\n")
        entry = ServerEntry(spawned.pid, prepared.model, prepared.port, spawned.id, prepared.host, mine=True)
        if not self._words.as_json:
            text = show.fill(
                N_("{url} is ready. It goes on without lmdeck; stop it with: lmdeck serve --stop {id}"),
                url=entry.url,
                id=spawned.id,
            )
            self._out.write(text + "\n")
        if self._words.chat:
            self.url = entry.url
        return 0

    # ── list and stop ────────────────────────────────────────────────────────────────────────────────────────────────

    async def _list(self) -> int:
        found = await servers(self._machine, ended=True)
        if self._words.as_json:
            self._out.write(json.dumps([show.server_data(entry) for entry in found], indent=2) + "\n")
        else:
            lines = [show.server_line(entry) for entry in found if entry.running]
            self._out.write("\n".join(lines or [_("No lmdeploy server runs here.")]) + "\n")
        return 0

    async def _stop(self) -> int:
        wanted = self._words.stop
        running = [entry for entry in await servers(self._machine) if entry.running]
        matching = [entry for entry in running if _meant(entry, wanted)]
        if not matching:
            return self._refuse(Problem("launch.no-such-server", {"name": wanted}))
        if len(matching) > 1:
            return self._refuse(Problem("launch.several-servers", {"name": wanted, "count": len(matching)}))
        entry = matching[0]
        if not may_stop(entry, wanted):
            data = {"name": entry.name, "user": entry.user or "?", "pid": str(entry.pid)}
            return self._refuse(Problem("launch.not-yours", data))
        code = 0
        async for step in stop(self._machine, entry):
            self._out.write(f"{show.stop_line(step)}\n")
            self._out.flush()
            code = FAILED if step.problem else 0
        return code


def _meant(entry: ServerEntry, name: str) -> bool:
    return name in (entry.id, str(entry.pid), str(entry.port), entry.name, entry.model)


@asynccontextmanager
async def interruptible() -> AsyncGenerator[asyncio.Event]:
    """SIGINT sets the event in place of ending the program."""
    loop, event = asyncio.get_running_loop(), asyncio.Event()
    try:
        loop.add_signal_handler(signal.SIGINT, event.set)
    except (NotImplementedError, RuntimeError, ValueError):  # Windows, or not the main thread
        yield event
        return
    try:
        yield event
    finally:
        loop.remove_signal_handler(signal.SIGINT)
