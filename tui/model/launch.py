"""The way of a server's start, phase by phase."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from tui.model.plan import Sentence
from tui.model.problem import Problem


class LaunchStage(Enum):
    """What a starting server is doing. The port opens only after the warm-up."""

    STARTING = "starting"
    DOWNLOADING = "downloading"
    CONTEXT = "context"
    WEIGHTS = "weights"
    KV_CACHE = "kv-cache"
    WARM_UP = "warm-up"
    READY = "ready"
    STOPPING = "stopping"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class LaunchPhase:
    """One step of a start. ``at`` is seconds since the start; ``fraction`` 0…1 where the server says; ``size`` is what
    the phase took on one card, in bytes, where samples show it."""

    stage: LaunchStage
    at: float
    fraction: float | None = None
    size: int | None = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class LaunchMemory:
    """What the server's processes hold on its first card, ``at`` seconds after the start, beside the plan; bytes. None
    where no card can be read, or nothing was planned."""

    at: float
    used: int | None
    predicted: int | None = None
    margin: int = 0


@dataclass(frozen=True, slots=True)
class LaunchLines:
    """Lines that came into the log, without escape codes; still text from outside."""

    at: float
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LaunchQuestion:
    """The program asks and waits for an answer (``… [y/N]``); ``text`` is its own prompt."""

    at: float
    text: str


StepKind = Literal["flags", "drop", "port", "answer", "variables", "environment", "log", "model", "stop-other", "wait"]


@dataclass(frozen=True, slots=True)
class NextStep:
    """What a button of a card does. ``flags``: set these on the command line (``("--cache-max-entry-count", "0.55")``);
    ``drop``: leave them out; ``answer``: type ``flags[0]``; ``variables``: set ``variables`` for the server;
    ``environment``: check lmdeploy's environment; ``log``: open the log; ``model``: choose another model."""

    kind: StepKind
    label: Sentence
    flags: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A card: what happened and why (the problem's sentence), what to do (its step), buttons, and the log's own lines
    that show it. ``fatal`` is False for what only should be known (a fallback to the other engine)."""

    problem: Problem
    steps: tuple[NextStep, ...] = ()
    evidence: tuple[str, ...] = ()
    fatal: bool = True


LaunchEvent = LaunchPhase | LaunchMemory | LaunchLines | LaunchQuestion | Diagnosis


@dataclass(frozen=True, slots=True)
class Installation:
    """An lmdeploy on some machine. ``how`` it was found: settings, path, active, conda, venv. ``packages`` are versions
    by name; ``requires`` lmdeploy's own requirements as its metadata says them; ``torch_cuda`` what torch was built
    for, "" for a CPU build."""

    how: str
    prefix: str
    program: str
    python: str
    packages: Mapping[str, str] = field(default_factory=dict[str, str])
    requires: tuple[str, ...] = ()
    torch_cuda: str = ""

    @property
    def version(self) -> str:
        """lmdeploy's release, "" when it is not known."""
        return self.packages.get("lmdeploy", "")


@dataclass(frozen=True, slots=True)
class ServerEntry:
    """A server on a machine, started by lmdeck or seen in the process list. ``id`` names the start ("" for one that
    lmdeck did not start); ``mine`` when lmdeck started it for this user: only then it is stopped without typing its
    name. ``memory`` bytes over its cards, ``age`` seconds; ``code`` its exit status once it has ended; ``listening``
    whether its port is open (None where that is not known)."""

    pid: int
    model: str
    port: int
    id: str = ""
    host: str = "127.0.0.1"
    user: str = ""
    mine: bool = False
    running: bool = True
    pids: tuple[int, ...] = ()
    cards: tuple[int, ...] | None = None
    memory: int | None = None
    age: float | None = None
    log: str = ""
    code: int | None = None
    version: str = ""
    words: tuple[str, ...] = ()
    listening: bool | None = None

    @property
    def url(self) -> str:
        """Where it answers on its own machine."""
        host = "127.0.0.1" if self.host in ("", "0.0.0.0", "::") else self.host  # noqa: S104 (a server's, not ours)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def name(self) -> str:
        """What is typed to stop somebody else's."""
        return self.model.rstrip("/").rsplit("/", 1)[-1] or str(self.pid)


@dataclass(frozen=True, slots=True)
class StopStep:
    """One step of a stop: the signal sent ("" for waiting), how many processes are left, and how much of the cards'
    memory came back since the stop began."""

    signal: str
    alive: int
    freed: int | None
    done: bool = False
    problem: Problem | None = None


class QuantiseStage(Enum):
    """What ``lmdeploy lite auto_awq`` is doing (reference §1.5)."""

    LOADING = "loading"
    PLACING = "placing"
    DATA = "data"
    CALIBRATING = "calibrating"
    SMOOTHING = "smoothing"
    PACKING = "packing"
    SAVING = "saving"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class QuantiseProgress:
    """How far a quantisation is: ``fraction`` 0…1 of the whole, ``done`` of ``of`` in the stage (0 of 0 where it counts
    nothing); ``left`` an estimate in seconds, None while there is none; ``memory`` bytes on the card as it printed."""

    at: float
    stage: QuantiseStage
    fraction: float
    done: int = 0
    of: int = 0
    left: float | None = None
    memory: int | None = None


@dataclass(frozen=True, slots=True)
class QuantiseReport:
    """What came of it. Sizes in bytes: on the disk, and of the weights on the card; ``tokens`` are what the kv cache
    holds then, on the same card at the same ratio (None where nothing could be planned)."""

    seconds: float
    folder: str
    disk_before: int
    disk_after: int
    weights_before: int | None = None
    weights_after: int | None = None
    tokens_before: int | None = None
    tokens_after: int | None = None


QuantiseEvent = QuantiseProgress | QuantiseReport | LaunchLines | LaunchQuestion | Diagnosis
