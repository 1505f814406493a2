"""The model picker: roots, caches, symlinks, sizes, formats, what fits; and a proxy's nodes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support import checkpoints
from tui.launch.machine import LocalMachine
from tui.launch.models import list_models, measured
from tui.launch.nodes import node_error, read_nodes
from tui.model.gpu import GpuSample
from tui.model.problem import ProblemError

NAME = "internlm2_5-1_8b-chat"
CARD = GpuSample(0, "NVIDIA H200", 24 << 30, 0, 24 << 30)


async def test_folders_caches_and_links(
    machine: LocalMachine, home: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roots = home / "share"
    roots.mkdir()
    (roots / "linked").symlink_to(models / NAME)
    (roots / "again").symlink_to(models / NAME)
    (roots / "broken").mkdir()
    (roots / "broken" / "config.json").write_text("{")
    hub = home / ".cache" / "huggingface" / "hub" / "models--internlm--internlm2_5-1_8b-chat" / "snapshots" / "abc"
    checkpoints.internlm(hub, NAME, quantised=True)
    scope = home / ".cache" / "modelscope" / "hub" / "models" / "Qwen" / "tiny"
    checkpoints.write_checkpoint(scope, checkpoints.internlm_config(NAME), [])
    found = {entry.name: entry for entry in await list_models(machine, (str(roots),))}
    assert set(found) == {"again", "broken", "internlm/internlm2_5-1_8b-chat", "tiny"}
    assert found["again"].real == str(models / NAME)
    assert found["again"].size > 3 << 30
    assert found["tiny"].problem is not None
    assert found["broken"].problem is not None
    exact = {entry.name: entry for entry in await measured(machine, found.values(), CARD)}
    assert exact["internlm/internlm2_5-1_8b-chat"].format == "awq"
    assert exact["again"].format == "bf16"
    assert exact["again"].fits
    small = {
        entry.name: entry for entry in await measured(machine, found.values(), GpuSample(0, "", 2 << 30, 0, 2 << 30))
    }
    assert small["again"].fits is False
    assert small["tiny"].fits is None
    unknown = await measured(machine, [found["again"]], None)
    assert (unknown[0].fits, unknown[0].format) == (None, "bf16")
    odd = await measured(machine, [found["again"]], CARD, ratio=1.5)
    assert odd[0].problem is not None


async def test_a_damaged_checkpoint_says_so(machine: LocalMachine, tmp_path: Path, home: Path) -> None:
    broken = checkpoints.internlm(tmp_path / "r" / "m", NAME)
    next(broken.glob("*-00002-*")).unlink()
    [entry] = await measured(machine, await list_models(machine, (str(tmp_path / "r"),)), CARD)
    assert entry.problem is not None
    assert entry.problem.code == "checkpoint.missing-shard"


def test_recorded_nodes() -> None:
    text = (Path(__file__).parents[2] / "data" / "recordings" / "proxy-two-nodes.json").read_text()
    scenes = json.loads(text)
    nodes = read_nodes("".join(piece[1] for piece in scenes["status_after"]["chunks"]))
    assert [(node.url, node.models, node.role, node.unfinished) for node in nodes] == [
        ("http://127.0.0.1:23341", ("tiny-chat",), "hybrid", 0),
        ("http://127.0.0.1:23340", ("tiny-chat",), "hybrid", 0),
    ]
    assert nodes[0].latency is None
    assert nodes[1].latency == pytest.approx(0.0914, abs=1e-4)
    assert read_nodes(scenes["empty_status"]["chunks"][0][1]) == ()


def test_nodes_of_other_shapes() -> None:
    odd = {"http://a:1": {"role": 3, "models": None, "latency": [1, "x", 3], "speed": 5}, "http://b:2": 7}
    [node] = read_nodes(json.dumps(odd))
    assert (node.role, node.models, node.latency, node.speed, node.unfinished) == ("decode", (), 2.0, 5.0, 0)
    for text in ("[]", "nonsense", "7"):
        with pytest.raises(ProblemError) as caught:
            read_nodes(text)
        assert caught.value.problem.code == "node.answer"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"error_code":10402,"text":"Failed to get response after a period of time"}\n', "node.timeout"),
        ('data: {"error_code":10400,"text":"no"}', "node.no-model"),
        ('{"error_code":10401}', "node.unavailable"),
        ('{"error_code":1}', None),
        ('{"error_code":"x"}', None),
        ("[1]", None),
        ("hello", None),
        ('{"choices":[]}', None),
    ],
)
def test_in_band_errors_of_a_proxy(text: str, code: str | None) -> None:
    problem = node_error(text)
    assert (problem.code if problem else None) == code
