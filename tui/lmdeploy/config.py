"""config.json → :class:`ModelConfig`: only what memory depends on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from tui.model.checkpoint import LinearAttention, ModelConfig
from tui.model.problem import Problem, ProblemError

_LIMIT = 1 << 40
_LANGUAGE_PARTS = ("llm_config", "text_config", "language_config", "thinker_config")


def read_config(text: str, name: str = "") -> ModelConfig:
    """The architecture facts in the text of a config.json.

    Raises ProblemError ``checkpoint.config`` (not JSON, no object) or ``checkpoint.config-field`` (a figure is
    missing or impossible)."""
    try:
        data: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProblemError(Problem("checkpoint.config", {"name": name}, str(error))) from error
    if not isinstance(data, dict):
        raise ProblemError(Problem("checkpoint.config", {"name": name}, "not an object"))
    return config_from(cast("dict[str, Any]", data), name)


def config_from(data: Mapping[str, Any], name: str = "") -> ModelConfig:
    """The same from a parsed config.json. A vision model's language part is used, its quantisation is inherited."""
    outer = data
    inner = _language_part(data)
    fields = _Fields(inner, name)
    heads = fields.need("num_attention_heads", "n_head", "num_heads")
    hidden = fields.need("hidden_size", "n_embd", "d_model")
    layers = fields.need("num_hidden_layers", "n_layer", "num_layers")
    head_dim = fields.maybe("head_dim", "kv_channels", "attention_head_size") or max(hidden // heads, 1)
    quant = _quantisation(inner) or _quantisation(outer)
    linear = _linear_attention(inner, layers)
    return ModelConfig(
        architecture=_architecture(inner) or _architecture(outer),
        layers=layers,
        attention_layers=layers - (linear.layers if linear else 0),
        hidden=hidden,
        heads=heads,
        kv_heads=fields.maybe("num_key_value_heads", "multi_query_group_num", "num_kv_heads") or heads,
        head_dim=head_dim,
        intermediate=_intermediate(fields, hidden),
        vocab=fields.need("vocab_size", "padded_vocab_size"),
        max_position=fields.maybe("max_position_embeddings", "seq_length", "n_positions", "max_sequence_length"),
        dtype=_dtype(inner, outer),
        tied=bool(inner.get("tie_word_embeddings", outer.get("tie_word_embeddings", False))),
        latent_dim=_latent(fields),
        sparse_attention=bool(inner.get("index_topk")),
        linear_attention=linear,
        experts=fields.maybe("num_experts", "n_routed_experts", "num_local_experts") or 0,
        quant_method=_text(quant.get("quant_method")),
        quant_bits=_Fields(quant, name).maybe("bits", "w_bit") or 0,
        group_size=_Fields(quant, name).maybe("group_size", "q_group_size") or 0,
        vision=any(isinstance(outer.get(key), dict) for key in ("vision_config", "visual")),
    )


class _Fields:
    """Looks figures up under their several names."""

    def __init__(self, data: Mapping[str, Any], name: str) -> None:
        self._data = data
        self._name = name

    def maybe(self, *keys: str) -> int | None:
        for key in keys:
            value = self._data.get(key)
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                continue
            if 0 < value < _LIMIT and int(value) == value:
                return int(value)
        return None

    def need(self, *keys: str) -> int:
        value = self.maybe(*keys)
        if value is None:
            raise ProblemError(Problem("checkpoint.config-field", {"name": self._name, "field": keys[0]}))
        return value


def _language_part(data: Mapping[str, Any]) -> Mapping[str, Any]:
    for key in _LANGUAGE_PARTS:
        part = data.get(key)
        if isinstance(part, dict) and part:
            return _language_part(cast("dict[str, Any]", part))
    return data


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _architecture(data: Mapping[str, Any]) -> str:
    names = data.get("architectures")
    if isinstance(names, list) and names:
        return _text(cast("list[object]", names)[0])
    return _text(data.get("model_type"))


def _dtype(inner: Mapping[str, Any], outer: Mapping[str, Any]) -> str:
    for data in (inner, outer):
        for key in ("dtype", "torch_dtype"):
            if value := _text(data.get(key)):
                return value.removeprefix("torch.")
    return "bfloat16"


def _quantisation(data: Mapping[str, Any]) -> Mapping[str, Any]:
    value = data.get("quantization_config")
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _intermediate(fields: _Fields, hidden: int) -> int:
    dense = fields.maybe("intermediate_size", "ffn_hidden_size", "n_inner")
    experts = fields.maybe("moe_intermediate_size") or 0
    active = fields.maybe("num_experts_per_tok", "num_experts_per_token") or 0
    return max(dense or 0, experts * active) or 4 * hidden


def _latent(fields: _Fields) -> int:
    """Width of MLA's stored vector (reference §5.2: kv_lora_rank 512 + rope 64 for DeepSeek-V2/V3)."""
    rank = fields.maybe("kv_lora_rank")
    return rank + (fields.maybe("qk_rope_head_dim") or 0) if rank else 0


def _linear_attention(data: Mapping[str, Any], layers: int) -> LinearAttention | None:
    fields = _Fields(data, "")
    value_heads = fields.maybe("linear_num_value_heads")
    if value_heads is None:
        return None
    types = data.get("layer_types")
    if isinstance(types, list):
        count = sum(1 for kind in cast("list[object]", types) if kind == "linear_attention")
    else:
        count = layers - layers // (fields.maybe("full_attention_interval") or 4)
    return LinearAttention(
        layers=min(count, layers),
        key_heads=fields.maybe("linear_num_key_heads") or value_heads,
        value_heads=value_heads,
        key_dim=fields.maybe("linear_key_head_dim") or 128,
        value_dim=fields.maybe("linear_value_head_dim") or 128,
        convolution=fields.maybe("linear_conv_kernel_dim") or 4,
    )
