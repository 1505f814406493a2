"""What is known of a server besides what the cards say, and the figures that follow from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tui.i18n import N_
from tui.lmdeploy.checkpoint import weights_per_card
from tui.lmdeploy.kv import block_bytes, blocks_in_region, default_max_batch, pytorch_reserve
from tui.lmdeploy.log import LogFacts
from tui.lmdeploy.options import ServerCommand
from tui.lmdeploy.overhead import Load, before_kv
from tui.lmdeploy.versions import BASELINE, OBJECT_CACHE, Version
from tui.model.checkpoint import Checkpoint, ModelConfig
from tui.model.launch import LaunchStage
from tui.model.memory import Figure, KvOccupancy, Source
from tui.model.server import ServerMetrics

_GUESS_MARGIN = 400 << 20
_KV_STAGES = (LaunchStage.KV_CACHE, LaunchStage.WARM_UP, LaunchStage.READY, LaunchStage.STOPPING)

FROM_LOG = N_("The server's own log says how much it reserved.")
FROM_FLAGS = N_("The ratio of its command line × the memory that was free after loading.")
FROM_HEADERS = N_("The sum of all tensors in the checkpoint, on this card.")


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Everything found out about one server.

    ``facts`` come from its log (started by lmdeck, or a readable log file), ``command`` from its process, ``config``
    and ``checkpoint`` from its model folder. ``pids`` are its processes with children and Ray workers; ``baseline`` is
    the memory that was used on each card before it was started, for when process ids are hidden. ``cards`` are the
    cards it may use, None when not known. ``metrics`` is the newest reading of /metrics.
    """

    config: ModelConfig | None = None
    checkpoint: Checkpoint | None = None
    facts: LogFacts | None = None
    command: ServerCommand | None = None
    pids: frozenset[int] = frozenset()
    baseline: Mapping[int, int] = field(default_factory=dict[int, int])
    cards: tuple[int, ...] | None = None
    metrics: ServerMetrics | None = None
    version: Version = BASELINE

    @property
    def engine(self) -> str:
        """The engine in use: as the log says, else as the command line asks."""
        if self.facts and self.facts.engine:
            return self.facts.engine
        return self.command.text("backend", "turbomind") if self.command else "turbomind"

    @property
    def tp(self) -> int:
        if self.facts and self.facts.tp:
            return self.facts.tp
        return max(self.command.count("tp", 1), 1) if self.command else 1

    @property
    def policy(self) -> int:
        if self.facts and self.facts.policy is not None:
            return self.facts.policy
        return self.command.policy if self.command else 0

    @property
    def block_tokens(self) -> int:
        if self.facts:
            return self.facts.block_tokens
        return max(self.command.count("cache_block_seq_len", 64), 1) if self.command else 64

    def weights(self) -> Figure:
        """Weights on one card, from the checkpoint."""
        if self.config is None or self.checkpoint is None:
            return Figure(None, Source.UNKNOWN)
        size = weights_per_card(self.config, self.checkpoint, self.tp)
        return Figure(size, Source.CHECKPOINT, explanation=FROM_HEADERS)

    def kv_region(self, server_used: int, free: int, gpu_name: str) -> Figure:
        """The reserved kv cache on one card. Before the log says it was sized it is unknown."""
        if self.facts and (size := self.facts.kv_region(self.config)) is not None:
            return Figure(size, Source.SERVER_LOG, explanation=FROM_LOG)
        if self.facts and self.facts.stage not in _KV_STAGES:
            return Figure(None, Source.UNKNOWN)
        return self._from_flags(server_used, free, gpu_name)

    def _from_flags(self, server_used: int, free: int, gpu_name: str) -> Figure:
        """ratio × what was free after loading: what is free now and everything the server took, less its weights and
        what a start takes before the region is sized."""
        config, checkpoint, command = self.config, self.checkpoint, self.command
        weights = self.weights().bytes
        if config is None or checkpoint is None or command is None or weights is None:
            return Figure(None, Source.UNKNOWN)
        load = Load(self.engine, self.version, config, checkpoint, weights, gpu_name, self.tp)
        sized = free + server_used - weights - before_kv(load)
        ratio = command.ratio
        block = block_bytes(config, self.policy, self.tp, self.block_tokens)
        if self.engine == "pytorch":
            batch = command.count("max_batch_size", default_max_batch(gpu_name, self.version))
            prefill = command.count("max_prefill_token_num", 8192)
            sized -= pytorch_reserve(config, batch, prefill, self.version)
            blocks = command.count("num_gpu_blocks", 0) or int(max(sized, 0) * ratio) // block
            size = blocks * block
        elif ratio >= 1 and self.version < OBJECT_CACHE:
            size = int(ratio) * block
        else:
            size = int(max(sized, 0) * min(ratio, 1.0))
        room = max(server_used - weights, 0)
        margin = round(ratio * (_GUESS_MARGIN + weights // 50)) if ratio < 1 else 0
        return Figure(min(size, room), Source.COMMAND_LINE, margin, FROM_FLAGS)

    def occupancy(self, region: int | None, now: float) -> KvOccupancy | None:
        """How much of the cache is in use: from /metrics (refreshed by the server every 10 s), else from its log.
        ``now`` is on the clock of ``metrics.time``."""
        capacity = self._capacity(region)
        if self.metrics and self.metrics.kv_used_fraction is not None:
            fraction, source, age = self.metrics.kv_used_fraction, Source.METRICS, max(now - self.metrics.time, 0.0)
        elif self.facts and self.facts.kv_used_fraction is not None:
            fraction, source, age = self.facts.kv_used_fraction, Source.SERVER_LOG, 0.0
        else:
            return None
        tokens = None if capacity is None else round(fraction * capacity)
        return KvOccupancy(fraction, source, age, tokens, capacity)

    def _capacity(self, region: int | None) -> int | None:
        block = self.facts.block(self.config) if self.facts else None
        if block is None and self.config is not None:
            block = block_bytes(self.config, self.policy, self.tp, self.block_tokens)
        if not region or not block:
            return None
        return blocks_in_region(region, block, self.version, self.engine) * self.block_tokens
