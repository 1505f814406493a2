"""``lmdeck env``: what is broken in an environment and what repairs it; version requirements."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import fake_lmdeploy
from tui.launch.checkup import EnvCommand, check, checkup_text
from tui.launch.machine import LocalMachine
from tui.launch.requirements import numbers, parse_requirement
from tui.model.launch import Installation


@pytest.mark.parametrize(
    ("requirement", "version", "allowed"),
    [
        ("transformers<5,>=4.33", "4.38.2", True),
        ("transformers<5,>=4.33", "5.0.0", False),
        ("transformers<5,>=4.33", "4.32", False),
        ("torch (<=2.12.0,>=2.0)", "2.12.0+cu130", True),
        ("torch<=2.4.0,>=2.0.0", "2.4.1", False),
        ("transformers!=5.1.*,>=4.56", "5.1.3", False),
        ("transformers!=5.1.*,>=4.56", "5.2.0", True),
        ("openai~=1.40", "1.99.1", True),
        ("openai~=1.40", "2.0", False),
        ("numpy==1.26.*", "1.26.4", True),
        ("numpy===1.26.4", "1.26.4", True),
        ("httpx>0.27", "0.27.0", False),
        ("ray", "9", True),
        ("ray>=2", "unknown", True),
    ],
)
def test_requirements(requirement: str, version: str, allowed: bool) -> None:
    parsed = parse_requirement(f"Requires-Dist: {requirement}")
    assert parsed is not None
    assert parsed.allows(version) is allowed


def test_requirement_texts() -> None:
    parsed = parse_requirement('Requires-Dist: Pillow_X[extra] (>=1,<2) ; extra == "all"')
    assert parsed is not None
    assert (parsed.package, parsed.text, parsed.marker) == ("pillow-x", "pillow-x>=1,<2", 'extra == "all"')
    assert parse_requirement("Requires-Dist: ") is None
    assert numbers("nonsense") == ()


@given(st.lists(st.integers(0, 99), min_size=1, max_size=4), st.lists(st.integers(0, 99), min_size=1, max_size=4))
def test_comparisons_exclude_each_other(left: list[int], right: list[int]) -> None:
    found, wanted = ".".join(map(str, left)), ".".join(map(str, right))
    answers = [parse_requirement(f"x{sign}{wanted}") for sign in ("<", "==", ">")]
    assert sum(answer is not None and answer.allows(found) for answer in answers) == 1


def installed(requires: tuple[str, ...] = (), cuda: str = "12.1", **packages: str) -> Installation:
    known = {"lmdeploy": "0.18.0", "torch": "2.10.0", **packages}
    return Installation("path", "/env", "/env/bin/lmdeploy", "/env/bin/python", known, requires, cuda)


CASES: list[tuple[Installation, str, str, tuple[str, ...]]] = [
    (installed(("Requires-Dist: transformers<5",), transformers="5.2"), "550", "env.version", ("transformers<5",)),
    (installed(("Requires-Dist: transformers<5",)), "550", "env.missing", ("transformers<5",)),
    (installed(openai="1.40.0", httpx="0.28.1"), "550", "env.proxies", ("httpx<0.28",)),
    (installed(lmdeploy="0.5.3", datasets="4.1.0"), "550", "env.datasets", ("datasets<3",)),
    (installed(torch="2.2.1", numpy="2.1.0"), "550", "env.numpy", ("numpy<2",)),
    (installed(cuda=""), "550", "env.cpu-torch", ()),
    (installed(cuda="13.0"), "550.54", "env.driver", ()),
    (installed(cuda="12.4"), "", "env.no-driver", ()),
    (installed(lmdeploy=""), "550", "env.no-metadata", ()),
]


@pytest.mark.parametrize(("installation", "driver", "code", "pins"), CASES)
def test_faults(installation: Installation, driver: str, code: str, pins: tuple[str, ...]) -> None:
    checkup = check(installation, driver)
    [fault] = checkup.faults
    assert fault.problem.code == code
    assert fault.pins == pins
    text = checkup_text(checkup)
    assert "{" not in text
    assert bool(checkup.repair) == bool(pins)
    if pins:
        assert checkup.repair == f'/env/bin/python -m pip install "{pins[0]}"'


def test_sound_environments() -> None:
    other = ("Requires-Dist: ray>=2; sys_platform == 'win32'", "Requires-Dist: datasets; extra == 'all'")
    sound = installed((*other, "Requires-Dist: fastapi", "Requires-Python: >=3.10"), openai="1.99", httpx="0.28")
    assert check(sound, "580.1").faults == ()
    assert check(installed(cuda="11.8"), "525.1").faults == ()
    assert check(installed(), "", cards=1).faults == ()
    assert "Nothing is wrong" in checkup_text(check(sound, "580.1"))
    bare = Installation("path", "/env", "", "", {"lmdeploy": "0.18.0"})
    assert [fault.problem.code for fault in check(bare).faults] == ["env.missing"]
    assert check(bare).repair == 'python -m pip install "torch"'


async def test_the_command(machine: LocalMachine, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(path: str = "", *, as_json: bool = False) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        return await EnvCommand(machine, path, as_json=as_json, out=out, err=err).run(), out.getvalue(), err.getvalue()

    code, out, err = await run(as_json=True)
    assert code == 2
    assert "No lmdeploy was found" in err
    assert json.loads(out)["problem"]["code"] == "launch.no-lmdeploy"
    prefix = fake_lmdeploy.install(tmp_path / "env", "0.5.3", {"torch": "2.2.0", "openai": "1.30.0", "httpx": "0.28.0"})
    version = prefix / "lib" / "python3.11" / "site-packages" / "torch" / "version.py"
    version.parent.mkdir()
    version.write_text("__version__ = '2.2.0+cu121'\ncuda: Optional[str] = '12.1'\n")
    metadata = next(prefix.glob("lib/*/*/lmdeploy-0.5.3.dist-info")) / "METADATA"
    metadata.write_text(
        metadata.read_text() + "Requires-Dist: transformers\nRequires-Dist: torch<=2.2.2,>=2.0.0\n\nbody"
    )
    code, out, _ = await run(str(prefix))
    assert code == 1
    assert "transformers is not installed" in out
    assert "openai 1.30.0 fails with httpx 0.28.0" in out
    assert 'pip install "transformers" "httpx<0.28"' in out
    code, out, _ = await run(str(prefix / "bin" / "lmdeploy"), as_json=True)
    [environment] = json.loads(out)["environments"]
    assert environment["torch_cuda"] == "12.1"
    assert environment["found"] == "settings"
