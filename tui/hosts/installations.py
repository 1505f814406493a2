"""Where lmdeploy is installed on this machine: PATH, the current environment, conda and virtual environments.

The version is read from the dist-info folder's name (``lmdeploy --version`` takes 14 s on a GPU machine).
Everything here blocks a little: call it in a thread.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from tui.model.surroundings import FoundLmdeploy, Place

_DIST_INFO = re.compile(r"lmdeploy-([^-]+)\.dist-info", re.IGNORECASE)
_CONDA_ROOTS = ("miniconda3", "anaconda3", "miniforge3", "mambaforge", "micromamba", ".conda")
_SYSTEM_ROOTS = ("/opt/conda", "/usr/local/conda", "/root/.conda", "/root/miniconda3", "/share/conda_envs")
_VENV_FOLDERS = (".virtualenvs", ".venvs", ".pyenv/versions", ".local/share/virtualenvs", ".local/share/uv/tools")
_MOST = 200  # environments looked at; a shared machine may hold many


def find_installations(
    environ: Mapping[str, str] | None = None, home: Path | None = None, preferred: str = ""
) -> tuple[FoundLmdeploy, ...]:
    """Every installation, each environment once: the preferred one (a setting: a command or an environment) first,
    then PATH, then the others. Never raises."""
    environ = os.environ if environ is None else environ
    home = home or Path(os.path.expanduser("~"))
    found: dict[str, FoundLmdeploy] = {}
    for place, root, command in _candidates(environ, home, preferred):
        key = os.path.realpath(root)
        if len(found) < _MOST and key not in found and _is_program(command):
            found[key] = FoundLmdeploy(str(command), str(root), version_in(root), place)
    return tuple(found.values())


def _candidates(environ: Mapping[str, str], home: Path, preferred: str) -> Iterator[tuple[Place, Path, Path]]:
    if preferred:
        path = Path(os.path.expanduser(preferred))
        yield ("settings", path, _program(path)) if path.is_dir() else ("settings", _root_of(path), path)
    for folder in environ.get("PATH", "").split(os.pathsep):
        if folder:
            command = Path(folder, _name())
            yield "path", _root_of(command), command
    active = [Path(sys.prefix), *(Path(root) for root in [environ.get("VIRTUAL_ENV")] if root)]
    for root in active:
        yield "environment", root, _program(root)
    for root in _conda_environments(environ, home):
        yield "conda", root, _program(root)
    for root in _virtual_environments(home):
        yield "environment", root, _program(root)


def _conda_environments(environ: Mapping[str, str], home: Path) -> Iterator[Path]:
    """The active one, those conda has noted, and those below the usual roots."""
    if prefix := environ.get("CONDA_PREFIX"):
        yield Path(prefix)
    try:
        noted = (home / ".conda" / "environments.txt").read_text("utf-8", "replace")
    except OSError:
        noted = ""
    yield from (Path(line.strip()) for line in noted.splitlines()[:_MOST] if line.strip())
    roots = [home / name for name in _CONDA_ROOTS] + [Path(name) for name in _SYSTEM_ROOTS]
    if executable := environ.get("CONDA_EXE"):
        roots.insert(0, Path(executable).parent.parent)
    for root in roots:
        yield root
        yield from _folders(root / "envs")
    yield from _folders(Path("/share/conda_envs"))


def _virtual_environments(home: Path) -> Iterator[Path]:
    """The usual names in the working folder and at home, and the folders that tools keep them in."""
    for base in (Path.cwd, lambda: home):
        try:
            folder = base()
        except OSError:  # the working folder is gone
            continue
        yield from (folder / name for name in (".venv", "venv", "env"))
    for name in _VENV_FOLDERS:
        yield from _folders(home / name)


def _folders(path: Path) -> Iterable[Path]:
    try:
        with os.scandir(path) as entries:
            return sorted(Path(entry.path) for entry in entries if entry.is_dir())[:_MOST]
    except OSError:
        return ()


def _name() -> str:
    return "lmdeploy.exe" if sys.platform == "win32" else "lmdeploy"


def _program(root: Path) -> Path:
    return root / ("Scripts" if sys.platform == "win32" else "bin") / _name()


def _is_program(path: Path) -> bool:
    try:
        return path.is_file() and os.access(path, os.X_OK)
    except OSError:
        return False


def _root_of(command: Path) -> Path:
    """The environment an executable belongs to: where it really lies, if that has packages, else where it is found."""
    real = Path(os.path.realpath(command)).parent.parent
    return real if _packages(real) else command.parent.parent


def _packages(root: Path) -> list[Path]:
    """The site-packages folders of an environment."""
    found: list[Path] = []
    for base in (root / "lib", root / "lib64", root / "local" / "lib"):
        for folder in _folders(base):
            if folder.name.startswith("python"):
                found += [path for name in ("site-packages", "dist-packages") if (path := folder / name).is_dir()]
    windows = root / "Lib" / "site-packages"
    return [*found, windows] if not found and windows.is_dir() else found


def version_in(root: Path) -> str:
    """The version of lmdeploy in an environment, empty when it has no dist-info there."""
    for packages in _packages(root):
        try:
            names = os.listdir(packages)
        except OSError:
            continue
        for name in names:
            if match := _DIST_INFO.fullmatch(name):
                return match[1]
    return ""
