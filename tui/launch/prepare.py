"""Before a start: find lmdeploy, check every word, choose card and port, plan the memory, write the command line.

Bad input is refused here, with the sentence, before anything runs.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast

from tui.launch.cards import VISIBLE, Cards, choose_cards, imagined
from tui.launch.installs import choose, find_installations, program_words, release_of, working_environment
from tui.launch.machine import Machine, look
from tui.launch.wish import Prepared, ServeWish
from tui.lmdeploy.checkpoint import parse_checkpoint
from tui.lmdeploy.checks import Target, check_words
from tui.lmdeploy.known_models import find_model
from tui.lmdeploy.option_table import option
from tui.lmdeploy.options import ServerCommand
from tui.lmdeploy.parsers import is_internlm2, tool_parser_for
from tui.lmdeploy.versions import BASELINE, Version
from tui.model.checkpoint import Checkpoint, ModelConfig
from tui.model.gpu import GpuReading
from tui.model.launch import Installation
from tui.model.plan import PlanInput
from tui.model.problem import Problem, ProblemError
from tui.planner.calibration import Measurement
from tui.planner.planning import plan

T = TypeVar("T")
Model = tuple[ModelConfig, Checkpoint]
DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 23333
OPEN_HOSTS = ("0.0.0.0", "::")  # noqa: S104 (recognised, to warn)


@dataclass(frozen=True, slots=True)
class Survey:
    """What a machine has, looked at once: the variables of its login shell, its lmdeploys (looked for with ``path``),
    its cards. ``leaving`` are ports that will be free by the start."""

    environment: Mapping[str, str]
    installations: tuple[Installation, ...]
    reading: GpuReading | None
    path: str = ""
    leaving: tuple[int, ...] = ()


async def survey(machine: Machine, path: str = "", variables: Mapping[str, str] | None = None) -> Survey:
    """Look at a machine; ``variables`` go before its own. Raises ProblemError when it cannot be asked."""
    environment, reading = await asyncio.gather(working_environment(machine), _optional(machine.sample()))
    environment |= variables or {}
    return Survey(environment, await find_installations(machine, environment, path), reading, path)


@dataclass(slots=True)
class _Found:
    """What the machine said."""

    environment: dict[str, str]
    installation: Installation | None
    version: Version | None
    reading: GpuReading | None
    leaving: tuple[int, ...] = ()
    notices: list[Problem] = field(default_factory=list[Problem])


async def prepare(
    machine: Machine,
    wish: ServeWish,
    measurements: Iterable[Measurement] = (),
    *,
    dry: bool = False,
    busy_ports: Sequence[int] = (),
    known: Survey | None = None,
) -> Prepared:
    """Check a wish and make it ready to start. ``dry`` needs no lmdeploy and no card: what is missing becomes a notice.
    ``busy_ports`` are promised to servers that do not listen yet. ``known`` saves looking at the machine again (for
    checking while somebody types).

    Raises ProblemError for what must not be started, the worst reason first."""
    command = wish.command
    if not command.model:
        raise ProblemError(Problem("serve.no-model"))
    found = _judge(known or await survey(machine, wish.lmdeploy, wish.environment), machine, wish, dry=dry)
    problems = check_words(wish.words, Target(found.version))
    if problems:
        raise ProblemError(problems[0])
    tp = command.count("tp", 1)
    cards = imagined(_cards(found, wish, tp, dry=dry), wish.total, wish.free)
    folder, model = await _model(machine, wish, command, found, dry=dry)
    question = _question(command, model, cards, found.version)
    answer = plan(question, measurements) if question else None
    host = command.text("server_name") or DEFAULT_HOST
    port = await _port(machine, command, host, busy_ports, found)
    moved = "server_port" in command.options and command.count("server_port", DEFAULT_PORT) != port
    words = with_flags(wish, ("--server-port", str(port))).words if moved else wish.words
    argv = (*program_words(found.installation), "serve", "api_server", *words)
    argv += (*_additions(command, model, host, port, found), *wish.verbatim)
    notices = [*found.notices, *_notices(command, host, found)]
    prepared = Prepared(
        wish=wish,
        argv=argv,
        environment=_environment(found.environment, wish, cards),
        command=command,
        installation=found.installation,
        version=found.version,
        cards=cards,
        folder=folder,
        model=command.model,
        host=host,
        port=port,
        question=question,
        plan=answer,
        notices=tuple(notices),
    )
    if not dry:
        _refuse_what_cannot_fit(prepared)
    return prepared


def _refuse_what_cannot_fit(prepared: Prepared) -> None:
    """Raises ProblemError with the plan's first warning for a start that would certainly end out of memory."""
    answer = prepared.plan
    if prepared.wish.anyway or answer is None or answer.free_after >= -answer.margin:
        return
    raise ProblemError(next(iter(answer.warnings), Problem("plan.weights-do-not-fit")))


# ── what the machine has ──────────────────────────────────────────────────────────────────────────────────────────────


def _judge(seen: Survey, machine: Machine, wish: ServeWish, *, dry: bool) -> _Found:
    """Which lmdeploy, and of which release. Raises ProblemError launch.no-lmdeploy, launch.lmdeploy-path."""
    environment, reading = {**seen.environment, **wish.environment}, seen.reading
    installation = choose(seen.installations, wish.lmdeploy)
    version = Version.parse(wish.version) if wish.version else release_of(installation)
    if wish.version and version is None:
        raise ProblemError(Problem("plan.version", {"version": wish.version}))
    found = _Found(environment, installation, version, reading, seen.leaving)
    if installation is None:
        missing = Problem("launch.no-lmdeploy", {"machine": machine.name or "localhost"})
        if not dry:
            raise ProblemError(missing)
        found.notices.append(missing)
    elif version is None:
        found.notices.append(Problem("launch.version-unknown", {"prefix": installation.prefix}))
    return found


async def _optional(step: Awaitable[T]) -> T | None:
    try:
        return await step
    except ProblemError:
        return None


def _cards(found: _Found, wish: ServeWish, tp: int, *, dry: bool) -> Cards:
    """The chosen cards. A plan for a machine without the cards is still a plan."""
    reading = found.reading
    if dry and reading is not None and tp > len(reading.samples) > 0 and wish.cards is None:
        found.notices.append(Problem("serve.tp-cards", {"tp": tp, "cards": len(reading.samples)}))
        tp = len(reading.samples)
    cards = choose_cards(reading, tp, wish.cards, found.environment)
    if not cards.samples and wish.total is None:
        reason = reading.problem if reading and reading.problem else Problem("launch.no-card")
        found.notices.append(reason)
    return cards


async def _model(
    machine: Machine, wish: ServeWish, command: ServerCommand, found: _Found, *, dry: bool
) -> tuple[str, Model | None]:
    """The folder to work in and the model's facts. A path that is not there is refused; a hub name is downloaded by
    lmdeploy itself. Raises ProblemError with a ``checkpoint.…`` code or serve.model-missing."""
    place = cast("dict[str, Any]", await look(machine, "resolve", path=command.model, base=wish.folder))
    folder = str(place["base"])
    if not place["folder"]:
        if place["exists"]:
            raise ProblemError(Problem("serve.model-file", {"model": command.model}))
        if _looks_like_a_path(command.model) or (not dry and "/" not in command.model):
            raise ProblemError(Problem("serve.model-missing", {"model": command.model}))
        found.notices.append(Problem("launch.download", {"model": command.model}))
        return folder, find_model(command.model)
    raw = (await machine.order("checkpoint", 60.0, path=place["path"]))["checkpoint"]
    _check_config(raw.get("config"), command.model)
    try:
        config, checkpoint = parse_checkpoint(raw)
    except ProblemError as error:
        if error.problem.code != "checkpoint.not-safetensors":
            raise
        found.notices.append(error.problem)
        return folder, None
    if "auto_map" in str(raw.get("config")) and not is_internlm2(config.architecture):
        _mention_remote_code(command, found)
    return folder, (config, checkpoint)


def _check_config(text: object, model: str) -> None:
    """lmdeploy chooses the engine by the architecture: a config without one cannot be served."""
    try:
        config = cast("dict[str, Any]", json.loads(str(text))) if text is not None else {"architectures": ["-"]}
        named = config.get("architectures") or config.get("auto_map")
    except (ValueError, AttributeError, RecursionError):
        return  # parse_checkpoint has the better sentence
    if not named:
        raise ProblemError(Problem("serve.no-architecture", {"model": model}))


def _mention_remote_code(command: ServerCommand, found: _Found) -> None:
    entry = option("--trust-remote-code")
    release = found.version or BASELINE
    if entry and entry.known_to(release) and not command.flag("trust_remote_code"):
        found.notices.append(Problem("launch.remote-code-notice", {"model": command.model}))


def _looks_like_a_path(model: str) -> bool:
    return model.startswith(("/", "./", "../", "~", ".\\")) or model.count("/") > 1


async def _port(machine: Machine, command: ServerCommand, host: str, busy: Sequence[int], found: _Found) -> int:
    """A free port, the wanted one if it can be. Raises ProblemError launch.no-port."""
    wanted = command.count("server_port", DEFAULT_PORT)
    if wanted in found.leaving:
        return wanted
    try:
        answer = await look(machine, "port", wanted=wanted, host=host, avoid=list(busy))
    except ProblemError as error:
        data = {"host": host, "port": str(wanted), "reason": str(error.problem.data.get("reason", ""))}
        raise ProblemError(Problem("launch.no-port", data)) from error
    port = int(answer["port"])
    if port != wanted:
        found.notices.append(Problem("launch.port-moved", {"wanted": str(wanted), "port": str(port)}))
    return port


# ── the plan and the command line ─────────────────────────────────────────────────────────────────────────────────────


def _question(command: ServerCommand, model: Model | None, cards: Cards, version: Version | None) -> PlanInput | None:
    card = cards.smallest
    if model is None or card is None or card.total is None:
        return None
    config, checkpoint = model
    return PlanInput(
        config=config,
        checkpoint=checkpoint,
        total=card.total,
        free=card.free,
        gpu_name=card.name,
        engine=command.text("backend", "turbomind"),
        version=str(version or BASELINE),
        ratio=command.ratio,
        quant_policy=command.policy,
        tp=command.count("tp", 1),
        session_len=command.count("session_len", 0) or None,
        max_batch=command.count("max_batch_size", 0) or None,
        max_prefill=command.count("max_prefill_token_num", 8192),
        block_tokens=command.count("cache_block_seq_len", 64),
        eager=command.flag("eager_mode"),
        num_gpu_blocks=command.count("num_gpu_blocks", 0),
    )


def _additions(command: ServerCommand, model: Model | None, host: str, port: int, found: _Found) -> tuple[str, ...]:
    """What lmdeck adds to the user's words: a private address, a free port, a log that says exact figures without the
    prompts (reference §6.1), and the permission InternLM2 needs since 0.13 (reference §1.1)."""
    release = found.version or BASELINE
    added: list[str] = []
    if "server_name" not in command.options:
        added += ["--server-name", host]
    if "server_port" not in command.options:
        added += ["--server-port", str(port)]
    if "log_level" not in command.options:
        added += ["--log-level", "INFO"]
        if "max_log_len" not in command.options and _knows(release, "--max-log-len"):
            added += ["--max-log-len", "0"]
    name = model[0].architecture if model else command.model
    internlm = is_internlm2(name) or "InternLM2" in name
    if internlm and _knows(release, "--trust-remote-code") and not command.flag("trust_remote_code"):
        added.append("--trust-remote-code")
    return tuple(added)


def _knows(release: Version, flag: str) -> bool:
    entry = option(flag)
    return entry is not None and entry.known_to(release)


def _environment(environment: Mapping[str, str], wish: ServeWish, cards: Cards) -> dict[str, str]:
    own = {"PYTHONUNBUFFERED": "1", **wish.environment}
    if cards.variable:
        own[VISIBLE] = cards.variable
    return {**environment, **own}


def _notices(command: ServerCommand, host: str, found: _Found) -> list[Problem]:
    """What the user should know before the start."""
    notices: list[Problem] = []
    release = found.version or BASELINE
    if host in OPEN_HOSTS and "api_keys" not in command.options:
        notices.append(Problem("launch.open-to-all", {"host": host}))
    parser = tool_parser_for(command.model)
    since = Version.parse(parser.since) if parser else None
    if parser and since and since <= release and not command.text("tool_call_parser"):
        notices.append(Problem("launch.tool-parser", {"model": command.model, "parser": parser.name}))
    return notices


def with_flags(wish: ServeWish, flags: Sequence[str], drop: Sequence[str] = ()) -> ServeWish:
    """The wish with flags set (``--flag value …``) in place of those it had, and others left out: what a card's
    button does."""
    words = list(wish.words)
    for flag in [word for word in flags if word.startswith("--")] + list(drop):
        words = _without(words, flag)
    return replace(wish, words=(*words, *flags))


def _without(words: list[str], flag: str) -> list[str]:
    """Words without a flag and its values."""
    kept: list[str] = []
    skipping = False
    for word in words:
        if word.startswith("--"):
            skipping = word.partition("=")[0].replace("_", "-") == flag
            if skipping:
                entry = option(flag)
                takes = entry is not None and entry.kind != "flag" and "=" not in word
                skipping = takes
                continue
        elif skipping:
            entry = option(flag)
            skipping = entry is not None and entry.kind == "list"
            continue
        kept.append(word)
    return kept
