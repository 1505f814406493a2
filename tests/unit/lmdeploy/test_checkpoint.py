"""Checkpoint headers: exact sizes of the course's models, and a clear answer to every broken file."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.checkpoints import Tensors, internlm, internlm_config, write_checkpoint, write_shard
from tui.i18n.problems import explain
from tui.lmdeploy.checkpoint import load_checkpoint, parse_checkpoint, weights_per_card
from tui.lmdeploy.config import read_config
from tui.lmdeploy.known_models import find_model, known_names
from tui.model.problem import ProblemError

SMALL = "internlm2_5-1_8b-chat"


@pytest.mark.parametrize(
    ("name", "quantised", "total"),
    [
        (SMALL, False, 3_778_220_032),
        (SMALL, True, 1_542_787_072),
        ("internlm2_5-7b-chat", False, 15_475_417_088),
        ("internlm2_5-7b-chat", True, 5_142_749_184),
    ],
)
def test_exact_sizes(tmp_path: Path, name: str, quantised: bool, total: int) -> None:
    config, checkpoint = load_checkpoint(internlm(tmp_path / "m", name, quantised, shards=3))
    assert checkpoint.total == total
    assert checkpoint.files == 3
    assert checkpoint.weight_format == ("awq" if quantised else "bf16")
    known = find_model(name + ("-w4a16-4bit" if quantised else ""))
    assert known is not None
    assert known[0] == config
    for figure in ("total", "packed", "packed_elements", "groups", "embedding", "replicated", "weight_format"):
        assert getattr(known[1], figure) == getattr(checkpoint, figure), figure
    assert checkpoint.problems[0].code == "checkpoint.sparse"  # made of holes, and said so


def test_two_cards() -> None:
    found = find_model(SMALL)
    assert found is not None
    config, checkpoint = found
    assert weights_per_card(config, checkpoint, 1) == checkpoint.total
    norms = checkpoint.replicated
    assert weights_per_card(config, checkpoint, 2) == (checkpoint.total - norms) // 2 + norms


def one_file(folder: Path) -> Path:
    write_checkpoint(folder, internlm_config(SMALL), [{"output.weight": ("BF16", [4, 4])}])
    return folder / "model.safetensors"


def broken_header(text: bytes, length: int | None = None) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        size = len(text) if length is None else length
        one_file(folder).write_bytes(struct.pack("<Q", size) + text)

    return damage


def cut(folder: Path) -> None:
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(internlm_config(SMALL)))
    write_shard(folder / "model.safetensors", {"output.weight": ("BF16", [4, 4])}, missing=1)


def lost_shard(folder: Path) -> None:
    internlm(folder, SMALL, shards=3)
    (folder / "model-00002-of-00003.safetensors").unlink()


def index(text: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        one_file(folder)
        (folder / "model.safetensors.index.json").write_text(text)

    return damage


def pointer(folder: Path) -> None:
    one_file(folder).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")


def only_bin(folder: Path) -> None:
    one_file(folder).rename(folder / "pytorch_model.bin")


def no_config(folder: Path) -> None:
    one_file(folder)
    (folder / "config.json").unlink()


def directory_shard(folder: Path) -> None:
    one_file(folder).unlink()
    (folder / "model.safetensors").mkdir()


OFFSETS = b'{"x": {"dtype": "BF16", "shape": [1], "data_offsets": [4, 2]}}'


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (cut, "checkpoint.truncated"),
        (lost_shard, "checkpoint.missing-shard"),
        (pointer, "checkpoint.pointer"),
        (only_bin, "checkpoint.not-safetensors"),
        (no_config, "checkpoint.no-config"),
        (directory_shard, "checkpoint.unreadable"),
        (lambda folder: one_file(folder).unlink(), "checkpoint.no-weights"),
        (lambda folder: one_file(folder).write_bytes(b"123"), "checkpoint.truncated"),
        (broken_header(b"{}", 1 << 62), "checkpoint.header"),
        (broken_header(b"{}", 99_000_000), "checkpoint.truncated"),
        (broken_header(b"", 0), "checkpoint.header"),
        (broken_header(b"not json"), "checkpoint.header"),
        (broken_header(b"[1]"), "checkpoint.header"),
        (broken_header(OFFSETS), "checkpoint.header"),
        (broken_header(b'{"x": {"dtype": "BF16"}}'), "checkpoint.header"),
        (index("{"), "checkpoint.index"),
        (index('{"weight_map": {"a": "../../etc/passwd"}}'), "checkpoint.index"),
        (index('{"weight_map": {}}'), "checkpoint.index"),
        (index("[]"), "checkpoint.index"),
        (lambda folder: None, "checkpoint.folder"),
    ],
)
def test_broken_checkpoints(tmp_path: Path, damage: Callable[[Path], None], code: str) -> None:
    damage(tmp_path / "m")
    with pytest.raises(ProblemError) as caught:
        load_checkpoint(tmp_path / "m")
    assert caught.value.problem.code == code
    told = explain(caught.value.problem)
    assert told.sentence
    assert told.step
    assert "{" not in told.text


def quantised_config(method: str) -> dict[str, Any]:
    return {**internlm_config(SMALL), "quantization_config": {"quant_method": method, "bits": 4, "group_size": 128}}


def test_formats_as_stored(tmp_path: Path) -> None:
    gptq: Tensors = {
        "model.layers.0.q.qweight": ("I32", [16, 8]),
        "model.layers.0.q.qzeros": ("I32", [1, 1]),
        "model.layers.0.q.scales": ("F16", [1, 8]),
        "model.layers.0.q.g_idx": ("I32", [128]),
    }
    config, checkpoint = load_checkpoint(write_checkpoint(tmp_path / "gptq", quantised_config("gptq"), [gptq]))
    assert checkpoint.weight_format == "gptq"
    assert checkpoint.packed == checkpoint.total == 512 + 4 + 16 + 512
    assert (checkpoint.packed_elements, checkpoint.groups) == (1024, 8)
    assert config.quant_bits == 4
    fp8: Tensors = {
        "model.layers.0.q.weight": ("F8_E4M3", [256, 128]),
        "model.layers.0.q.weight_scale_inv": ("F32", [2, 1]),
        "lm_head.weight": ("BF16", [8, 8]),
        "model.norm.weight": ("BF16", [8]),
        "model.visual.patch.weight": ("BF16", [8, 2]),
        "vision_model.x.bias": ("BF16", [8]),
    }
    _, checkpoint = load_checkpoint(write_checkpoint(tmp_path / "fp8", quantised_config("fp8"), [fp8]))
    assert checkpoint.weight_format == "fp8"
    assert (checkpoint.packed, checkpoint.packed_elements) == (256 * 128 + 8, 256 * 128)
    assert (checkpoint.embedding, checkpoint.replicated, checkpoint.vision) == (128, 16, 48)
    _, checkpoint = load_checkpoint(write_checkpoint(tmp_path / "other", quantised_config("quip"), [fp8]))
    assert checkpoint.weight_format == "other"
    assert (
        load_checkpoint(write_checkpoint(tmp_path / "plain", internlm_config(SMALL), [fp8]))[1].weight_format == "fp8"
    )


def test_thirty_two_bit_checkpoints_are_halved(tmp_path: Path) -> None:
    tensors: Tensors = {"output.weight": ("F32", [16, 16])}
    config, checkpoint = load_checkpoint(write_checkpoint(tmp_path / "m", internlm_config(SMALL), [tensors]))
    assert checkpoint.weight_format == "fp32"
    assert weights_per_card(config, checkpoint) == checkpoint.total // 2


def test_consolidated_copies_do_not_count_twice(tmp_path: Path) -> None:
    one_file(tmp_path / "m")
    write_shard(tmp_path / "m" / "consolidated.safetensors", {"x": ("BF16", [1000])})
    assert load_checkpoint(tmp_path / "m")[1].total == 32


def test_an_empty_header(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    raw = {
        "folder": "m",
        "config": json.dumps(internlm_config(SMALL)),
        "files": [{"name": "x", "size": 10, "header": "{}"}],
    }
    assert parse_checkpoint(raw)[1].weight_format == "other"


def test_known_names_are_all_known() -> None:
    for name in known_names():
        assert find_model(name) is not None
    assert find_model("internlm/InternLM2.5-7B-Chat-AWQ") is not None
    assert find_model("InternVL2-26B") is not None
    gptq = find_model("internlm2_5-7b-chat-gptq-int4")
    assert gptq is not None
    assert gptq[1].weight_format == "gptq"
    assert find_model("gpt-2") is None


def test_internvl_keeps_its_vision_tower_in_16_bits() -> None:
    plain, quantised = find_model("internvl2-26b"), find_model("internvl2-26b-awq")
    assert plain is not None
    assert quantised is not None
    assert plain[1].total == 2 * 25_514_186_112
    assert quantised[1].vision == plain[1].vision
    assert quantised[1].problems[0].code == "plan.vision"


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, '{"hidden_size": "8"}', '{"hidden_size": -1}', "{}"])
def test_broken_configs(text: str) -> None:
    with pytest.raises(ProblemError) as caught:
        read_config(text, "m")
    assert caught.value.problem.code.startswith("checkpoint.config")


BASE = {"hidden_size": 1024, "num_attention_heads": 16, "num_hidden_layers": 8, "vocab_size": 100}


@pytest.mark.parametrize(
    ("extra", "facts"),
    [
        ({}, {"kv_heads": 16, "head_dim": 64, "intermediate": 4096, "attention_layers": 8, "max_position": None}),
        (
            {"head_dim": 128, "num_key_value_heads": 2, "dtype": "torch.float16"},
            {"head_dim": 128, "kv_heads": 2, "dtype": "float16"},
        ),
        (
            {"kv_lora_rank": 512, "qk_rope_head_dim": 64, "index_topk": 2048},
            {"latent_dim": 576, "sparse_attention": True},
        ),
        ({"linear_num_value_heads": 32}, {"attention_layers": 2}),
        ({"linear_num_value_heads": 32, "full_attention_interval": 2}, {"attention_layers": 4}),
        (
            {"linear_num_value_heads": 8, "layer_types": ["linear_attention"] * 3 + ["full_attention"] * 5},
            {"attention_layers": 5},
        ),
        (
            {"num_experts": 64, "moe_intermediate_size": 512, "num_experts_per_tok": 8},
            {"experts": 64, "intermediate": 4096},
        ),
        ({"architectures": [], "model_type": "x"}, {"architecture": "x"}),
        ({"num_key_value_heads": True, "tie_word_embeddings": True}, {"kv_heads": 16, "tied": True}),
    ],
)
def test_architecture_facts(extra: dict[str, Any], facts: dict[str, Any]) -> None:
    config = read_config(json.dumps({**BASE, **extra}))
    assert {name: getattr(config, name) for name in facts} == facts


@pytest.mark.parametrize("part", ["llm_config", "text_config"])
def test_vision_models_use_their_language_part(part: str) -> None:
    outer = {
        "architectures": ["InternVLChatModel"],
        part: BASE,
        "vision_config": {},
        "quantization_config": {"bits": 4},
    }
    config = read_config(json.dumps(outer))
    assert config.vision
    assert (config.hidden, config.quant_bits) == (1024, 4)
    assert config.architecture == "InternVLChatModel"
