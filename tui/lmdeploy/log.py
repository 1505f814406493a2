"""Reads an lmdeploy server's log as it grows: phases of the start, exact memory figures, what went wrong.

Lines of both engines from 0.5.3 to 0.18 (reference §1.6, §6.1–§6.3). Both pipes may be fed into one reader; progress
bars end with a carriage return. Pieces may be cut anywhere: an unfinished line waits for its end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TypeVar

from tui.lmdeploy.kv import POLICIES, block_bytes
from tui.model.checkpoint import ModelConfig
from tui.model.launch import LaunchStage

MIB = 1 << 20
T = TypeVar("T")
_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_LONGEST_LINE = 64 * 1024


@dataclass(frozen=True, slots=True)
class ObjectSize:
    """A kind of object in TurboMind's cache: ``size`` bytes each, ``count`` of them in a slab of ``slab`` bytes."""

    size: int
    slab: int
    count: int


@dataclass(frozen=True, slots=True)
class LogFacts:
    """Everything a log said. Sizes in bytes on one card; None means "not said".

    ``budget`` and ``free_before_kv`` are TurboMind ≥ 0.15's (printed with two decimals of a MiB). ``printed_block`` is
    older TurboMind's block size, None where only whole MiB were printed (0.5.3: the figure must not be used).
    ``access_line`` is uvicorn's newest line about a chat.
    """

    stage: LaunchStage = LaunchStage.STARTING
    fraction: float | None = None
    engine: str = ""
    budget: int | None = None
    free_before_kv: int | None = None
    ratio: float | None = None
    objects: tuple[ObjectSize, ...] = ()
    printed_block: int | None = None
    max_block_count: int | None = None
    num_gpu_blocks: int | None = None
    block_tokens: int = 64
    session_len: int | None = None
    max_batch: int | None = None
    max_prefill: int | None = None
    policy: int | None = None
    tp: int | None = None
    dtype: str = ""
    model_format: str = ""
    fallback: str = ""
    ready_url: str = ""
    failure: str = ""
    failure_line: str = ""
    kv_used_fraction: float | None = None
    cache_exhausted: bool = False
    access_line: str = ""

    def block(self, config: ModelConfig | None) -> int | None:
        """Bytes of one kv block on one card: as logged (the largest object), else from the model's config."""
        if self.objects:
            return max(entry.size for entry in self.objects)
        if config is not None and self.policy is not None:
            return block_bytes(config, self.policy, self.tp or 1, self.block_tokens)
        return self.printed_block

    def kv_region(self, config: ModelConfig | None = None) -> int | None:
        """The reserved kv cache on one card: the logged budget, else blocks × block size."""
        if self.budget is not None:
            return self.budget
        count = self.num_gpu_blocks or self.max_block_count
        block = self.block(config)
        return count * block if count and block else None


@dataclass(frozen=True, slots=True)
class StageChange:
    """The start entered ``stage`` at ``at`` seconds (the clock of whoever feeds the reader)."""

    stage: LaunchStage
    at: float


_ORDER = list(LaunchStage)
_NUMBER = r"(-?\d+(?:\.\d+)?)"
_BUDGET = re.compile(rf"Object cache budget: {_NUMBER} MB from free {_NUMBER} MB and ratio {_NUMBER}")
_OBJECT = re.compile(r"slab_size (\d+), object_size (\d+), object_count (\d+)")
_BLOCK_SIZE = re.compile(r"block_size = (\d+(?:\.\d+)?) MB")
_BLOCK_COUNT = re.compile(r"(?<!Adjusting )(?:max_block_count = |Adjusted block_count to )(\d+)")
_TRUNCATED = re.compile(r"`session_len` truncated to (\d+)")
_CONFIG = re.compile(r"(?:backend_config=\w+Config|CacheConfig|EngineConfig)\((.*)")
_FALLBACK = re.compile(r"Fallback to pytorch engine because (.*)")
_READY = re.compile(r"(?:Please open |Uvicorn running on )(https?://[^\s]+)")
_PROGRESS = re.compile(r"(\d{1,3})%\|")
_USAGE = re.compile(r"KV cache(?: usage)?: (\d+(?:\.\d+)?)%")
_ACCESS = re.compile(r'INFO:\s+\S+ - "POST /v1/chat/(?:completions|interactive)[^"]*" \d{3}')
_PAIR = re.compile(r"(\w+)=(<[^>]*>|'[^']*'|[^,()]+)")
_POLICY_NUMBER = re.compile(r"(\d+)>?$")
_STAGES: tuple[tuple[re.Pattern[str], LaunchStage], ...] = (
    (re.compile(r"download from remote|Downloading|Fetching \d+ files"), LaunchStage.DOWNLOADING),
    (re.compile(r"turbomind engine config|max_context_token_num|Building Model\.|Build <"), LaunchStage.CONTEXT),
    (re.compile(r"Loading(?: weights from safetensors)?:|Convert to turbomind format:"), LaunchStage.WEIGHTS),
    (re.compile(r"Object cache budget|block_size = |Building CacheEngine"), LaunchStage.KV_CACHE),
    (re.compile(r"Warm-up lengths|Warming up"), LaunchStage.WARM_UP),
    (re.compile(r"Uvicorn running on|Please open http"), LaunchStage.READY),
    (re.compile(r"INFO:\s+Shutting down"), LaunchStage.STOPPING),
)
_FAILURES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"No enough gpu memory"), "no-kv-memory"),
    (re.compile(r"out of memory", re.IGNORECASE), "out-of-memory"),
    (re.compile(r"\[Errno 98\]|address already in use", re.IGNORECASE), "port"),
    (re.compile(r"unrecognized arguments|invalid choice|error: argument"), "arguments"),
    (re.compile(r"trust_remote_code=True|Do you wish to run the custom code"), "remote-code"),
    (re.compile(r"CUDA driver version is insufficient"), "driver"),
    (re.compile(r"LocalEntryNotFoundError|Max retries exceeded|couldn't connect to|ConnectionError"), "hub"),
    (re.compile(r"No space left on device"), "disk"),
)


@dataclass(slots=True)
class Lines:
    """Cuts a growing text into lines, wherever its pieces end. A carriage return ends a line too (progress bars); an
    unfinished line waits. Of a line over 64 KiB the end is kept."""

    waiting: str = ""

    def feed(self, text: str) -> tuple[str, ...]:
        """The lines a piece completed, without escape codes; empty ones are left out."""
        pieces = re.split(r"\r\n|\n|\r(?!$)", self.waiting + text)
        self.waiting = pieces.pop()[-_LONGEST_LINE:]
        return tuple(clean for piece in pieces if (clean := plain(piece[-_LONGEST_LINE:])))

    def finish(self) -> tuple[str, ...]:
        """The text ended: what waits is a line."""
        return self.feed("\n") if self.waiting else ()


@dataclass(slots=True)
class LogReader:
    """Feed it text; read :attr:`facts` and :attr:`stages` at any time."""

    facts: LogFacts = field(default_factory=LogFacts)
    stages: list[StageChange] = field(default_factory=list[StageChange])
    _lines: Lines = field(default_factory=Lines)

    def feed(self, text: str, at: float = 0.0) -> tuple[str, ...]:
        """Take a piece of log; returns the lines it completed, without escape codes."""
        return self._read(self._lines.feed(text), at)

    def finish(self, at: float = 0.0) -> tuple[str, ...]:
        """The log ended: take what waits as a line."""
        return self._read(self._lines.finish(), at)

    def _read(self, lines: tuple[str, ...], at: float) -> tuple[str, ...]:
        for line in lines:
            self._line(line, at)
        return lines

    def _line(self, line: str, at: float) -> None:
        self._stage(line, at)
        for reader in (_read_memory, _read_config, _read_state):
            changed = reader(line, self.facts)
            if changed is not None:
                self.facts = changed
        if not self.facts.failure:
            for pattern, code in _FAILURES:
                if pattern.search(line):
                    self.facts = replace(self.facts, failure=code, failure_line=line[:500])
                    break

    def _stage(self, line: str, at: float) -> None:
        for pattern, stage in _STAGES:
            if pattern.search(line):
                self._enter(stage, at)
                progress = _PROGRESS.search(line)
                if progress and stage == self.facts.stage:
                    self.facts = replace(self.facts, fraction=min(int(progress[1]), 100) / 100)
                return

    def _enter(self, stage: LaunchStage, at: float) -> None:
        if _ORDER.index(stage) > _ORDER.index(self.facts.stage):
            self.facts = replace(self.facts, stage=stage, fraction=None)
            self.stages.append(StageChange(stage, at))


def plain(line: str) -> str:
    """A log line without escape codes and control characters."""
    return "".join(char for char in _ESCAPES.sub("", line) if char >= " " or char == "\t").rstrip()


def _read_memory(line: str, facts: LogFacts) -> LogFacts | None:
    if match := _BUDGET.search(line):
        budget, free, ratio = (float(match[at]) for at in (1, 2, 3))
        region, before = round(budget * MIB), round(free * MIB)
        if facts.budget is not None:  # several cards: each logs the same line, the smallest counts
            region, before = min(region, facts.budget), min(before, facts.free_before_kv or before)
        return replace(facts, engine="turbomind", budget=region, free_before_kv=before, ratio=ratio)
    if match := _OBJECT.search(line):
        found = ObjectSize(int(match[2]), int(match[1]), int(match[3]))
        return None if found in facts.objects else replace(facts, objects=(*facts.objects, found))
    if match := _BLOCK_SIZE.search(line):
        printed = round(float(match[1]) * MIB) if "." in match[1] else None
        return replace(facts, engine="turbomind", printed_block=printed)
    if match := _BLOCK_COUNT.search(line):
        return replace(facts, engine="turbomind", max_block_count=int(match[1]))
    if match := _TRUNCATED.search(line):
        return replace(facts, session_len=int(match[1]))
    return None


def _read_config(line: str, facts: LogFacts) -> LogFacts | None:
    """The engine's settings, wherever one of its config objects is printed."""
    if "PytorchEngineConfig(" in line:
        facts = replace(facts, engine="pytorch")
    elif "TurbomindEngineConfig(" in line:
        facts = replace(facts, engine="turbomind")
    match = _CONFIG.search(line)
    if match is None and not (line.startswith("dtype=") and "session_len=" in line):
        return None
    pairs = {name: value.strip().strip("'") for name, value in _PAIR.findall(match[1] if match else line)}
    counts = {name: int(value) for name, value in pairs.items() if value.isdigit()}
    facts = replace(
        facts,
        block_tokens=counts.get("cache_block_seq_len") or counts.get("block_size") or facts.block_tokens,
        num_gpu_blocks=counts.get("num_gpu_blocks") or facts.num_gpu_blocks,
        session_len=_first(counts.get("session_len"), facts.session_len),
        max_batch=counts.get("max_batch_size") or counts.get("max_batches") or facts.max_batch,
        max_prefill=counts.get("max_prefill_token_num") or facts.max_prefill,
        tp=counts.get("tp") or facts.tp,
        policy=_first(_policy(pairs.get("quant_policy")), facts.policy),
    )
    return replace(
        facts,
        ratio=_first(_ratio(pairs.get("cache_max_entry_count")), facts.ratio),
        dtype=_said(pairs.get("dtype")) or facts.dtype,
        model_format=_said(pairs.get("model_format")) or facts.model_format,
    )


def _read_state(line: str, facts: LogFacts) -> LogFacts | None:
    if match := _FALLBACK.search(line):
        return replace(facts, engine="pytorch", fallback=match[1][:300])
    if match := _READY.search(line):
        return replace(facts, ready_url=match[1])
    if match := _USAGE.search(line):
        return replace(facts, kv_used_fraction=min(float(match[1]) / 100, 1.0))
    if _ACCESS.match(line):
        return replace(facts, access_line=line[:300])
    if "cache out of memory, no request can be admitted" in line:
        return replace(facts, cache_exhausted=True)
    return None


def _first(value: T | None, other: T | None) -> T | None:
    return other if value is None else value


def _said(value: str | None) -> str:
    return "" if value in (None, "None", "auto") else value


def _policy(value: str | None) -> int | None:
    """``0``, ``<QuantPolicy.INT4: 4>`` → the number."""
    match = _POLICY_NUMBER.search(value or "")
    number = int(match[1]) if match else -1
    return number if number in POLICIES.values() else None


def _ratio(value: str | None) -> float | None:
    try:
        return float(value) if value else None
    except ValueError:
        return None
