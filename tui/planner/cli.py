"""``lmdeck plan``: the plan on the command line, as a table or as JSON."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any, NoReturn, TextIO

from tui.config.paths import data_folder
from tui.i18n import N_, _
from tui.i18n.figures import gib
from tui.i18n.problems import explain
from tui.lmdeploy.checkpoint import load_checkpoint
from tui.lmdeploy.known_models import find_model, known_names
from tui.lmdeploy.kv import POLICIES
from tui.model.checkpoint import Checkpoint, ModelConfig
from tui.model.plan import Plan, PlanInput, Sentence
from tui.model.problem import Problem, ProblemError
from tui.planner.calibration import OwnMeasurements
from tui.planner.planning import largest_ratio, plan, smallest_card

GIB = 1 << 30
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?:([KMGT])(?:i?B)?|B)?\s*", re.IGNORECASE)
_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def parse_size(text: str) -> int:
    """Bytes of a memory size: ``24GiB``, ``24566MiB``, ``24`` (GiB). GB is read as GiB, as cards are sold.

    Raises ProblemError ``plan.size``."""
    match = _SIZE.fullmatch(text)
    if match is None or float(match[1]) == 0:
        raise ProblemError(Problem("plan.size", {"text": text}))
    in_bytes = text.strip().lower().endswith("b") and not match[2]
    unit = 1 if in_bytes else _UNITS[(match[2] or "G").upper()]
    return round(float(match[1]) * unit)


def parse_policy(text: str) -> int:
    """A quant policy by number or name. Raises ProblemError ``plan.policy-unknown``."""
    policy = POLICIES.get(text.strip().lower())
    if policy is None:
        raise ProblemError(Problem("plan.policy-unknown", {"policy": text}))
    return policy


def resolve_model(text: str) -> tuple[ModelConfig, Checkpoint]:
    """A model folder on this machine, else a model lmdeck knows by name. Raises ProblemError."""
    folder = Path(text).expanduser()
    if folder.is_dir():
        return load_checkpoint(folder)
    found = find_model(text)
    if found is None:
        raise ProblemError(Problem("plan.model", {"model": text, "names": ", ".join(known_names())}))
    return found


class _Parser(argparse.ArgumentParser):
    """Reports a usage error as one sentence instead of leaving the program."""

    def error(self, message: str) -> NoReturn:
        raise _UsageError(message)


class _UsageError(Exception):
    pass


def _parser() -> _Parser:
    parser = _Parser(prog="lmdeck plan", description=_("Where a server's memory would go, before it is started."))
    parser.add_argument(
        "model", metavar="MODEL_DIR_OR_NAME", help=_("a model folder, or a name such as internlm2_5-7b-chat")
    )
    parser.add_argument("--gpu", required=True, metavar="SIZE", help=_("the card's memory, e.g. 24GiB"))
    parser.add_argument("--free", metavar="SIZE", help=_("what is free before the start"))
    parser.add_argument("--gpu-name", default="", metavar="NAME", help=_("the card's name, e.g. NVIDIA H200"))
    parser.add_argument(
        "--engine", "--backend", choices=("turbomind", "pytorch"), default="turbomind", help=_("the engine")
    )
    parser.add_argument("--lmdeploy", default="0.18", metavar="VERSION", help=_("the release of lmdeploy"))
    parser.add_argument(
        "--quant-policy", default="0", metavar="N", help=_("0, 4 or 8; fp8 and turbo_quant with pytorch")
    )
    parser.add_argument(
        "--cache-max-entry-count", type=float, default=0.8, metavar="RATIO", help=_("the kv cache's share")
    )
    parser.add_argument("--tp", type=int, default=1, metavar="N", help=_("number of cards"))
    parser.add_argument("--session-len", type=int, metavar="N", help=_("longest conversation in tokens"))
    parser.add_argument("--max-batch-size", type=int, metavar="N", help=_("requests at once"))
    parser.add_argument("--max-prefill-token-num", type=int, default=8192, metavar="N", help=_("tokens of one step"))
    parser.add_argument("--cache-block-seq-len", type=int, default=64, metavar="N", help=_("tokens per kv block"))
    parser.add_argument("--eager-mode", action="store_true", help=_("no CUDA graphs (pytorch)"))
    parser.add_argument(
        "--num-gpu-blocks", type=int, default=0, metavar="N", help=_("exact number of kv blocks (pytorch)")
    )
    parser.add_argument("--leave", metavar="SIZE", help=_("also find the largest ratio that leaves this much free"))
    parser.add_argument("--json", action="store_true", help=_("print JSON, sizes in bytes"))
    return parser


def plan_command(arguments: list[str], out: TextIO, err: TextIO) -> int:
    """Run ``lmdeck plan ARGUMENTS``. Exit codes: 0 a plan was made (also one that does not fit: see ``fits``), 1 the
    model or the question has no plan, 2 the command line is wrong; errors are one sentence and what to do."""
    try:
        options = _parser().parse_args(arguments)
        question, leave = _question(options)
        own, broken = OwnMeasurements(measurements_file()).read()
        answer = plan(question, own)
        ratio = largest_ratio(question, leave, own) if leave is not None else None
        card = None if answer.fits else smallest_card(question, own)
    except _UsageError as error:
        err.write(_("lmdeck plan: {message}. See lmdeck plan --help.").replace("{message}", str(error)) + "\n")
        return 2
    except ProblemError as error:
        err.write(_line(error.problem) + "\n")
        return 2 if error.problem.code in ("plan.size", "plan.policy-unknown", "plan.version") else 1
    except SystemExit as error:  # --help has printed its text
        return error.code if isinstance(error.code, int) else 2
    if broken:
        err.write(_line(broken) + "\n")
    if options.json:
        out.write(json.dumps(as_json(answer, ratio), indent=2) + "\n")
    else:
        out.write(_table(question, answer, ratio, card))
    return 0


def measurements_file() -> Path:
    """Where the user's own measurements are kept."""
    return data_folder() / "measurements.json"


def _question(options: argparse.Namespace) -> tuple[PlanInput, int | None]:
    config, checkpoint = resolve_model(options.model)
    for name in ("session_len", "max_batch_size", "max_prefill_token_num", "cache_block_seq_len"):
        value: int | None = getattr(options, name)
        if value is not None and value < 1:
            raise _UsageError(f"argument --{name.replace('_', '-')}: {value}")
    question = PlanInput(
        config=config,
        checkpoint=checkpoint,
        total=parse_size(options.gpu),
        free=parse_size(options.free) if options.free else None,
        gpu_name=options.gpu_name,
        engine=options.engine,
        version=options.lmdeploy,
        ratio=options.cache_max_entry_count,
        quant_policy=parse_policy(options.quant_policy),
        tp=options.tp,
        session_len=options.session_len,
        max_batch=options.max_batch_size,
        max_prefill=options.max_prefill_token_num,
        block_tokens=options.cache_block_seq_len,
        eager=options.eager_mode,
        num_gpu_blocks=options.num_gpu_blocks,
    )
    return question, parse_size(options.leave) if options.leave else None


def as_json(answer: Plan, ratio: float | None = None) -> dict[str, Any]:
    """The plan with the keys of ``lmdeck plan --json``; sizes in bytes, per card."""
    data: dict[str, Any] = {
        "weights_bytes": answer.weights,
        "kv_cache_bytes": answer.kv_cache,
        "other_bytes": answer.other,
        "total_bytes": answer.total_used,
        "margin_bytes": answer.margin,
        "block_bytes": answer.block,
        "bytes_per_token": answer.bytes_per_token,
        "tokens": answer.tokens,
        "sessions": answer.sessions,
        "fits": answer.fits,
        "free_bytes": answer.free_after,
        "session_len": answer.session_len,
        "max_batch_size": answer.max_batch,
        "warnings": [{"code": warning.code, "text": explain(warning).text} for warning in answer.warnings],
    }
    if ratio is not None:
        data["largest_ratio"] = ratio
    return data


def _line(problem: Problem) -> str:
    return f"lmdeck plan: {_plain(explain(problem).text)}"


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)


def say(sentence: Sentence) -> str:
    """A sentence of the plan in the user's language."""
    text = _(sentence.template)
    for name, value in sentence.values.items():
        text = text.replace("{" + name + "}", f"{value:,}" if isinstance(value, int) else str(value))
    return text


_ROWS = (
    ("weights", N_("weights")),
    ("kv_cache", N_("kv cache")),
    ("other", N_("other")),
    ("total", N_("total")),
)


def _table(question: PlanInput, answer: Plan, ratio: float | None, card: int | None) -> str:
    from rich.cells import cell_len

    sizes = {"weights": answer.weights, "kv_cache": answer.kv_cache, "other": answer.other, "total": answer.total_used}
    labels = {key: _(label) for key, label in _ROWS}
    width = max(cell_len(label) for label in labels.values())
    lines = [_plain(f"{question.checkpoint.name} · {question.engine} {question.version}")]
    for key, label in labels.items():
        padding = " " * (width - cell_len(label))
        lines.append(f"  {label}{padding}  {gib(sizes[key]):>8} GiB   {say(answer.explanations[key].formula)}")
    lines.append("  " + say(answer.explanations["tokens"].formula))
    sessions = Sentence(
        N_("{sessions} full conversations of {session_len} tokens"),
        {"sessions": f"{answer.sessions:g}", "session_len": answer.session_len},
    )
    lines.append("  " + say(sessions))
    lines.append("  " + (_("It fits.") if answer.fits else _("It does not fit.")))
    if card is not None:
        lines.append("  " + say(Sentence(N_("The smallest card it fits on has {size} GiB."), {"size": card})))
    if ratio is not None:
        advice = Sentence(N_("The largest ratio that leaves that much free: {ratio}"), {"ratio": f"{ratio:.2f}"})
        lines.append("  " + say(advice))
    lines.extend(f"  ! {_plain(explain(warning).text)}" for warning in answer.warnings)
    return "\n".join(lines) + "\n"
