"""Models of the course that can be planned without a checkpoint, by name (shapes: reference §5.5 and the models' own
config.json; sizes of the InternLM2.5 checkpoints agree with the recorded ones to the byte)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from tui.model.checkpoint import Checkpoint, ModelConfig, WeightFormat
from tui.model.problem import Problem

GROUP = 128


@dataclass(frozen=True, slots=True)
class VisionTower:
    """A vision encoder and its projector; its weights stay 16-bit."""

    parameters: int


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model by name. ``linear`` are the weights of the decoder's linear layers, ``norms`` everything of one
    dimension; the rest is the embedding and, unless tied, the output head."""

    name: str
    config: ModelConfig
    linear: int
    norms: int
    vision: VisionTower | None = None
    aliases: tuple[str, ...] = ()


def _internlm2(layers: int, hidden: int, heads: int, intermediate: int, vocab: int = 92_544) -> ModelConfig:
    return ModelConfig(
        architecture="InternLM2ForCausalLM",
        layers=layers,
        attention_layers=layers,
        hidden=hidden,
        heads=heads,
        kv_heads=8,
        head_dim=128,
        intermediate=intermediate,
        vocab=vocab,
        max_position=32_768,
    )


def _linear(config: ModelConfig) -> int:
    attention = config.hidden * config.head_dim * (2 * config.heads + 2 * config.kv_heads)
    return config.layers * (attention + 3 * config.hidden * config.intermediate)


def _norms(config: ModelConfig) -> int:
    return (2 * config.layers + 1) * config.hidden


def _plain(name: str, config: ModelConfig, *aliases: str) -> KnownModel:
    return KnownModel(name, config, _linear(config), _norms(config), aliases=aliases)


def _vision_parameters(width: int, layers: int, intermediate: int, out: int) -> int:
    """InternViT (448 pixels, patches of 14, q/k norms, a class token) and the projector (four patches merged)."""
    layer = 4 * width * width + width + 2 * width * intermediate + intermediate + width + 6 * width
    patches = width * 3 * 14 * 14 + width + width * (2 + 32 * 32)
    merged = 4 * width
    return layers * layer + patches + 2 * merged + merged * out + out + out * out + out


_1_8B = _internlm2(24, 2048, 16, 8192)
_7B = _internlm2(32, 4096, 32, 14_336)
_20B = _internlm2(48, 6144, 48, 16_384)
_26B = replace(_internlm2(48, 6144, 48, 16_384, vocab=92_553), vision=True)
_VIT_6B = _vision_parameters(3200, 45, 12_800, 6144)
_QWEN3_0_6B = ModelConfig(
    architecture="Qwen3ForCausalLM",
    layers=28,
    attention_layers=28,
    hidden=1024,
    heads=16,
    kv_heads=8,
    head_dim=128,
    intermediate=3072,
    vocab=151_936,
    max_position=40_960,
    tied=True,
)

KNOWN_MODELS: tuple[KnownModel, ...] = (
    _plain("internlm2_5-1_8b-chat", _1_8B, "internlm2-chat-1_8b", "internlm2_5-1_8b"),
    _plain("internlm2_5-7b-chat", _7B, "internlm2-chat-7b", "internlm2_5-7b", "internlm2_5-7b-chat-1m"),
    _plain("internlm2_5-20b-chat", _20B, "internlm2-chat-20b", "internlm2_5-20b"),
    KnownModel(
        "internvl2-26b", _26B, _linear(_26B), _norms(_26B), VisionTower(_vision_parameters(3200, 45, 12_800, 6144))
    ),
    KnownModel("qwen3-0_6b", _QWEN3_0_6B, _linear(_QWEN3_0_6B), _norms(_QWEN3_0_6B) + 28 * 256),
)

_QUANTISED = re.compile(r"[-_](?:w4a16(?:[-_]4bit)?|awq|4bit|gptq(?:[-_]int4)?)$")


def find_model(name: str) -> tuple[ModelConfig, Checkpoint] | None:
    """The model a name means (``internlm/internlm2_5-7b-chat``, ``…-w4a16-4bit``, ``InternVL2-26B-AWQ``), else None."""
    wanted = name.strip().rstrip("/").rsplit("/", 1)[-1].lower().replace(".", "_")
    bare = _QUANTISED.sub("", wanted)
    gptq = "gptq" in wanted[len(bare) :]
    for model in KNOWN_MODELS:
        if bare in (model.name, *model.aliases):
            if bare == wanted:
                return model.config, _checkpoint(model, "bf16")
            return _quantised_config(model.config, gptq), _checkpoint(model, "gptq" if gptq else "awq")
    return None


def known_names() -> tuple[str, ...]:
    """The names offered to a user: every model, and its w4a16 variant."""
    return tuple(name for model in KNOWN_MODELS for name in (model.name, f"{model.name}-w4a16-4bit"))


def _quantised_config(config: ModelConfig, gptq: bool) -> ModelConfig:
    method = "gptq" if gptq else "awq"
    return replace(config, dtype="float16", quant_method=method, quant_bits=4, group_size=GROUP)


def _checkpoint(model: KnownModel, weight_format: WeightFormat) -> Checkpoint:
    copies = 1 if model.config.tied else 2
    embedding = copies * model.config.vocab * model.config.hidden * 2
    vision = model.vision.parameters * 2 if model.vision else 0
    packed = weight_format != "bf16"
    groups = model.linear // GROUP
    linear = model.linear // 2 + groups * 2 + groups // 2 if packed else model.linear * 2
    notes = (Problem("plan.vision", {"model": model.name}),) if model.vision else ()
    return Checkpoint(
        name=model.name,
        total=linear + embedding + model.norms * 2 + vision,
        weight_format=weight_format,
        packed=linear if packed else 0,
        packed_elements=model.linear if packed else 0,
        groups=groups if packed else 0,
        embedding=embedding,
        vision=vision,
        replicated=model.norms * 2,
        exact=model.vision is None,
        problems=notes,
    )
