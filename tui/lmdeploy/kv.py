"""The kv cache: bytes per token, blocks, and what a region holds (lmdeploy 0.18, reference §5.2–§5.4).

All figures are per card. ``policy`` is lmdeploy's quant policy: 0 (16-bit), 4, 8 in both engines; 16 and 17 (fp8) and
42 (K 4-bit, V 2-bit) in the PyTorch engine.
"""

from __future__ import annotations

from dataclasses import dataclass

from tui.lmdeploy.versions import NEW_RUNTIME_RESERVE, OBJECT_CACHE, Version
from tui.model.checkpoint import LinearAttention, ModelConfig

POLICIES = {
    "none": 0,
    "int4": 4,
    "int8": 8,
    "fp8": 16,
    "fp8_e4m3": 16,
    "fp8_e5m2": 17,
    "turbo_quant": 42,
    "0": 0,
    "4": 4,
    "8": 8,
    "16": 16,
    "17": 17,
    "42": 42,
}
TURBOMIND_POLICIES = (0, 4, 8)
PAGE = 32 << 20
_LARGEST_SLAB = 1 << 30
_FP8_LATENT_BYTES = 656


def bytes_per_token_and_layer(config: ModelConfig, policy: int, tp: int = 1) -> int:
    """Bytes one token keeps in one attention layer on one card (reference §5.2).

    int8 and int4 keep a 2-byte scale and zero per head and token for K and for V; MLA's latent vector is replicated
    on every rank. Raises ValueError for an unknown policy."""
    if policy not in POLICIES.values():
        raise ValueError(policy)
    if config.latent_dim:
        fp8 = config.sparse_attention and policy in (16, 17)
        return _FP8_LATENT_BYTES if fp8 else config.latent_dim * 2
    heads = -(-config.kv_heads // tp)
    width = config.head_dim
    if policy == 42:
        return heads * ((width // 2 + 4) + (width // 4 + 2))
    per_head = {0: width * config.element_bytes, 4: width // 2 + 4, 8: width + 4, 16: width, 17: width}[policy]
    return 2 * heads * per_head


def bytes_per_token(config: ModelConfig, policy: int, tp: int = 1) -> int:
    """Bytes one token keeps on one card, over all layers that have a cache."""
    return config.attention_layers * bytes_per_token_and_layer(config, policy, tp)


def block_bytes(config: ModelConfig, policy: int, tp: int = 1, block_tokens: int = 64) -> int:
    """Bytes of one block on one card: TurboMind's ``object_size`` to the byte."""
    return bytes_per_token(config, policy, tp) * block_tokens


def state_bytes(linear: LinearAttention | None, tp: int = 1, element_bytes: int = 2) -> int:
    """Bytes of one sequence's recurrent state on one card (reference §5.2, hybrid models); 0 without such layers."""
    if linear is None:
        return 0
    value_heads = linear.value_heads / tp
    state = value_heads * linear.key_dim * linear.value_dim * element_bytes
    channels = (2 * linear.key_heads * linear.key_dim + linear.value_heads * linear.value_dim) / tp
    return round(linear.layers * (state + channels * linear.convolution * element_bytes))


@dataclass(frozen=True, slots=True)
class Slab:
    """How TurboMind ≥ 0.15 stores objects of one size: ``objects`` of them in each slab of ``size`` bytes."""

    size: int
    objects: int


def slab_for(object_bytes: int) -> Slab:
    """The slab for an object (reference §5.3, step 5): a power of two from 32 MiB on, doubled until at least 95 % of
    it is used or it reached 1 GiB. Raises ValueError for an object of no size."""
    if object_bytes <= 0:
        raise ValueError(object_bytes)
    size = PAGE
    while size < object_bytes:
        size *= 2
    while size < _LARGEST_SLAB and (size // object_bytes) * object_bytes < 0.95 * size:
        size *= 2
    return Slab(size, size // object_bytes)


def blocks_in_region(region: int, block: int, version: Version, engine: str) -> int:
    """How many blocks a region holds. TurboMind ≥ 0.15 loses one 32 MiB page to alignment and what does not fill a
    slab; older TurboMind and PyTorch divide (PyTorch keeps one block as a dummy)."""
    if region <= 0 or block <= 0:
        return 0
    if engine != "turbomind":
        return max(region // block - 1, 0)
    if version < OBJECT_CACHE:
        return region // block
    slab = slab_for(block)
    pages = max(region // PAGE - 1, 0)
    return pages // (slab.size // PAGE) * slab.objects


def pytorch_reserve(config: ModelConfig, max_batch: int, max_prefill: int, version: Version) -> int:
    """What the PyTorch engine keeps back before it sizes the cache (reference §5.4, steps 2 and 3)."""
    if version < NEW_RUNTIME_RESERVE:
        return max_prefill * config.vocab * 7
    runtime = (max_prefill + 2 * max_batch) * config.vocab * 2
    return runtime + ((512 << 20) if config.sparse_attention else 0)


def default_max_batch(gpu_name: str, version: Version) -> int:
    """``--max-batch-size`` when it is not given (reference §1.2): by the card's name, fixed at 128 up to 0.5.3."""
    if version <= Version(0, 5, 3):
        return 128
    name = gpu_name.lower()
    if any(card in name for card in ("a100", "a800")):
        return 384
    if any(card in name for card in ("h100", "h800", "h200", "l20y")):
        return 1024
    return 128
