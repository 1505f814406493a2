"""Every problem code with its sentence and its next step. Each room adds its codes in a table of its own here below.

A sentence names the cause; the step says what to do next. Placeholders are filled from ``Problem.data``.
"""

from __future__ import annotations

from dataclasses import dataclass

from tui.i18n import _
from tui.i18n.tables import TABLES
from tui.model.problem import Problem


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a user reads: the cause, and what to do next (may be empty)."""

    sentence: str
    step: str

    @property
    def text(self) -> str:
        # A full-width stop holds its own space.
        gap = "" if self.sentence.endswith(("。", "？", "！", "：")) else " "
        return f"{self.sentence}{gap}{self.step}".strip()


def explain(problem: Problem) -> Explanation:
    """The sentence and the next step for a problem, in the current language. Never raises."""
    entry = TABLES.get(problem.code)
    if entry is None:
        return Explanation(f"{problem.code}: {problem.detail}".rstrip(": "), "")
    return Explanation(_fill(_(entry[0]), problem), _fill(_(entry[1]), problem) if entry[1] else "")


def _fill(template: str, problem: Problem) -> str:
    text = template
    for key, value in problem.data.items():
        shown = f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else str(value)
        text = text.replace("{" + key + "}", shown)
    return text
