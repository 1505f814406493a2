"""Why each figure of a plan is what it is: the formula with its numbers, and the course's rule of thumb beside it."""

from __future__ import annotations

from tui.i18n import N_
from tui.i18n.figures import gib
from tui.lmdeploy.overhead import is_quantised
from tui.model.plan import Explanation, Plan, PlanInput, Sentence


def explain_plan(question: PlanInput, plan: Plan) -> dict[str, Explanation]:
    """Explanations for ``weights``, ``kv_cache``, ``other``, ``total`` and ``tokens``."""
    return {
        "weights": _weights(question, plan),
        "kv_cache": _kv_cache(question, plan),
        "other": _other(plan),
        "total": _total(plan),
        "tokens": _tokens(question, plan),
    }


def _weights(question: PlanInput, plan: Plan) -> Explanation:
    checkpoint = question.checkpoint
    formula = Sentence(
        N_("{stored} GiB of tensors in the checkpoint on {tp} card(s) = {weights} GiB on each"),
        {"stored": gib(checkpoint.total), "tp": question.tp, "weights": gib(plan.weights)},
    )
    if is_quantised(checkpoint):
        rule = _rule_of_parameters(question, 0.5)
        why = Sentence(
            N_("{embedding} GiB of embedding and output head stay 16-bit, and every group of weights has a scale."),
            {"embedding": gib(checkpoint.embedding)},
        )
    else:
        rule = _rule_of_parameters(question, 2)
        why = Sentence(N_("The course counts rounded parameters in GB of 10^9 bytes; a GiB is 7 % more."))
    return Explanation(formula, rule, why)


def _rule_of_parameters(question: PlanInput, bytes_each: float) -> Sentence:
    checkpoint, config = question.checkpoint, question.config
    linear = checkpoint.packed_elements + (checkpoint.total - checkpoint.packed) // config.element_bytes
    billions = linear / 1e9
    return Sentence(
        N_("{billions} billion parameters × {bytes} bytes = {gb} GB"),
        {"billions": f"{billions:.1f}", "bytes": f"{bytes_each:g}", "gb": f"{billions * bytes_each:.1f}"},
    )


def _kv_cache(question: PlanInput, plan: Plan) -> Explanation:
    ratio = f"{question.ratio:g}"
    values = {"ratio": ratio, "free": gib(plan.free_when_sized), "kv": gib(plan.kv_cache), "reserve": gib(plan.reserve)}
    if question.engine == "pytorch":
        formula = Sentence(N_("{ratio} × ({free} GiB free after loading − {reserve} GiB reserve) = {kv} GiB"), values)
    else:
        formula = Sentence(N_("{ratio} × {free} GiB free after loading = {kv} GiB"), values)
    thumb = question.ratio * (question.total - plan.weights)
    rule = Sentence(
        N_("({total} − {weights}) × {ratio} = {thumb} GiB"),
        {"total": gib(question.total), "weights": gib(plan.weights), "ratio": ratio, "thumb": gib(thumb)},
    )
    why = Sentence(
        N_("The CUDA context and what loading leaves behind ({before} GiB) are gone before the share is taken."),
        {"before": gib(question.total - plan.weights - plan.free_when_sized)},
    )
    return Explanation(formula, rule, why)


def _other(plan: Plan) -> Explanation:
    formula = Sentence(
        N_("{before} GiB until the kv cache is sized + {after} GiB for warm-up, tables and graphs = {other} GiB"),
        {"before": gib(plan.other_before), "after": gib(plan.other_after), "other": gib(plan.other)},
    )
    rule = Sentence(N_("about 1 GB for everything else"))
    why = Sentence(N_("A CUDA context alone takes about 0.6 GiB; warm-up buffers grow with the model and the batch."))
    return Explanation(formula, rule, why)


def _total(plan: Plan) -> Explanation:
    formula = Sentence(
        N_("{weights} + {kv} + {other} = {total} ± {margin} GiB; {left} GiB stay free"),
        {
            "weights": gib(plan.weights),
            "kv": gib(plan.kv_cache),
            "other": gib(plan.other),
            "total": gib(plan.total_used),
            "margin": gib(plan.margin),
            "left": gib(plan.free_after),
        },
    )
    return Explanation(formula)


def _tokens(question: PlanInput, plan: Plan) -> Explanation:
    formula = Sentence(
        N_("{blocks} blocks of {block} tokens = {tokens} tokens, {bytes} bytes each"),
        {
            "blocks": plan.blocks,
            "block": question.block_tokens,
            "tokens": plan.tokens,
            "bytes": plan.bytes_per_token,
        },
    )
    if question.quant_policy not in (4, 8):
        return Explanation(formula)
    times = {4: 4, 8: 2}[question.quant_policy]
    real = {4: "3.76", 8: "1.94"}[question.quant_policy]
    rule = Sentence(N_("{times} times the tokens of a 16-bit cache"), {"times": times})
    why = Sentence(
        N_("It is {real} times at a head width of 128: every head keeps a scale and a zero for each token."),
        {"real": real},
    )
    return Explanation(formula, rule, why)
