"""What a checkpoint would be in another weight format: the planner's "what if I quantised it"."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from tui.model.checkpoint import Checkpoint, ModelConfig

GROUP = 128
Target = Literal["stored", "16-bit", "w4a16"]


def as_format(config: ModelConfig, checkpoint: Checkpoint, target: Target) -> tuple[ModelConfig, Checkpoint]:
    """The same model with 16-bit weights, or with linear layers in 4 bits in groups of 128 as ``lmdeploy lite
    auto_awq`` makes them (packed weights, a 16-bit scale and a 4-bit zero a group). Embedding, output head, norms and a
    vision tower stay as they are. A model that is in that format already is returned unchanged."""
    packed = checkpoint.packed_elements > 0
    if target == "w4a16" and not packed:
        return _quantised(config, checkpoint)
    if target == "16-bit" and packed:
        return _plain(config, checkpoint)
    return config, checkpoint


def _quantised(config: ModelConfig, checkpoint: Checkpoint) -> tuple[ModelConfig, Checkpoint]:
    kept = checkpoint.embedding + checkpoint.vision + checkpoint.replicated
    elements = max(checkpoint.total - kept, 0) // (4 if checkpoint.weight_format == "fp32" else 2)
    groups = elements // GROUP
    packed = elements // 2 + groups * 2 + groups // 2
    halved = replace(config, dtype="float16", quant_method="awq", quant_bits=4, group_size=GROUP)
    return halved, replace(
        checkpoint, total=kept + packed, weight_format="awq", packed=packed, packed_elements=elements, groups=groups,
        exact=False, problems=(),
    )  # fmt: skip


def _plain(config: ModelConfig, checkpoint: Checkpoint) -> tuple[ModelConfig, Checkpoint]:
    total = checkpoint.total - checkpoint.packed + checkpoint.packed_elements * 2
    whole = replace(config, quant_method="", quant_bits=0, group_size=0)
    return whole, replace(
        checkpoint, total=total, weight_format="bf16" if config.dtype == "bfloat16" else "fp16", packed=0,
        packed_elements=0, groups=0, exact=False, problems=(),
    )  # fmt: skip
