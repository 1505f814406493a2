"""The agent's lines: found among a login shell's noise, answered by number, samples passed on."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any, cast

from tui.model.problem import Problem, ProblemError

Json = dict[str, Any]
PROTOCOL = 1
_LONGEST_LINE = 128 * 1024 * 1024  # a checkpoint's headers may be that long
_LARGE = 256 * 1024
_NOISE_KEPT = 40


@dataclass(frozen=True, slots=True)
class Hello:
    """The agent's first line. ``python`` is empty where a loop of nvidia-smi stands in for it."""

    source: str
    driver: str
    python: str
    reasons: tuple[str, ...] = ()

    @property
    def obeys(self) -> bool:
        """Whether it understands orders."""
        return bool(self.python)


class Lines:
    """Bytes in, whole lines out; any split of the bytes gives the same lines. A line beyond the limit is dropped."""

    def __init__(self, limit: int = _LONGEST_LINE) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0
        self._dropping = False

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are complete now, without their ends."""
        found: list[bytes] = []
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            self._add(data[start:end])
            if not self._dropping:
                found.append(b"".join(self._parts).rstrip(b"\r"))
            self._parts, self._size, self._dropping = [], 0, False
            start = end + 1
        self._add(data[start:])
        return found

    def _add(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._limit:
            self._dropping, self._parts = True, []
        elif piece:
            self._parts.append(piece)


def find_hello(line: str, nonce: str) -> Hello | None:
    """The hello with our nonce in a line, noise before it allowed. Raises ProblemError(ssh.other_protocol)."""
    at = line.find('{"agent":')
    if at < 0:
        return None
    try:
        found: object = json.loads(line[at:])
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    fields = cast("Json", found)
    if not nonce or fields.get("nonce") != nonce:
        return None
    if fields.get("agent") != PROTOCOL:
        raise ProblemError(Problem("ssh.other_protocol", {"version": str(fields.get("agent"))[:20]}))
    reasons = cast("list[object]", fields.get("reasons") or [])
    return Hello(
        str(fields.get("source") or "none"),
        str(fields.get("driver") or ""),
        str(fields.get("python") or ""),
        tuple(str(reason) for reason in reasons),
    )


class AgentChannel:
    """Orders out, answers and samples in. ``write`` sends one line; ``on_sample`` gets every sample as it came, either
    a JSON object or a line of nvidia-smi's."""

    def __init__(self, nonce: str, write: Callable[[str], None], on_sample: Callable[[Json | str], None]) -> None:
        self.hello: asyncio.Future[Hello] = asyncio.get_running_loop().create_future()
        self.noise: deque[str] = deque(maxlen=_NOISE_KEPT)
        self.heard = monotonic()
        self._nonce = nonce
        self._write = write
        self._on_sample = on_sample
        self._waiting: dict[int, asyncio.Future[Json]] = {}
        self._pongs: deque[asyncio.Future[Json]] = deque()
        self._number = 0
        self._lines = Lines()

    async def feed(self, data: bytes) -> None:
        """What came from the far side's standard output."""
        for line in self._lines.feed(data):
            self.heard = monotonic()
            if not self.hello.done():
                self._first(line.decode(errors="replace"))
            elif line:
                await self._line(line)

    def _first(self, text: str) -> None:
        try:
            hello = find_hello(text, self._nonce)
        except ProblemError as error:
            self.hello.set_exception(error)
            return
        if hello is not None:
            self.hello.set_result(hello)
        elif text.strip():
            self.noise.append(text[:500])

    async def _line(self, line: bytes) -> None:
        if line == b"pong":
            if self._pongs and not (pong := self._pongs.popleft()).done():
                pong.set_result({})
            return
        if not line.startswith(b"{"):
            self._on_sample(line.decode(errors="replace"))
            return
        try:
            found: object = await asyncio.to_thread(json.loads, line) if len(line) > _LARGE else json.loads(line)
        except ValueError:
            return  # a program on the far side wrote into our line
        if isinstance(found, dict):
            self._message(cast("Json", found))

    def _message(self, message: Json) -> None:
        if "re" in message:
            number = message.pop("re")
            waiting = self._waiting.pop(number, None) if isinstance(number, int) else None
            if waiting is not None and not waiting.done():
                waiting.set_result(message)
        elif "gpus" in message:
            self._on_sample(message)

    async def order(self, do: str, within: float, **fields: Any) -> Json:
        """Send an order and wait for its answer. Raises ProblemError: ssh.no_python, ssh.agent_refused (the agent's
        own words), ssh.agent_silent, or what ended the connection."""
        hello = self.hello.result() if self.hello.done() else None
        if hello is None or not (hello.obeys or do == "ping"):
            raise ProblemError(Problem("ssh.no_python"))
        self._number += 1
        number = self._number
        future: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        if hello.obeys:
            self._waiting[number] = future
        else:
            self._pongs.append(future)
        try:
            if "id" in fields:  # of a spawned program; here the number of the order has that name
                fields["which"] = fields.pop("id")
            self._write(json.dumps({**fields, "id": number, "do": do}) + "\n")
            async with asyncio.timeout(within):
                answer = await future
        except TimeoutError:
            raise ProblemError(Problem("ssh.agent_silent", {"order": do, "seconds": within})) from None
        finally:
            self._waiting.pop(number, None)
        if "error" in answer:
            raise ProblemError(Problem("ssh.agent_refused", {"order": do, "says": str(answer["error"])[:300]}))
        return answer

    def fail(self, problem: Problem) -> None:
        """The connection ended: every order that waits ends with this problem."""
        for future in (*self._waiting.values(), *self._pongs):
            if not future.done():
                future.set_exception(ProblemError(problem))
        self._waiting.clear()
        self._pongs.clear()
        if not self.hello.done():
            self.hello.cancel()
