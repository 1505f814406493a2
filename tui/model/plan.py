"""Plans: where memory would go before a server is started, and runs: where it went. All sizes in bytes, per card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tui.model.checkpoint import Checkpoint, ModelConfig
from tui.model.problem import Problem, Value


@dataclass(frozen=True, slots=True)
class Sentence:
    """A text to be translated when it is shown: ``template`` is marked for translation, ``values`` fill it."""

    template: str
    values: Mapping[str, Value] = field(default_factory=dict[str, Value])


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a figure is what it is: the formula with its numbers, the course's rule of thumb beside it, and why the two
    differ (None where the course has no rule)."""

    formula: Sentence
    rule_of_thumb: Sentence | None = None
    difference: Sentence | None = None


@dataclass(frozen=True, slots=True)
class PlanInput:
    """The question. ``total`` is the card's memory and ``free`` what is free before the start (both per card);
    ``ratio`` is --cache-max-entry-count; None for session_len and max_batch means lmdeploy's own choice."""

    config: ModelConfig
    checkpoint: Checkpoint
    total: int
    free: int | None = None
    gpu_name: str = ""
    engine: str = "turbomind"
    version: str = "0.18"
    ratio: float = 0.8
    quant_policy: int = 0
    tp: int = 1
    session_len: int | None = None
    max_batch: int | None = None
    max_prefill: int = 8192
    block_tokens: int = 64
    eager: bool = False
    num_gpu_blocks: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """The answer, per card. ``weights + kv_cache + other_before + other_after = total_used``; ``margin`` is ± bytes of
    the total. ``tokens`` the cache holds over all, ``sessions`` how many full-length conversations that is.
    ``free_after`` may be negative when it does not fit. ``warnings`` are notices, most important first."""

    weights: int
    kv_cache: int
    other_before: int
    other_after: int
    margin: int
    free_before: int
    free_when_sized: int
    free_after: int
    block: int
    bytes_per_token: int
    blocks: int
    tokens: int
    sessions: float
    session_len: int
    max_batch: int
    reserve: int
    state: int
    fits: bool
    warnings: tuple[Problem, ...] = ()
    explanations: Mapping[str, Explanation] = field(default_factory=dict[str, Explanation])

    @property
    def other(self) -> int:
        return self.other_before + self.other_after

    @property
    def sized_for_cache(self) -> bool:
        """Whether loading leaves anything for the kv cache."""
        return self.free_when_sized > 0 and self.blocks > 2

    @property
    def total_used(self) -> int:
        """The server's own use of one card."""
        return self.weights + self.kv_cache + self.other


@dataclass(frozen=True, slots=True)
class Run:
    """One start of a server, kept for the table of runs: its flags, the predicted and the measured split. ``sources``
    says where each measured figure comes from (``Source`` values by figure)."""

    id: str
    started: float
    model: str
    engine: str
    gpu_name: str
    flags: tuple[str, ...]
    ratio: float
    quant_policy: int
    tp: int = 1
    version: str = ""
    weight_format: str = ""
    weights: int | None = None
    kv_cache: int | None = None
    other_before: int | None = None
    other_after: int | None = None
    total: int | None = None
    tokens: int | None = None
    predicted_total: int | None = None
    predicted_kv: int | None = None
    sources: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def other(self) -> int | None:
        """What is neither weights nor kv cache; None when a part is unknown."""
        if self.total is None or self.weights is None or self.kv_cache is None:
            return None
        return self.total - self.weights - self.kv_cache
