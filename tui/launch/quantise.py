"""Quantising with ``lmdeploy lite auto_awq``: checked before, watched, reported after."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from time import time
from typing import Any, cast

from tui.i18n.figures import gib
from tui.launch.cards import VISIBLE, Cards, choose_cards, imagined
from tui.launch.doctor import LOG, Evidence, diagnose
from tui.launch.installs import choose, program_words, release_of
from tui.launch.machine import Machine, look
from tui.launch.prepare import Survey, survey
from tui.launch.starting import Spawned, find, spawn
from tui.launch.wish import ServeWish
from tui.lmdeploy.awq import AwqReader, AwqWords, quantised, read_awq
from tui.lmdeploy.checkpoint import parse_checkpoint, weights_per_card
from tui.lmdeploy.parsers import is_internlm2
from tui.lmdeploy.versions import BASELINE, Version
from tui.model.checkpoint import Checkpoint, ModelConfig
from tui.model.launch import (
    Diagnosis,
    Installation,
    LaunchLines,
    LaunchQuestion,
    QuantiseEvent,
    QuantiseProgress,
    QuantiseReport,
    QuantiseStage,
)
from tui.model.plan import PlanInput
from tui.model.problem import Problem, ProblemError
from tui.planner.planning import plan

SPARE_DISK = 256 << 20
REMOTE_CODE = Version(0, 13, 0)
_ASKS = re.compile(r"(?:\[y/N\]|\[Y/n\]|\(y/n\)|\(yes/no\))\s*:?\s*$", re.IGNORECASE)
_CHUNK = 256 * 1024


@dataclass(frozen=True, slots=True)
class QuantisePrepared:
    """Everything a quantisation needs; nothing has been started. Sizes in bytes: ``disk_before`` of the model's folder,
    ``disk_after`` as calculated, ``disk_free`` where it goes."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    own_environment: Mapping[str, str]
    folder: str
    model: str
    work_dir: str
    words: AwqWords
    config: ModelConfig
    checkpoint: Checkpoint
    installation: Installation | None
    version: Version | None
    cards: Cards
    disk_before: int
    disk_after: int
    disk_free: int
    notices: tuple[Problem, ...] = ()

    @property
    def group(self) -> int:
        """Weights that share a scale."""
        return int(self.words.options.get("w_group_size", "128"))

    @property
    def search(self) -> bool:
        return "search_scale" in self.words.options


async def prepare_quantise(
    machine: Machine, wish: ServeWish, *, dry: bool = False, overwrite: bool = False, known: Survey | None = None
) -> QuantisePrepared:
    """Check a quantisation. ``overwrite`` allows a work folder that already holds something; ``known`` saves looking at
    the machine again (for checking while somebody types).

    Raises ProblemError for what must not be started."""
    known = known or await survey(machine, wish.lmdeploy, wish.environment)
    environment, reading = {**known.environment, **wish.environment}, known.reading
    installation = choose(known.installations, wish.lmdeploy)
    version = Version.parse(wish.version) if wish.version else release_of(installation)
    if installation is None and not dry:
        raise ProblemError(Problem("launch.no-lmdeploy", {"machine": machine.name or "localhost"}))
    words = read_awq(wish.words, version)
    folder, path, config, checkpoint = await _model(machine, wish, words.model)
    release = version or BASELINE
    if is_internlm2(config.architecture) and release >= REMOTE_CODE and "trust_remote_code" not in words.options:
        words = replace(words, words=(*words.words, "--trust-remote-code"))
    work_dir = await _work_dir(machine, words, folder, path, overwrite=overwrite)
    if "work_dir" not in words.options:
        words = replace(words, words=(*words.words, "--work-dir", work_dir))
    cards = choose_cards(reading, 1, wish.cards, environment)
    own = {"PYTHONUNBUFFERED": "1", **wish.environment, **({VISIBLE: cards.variable} if cards.variable else {})}
    small = quantised(config, checkpoint, int(words.options.get("w_group_size", "128")))[1]
    free, needed = await _disk(machine, work_dir), round(small.total * 1.05) + SPARE_DISK
    notices = [*words.notices]
    if free < needed:
        problem = Problem("quantise.disk", {"folder": work_dir, "needed": gib(needed), "free": gib(free)})
        if not dry:
            raise ProblemError(problem)
        notices.append(problem)
    if installation is None:
        notices.append(Problem("launch.no-lmdeploy", {"machine": machine.name or "localhost"}))
    if environment.get("HF_ENDPOINT") is None:
        notices.append(Problem("quantise.mirror", {"dataset": words.options["calib_dataset"]}))
    before = (await look(machine, "sizes", 60.0, paths=[path]))[path]["size"]
    return QuantisePrepared(
        argv=(*program_words(installation), "lite", "auto_awq", words.model, *words.words, *wish.verbatim),
        environment={**environment, **own},
        own_environment={name: value for name, value in own.items() if name != "PYTHONUNBUFFERED"},
        folder=folder,
        model=words.model,
        work_dir=work_dir,
        words=words,
        config=config,
        checkpoint=checkpoint,
        installation=installation,
        version=version,
        cards=imagined(cards, wish.total, wish.free),
        disk_before=int(before),
        disk_after=small.total,
        disk_free=free,
        notices=tuple(notices),
    )


async def _model(machine: Machine, wish: ServeWish, model: str) -> tuple[str, str, ModelConfig, Checkpoint]:
    """The folder to work in, the model's folder and facts. Only a folder on the disk can be quantised: its size must be
    known first."""
    place = await look(machine, "resolve", path=model, base=wish.folder)
    if not place["folder"]:
        raise ProblemError(Problem("serve.model-missing", {"model": model}))
    raw = (await machine.order("checkpoint", 60.0, path=place["path"]))["checkpoint"]
    config, checkpoint = parse_checkpoint(raw)
    if config.quant_method:
        raise ProblemError(Problem("quantise.already", {"model": model, "method": config.quant_method}))
    return str(place["base"]), str(place["path"]), config, checkpoint


async def _work_dir(machine: Machine, words: AwqWords, folder: str, model: str, *, overwrite: bool) -> str:
    """Where it goes: as asked, else beside the model (in the working folder when nothing may be written there). Its
    name keeps the model's: old releases choose the chat template by it (reference §1.5).

    Raises ProblemError quantise.work-dir, quantise.same-folder."""
    wanted = words.options.get("work_dir", "")
    if not wanted:
        parent, name = model.rstrip("/").rsplit("/", 1)
        facts = await look(machine, "disk", path=parent)
        wanted = f"{parent if facts['writable'] else folder}/{name}-w4a16-4bit"
    path = str((await look(machine, "resolve", path=wanted, base=folder))["path"])
    if path.rstrip("/") == model.rstrip("/"):
        raise ProblemError(Problem("quantise.same-folder", {"folder": path}))
    names = [path, *(f"{path}-{number}" for number in range(2, 10))]
    facts = cast("dict[str, dict[str, Any]]", await look(machine, "sizes", 60.0, paths=names))
    if (facts[path]["names"] or (facts[path]["exists"] and not facts[path]["folder"])) and not overwrite:
        free = next((name for name in names if not facts[name]["exists"]), "")
        raise ProblemError(Problem("quantise.work-dir", {"folder": path, "free": free}))
    return path


async def _disk(machine: Machine, path: str) -> int:
    facts = await look(machine, "disk", path=path)
    if not facts["writable"]:
        raise ProblemError(Problem("quantise.not-writable", {"folder": str(facts["folder"])}))
    return int(facts["free"])


async def start_quantise(machine: Machine, prepared: QuantisePrepared) -> Spawned:
    """Start it, detached: it goes on without lmdeck. Raises ProblemError."""
    before, after = gained(prepared)
    small = quantised(prepared.config, prepared.checkpoint, prepared.group)
    notes = {
        "kind": "quantise",
        "model": prepared.model,
        "work_dir": prepared.work_dir,
        "layers": prepared.config.layers,
        "search": prepared.search,
        "disk_before": prepared.disk_before,
        "weights_before": weights_per_card(prepared.config, prepared.checkpoint),
        "weights_after": weights_per_card(*small),
        "tokens_before": before,
        "tokens_after": after,
    }
    return await spawn(machine, prepared.argv, prepared.folder, prepared.environment, notes)


def gained(prepared: QuantisePrepared) -> tuple[int | None, int | None]:
    """Tokens the kv cache holds before and after, on the chosen card at lmdeploy's own ratio; None without a card."""
    card = prepared.cards.smallest
    if card is None or card.total is None:
        return None, None
    question = PlanInput(
        prepared.config,
        prepared.checkpoint,
        total=card.total,
        free=card.free,
        gpu_name=card.name,
        version=str(prepared.version or BASELINE),
    )
    config, small = quantised(prepared.config, prepared.checkpoint, prepared.group)
    return plan(question).tokens, plan(replace(question, config=config, checkpoint=small)).tokens


@dataclass(slots=True)
class QuantiseWatch:
    """The watching of one quantisation, from its beginning whenever it is begun: after a lost link, or by another
    lmdeck, it shows the same."""

    machine: Machine
    spawned: Spawned
    every: float = 0.5
    reader: AwqReader = field(default_factory=AwqReader)
    report: QuantiseReport | None = None
    tail: deque[str] = field(default_factory=lambda: deque[str](maxlen=300))
    _offset: int = 0
    _told: str = ""

    def __post_init__(self) -> None:
        notes = self.spawned.notes
        self.reader = AwqReader(int(notes.get("layers") or 0), bool(notes.get("search")))

    async def events(self) -> AsyncGenerator[QuantiseEvent]:
        """Progress, lines and questions until the report or the card. Raises ProblemError for a lost link."""
        began = self.spawned.started or time()
        last = None
        while True:
            entry = await find(self.machine, self.spawned.id)
            async for event in self._log(began):
                yield event
            progress = self._progress(began)
            if last is None or replace(progress, at=0.0, left=None) != replace(last, at=0.0, left=None):
                last = progress
                yield progress
            if entry is None or not entry.running:
                async for event in self._end(entry or self.spawned, began):
                    yield event
                return
            await asyncio.sleep(self.every)

    async def answer(self, text: str) -> None:
        """Answer the question it waits with. Raises ProblemError when it waits no more."""
        await self.machine.order("answer", id=self.spawned.id, text=text)

    async def _log(self, began: float) -> AsyncIterator[QuantiseEvent]:
        while True:
            piece = await self.machine.order("tail", path=self.spawned.log, offset=self._offset, limit=_CHUNK)
            self._offset = int(piece["offset"])
            if not piece["text"]:
                return
            for event in self.take(str(piece["text"]), time() - began):
                yield event

    def take(self, text: str, at: float) -> Iterator[QuantiseEvent]:
        """Events of a piece of output."""
        lines = self.reader.feed(text)
        self.tail.extend(lines)
        if lines:
            yield LaunchLines(at, lines)
        waiting = self.reader.waiting
        if _ASKS.search(waiting) and waiting != self._told:
            self._told = waiting
            yield LaunchQuestion(at, "".join(char for char in waiting if char.isprintable()))

    def _progress(self, began: float) -> QuantiseProgress:
        at, fraction = time() - began, self.reader.fraction
        done, of = self.reader.counts
        left = at / fraction * (1 - fraction) if fraction > 0.1 else None
        return QuantiseProgress(at, self.reader.stage, fraction, done, of, left, self.reader.memory)

    async def _end(self, ended: Spawned, began: float) -> AsyncIterator[QuantiseEvent]:
        last = self.reader.finish()
        self.tail.extend(last)
        if last:
            yield LaunchLines(time() - began, last)
        notes = ended.notes
        work_dir = str(notes.get("work_dir", ""))
        facts = (await look(self.machine, "sizes", 120.0, paths=[work_dir]))[work_dir]
        complete = "config.json" in facts["names"] and any(name.endswith(".safetensors") for name in facts["names"])
        if ended.code not in (0, None):
            yield diagnose(Evidence(lines=tuple(self.tail), code=ended.code, question=self._told))
            return
        if not complete:
            yield Diagnosis(Problem("quantise.incomplete", {"folder": work_dir}), (LOG,), tuple(self.tail)[-4:])
            return
        self.reader.stage = QuantiseStage.DONE
        seconds = (ended.ended or time()) - began
        yield QuantiseProgress(seconds, QuantiseStage.DONE, 1.0, left=0.0)
        self.report = QuantiseReport(
            seconds=seconds,
            folder=work_dir,
            disk_before=int(notes.get("disk_before") or 0),
            disk_after=int(facts["size"]),
            weights_before=notes.get("weights_before"),
            weights_after=notes.get("weights_after"),
            tokens_before=notes.get("tokens_before"),
            tokens_after=notes.get("tokens_after"),
        )
        yield self.report


def quantisations(entries: Iterable[Spawned]) -> tuple[Spawned, ...]:
    """Those among what lmdeck started, the newest first."""
    return tuple(entry for entry in reversed(tuple(entries)) if entry.kind == "quantise")
