"""What went wrong, as a code and values; sentences in the user's language are made by :mod:`tui.i18n.problems`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Value = str | int | float


@dataclass(frozen=True, slots=True)
class Problem:
    """A failure or a notice that a user will read.

    ``code`` is dotted and stable (``server.unreachable``); ``data`` fills the sentence's placeholders and holds
    text from outside verbatim (never markup). ``detail`` is the raw text a developer may want (an error body).
    """

    code: str
    data: Mapping[str, Value] = field(default_factory=dict[str, Value])
    detail: str = ""


class ProblemError(Exception):
    """Raised inside the core where a function cannot return a :class:`Problem`; always caught before the screen."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem
