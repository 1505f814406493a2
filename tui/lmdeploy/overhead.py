"""What an lmdeploy server holds besides weights and kv cache ("other"), in two halves.

``before`` is gone when the engine asks how much memory is free and therefore shrinks the kv region: the CUDA context,
what loading a quantised checkpoint leaves behind, second copies. ``after`` follows: warm-up activations, token
tables, CUDA graphs. The terms are those of the engines' sources (reference §5.8); their coefficients were fitted on
19 servers of lmdeploy 0.18.0 on H200 cards (InternLM2.5 1.8B, 7B and 20B shapes, Qwen3-0.6B; bf16 and w4a16; several
batch sizes, session lengths and prefill budgets; one and two cards). ``planner.calibration`` corrects them by what
was measured on the user's own card.
"""

from __future__ import annotations

from dataclasses import dataclass

from tui.lmdeploy.versions import OBJECT_CACHE, Version
from tui.model.checkpoint import Checkpoint, ModelConfig

GIB = 1 << 30
_HOPPER = ("h100", "h200", "h800", "h20", "gh200")
_AWQ_ON_GPU = 0.53125
"""Bytes per weight in TurboMind's w4 layout with groups of 128 (reference §5.5)."""


@dataclass(frozen=True, slots=True)
class Load:
    """What the halves depend on. ``weights`` is bytes per card; ``blocks`` the number of kv blocks (PyTorch)."""

    engine: str
    version: Version
    config: ModelConfig
    checkpoint: Checkpoint
    weights: int
    gpu_name: str = ""
    tp: int = 1
    session_len: int = 2048
    max_batch: int = 128
    max_prefill: int = 8192
    eager: bool = False
    blocks: int = 0


def is_quantised(checkpoint: Checkpoint) -> bool:
    """Whether the linear layers are stored in fewer than 16 bits."""
    return checkpoint.weight_format not in ("bf16", "fp16", "fp32")


def before_kv(load: Load) -> int:
    """Bytes gone on one card, beyond the weights, when the kv region is sized."""
    if load.engine == "turbomind":
        return _turbomind_before(load)
    return _pytorch_before(load)


def after_kv(load: Load) -> int:
    """Bytes one card loses after the kv region was sized, until the server is ready."""
    if load.engine == "turbomind":
        return _turbomind_after(load)
    return _pytorch_after(load)


def _turbomind_before(load: Load) -> int:
    if load.version < OBJECT_CACHE:
        return _old_before(load)
    total = 0.945 * GIB
    if load.tp > 1:
        total += 0.29 * GIB  # the communicator
    if load.config.tied:
        total += load.checkpoint.embedding / load.tp  # the output head is a second copy
    if is_quantised(load.checkpoint):
        total += 0.27 * load.weights  # repacking, and blocks the allocator cannot give back
    return round(total)


def _old_before(load: Load) -> int:
    """0.5.3 as the course measured it on a slice of an A100: context and the repacked scales."""
    repacked = load.checkpoint.packed / load.tp * (_AWQ_ON_GPU / 0.51953125 - 1)
    return round(0.60 * GIB + repacked + (0.29 * GIB if load.tp > 1 else 0))


def _turbomind_after(load: Load) -> int:
    config = load.config
    tokens = min(load.session_len, load.max_prefill + load.max_batch)  # the longest warm-up request
    fused = 1 if is_quantised(load.checkpoint) else 2  # w4 kernels apply the activation while they multiply
    activations = tokens * (2 * fused * config.intermediate / load.tp + 10.8 * config.hidden)
    table = 4 * load.max_batch * load.session_len
    slots = 49_000 * load.max_batch
    fixed = 0.108 * GIB + (0.05 * GIB if load.tp > 1 else 0)
    return round(activations + table + slots + fixed)


def _pytorch_before(load: Load) -> int:
    total = 0.73 * GIB + (0.35 * GIB if load.tp > 1 else 0)
    if is_quantised(load.checkpoint) and keeps_second_layout(load):
        copy = load.checkpoint.packed_elements * _AWQ_ON_GPU / load.tp
        total += copy + 0.24 * GIB + 0.10 * load.weights
    return round(total)


def keeps_second_layout(load: Load) -> bool:
    """On Hopper cards the PyTorch engine multiplies w4a16 with TurboMind's kernels and keeps TurboMind's layout
    beside the checkpoint's (0.17–0.18, backends/cuda/awq_modules.py: capability 9.0, 4 bit, groups of 128)."""
    if load.checkpoint.weight_format not in ("awq",) or load.version < Version(0, 17, 0):
        return False
    name = load.gpu_name.lower()
    return load.config.group_size in (0, 128) and any(card in name for card in _HOPPER)


def _pytorch_after(load: Load) -> int:
    if load.eager:
        return round(0.08 * GIB)
    batches = captured_batches(load.max_batch)
    tables = 4 * sum(batches) * load.blocks  # every captured graph has a block table for all blocks
    return round(0.09 * GIB + tables + 51 * load.max_batch * load.config.hidden)


def captured_batches(max_batch: int) -> list[int]:
    """Batch sizes the PyTorch engine captures CUDA graphs for: powers of two up to 256, then steps of 256 (0.18, as
    its log lists them)."""
    sizes = [size for size in (1, 2, 4, 8, 16, 32, 64, 128) if size < max_batch]
    return [*sizes, *range(256, max_batch, 256), max_batch]
