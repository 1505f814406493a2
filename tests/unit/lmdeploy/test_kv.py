"""The kv cache formulas against the reference's tables."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.lmdeploy.known_models import find_model
from tui.lmdeploy.kv import (
    PAGE,
    block_bytes,
    blocks_in_region,
    bytes_per_token,
    bytes_per_token_and_layer,
    default_max_batch,
    pytorch_reserve,
    slab_for,
    state_bytes,
)
from tui.lmdeploy.overhead import captured_batches
from tui.lmdeploy.versions import BASELINE, Version
from tui.model.checkpoint import LinearAttention, ModelConfig

SMALL = find_model("internlm2_5-1_8b-chat")
LARGE = find_model("internlm2_5-7b-chat")
assert SMALL is not None
assert LARGE is not None
GIB = 1 << 30
OLD = Version(0, 5, 3)


@pytest.mark.parametrize(
    ("config", "policy", "token", "block", "slab", "objects"),
    [
        (SMALL[0], 0, 98_304, 6_291_456, 128, 21),
        (SMALL[0], 8, 50_688, 3_244_032, 32, 10),
        (SMALL[0], 4, 26_112, 1_671_168, 32, 20),
        (LARGE[0], 0, 131_072, 8_388_608, 32, 4),
        (LARGE[0], 8, 67_584, 4_325_376, 64, 15),
        (LARGE[0], 4, 34_816, 2_228_224, 32, 15),
    ],
)
def test_reference_blocks(config: ModelConfig, policy: int, token: int, block: int, slab: int, objects: int) -> None:
    assert bytes_per_token(config, policy) == token
    assert block_bytes(config, policy) == block
    assert (slab_for(block).size, slab_for(block).objects) == (slab << 20, objects)


@pytest.mark.parametrize(
    ("block", "slab", "objects"), [(12_582_912, 256, 21), (7_340_032, 64, 9), (4_194_304, 32, 8), (3_145_728, 64, 21)]
)
def test_measured_slabs(block: int, slab: int, objects: int) -> None:
    assert (slab_for(block).size, slab_for(block).objects) == (slab << 20, objects)


@pytest.mark.parametrize(
    ("config", "policy", "gib", "floor", "slab"),
    [
        (SMALL[0], 0, 0.8 * (24 - 3.51874 - 0.5), 174_592, 170_688),
        (SMALL[0], 4, 0.8 * (24 - 3.51874 - 0.5), 657_280, 652_800),
        (LARGE[0], 0, 0.8 * (24 - 14.41261 - 0.5), 59_520, 59_136),
        (LARGE[0], 8, 0.8 * (24 - 14.41261 - 0.5), 115_456, 110_400),
    ],
)
def test_reference_token_counts(config: ModelConfig, policy: int, gib: float, floor: int, slab: int) -> None:
    region, block = int(gib * GIB), block_bytes(config, policy)
    assert blocks_in_region(region, block, OLD, "turbomind") * 64 == floor
    assert blocks_in_region(region, block, BASELINE, "turbomind") * 64 == slab
    assert blocks_in_region(region, block, BASELINE, "pytorch") == region // block - 1
    assert blocks_in_region(0, block, BASELINE, "turbomind") == 0


def test_policies_heads_and_latents() -> None:
    config = SMALL[0]
    assert bytes_per_token_and_layer(config, 16) == 2 * 8 * 128
    assert bytes_per_token_and_layer(config, 17) == 2 * 8 * 128
    assert bytes_per_token_and_layer(config, 42) == 8 * ((64 + 4) + (32 + 2))
    assert bytes_per_token_and_layer(config, 0, tp=16) == 2 * 128 * 2
    assert bytes_per_token_and_layer(config, 0, tp=2) == 2 * 4 * 128 * 2
    latent = replace(config, latent_dim=576)
    assert bytes_per_token_and_layer(latent, 0, tp=8) == 1152
    assert bytes_per_token_and_layer(replace(latent, sparse_attention=True), 16) == 656
    assert replace(config, dtype="float32").element_bytes == 4
    with pytest.raises(ValueError, match="5"):
        bytes_per_token_and_layer(config, 5)
    with pytest.raises(ValueError, match="0"):
        slab_for(0)


def test_hybrid_states() -> None:
    linear = LinearAttention(36, 16, 32, 128, 128, 4)
    assert state_bytes(None) == 0
    assert state_bytes(linear) == 36 * (32 * 128 * 128 * 2 + (2 * 16 * 128 + 32 * 128) * 4 * 2)
    assert state_bytes(linear, 2) * 2 == state_bytes(linear)


def test_pytorch_reserve() -> None:
    config = SMALL[0]
    assert pytorch_reserve(config, 128, 8192, BASELINE) / GIB == pytest.approx(1.46, abs=0.01)
    assert pytorch_reserve(config, 1024, 8192, BASELINE) / GIB == pytest.approx(1.765, abs=0.001)
    assert pytorch_reserve(config, 128, 4096, OLD) == 4096 * 92_544 * 7
    sparse = replace(config, sparse_attention=True)
    assert pytorch_reserve(sparse, 128, 8192, BASELINE) - pytorch_reserve(config, 128, 8192, BASELINE) == 512 << 20


@pytest.mark.parametrize(
    ("name", "batch"), [("NVIDIA A100-SXM4", 384), ("NVIDIA H200", 1024), ("NVIDIA GeForce RTX 4090", 128), ("", 128)]
)
def test_batch_by_card(name: str, batch: int) -> None:
    assert default_max_batch(name, BASELINE) == batch
    assert default_max_batch(name, OLD) == 128


def test_captured_batches_as_logged() -> None:
    assert captured_batches(1024) == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 768, 1024]
    assert captured_batches(128) == [1, 2, 4, 8, 16, 32, 64, 128]


@given(region=st.integers(0, 1 << 38), block=st.integers(1, 1 << 31))
def test_blocks_never_exceed_the_region(region: int, block: int) -> None:
    slab = slab_for(block)
    assert slab.size % PAGE == 0
    assert 1 <= slab.objects <= slab.size // block
    for engine in ("turbomind", "pytorch"):
        for version in (OLD, BASELINE):
            assert 0 <= blocks_in_region(region, block, version, engine) * block <= region


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("0.18", (0, 18, 0)),
        ("lmdeploy 0.9.2.post1", (0, 9, 2)),
        ("0.5.3", (0, 5, 3)),
        ("new", None),
        ("0.7.0.post3", (0, 7, 0)),
    ],
)
def test_versions(text: str, version: tuple[int, int, int] | None) -> None:
    found = Version.parse(text)
    assert found == (None if version is None else Version(*version))
    if found:
        assert Version.parse(str(found)) == found
