"""Results as the model gets them: not longer than it can bear."""

from __future__ import annotations

from dataclasses import replace

from tui.model.problem import Problem
from tui.model.tool import ToolOutcome

RESULT_LIMIT = 20_000  # characters: five to ten thousand tokens
_HEAD = 0.75


def cut_for_model(outcome: ToolOutcome, name: str, limit: int = RESULT_LIMIT) -> ToolOutcome:
    """The outcome with at most about ``limit`` characters for the model: beginning and end of a longer text, with a
    line between them that says so. The whole of it stays in ``full``. Pictures, which a model's tool message cannot
    hold, are told in words."""
    text = outcome.content
    if outcome.images:
        told = ", ".join(f"{image.media_type}, {len(image.data) * 3 // 4:,} bytes" for image in outcome.images)
        text = f"{text}\n[The user sees {len(outcome.images)} picture(s): {told}]".lstrip("\n")
    if len(text) <= limit:
        return replace(outcome, content=text)
    head = int(limit * _HEAD)
    left_out = len(text) - limit
    cut = (
        f"{text[:head]}\n[… {left_out:,} of {len(text):,} characters left out …]\n{text[len(text) - (limit - head) :]}"
    )
    problem = outcome.problem
    if outcome.ok and problem is None:
        problem = Problem("tools.result_cut", {"name": name, "size": len(text), "limit": limit})
    return replace(outcome, content=cut, full=outcome.full or text, problem=problem)
