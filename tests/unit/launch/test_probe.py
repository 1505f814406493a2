"""What runs on the machine itself: environments, the login shell, models, disks, people, ports; Python 3.6 syntax."""

from __future__ import annotations

import ast
import io
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import fake_lmdeploy
from tui.launch import probe


def test_python_3_6_reads_it() -> None:
    ast.parse(Path(probe.__file__).read_text(), feature_version=(3, 6))


def test_environments_of_every_kind(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def place(name: str, version: str = "0.18.0") -> Path:
        return fake_lmdeploy.install(home / name, version)

    conda = place("miniconda3/envs/lm", "0.9.2")
    listed = place("elsewhere/env", "0.12.0")
    (home / ".conda").mkdir()
    (home / ".conda" / "environments.txt").write_text(f"{listed}\n{home}/gone\n")
    venv = place(".virtualenvs/x", "0.5.3")
    in_path = place("in-path", "0.18.0")
    active = place("active", "0.7.2")
    target = tmp_path / "target"
    (target / "lmdeploy-0.17.0.dist-info").mkdir(parents=True)
    named = place("named", "0.6.0")
    monkeypatch.setenv("PATH", f"{in_path}/bin:/usr/bin:/bin")
    monkeypatch.setenv("CONDA_PREFIX", str(active))
    monkeypatch.setenv("CONDA_ENVS_PATH", str(home / "more"))
    monkeypatch.setenv("CONDA_EXE", str(home / "miniconda3" / "bin" / "conda"))
    monkeypatch.chdir(home)
    found = probe.installations({"path": str(named / "bin" / "lmdeploy"), "prefix": str(target)})
    seen = [(entry["how"], entry["prefix"], entry["packages"]["lmdeploy"]["version"]) for entry in found]
    assert seen[:5] == [
        ("settings", str(named), "0.6.0"),
        ("path", str(in_path), "0.18.0"),
        ("active", str(active), "0.7.2"),
        ("active", str(target), "0.17.0"),
        ("conda", str(listed), "0.12.0"),
    ]
    assert ("conda", str(conda), "0.9.2") in seen
    assert ("venv", str(venv), "0.5.3") in seen
    assert found[1]["python"] == sys.executable
    assert found[3]["program"] == ""


def test_odd_environments(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prefix = tmp_path / "env"
    (prefix / "bin").mkdir(parents=True)
    program = prefix / "bin" / "lmdeploy"
    program.write_text("#!/usr/bin/env python3\n")
    program.chmod(0o755)
    (prefix / "bin" / "python").symlink_to(sys.executable)
    found = probe.installation("venv", str(prefix))
    assert found is not None
    assert found["python"].endswith("python3")
    assert "lmdeploy" not in found["packages"]
    program.write_text("no first line")
    found = probe.installation("venv", str(prefix))
    assert found is not None
    assert found["python"] == str(prefix / "bin" / "python")
    extra = tmp_path / "extra"
    (extra / "lmdeploy-0.11.0.dist-info").mkdir(parents=True)
    monkeypatch.setenv("PYTHONPATH", str(extra))
    found = probe.installation("path", str(program))
    assert found is not None
    assert found["packages"]["lmdeploy"]["version"] == "0.11.0"
    assert probe.installation("venv", str(tmp_path / "none")) is None
    assert probe.torch_cuda(str(tmp_path)) == ""


def test_the_login_shell(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / ".profile").write_text("echo noise\nexport HF_ENDPOINT=https://hf-mirror.com\nexport TWO='a\nb'\n")
    found = probe.login_environment({})
    assert found["HF_ENDPOINT"] == "https://hf-mirror.com"
    assert found["TWO"] == "a\nb"
    assert not {"SHLVL", "PWD", "_"} & set(found)
    (home / ".profile").write_text("sleep 60\n")
    assert probe.login_environment({"seconds": 0.2}) == {}
    monkeypatch.setenv("SHELL", str(home / "no-shell"))
    assert probe.login_environment({}) == {}


def test_models_and_sizes(home: Path) -> None:
    root = home / "models"
    for name in ("a", "deep/er/b", ".hidden", "deep/er/too/far/c"):
        (root / name).mkdir(parents=True, exist_ok=True)
        (root / name / "config.json").write_text("{}")
    (root / "a" / "model.safetensors").write_bytes(b"x" * 1000)
    os.link(root / "a" / "model.safetensors", root / "a" / "again.safetensors")
    (root / "a" / "dangling").symlink_to(root / "nothing")
    found = probe.models({"roots": [str(root), "~/models", "/no/such"]})
    assert [entry["name"] for entry in found] == ["a", "b"]
    assert (found[0]["size"], found[0]["weights"]) == (1002, 2)
    facts = probe.sizes({"paths": [str(root / "a"), str(root / "none")]})
    assert facts[str(root / "a")]["size"] == 1002
    assert facts[str(root / "none")] == {"size": 0, "folder": False, "names": [], "exists": False}
    disk = probe.disk({"path": str(root / "not" / "there")})
    assert disk["folder"] == str(root)
    assert disk["free"] > 0
    place = probe.resolve({"path": "models/a", "base": ""})
    assert place == {"path": str(root / "a"), "base": str(home), "folder": True, "exists": True}


def test_people_and_signals() -> None:
    child = subprocess.Popen(["sleep", "60"])
    try:
        [facts] = probe.people({"pids": [child.pid, 2**22 + 7]})
        assert facts["mine"]
        assert facts["command"] == "sleep 60"
        assert facts["age"] < 60
        assert probe.signal_all({"pids": [[child.pid, "1"], [1, ""]], "signal": "TERM"}) == []
        assert probe.signal_all({"pids": [[child.pid, facts["born"]]], "signal": "TERM"}) == [child.pid]
        assert child.wait(10) == -signal.SIGTERM
    finally:
        child.kill()
    assert probe.people({"pids": [child.pid]}) == []


def test_ports() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        found = probe.free_port({"wanted": port, "host": "127.0.0.1"})
        assert found["taken"]
        assert found["port"] != port
    free = fake_lmdeploy.free_port()
    assert probe.free_port({"wanted": free, "host": "127.0.0.1"}) == {"port": free, "taken": False}
    assert probe.free_port({"wanted": free, "host": "127.0.0.1", "avoid": [free]})["port"] != free
    with pytest.raises(OSError, match="no free port"):
        probe.free_port({"wanted": free, "host": "203.0.113.9"})
    assert set(probe.drivers({})) == {"loaded", "devices"}


@pytest.mark.parametrize("order", ['{"do": "drivers"}', '{"do": "nothing"}', "no json"])
def test_the_program(order: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(order))
    probe.main()
    answer = json.loads(capsys.readouterr().out.rpartition("\x1e")[2])
    assert ("answer" in answer) == ("drivers" in order)
