"""``lmdeck env``: is an environment able to run lmdeploy, what is broken, and which pins repair it.

Judged by metadata alone (nothing is imported: that takes 14 s): lmdeploy's own requirements against what is installed,
known pairs that do not work together, torch's CUDA against the driver.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TextIO, cast

from tui.exit_codes import USAGE, code_of
from tui.i18n import N_, _
from tui.i18n.problems import explain
from tui.launch import show
from tui.launch.installs import find_installations, release_of, working_environment
from tui.launch.machine import Machine, look
from tui.launch.requirements import numbers, parse_requirement
from tui.lmdeploy.awq import NEW_DATASETS
from tui.model.launch import Installation
from tui.model.problem import Problem, ProblemError

WATCHED = ("torch", "transformers", "openai", "httpx", "datasets", "triton", "ray", "numpy", "pydantic")
_CUDA_DRIVERS = (((13, 0), 580), ((12, 0), 525), ((11, 8), 520), ((11, 0), 450))
"""CUDA release → the first driver branch that runs it (NVIDIA's table of minor-version compatibility)."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something broken in an environment. ``pins`` are the words for ``pip install`` that repair it."""

    problem: Problem
    pins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Checkup:
    """An environment with what is wrong in it."""

    installation: Installation
    faults: tuple[Fault, ...]

    @property
    def repair(self) -> str:
        """One command that repairs what pins can repair; "" when there is nothing."""
        pins = [pin for fault in self.faults for pin in fault.pins]
        if not pins:
            return ""
        quoted = " ".join(f'"{pin}"' for pin in dict.fromkeys(pins))
        return f"{self.installation.python or 'python'} -m pip install {quoted}"


def check(installation: Installation, driver: str = "", cards: int = 0) -> Checkup:
    """``driver`` is the loaded kernel module's version, "" when none is; ``cards`` how many device files there are."""
    faults = [*_own_requirements(installation), *_pairs(installation), *_card(installation, driver, cards)]
    return Checkup(installation, tuple(faults))


def _own_requirements(installation: Installation) -> list[Fault]:
    """What lmdeploy itself asks for, against what is there."""
    faults: list[Fault] = []
    if not installation.version:
        return [Fault(Problem("env.no-metadata", {"prefix": installation.prefix}))]
    for line in installation.requires:
        wanted = parse_requirement(line) if line.startswith("Requires-Dist:") else None
        if wanted is None or wanted.package not in WATCHED or "extra" in wanted.marker or _elsewhere(wanted.marker):
            continue
        found = installation.packages.get(wanted.package)
        data = {"package": wanted.package, "wanted": wanted.text, "lmdeploy": installation.version}
        if found is None:
            faults.append(Fault(Problem("env.missing", data), (wanted.text,)))
        elif not wanted.allows(found):
            faults.append(Fault(Problem("env.version", {**data, "found": found}), (wanted.text,)))
    return faults


def _elsewhere(marker: str) -> bool:
    """Whether a marker speaks of another system than Linux on x86 (``sys_platform == "win32"``)."""
    return any(word in marker for word in ("win32", "darwin", "Windows", "Darwin", "aarch64"))


def _pairs(installation: Installation) -> list[Fault]:
    """Pairs that install without a word and then do not work."""
    packages = {name: numbers(version) for name, version in installation.packages.items()}
    faults: list[Fault] = []
    openai, httpx = packages.get("openai", ()), packages.get("httpx", ())
    if openai and httpx and openai < (1, 55, 3) and httpx >= (0, 28):
        data = {"openai": installation.packages["openai"], "httpx": installation.packages["httpx"]}
        faults.append(Fault(Problem("env.proxies", data), ("httpx<0.28",)))
    release, datasets = release_of(installation), packages.get("datasets", ())
    if release is not None and release < NEW_DATASETS and datasets >= (3,):
        data = {"datasets": installation.packages["datasets"], "lmdeploy": installation.version}
        faults.append(Fault(Problem("env.datasets", data), ("datasets<3",)))
    numpy, torch = packages.get("numpy", ()), packages.get("torch", ())
    if numpy >= (2,) and torch and torch < (2, 3):
        data = {"numpy": installation.packages["numpy"], "torch": installation.packages["torch"]}
        faults.append(Fault(Problem("env.numpy", data), ("numpy<2",)))
    if "torch" not in packages and not any("torch" in line for line in installation.requires):
        faults.append(
            Fault(
                Problem(
                    "env.missing", {"package": "torch", "wanted": "torch", "lmdeploy": installation.version or "?"}
                ),
                ("torch",),
            )
        )
    return faults


def _card(installation: Installation, driver: str, cards: int) -> list[Fault]:
    """torch's CUDA against the driver."""
    if "torch" not in installation.packages:
        return []
    torch = installation.packages["torch"]
    if not installation.torch_cuda:
        return [Fault(Problem("env.cpu-torch", {"torch": torch}))]
    if not driver:
        return [] if cards else [Fault(Problem("env.no-driver"))]
    built, branch = numbers(installation.torch_cuda)[:2], numbers(driver)[:1]
    needed = next((first for release, first in _CUDA_DRIVERS if built >= release), 0)
    if branch and branch[0] < needed:
        data = {"torch": torch, "cuda": installation.torch_cuda, "driver": driver, "needed": needed}
        return [Fault(Problem("env.driver", data))]
    return []


async def check_machine(machine: Machine, path: str = "") -> tuple[tuple[Checkup, ...], str]:
    """Every environment with lmdeploy on a machine, the one lmdeck would use first, and the driver's version.

    Raises ProblemError launch.no-lmdeploy, and what the machine raises."""
    environment = await working_environment(machine)
    installations, drivers = await asyncio.gather(
        find_installations(machine, environment, path), look(machine, "drivers")
    )
    if not installations:
        raise ProblemError(Problem("launch.no-lmdeploy", {"machine": machine.name or "localhost"}))
    facts = cast("Mapping[str, Any]", drivers)
    driver = str(facts["loaded"])
    return tuple(check(entry, driver, int(facts["devices"])) for entry in installations), driver


class EnvCommand:
    """``lmdeck env``. Exit codes: 0 the environment lmdeck would use is sound, 1 something is broken in it, 2 there is
    none, 3 the machine is not reachable."""

    def __init__(self, machine: Machine, path: str, *, as_json: bool, out: TextIO, err: TextIO) -> None:
        self._machine = machine
        self._path = path
        self._json = as_json
        self._out = out
        self._err = err

    async def run(self) -> int:
        try:
            checkups, driver = await check_machine(self._machine, self._path)
        except ProblemError as error:
            if self._json:
                self._out.write(json.dumps({"problem": show.problem_data(error.problem)}) + "\n")
            self._err.write(f"lmdeck env: {show.plain(explain(error.problem).text)}\n")
            return code_of(error.problem, USAGE)
        if self._json:
            data = {"driver": driver, "environments": [_data(entry) for entry in checkups]}
            self._out.write(json.dumps(data, indent=2, ensure_ascii=False) + "\n")
        else:
            self._out.write("\n\n".join(checkup_text(entry) for entry in checkups) + "\n")
            self._out.write("\n" + show.fill(N_("NVIDIA driver: {driver}"), driver=driver or "–") + "\n")
        return 1 if checkups[0].faults else 0


def _data(checkup: Checkup) -> dict[str, Any]:
    installation = checkup.installation
    return {
        "prefix": installation.prefix,
        "program": installation.program,
        "found": installation.how,
        "packages": dict(installation.packages),
        "torch_cuda": installation.torch_cuda,
        "faults": [{**show.problem_data(fault.problem), "pins": list(fault.pins)} for fault in checkup.faults],
        "repair": checkup.repair,
    }


def checkup_text(checkup: Checkup) -> str:
    """An environment in a few lines."""
    installation = checkup.installation
    head = f"{installation.program or installation.prefix}  lmdeploy {installation.version or '?'}"
    lines = [show.plain(head)]
    versions = [f"{name} {version}" for name, version in installation.packages.items() if name != "lmdeploy"]
    if versions:
        lines.append("  " + show.plain(" · ".join(versions)))
    lines += [f"  ✗ {show.plain(explain(fault.problem).text)}" for fault in checkup.faults]
    if checkup.repair:
        lines.append("  " + show.fill(N_("repair: {command}"), command=show.plain(checkup.repair)))
    if not checkup.faults:
        lines.append("  " + _("Nothing is wrong with it."))
    return "\n".join(lines)
