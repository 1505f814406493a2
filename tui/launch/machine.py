"""What the launcher needs of a machine, and this machine as one.

Everything done on a machine is an order of the agent (:mod:`tui.agent`, :mod:`tui.agent_orders`) or a short Python
program given to it (:mod:`tui.launch.probe`): here carried out in a thread, elsewhere sent over ssh.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, cast

from tui.gpu.source import LocalReader
from tui.model.gpu import GpuReading
from tui.model.problem import Problem, ProblemError

Json = dict[str, Any]

# Isolated and without site-packages: quicker, and nothing of the user's environment can break it.
_PYTHON = 'exec "${LMDECK_PYTHON:-python3}" -I -S -c "$1"'


class Machine(Protocol):
    """A machine. ``name`` is what the user calls it, "" for this one."""

    @property
    def name(self) -> str: ...

    async def order(self, do: str, limit: float = 15.0, **fields: Any) -> Json:
        """Carry out an order of the agent within ``limit`` seconds. Raises ProblemError."""
        ...

    async def sample(self) -> GpuReading:
        """The cards now. Raises ProblemError when the machine cannot be asked."""
        ...


class LocalMachine:
    """This machine. ``reader`` samples the cards; it is opened at the first sample and closed by :meth:`aclose`."""

    name = ""

    def __init__(self, reader: LocalReader | None = None) -> None:
        self._reader = reader or LocalReader()
        self._reading = threading.Lock()

    async def order(self, do: str, limit: float = 15.0, **fields: Any) -> Json:
        """Raises ProblemError launch.order with the reason."""
        from tui.agent_orders import obey

        try:
            async with asyncio.timeout(limit):
                return await asyncio.to_thread(obey, {"do": do, **fields})
        except TimeoutError:
            raise ProblemError(Problem("launch.slow", {"what": do, "seconds": f"{limit:g}"})) from None
        except (OSError, ValueError, KeyError) as error:
            raise ProblemError(Problem("launch.order", {"what": do, "reason": str(error)[:300]})) from error

    async def sample(self) -> GpuReading:
        return await asyncio.to_thread(self._read)

    def _read(self) -> GpuReading:
        with self._reading:
            return self._reader.read()

    async def aclose(self) -> None:
        """Let the driver go."""
        await asyncio.to_thread(self._reader.close)


async def look(
    machine: Machine, what: str, limit: float = 20.0, environment: Mapping[str, str] | None = None, **fields: Any
) -> Any:
    """Run one function of :mod:`tui.launch.probe` on a machine and return its answer.

    Raises ProblemError launch.probe when it fails there, and what the machine raises."""
    question = json.dumps({"do": what, **fields})
    arguments = ["sh", "-c", _PYTHON, "lmdeck", _source()]
    done = await machine.order(
        "run", limit + 5, arguments=arguments, input=question, timeout=limit, environment=dict(environment or {})
    )
    try:
        answer = cast("Json", json.loads(str(done["out"]).rpartition("\n\x1e")[2]))
    except (ValueError, KeyError) as error:
        reason = str(done.get("err") or done.get("out") or done.get("code")).strip()[-300:]
        raise ProblemError(Problem("launch.probe", {"what": what, "reason": reason or "–"})) from error
    if "error" in answer:
        raise ProblemError(Problem("launch.probe", {"what": what, "reason": str(answer["error"])[:300]}))
    return answer["answer"]


@cache
def _source() -> str:
    """The probe's own text, sent along with every question."""
    spec = find_spec("tui.launch.probe")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("tui.launch.probe")
    return Path(spec.origin).read_text(encoding="utf-8")
