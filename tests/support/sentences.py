"""What a user reads for a problem, checked: a sentence exists and every placeholder is filled."""

from __future__ import annotations

import re

from tui.i18n.problems import explain
from tui.model.problem import Problem


def sentence_of(problem: Problem) -> str:
    """The whole text; fails when the code has no sentence or a placeholder was left."""
    explanation = explain(problem)
    assert not explanation.sentence.startswith(problem.code), problem
    assert not re.search(r"\{\w+\}", explanation.text), explanation.text
    return explanation.text
