"""``lmdeck serve`` with the stand-in: the homework's command, dry runs, lists, stops, refusals."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest

from tests.support import checkpoints, fake_lmdeploy
from tests.support.launching import AWQ, HOMEWORK, W4A16, Install
from tests.unit.launch.conftest import FAST
from tui.launch.cli import ServeCommand
from tui.launch.machine import LocalMachine
from tui.launch.starting import spawned
from tui.launch.words import read_serve, serve_help
from tui.model.problem import ProblemError


async def run(machine: LocalMachine, *words: str) -> tuple[int, str, str, str]:
    out, err = io.StringIO(), io.StringIO()
    try:
        read = read_serve(words)
    except ProblemError as error:
        return 2, "", error.problem.code, ""
    assert read is not None
    command = ServeCommand(machine, read, out, err, FAST)
    return await command.run(), out.getvalue(), err.getvalue(), command.url


async def test_the_homework_command_as_it_stands(
    machine: LocalMachine, lmdeploy: Install, recording: Install, models: Path
) -> None:
    lmdeploy()
    recording(W4A16)
    port = fake_lmdeploy.free_port()
    code, out, err, url = await run(machine, str(models / AWQ), *HOMEWORK, "--server-port", str(port))
    assert (code, err) == (0, "")
    assert url == f"http://127.0.0.1:{port}"
    for word in ("CUDA context", "weights", "kv cache", "warm-up", "ready"):
        assert f"s  {word}" in out
    assert "11.48 of 11.69 ± 0.48 GiB" in out
    code, out, _, _ = await run(machine, "--list", "--json")
    [entry] = json.loads(out)
    assert entry["url"] == url
    assert entry["mine"]
    assert entry["memory_bytes"] == pytest.approx(11.484 * (1 << 30), rel=0.001)
    code, out, _, _ = await run(machine, "--stop", str(port))
    assert code == 0
    assert out.splitlines()[-1] == "stopped · 11.48 GiB came back"
    assert (await run(machine, "--list"))[1] == "No lmdeploy server runs here.\n"
    assert "launch.no-such-server" in (await run(machine, "--stop", str(port), "--json"))[1]


async def test_a_dry_run_prints_argv_and_plan_and_starts_nothing(
    machine: LocalMachine, lmdeploy: Install, models: Path
) -> None:
    prefix = lmdeploy()
    code, out, err, url = await run(machine, str(models / AWQ), *HOMEWORK, "--dry-run", "--json")
    assert (code, err, url) == (0, "", "")
    data = json.loads(out)
    argv = data["argv"]
    assert argv[:4] == [str(prefix / "bin" / "lmdeploy"), "serve", "api_server", str(models / AWQ)]
    assert tuple(argv[4:12]) == HOMEWORK
    assert argv[argv.index("--server-name") + 1] == "127.0.0.1"
    assert data["plan"]["weights_bytes"] == pytest.approx(1.437 * (1 << 30), rel=0.001)
    assert data["plan"]["fits"]
    assert data["lmdeploy"]["version"] == "0.18.0"
    assert await spawned(machine) == ()


async def test_a_dry_run_needs_neither_lmdeploy_nor_card(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "env", "printf"):
        os.symlink(f"/bin/{name}" if os.path.exists(f"/bin/{name}") else f"/usr/bin/{name}", tools / name)
    monkeypatch.setenv("PATH", str(tools))
    machine = LocalMachine()
    try:
        code, out, _, _ = await run(
            machine, "internlm2_5-1_8b-chat-w4a16-4bit", *HOMEWORK, "--dry-run", "--json", "--gpu", "24GiB"
        )
    finally:
        await machine.aclose()
    assert code == 0
    data = json.loads(out)
    assert data["argv"][:3] == ["lmdeploy", "serve", "api_server"]
    assert data["plan"]["total_bytes"] > 11 << 30
    assert "launch.no-lmdeploy" in [notice["code"] for notice in data["notices"]]


async def test_pasted_lines(machine: LocalMachine, lmdeploy: Install, models: Path) -> None:
    lmdeploy()
    pasted = f"CUDA_VISIBLE_DEVICES=0 lmdeploy serve api_server {models / AWQ} \\ –model-format awq \\ ——quant–policy 4"
    code, out, _, _ = await run(machine, *pasted.split(), "--dry-run", "--json")
    assert code == 0
    data = json.loads(out)
    assert data["argv"][4:8] == ["--model-format", "awq", "--quant-policy", "4"]
    assert data["environment"] == {"CUDA_VISIBLE_DEVICES": "0"}
    code, out, _, _ = await run(machine, str(models / AWQ), "--dry-run", "--json", "--", "--brand-new", "x")
    assert json.loads(out)["argv"][-2:] == ["--brand-new", "x"]


BAD: list[tuple[str, tuple[str, ...], str]] = [
    ("0.18.0", ("--cache-max-entry-count", "0"), "between 0 and 1"),
    ("0.18.0", ("--cache-max-entry-count", "1"), "between 0 and 1"),
    ("0.18.0", ("--tp", "3"), "power of two"),
    ("0.18.0", ("--tp", "2"), "only 1 can be used"),
    ("0.18.0", ("--server-port", "70000"), "Ports go from 1 to 65535"),
    ("0.18.0", ("--server-port", "x"), "needs a number"),
    ("0.18.0", ("--cards", "4"), "no card 4"),
    ("0.18.0", ("--quant-polcy", "4"), "--quant-policy"),
    ("0.18.0", ("--enable-metrics",), "0.11"),
    ("0.12.0", ("--trust-remote-code",), "always trusted"),
    ("0.12.0", ("--language-model-only",), "--disable-vision-encoder"),
    ("0.9.2", ("--model-format", "compressed-tensors"), "0.13.0"),
    ("0.5.3", ("--dtype", "float16"), "0.6.1"),
    ("0.5.3", ("--quant-policy", "int4"), "--quant-policy 4"),
    ("0.18.0", ("--quant-policy", "42"), "--backend pytorch"),
    ("0.18.0", ("--session-len", "0"), "1 or more"),
    ("0.18.0", ("--backend", "vllm"), "turbomind, pytorch"),
    ("0.18.0", ("--tp",), "needs a value"),
    ("0.18.0", ("extra",), "belongs to no option"),
    ("0.18.0", ("--gpu", "huge"), "plan.size"),
    ("0.18.0", ("--cards", "a"), "launch.cards"),
    ("0.18.0", ("--lmdeploy", "/nowhere/at/all"), "/nowhere/at/all"),
]


@pytest.mark.parametrize(("version", "words", "says"), BAD)
async def test_bad_input_is_refused_with_the_sentence(
    machine: LocalMachine, lmdeploy: Install, models: Path, version: str, words: tuple[str, ...], says: str
) -> None:
    lmdeploy(version)
    code, _, err, _ = await run(machine, str(models / AWQ), *words)
    assert code == 2
    assert says in err
    assert await spawned(machine) == ()


async def test_bad_models_are_refused(machine: LocalMachine, lmdeploy: Install, tmp_path: Path) -> None:
    lmdeploy()
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    nameless = checkpoints.internlm_config("internlm2_5-1_8b-chat")
    del nameless["architectures"]
    checkpoints.write_checkpoint(tmp_path / "nameless", nameless, [{"a.weight": ("BF16", [2, 2])}])
    broken = checkpoints.internlm(tmp_path / "broken", "internlm2_5-1_8b-chat")
    next(broken.glob("*-00002-*")).unlink()
    cases = {
        "/no/such/model": "no model folder",
        str(tmp_path / "file"): "is a file",
        str(tmp_path / "empty"): "config.json",
        str(tmp_path / "nameless"): "names no architecture",
        str(broken): "1 of 2 weight files are missing",
    }
    for model, says in cases.items():
        code, _, err, _ = await run(machine, model, *HOMEWORK)
        assert code == 2
        assert says in err
    code, _, err, _ = await run(machine)
    assert code == 2
    assert "No model was named" in err
    assert await spawned(machine) == ()


async def test_what_cannot_fit_is_refused_unless_wanted(
    machine: LocalMachine, lmdeploy: Install, recording: Install, models: Path
) -> None:
    lmdeploy()
    recording("turbomind-oom")
    model = str(models / "internlm2_5-7b-chat")
    port = str(fake_lmdeploy.free_port())
    code, _, err, _ = await run(machine, model, "--gpu", "12GiB", "--server-port", port)
    assert code == 2
    assert "weights alone need more" in err
    code, out, _, _ = await run(machine, model, "--gpu", "12GiB", "--anyway", "--server-port", port)
    assert code == 1
    assert "The card ran out of memory" in out
    assert "Choose a smaller model" in out


async def test_a_taken_port_moves_and_events_are_json(
    machine: LocalMachine, lmdeploy: Install, recording: Install, models: Path
) -> None:
    lmdeploy()
    recording(W4A16, speed=400.0)
    words = (str(models / AWQ), *HOMEWORK, "--server-port", str(fake_lmdeploy.free_port()), "--json", "--no-chat")
    code, out, _, url = await run(machine, *words)
    assert (code, url) == (0, "")
    events = [json.loads(line) for line in out.splitlines()]
    assert events[-2]["stage"] == "ready"
    assert {"phase", "memory", "log"} == {event["event"] for event in events}
    code, out, _, _ = await run(machine, *words[:-2], "--dry-run", "--json")
    data = json.loads(out)
    assert "launch.port-moved" in [notice["code"] for notice in data["notices"]]
    assert data["argv"].count("--server-port") == 1
    code, _, _, _ = await run(machine, "--stop", str(models / AWQ))
    assert code == 0


async def test_an_open_address_is_warned_about(machine: LocalMachine, lmdeploy: Install, models: Path) -> None:
    lmdeploy()
    _, out, _, _ = await run(machine, str(models / AWQ), "--server-name", "0.0.0.0", "--dry-run")
    assert "everybody who reaches this machine" in out
    _, out, _, _ = await run(machine, str(models / AWQ), "--dry-run")
    assert "--server-name 127.0.0.1" in out
    assert "everybody" not in out


def test_the_help_lists_every_option() -> None:
    from tui.lmdeploy.option_table import OPTIONS

    text = serve_help()
    assert all(option.flag in text for option in OPTIONS)
    assert read_serve(["-h"]) is None
    assert "since 0.13.0" in text
