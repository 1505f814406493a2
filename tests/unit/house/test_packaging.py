"""A wheel, an sdist and an editable install all find themes, style sheets and catalogues, and bring only ``tui``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PROBE = """
import importlib.util, json, pathlib, sys
sys.path = [entry for entry in sys.path if entry]
import tui
from tui.config.themes import shipped_folder
package = pathlib.Path(tui.__file__).parent
print(json.dumps({
    "themes": sorted(path.name for path in shipped_folder().glob("*.toml")),
    "styles": sorted(path.name for path in package.rglob("*.tcss")),
    "catalogues": sorted(path.name for path in package.rglob("*.mo")),
    "top": [name for name in ("themes", "tests") if importlib.util.find_spec(name)],
    "file": tui.__file__,
}))
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tracked tree, without anything built."""
    target = tmp_path_factory.mktemp("packaging") / "checkout"
    target.mkdir()
    for item in ("tui", "themes", "pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        source = ROOT / item
        if source.is_dir():
            shutil.copytree(source, target / item, ignore=shutil.ignore_patterns("__pycache__", "*.mo"))
        else:
            shutil.copy(source, target / item)
    return target


@pytest.fixture(scope="module")
def built(checkout: Path) -> tuple[Path, Path]:
    """(wheel, sdist), made with the hatchling of this environment."""
    out = checkout.parent / "dist"
    code = (
        "import os, sys; from hatchling import build; "
        f"print(build.build_sdist({str(out)!r})); print(build.build_wheel({str(out)!r}))"
    )
    out.mkdir(exist_ok=True)
    done = subprocess.run([sys.executable, "-c", code], cwd=checkout, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return next(out.glob("*.whl")), next(out.glob("*.tar.gz"))


def probe(folder: Path, *paths: str) -> dict[str, object]:
    import json

    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONSAFEPATH": "1"}
    command = [sys.executable, "-c", PROBE]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_wheel_carries_everything_and_only_tui(built: tuple[Path, Path], tmp_path: Path) -> None:
    with zipfile.ZipFile(built[0]) as wheel:
        names = wheel.namelist()
        wheel.extractall(tmp_path / "site")
    top = {name.split("/")[0] for name in names}
    assert {entry for entry in top if not entry.endswith(".dist-info")} == {"tui"}
    found = probe(tmp_path, str(tmp_path / "site"))
    assert str(found["file"]).startswith(str(tmp_path))
    assert "lmdeck-dark.toml" in found["themes"]  # pyright: ignore[reportOperatorIssue]
    assert found["styles"]
    assert found["catalogues"] == ["lmdeck.mo"]
    assert {"tui/shot/fonts/lmdeck-mono.ttf", "tui/shot/fonts/OFL.txt"} <= set(names)
    assert found["top"] == []
    entry = (tmp_path / "site").glob("*.dist-info/entry_points.txt")
    assert "lmdeck = tui.cli:main" in next(entry).read_text()


def test_the_sdist_builds_the_same_wheel(built: tuple[Path, Path], tmp_path: Path) -> None:
    with tarfile.open(built[1]) as archive:
        archive.extractall(tmp_path, filter="data")
    folder = next(tmp_path.iterdir())
    assert (folder / "tests").is_dir() or (folder / "tui").is_dir()
    code = f"from hatchling import build; print(build.build_wheel({str(tmp_path)!r}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(built[0]) as first, zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as second:
        assert sorted(first.namelist()) == sorted(second.namelist())


def test_an_editable_install_reads_the_checkout(checkout: Path, tmp_path: Path) -> None:
    out = tmp_path / "wheel"
    out.mkdir()
    code = f"from hatchling import build; print(build.build_editable({str(out)!r}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=checkout, capture_output=True, text=True, check=False)
    if "No module named 'editables'" in done.stderr:
        pytest.fail("the test extra must bring editables")
    assert done.returncode == 0, done.stderr
    site = tmp_path / "site"
    with zipfile.ZipFile(next(out.glob("*.whl"))) as wheel:
        wheel.extractall(site)
    start = f"import site, sys; sys.path.insert(0, {str(site)!r}); site.addsitedir({str(site)!r})\n"
    command = [sys.executable, "-S", "-c", start + PROBE]
    import json

    packages = [path for path in sys.path if path.endswith("site-packages")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(packages), "PYTHONSAFEPATH": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert "lmdeck-light.toml" in found["themes"]
    assert found["catalogues"] == ["lmdeck.mo"]
    assert found["top"] == []
    bytecode = checkout / "tui" / "__pycache__" / f"app.{sys.implementation.cache_tag}.pyc"
    assert bytecode.is_file(), "starts are slow where Python may not write bytecode itself"
