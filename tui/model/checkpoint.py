"""What a checkpoint is: the facts of its config.json and the bytes of its tensors. All sizes in bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tui.model.problem import Problem

WeightFormat = Literal["bf16", "fp16", "fp32", "awq", "gptq", "fp8", "mxfp4", "compressed-tensors", "other"]


@dataclass(frozen=True, slots=True)
class LinearAttention:
    """The recurrent layers of a hybrid model (Qwen3-Next, Qwen3.5 …): how many, and the shape of their state."""

    layers: int
    key_heads: int
    value_heads: int
    key_dim: int
    value_dim: int
    convolution: int


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Architecture facts from config.json; of a vision model, those of its language model.

    ``attention_layers`` are the layers that keep a kv cache (all, unless the model is hybrid). ``latent_dim`` is the
    width of MLA's one stored vector (kv_lora_rank + rope dimension), 0 for ordinary attention.
    """

    architecture: str
    layers: int
    attention_layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    vocab: int
    max_position: int | None = None
    dtype: str = "bfloat16"
    tied: bool = False
    latent_dim: int = 0
    sparse_attention: bool = False
    linear_attention: LinearAttention | None = None
    experts: int = 0
    quant_method: str = ""
    quant_bits: int = 0
    group_size: int = 0
    vision: bool = False

    @property
    def element_bytes(self) -> int:
        """Bytes of one element of the model's own type: 4 for float32, else 2."""
        return 4 if self.dtype == "float32" else 2


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The tensors of a checkpoint, from their headers.

    ``total`` is the sum of all tensors as stored. ``packed`` is the part that belongs to quantised linear layers
    (weights, scales and zeros), ``packed_elements`` how many weights that part stands for and ``groups`` how many
    scale groups; ``embedding`` the token embedding and output head, ``vision`` everything of a vision tower.
    ``problems`` are notices that leave the figures usable.
    """

    name: str
    total: int
    files: int = 1
    tensors: int = 0
    by_dtype: Mapping[str, int] = field(default_factory=dict[str, int])
    weight_format: WeightFormat = "bf16"
    packed: int = 0
    packed_elements: int = 0
    groups: int = 0
    embedding: int = 0
    vision: int = 0
    replicated: int = 0
    exact: bool = True
    problems: tuple[Problem, ...] = ()
