# Python 3.6 syntax and the standard library only: this file is given to the Python of the machine it asks about.
# ruff: noqa: UP006, UP031, UP035, UP045, T201 (those rules ask for newer Python)
"""Looks around on a machine for the launcher: lmdeploy's environments, model folders, users, disks, the login shell.

Run as a program it reads one JSON object ``{"do": NAME, …}`` from its input and prints, after a record separator
(0x1E), ``{"answer": …}`` or ``{"error": text}``.
"""

import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from typing import Any, Callable, Dict, Iterator, List, Optional, Set, Tuple

Facts = Dict[str, Any]
PACKAGES = ("lmdeploy", "torch", "transformers", "openai", "httpx", "datasets", "triton", "ray", "numpy", "pydantic")
CONDA_ROOTS = (
    "~/miniconda3", "~/anaconda3", "~/miniforge3", "~/mambaforge", "~/.conda", "/opt/conda", "/opt/miniconda3",
    "/opt/anaconda3", "/root/miniconda3", "/root/.conda", "/usr/local/miniconda3", "/share",
)  # fmt: skip
VENVS = (
    "./.venv", "./venv", "./env", "~/.venv", "~/venv", "~/.virtualenvs/*", "~/.venvs/*", "~/venvs/*", "~/envs/*",
    "~/.local/share/uv/tools/*", "~/.local/share/pipx/venvs/*", "~/.pyenv/versions/*", "~/.local", "/usr/local", "/usr",
)  # fmt: skip
MOST = 300


def read(path: str, limit: int = 1 << 20) -> Optional[str]:
    """The beginning of a text file, or None."""
    try:
        with open(path, "rb") as file:
            return file.read(limit).decode("utf-8", "replace")
    except OSError:
        return None


def folders(path: str) -> List[str]:
    """The folders inside a folder, sorted."""
    try:
        names = sorted(os.listdir(path))
    except OSError:
        return []
    return [entry for entry in (os.path.join(path, name) for name in names[:MOST]) if os.path.isdir(entry)]


# ── environments ──────────────────────────────────────────────────────────────────────────────────────────────────────


def site_folders(prefix: str) -> List[str]:
    """Where an environment keeps packages; the folder itself for ``pip install --target``."""
    found = [prefix]
    for name in ("lib/python3*/site-packages", "lib/python3*/dist-packages", "lib/python3/dist-packages"):
        found += sorted(glob.glob(os.path.join(glob.escape(prefix), name)))
    return found


def versions(places: List[str]) -> Facts:
    """Package → ``{version, folder, requires}`` by the names of dist-info folders; the first place wins."""
    found: Facts = {}
    for place in places:
        try:
            names = os.listdir(place)
        except OSError:
            continue
        for name in names:
            match = re.match(r"([A-Za-z0-9_.]+)-([^-]+)\.(?:dist|egg)-info$", name)
            package = match.group(1).lower() if match else ""
            if match and package in PACKAGES and package not in found:
                requires = requirements(os.path.join(place, name)) if package == "lmdeploy" else []
                found[package] = {"version": match.group(2), "folder": place, "requires": requires}
    return found


def requirements(folder: str) -> List[str]:
    """What a package itself says it needs (``Requires-Dist`` and ``Requires-Python``)."""
    text = read(os.path.join(folder, "METADATA")) or ""
    head = text.split("\n\n", 1)[0]
    return [line for line in head.splitlines() if line.startswith(("Requires-Dist:", "Requires-Python:"))]


def python_of(program: str) -> str:
    """The Python a script is run by, from its first line; "" when it has none."""
    first = (read(program, 300) or "").split("\n", 1)[0]
    words = first[2:].split() if first.startswith("#!") else []
    if words and os.path.basename(words[0]) == "env":
        words = [shutil.which(words[-1]) or ""]
    return words[0] if words and os.path.isfile(words[0]) else ""


def candidates(order: Facts) -> Iterator[Tuple[str, str]]:
    """``(how found, prefix or program)``, the likeliest first."""
    if order.get("path"):
        yield "settings", os.path.expanduser(order["path"])
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        program = os.path.join(folder, "lmdeploy")
        if folder and os.path.isfile(program) and os.access(program, os.X_OK):
            yield "path", program
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        if os.environ.get(variable):
            yield "active", os.environ[variable]
    if order.get("prefix"):
        yield "active", order["prefix"]
    for prefix in conda_prefixes():
        yield "conda", prefix
    for pattern in VENVS:
        for prefix in sorted(glob.glob(os.path.expanduser(pattern)))[:MOST]:
            yield "venv", os.path.abspath(prefix)


def conda_prefixes() -> List[str]:
    listed = (read(os.path.expanduser("~/.conda/environments.txt")) or "").split("\n")
    roots = [os.path.expanduser(root) for root in CONDA_ROOTS]
    if os.environ.get("CONDA_EXE"):
        roots.insert(0, os.path.dirname(os.path.dirname(os.environ["CONDA_EXE"])))
    more = os.environ.get("CONDA_ENVS_PATH", "").split(os.pathsep)
    inside = [entry for root in roots for name in ("envs", "conda_envs") for entry in folders(os.path.join(root, name))]
    return [
        entry for entry in listed + roots + inside + [env for path in more if path for env in folders(path)] if entry
    ]


def installation(how: str, place: str) -> Optional[Facts]:
    """lmdeploy at a place: ``{how, prefix, program, python, packages}``, or None."""
    program = place if os.path.isfile(place) else os.path.join(place, "bin", "lmdeploy")
    prefix = os.path.dirname(os.path.dirname(program)) if os.path.isfile(place) else place
    if not os.path.isfile(program):
        program = ""
    python = python_of(program) if program else ""
    own = [name for name in ("python", "python3") if os.path.isfile(os.path.join(prefix, "bin", name))]
    python = python or (os.path.join(prefix, "bin", own[0]) if own else "")
    roots = [prefix, os.path.dirname(os.path.dirname(python))] if python and program else [prefix]
    real = os.path.dirname(os.path.dirname(os.path.realpath(program))) if program else prefix
    extra = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    places: List[str] = [] if how != "path" else extra
    for root in [*roots, real]:
        places += [entry for entry in site_folders(root) if entry not in places]
    packages = versions(places)
    if not program and "lmdeploy" not in packages:
        return None
    torch = packages.get("torch")
    if torch:
        torch["cuda"] = torch_cuda(torch["folder"])
    return {"how": how, "prefix": prefix, "program": program, "python": python, "packages": packages}


def torch_cuda(folder: str) -> str:
    """The CUDA release that torch was built for, "" when it is not said (a CPU build)."""
    match = re.search(r"^cuda[^=]*= *'([\d.]+)'", read(os.path.join(folder, "torch", "version.py")) or "", re.MULTILINE)
    return match.group(1) if match else ""


def installations(order: Facts) -> List[Facts]:
    """Every lmdeploy found, each environment once, the likeliest first."""
    found: List[Facts] = []
    seen: List[str] = []
    for how, place in candidates(order):
        key = os.path.realpath(place if os.path.isdir(place) else os.path.dirname(os.path.dirname(place)))
        entry = None if key in seen else installation(how, place)
        if entry:
            seen.append(key)
            found.append(entry)
    return found


def login_environment(order: Facts) -> Facts:
    """The variables of an interactive login shell: what the user's profile sets (HF_ENDPOINT, no_proxy, conda)."""
    if sys.platform == "win32":
        return {}
    try:
        import pwd

        default = pwd.getpwuid(os.getuid()).pw_shell
    except (ImportError, KeyError):
        default = "/bin/sh"
    shell = os.environ.get("SHELL") or default or "/bin/sh"
    show = 'printf "\\036%s\\036" lmdeck; env -0'
    flags = ["-i", "-c"] if os.path.basename(shell) in ("csh", "tcsh") else ["-l", "-i", "-c"]
    out = b""
    try:
        child = subprocess.Popen(
            [shell, *flags, show], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        try:
            out = child.communicate(timeout=float(order.get("seconds", 8.0)))[0]
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.communicate()
    except OSError:
        pass
    text = out.decode("utf-8", "replace").rpartition("\x1elmdeck\x1e")[2]
    pairs = [part.partition("=") for part in text.split("\0") if "=" in part]
    dropped = ("_", "SHLVL", "PWD", "OLDPWD", "TERM", "LMDECK_PYTHON")
    return {name: value for name, _, value in pairs if name not in dropped and name.isidentifier()}


def drivers(_order: Facts) -> Facts:
    """``{loaded, library}``: the kernel module's version, and whether libcuda is there."""
    text = read("/proc/driver/nvidia/version") or ""
    match = re.search(r"Kernel Module(?: for \S+)?\s+(\d[\d.]+)", text)
    return {"loaded": match.group(1) if match else "", "devices": len(glob.glob("/dev/nvidia[0-9]*"))}


# ── models ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def home_of(variable: str, default: str) -> str:
    return os.path.expanduser(os.environ.get(variable) or default)


def cache_roots() -> List[str]:
    """Where hub and ModelScope keep what they downloaded."""
    huggingface = home_of("HF_HOME", "~/.cache/huggingface")
    modelscope = home_of("MODELSCOPE_CACHE", "~/.cache/modelscope")
    return [home_of("HF_HUB_CACHE", os.path.join(huggingface, "hub")), os.path.join(modelscope, "hub"), modelscope]


def model_folders(root: str, depth: int) -> Iterator[str]:
    """Folders below ``root`` that hold a config.json."""
    if os.path.isfile(os.path.join(root, "config.json")):
        yield root
        return
    if depth > 0:
        for entry in folders(root):
            if not os.path.basename(entry).startswith(".") and os.path.basename(entry) not in ("blobs", "refs"):
                yield from model_folders(entry, depth - 1)


def disk_size(folder: str) -> int:
    """Bytes of a folder's files as ``du`` counts apparent sizes, symlinks followed, each file once."""
    total = 0
    seen: Set[Tuple[int, int]] = set()
    for place, _names, files in os.walk(folder, followlinks=False):
        for name in files:
            try:
                facts = os.stat(os.path.join(place, name))
            except OSError:
                continue
            if (facts.st_dev, facts.st_ino) not in seen:
                seen.add((facts.st_dev, facts.st_ino))
                total += facts.st_size
    return total


def hub_name(path: str) -> str:
    """``org/name`` of a snapshot in the hub's cache (``models--org--name/snapshots/REVISION``), else the last part."""
    match = re.search(r"models--([^/]+?)--([^/]+)/snapshots/[^/]+$", path)
    return "%s/%s" % match.groups() if match else os.path.basename(path)


def models(order: Facts) -> List[Facts]:
    """Model folders below the roots and in the caches: ``{path, real, name, size, config, weights}``."""
    found: List[Facts] = []
    seen: List[str] = []
    roots = [(os.path.expanduser(root), 3) for root in order.get("roots", [])] + [(root, 4) for root in cache_roots()]
    for root, depth in roots:
        for path in model_folders(root, depth):
            real = os.path.realpath(path)
            if real in seen or len(found) >= MOST:
                continue
            seen.append(real)
            names = os.listdir(path) if os.access(path, os.R_OK) else []
            weights = [name for name in names if name.endswith((".safetensors", ".bin", ".pth"))]
            config = read(os.path.join(path, "config.json"), 200000) or ""
            facts = {"path": path, "real": real, "name": hub_name(path), "size": disk_size(path)}
            found.append(dict(facts, config=config, weights=len(weights)))
    return found


def resolve(order: Facts) -> Facts:
    """A path as it is meant on this machine, from the folder ``base`` (home when ""): ``{path, base, folder, exists}``;
    ``folder`` says whether it is one."""
    base = os.path.abspath(os.path.expanduser(order.get("base") or "~"))
    path = os.path.abspath(os.path.join(base, os.path.expanduser(order["path"])))
    return {"path": path, "base": base, "folder": os.path.isdir(path), "exists": os.path.lexists(path)}


def sizes(order: Facts) -> Facts:
    """Path → ``{size, folder, exists, names}``; size in bytes, the first fifty names."""
    answer: Facts = {}
    for path in order["paths"]:
        place: str = os.path.expanduser(path)
        names: List[str] = []
        if os.path.isdir(place):
            names = sorted(os.listdir(place))[:50]
        facts = {"size": disk_size(place), "folder": os.path.isdir(place), "names": names}
        answer[path] = dict(facts, exists=os.path.lexists(place))
    return answer


def disk(order: Facts) -> Facts:
    """``{free, total, folder, writable}`` in bytes, of the file system a path is (or will be) on."""
    folder = os.path.abspath(os.path.expanduser(order["path"]))
    while not os.path.isdir(folder) and os.path.dirname(folder) != folder:
        folder = os.path.dirname(folder)
    usage = shutil.disk_usage(folder)
    return {"free": usage.free, "total": usage.total, "folder": folder, "writable": os.access(folder, os.W_OK)}


# ── processes and ports ───────────────────────────────────────────────────────────────────────────────────────────────


def ticks(pid: int) -> str:
    """When a process began, in the kernel's ticks; "" when it is gone."""
    fields = (read("/proc/%d/stat" % pid) or "").rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 and fields[0] not in "ZX" else ""


def people(order: Facts) -> List[Facts]:
    """Who owns processes: ``{pid, user, mine, command, born, age, started}``; gone ones are left out. ``age`` in
    seconds, ``started`` UTC seconds."""
    if sys.platform == "win32":
        return []
    import pwd

    found: List[Facts] = []
    uptime = float((read("/proc/uptime") or "0").split()[0])
    booted = re.search(r"^btime (\d+)", read("/proc/stat") or "", re.MULTILINE)
    for pid in order["pids"]:
        try:
            uid = os.stat("/proc/%d" % pid).st_uid
        except OSError:
            continue
        began = ticks(pid)
        if not began:
            continue
        try:
            user = pwd.getpwuid(uid).pw_name
        except KeyError:
            user = str(uid)
        line = (read("/proc/%d/cmdline" % pid) or "").replace("\0", " ").strip()
        age = max(uptime - float(began) / os.sysconf("SC_CLK_TCK"), 0.0)
        facts = {"pid": pid, "user": user, "mine": uid == os.getuid(), "command": line[:300]}
        started = int(booted.group(1)) + int(began) / os.sysconf("SC_CLK_TCK") if booted else None
        found.append(dict(facts, born=began, age=age, started=started))
    return found


def signal_all(order: Facts) -> List[int]:
    """Signal processes given as ``[[pid, born], …]``; returns those signalled. One that is another by now is left."""
    if sys.platform == "win32":
        return []
    number = {"INT": signal.SIGINT, "TERM": signal.SIGTERM, "KILL": signal.SIGKILL}[order["signal"]]
    done: List[int] = []
    for pid, began in order["pids"]:
        if pid > 1 and began and ticks(pid) == began:
            os.kill(pid, number)
            done.append(pid)
    return done


def free_port(order: Facts) -> Facts:
    """The first port from ``wanted`` on that can be listened on at ``host``: ``{port, taken}``."""
    wanted, taken = int(order["wanted"]), False
    for port in [*range(wanted, min(wanted + 100, 65536)), 0]:
        if port in order.get("avoid", []):
            taken = True
            continue
        family = socket.AF_INET6 if ":" in order["host"] else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((order["host"], port))
                return {"port": trial.getsockname()[1], "taken": taken}
            except OSError:
                taken = True
    raise OSError("no free port")


QUESTIONS: Dict[str, Callable[[Facts], Any]] = {
    "installations": installations, "login": login_environment, "drivers": drivers, "models": models, "sizes": sizes,
    "disk": disk, "people": people, "resolve": resolve, "signal": signal_all, "port": free_port,
}  # fmt: skip


def main() -> None:
    """Answer the question on the input."""
    try:
        order = json.loads(sys.stdin.read())
        answer = {"answer": QUESTIONS[order["do"]](order)}
    except Exception as error:  # noqa: BLE001 (the other side must always get an answer)
        answer = {"error": "%s: %s" % (type(error).__name__, error)}
    print("\n\x1e" + json.dumps(answer))


if __name__ == "__main__":
    main()
