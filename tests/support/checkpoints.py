"""Checkpoints made of sparse files: exact headers, no data. A 15 GB model takes some KiB of disk."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

WIDTHS = {"BF16": 2, "F16": 2, "F32": 4, "I32": 4, "F8_E4M3": 1, "U8": 1, "I64": 8}
SHAPES = {
    "internlm2_5-1_8b-chat": (2048, 24, 16, 8, 8192, 92544),
    "internlm2_5-7b-chat": (4096, 32, 32, 8, 14336, 92544),
}
Tensors = dict[str, tuple[str, list[int]]]


def header(tensors: Tensors) -> tuple[bytes, int]:
    at, entries = 0, {"__metadata__": {"format": "pt"}} if tensors else {}
    table: dict[str, Any] = dict(entries)
    for name, (dtype, shape) in tensors.items():
        size = WIDTHS[dtype]
        for side in shape:
            size *= side
        table[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(table).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text, at


def write_shard(path: Path, tensors: Tensors, *, missing: int = 0) -> None:
    start, size = header(tensors)
    with path.open("wb") as file:
        file.write(start)
        file.truncate(len(start) + size - missing)


def write_checkpoint(folder: Path, config: dict[str, Any], shards: list[Tensors]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    names: dict[str, str] = {}
    for index, tensors in enumerate(shards):
        name = f"model-{index + 1:05d}-of-{len(shards):05d}.safetensors" if len(shards) > 1 else "model.safetensors"
        write_shard(folder / name, tensors)
        names.update(dict.fromkeys(tensors, name))
    if len(shards) > 1:
        (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": names}))
    return folder


def internlm_config(name: str, quantised: bool = False) -> dict[str, Any]:
    hidden, layers, heads, kv, intermediate, vocab = SHAPES[name]
    config: dict[str, Any] = {
        "architectures": ["InternLM2ForCausalLM"],
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": kv,
        "intermediate_size": intermediate,
        "vocab_size": vocab,
        "max_position_embeddings": 32768,
        "torch_dtype": "float16" if quantised else "bfloat16",
    }
    if quantised:
        config["quantization_config"] = {"quant_method": "awq", "bits": 4, "group_size": 128}
    return config


def internlm(folder: Path, name: str, quantised: bool = False, shards: int = 2) -> Path:
    """InternLM2.5's layout with the right shapes."""
    hidden, layers, heads, kv, intermediate, vocab = SHAPES[name]
    dtype = "F16" if quantised else "BF16"

    def linear(label: str, out: int, into: int) -> Tensors:
        if not quantised:
            return {f"{label}.weight": (dtype, [out, into])}
        return {
            f"{label}.qweight": ("I32", [into, out // 8]),
            f"{label}.qzeros": ("I32", [into // 128, out // 8]),
            f"{label}.scales": ("F16", [into // 128, out]),
        }

    tensors: Tensors = {
        "model.tok_embeddings.weight": (dtype, [vocab, hidden]),
        "output.weight": (dtype, [vocab, hidden]),
        "model.norm.weight": (dtype, [hidden]),
    }
    width = hidden // heads
    for layer in range(layers):
        base = f"model.layers.{layer}."
        tensors[base + "attention_norm.weight"] = (dtype, [hidden])
        tensors[base + "ffn_norm.weight"] = (dtype, [hidden])
        tensors.update(linear(base + "attention.wqkv", hidden + 2 * kv * width, hidden))
        tensors.update(linear(base + "attention.wo", hidden, hidden))
        for part, out, into in (
            ("w1", intermediate, hidden),
            ("w3", intermediate, hidden),
            ("w2", hidden, intermediate),
        ):
            tensors.update(linear(f"{base}feed_forward.{part}", out, into))
    names = list(tensors)
    size = -(-len(names) // shards)
    pieces = [{key: tensors[key] for key in names[at : at + size]} for at in range(0, len(names), size)]
    return write_checkpoint(folder, internlm_config(name, quantised), pieces)
