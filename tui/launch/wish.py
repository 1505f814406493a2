"""What the user wants started, and what that came to once everything was checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tui.gpu.knowledge import Knowledge
from tui.launch.cards import Cards
from tui.lmdeploy.options import ServerCommand, parse_options
from tui.lmdeploy.pasted import read_words
from tui.lmdeploy.versions import BASELINE, Version
from tui.model.launch import Installation
from tui.model.plan import Plan, PlanInput
from tui.model.problem import Problem


@dataclass(frozen=True, slots=True)
class ServeWish:
    """A server to start. ``words`` is what follows ``serve api_server``: the model and lmdeploy's own flags;
    ``verbatim`` goes behind them unread. ``total`` and ``free`` (bytes) replace what the card says; ``cards`` are
    indices, None lets lmdeck choose. ``anyway`` starts what the plan says will not fit."""

    words: tuple[str, ...]
    verbatim: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    lmdeploy: str = ""
    folder: str = ""
    cards: tuple[int, ...] | None = None
    total: int | None = None
    free: int | None = None
    version: str = ""
    anyway: bool = False

    @classmethod
    def pasted(cls, words: Sequence[str]) -> ServeWish:
        """From words as typed or pasted: a whole ``lmdeploy serve api_server …`` line, or what follows it."""
        plain, mark, verbatim = list(words), "--" in words, ()
        if mark:
            at = plain.index("--")
            plain, verbatim = plain[:at], tuple(plain[at + 1 :])
        read = read_words(plain)
        return cls(read.words, verbatim, read.environment)

    @property
    def command(self) -> ServerCommand:
        return parse_options(self.words)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything a start needs; nothing has been started yet. ``environment`` is what the server's processes get on
    top of the machine's; ``plan`` and ``question`` are None where the model's size or the card's is not known.
    ``notices`` are worth reading before the start."""

    wish: ServeWish
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    command: ServerCommand
    installation: Installation | None
    version: Version | None
    cards: Cards
    folder: str
    model: str
    host: str
    port: int
    question: PlanInput | None = None
    plan: Plan | None = None
    notices: tuple[Problem, ...] = ()

    @property
    def release(self) -> Version:
        return self.version or BASELINE

    @property
    def shown_environment(self) -> dict[str, str]:
        """The variables that belong to the command line, for showing it."""
        return {name: value for name, value in self.environment.items() if name in self._own}

    @property
    def _own(self) -> set[str]:
        return {"CUDA_VISIBLE_DEVICES", *self.wish.environment}

    def knowledge(self) -> Knowledge:
        """What the memory panel needs to know of this server."""
        question = self.question
        return Knowledge(
            config=question.config if question else None,
            checkpoint=question.checkpoint if question else None,
            command=self.command,
            baseline=self.cards.baseline,
            cards=self.cards.indices or None,
            version=self.release,
        )
