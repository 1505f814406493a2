"""The command line a plan stands for."""

from __future__ import annotations

from tui.lmdeploy.option_table import option
from tui.lmdeploy.versions import Version
from tui.model.plan import PlanInput
from tui.planner.planning import check

_NEED_REMOTE_CODE = ("InternLM2ForCausalLM", "InternVLChatModel")


def serve_command(model: str, question: PlanInput) -> tuple[str, ...]:
    """``lmdeploy serve api_server MODEL …`` with what the plan assumes; flags the release does not know are left out.

    Raises ProblemError for a question lmdeploy would refuse."""
    version = check(question)
    command = ["lmdeploy", "serve", "api_server", model, "--backend", question.engine]
    wanted: list[tuple[str, str | None]] = [
        ("--cache-max-entry-count", f"{question.ratio:g}"),
        ("--quant-policy", str(question.quant_policy) if question.quant_policy else None),
        ("--model-format", question.config.quant_method or None),
        ("--tp", str(question.tp) if question.tp > 1 else None),
        ("--session-len", _number(question.session_len)),
        ("--max-batch-size", _number(question.max_batch)),
        ("--max-prefill-token-num", str(question.max_prefill) if question.max_prefill != 8192 else None),
        ("--cache-block-seq-len", str(question.block_tokens) if question.block_tokens != 64 else None),
        ("--num-gpu-blocks", str(question.num_gpu_blocks) if question.num_gpu_blocks else None),
    ]
    for flag, value in wanted:
        if value is not None and _known(flag, version):
            command += [flag, value]
    remote_code = question.config.architecture in _NEED_REMOTE_CODE and _known("--trust-remote-code", version)
    for flag, given in (("--eager-mode", question.eager), ("--trust-remote-code", remote_code)):
        if given and _known(flag, version):
            command.append(flag)
    return tuple(command)


def _number(value: int | None) -> str | None:
    return None if value is None else str(value)


def _known(flag: str, version: Version) -> bool:
    entry = option(flag)
    return entry is not None and entry.known_to(version)
