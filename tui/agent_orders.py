# Python 3.6 syntax: sent to remote machines together with tui/agent.py.
# ruff: noqa: UP006, UP031, UP035, UP045
"""What the agent does on orders besides sampling: run, spawn, list, stop; protocol version 1, an addition to
:mod:`tui.agent` (same lines, same rules). Orders here are carried out in threads, so that samples go on meanwhile.

A spawned program's ``id`` is called ``which`` in orders on the wire, where ``id`` is the order's number.

* ``run`` (``arguments``, ``input``, ``folder``, ``environment``, ``timeout``) → ``{code, out, err}``; ``code`` is null
  when the time was up. ``out`` and ``err`` hold at most 1 MiB each, their ends. The program finds the agent's own
  Python in the variable ``LMDECK_PYTHON``;
* ``spawn`` (``arguments``, ``folder``, ``environment``, ``notes``) → ``{id, pid, log}``: detached, in a session of its
  own, its output in a log file, its input a pipe that ``answer`` (``id``, ``text``) writes to. It goes on when the link
  is lost;
* ``spawned`` → ``{spawned: [{id, pid, log, arguments, started, notes, running, code, ended}]}``; ``code`` is the exit
  status (128 + signal), ``ended`` when that was, both null while unknown; ``forget`` (``id``) removes the files of one
  that has ended; ``stop`` (``id``, ``signal``) signals one that runs, with its children;
* ``sample`` → ``{sample}``: the cards now, as in a line of figures;
* ``processes`` → ``{processes: [{pid, ppid, name, arguments}]}``;
* ``inspect`` (``pid``, ``model``) → ``{log, started, folder}`` of a server: the file it writes to (empty when that is
  none that can be read), when it began (UTC seconds or null), its model's folder (empty when not found);
* ``read`` (``path``, ``limit``) → ``{data: base64, size}``.

Files are left in ``~/.cache/lmdeck/spawned/ID/`` only (``$LMDECK_STATE_DIR/spawned/ID/`` where that is set): log,
facts.json, stdin, code.
"""

import base64
import contextlib
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from typing import Any, Callable, Dict, List, Optional, cast

from tui.agent import Agent, listening_inodes, processes, read_checkpoint, read_link, read_text, servers, tail

Order = Dict[str, Any]
LIMIT = 1 << 20
NOT_HERE = "servers run on Linux"

# Waits for the program and notes how it ended; it must outlive signals to the group, but not hand that on.
KEEPER = 'trap : INT TERM HUP; place=$1; shift; "$@" <>"$place/stdin"; echo $? >"$place/code"'


def home() -> str:
    """Where the files of what was spawned are."""
    state = os.environ.get("LMDECK_STATE_DIR") or os.path.join("~", ".cache", "lmdeck")
    return os.path.join(os.path.expanduser(state), "spawned")


def run(order: Order) -> Order:
    """A program to its end. Raises OSError when it cannot be started."""
    environment = dict(os.environ, LMDECK_PYTHON=sys.executable, **order.get("environment", {}))
    pipe = subprocess.PIPE
    child = subprocess.Popen(
        list(order["arguments"]), stdin=pipe, stdout=pipe, stderr=pipe, env=environment, start_new_session=True,
        cwd=os.path.expanduser(order["folder"]) if order.get("folder") else None,
    )  # fmt: skip
    code: Optional[int] = None
    try:
        out, err = child.communicate(order.get("input", "").encode(), timeout=float(order.get("timeout", 30.0)))
        code = child.returncode
    except subprocess.TimeoutExpired:
        kill_group(child.pid, "KILL")
        out, err = child.communicate()
    return {
        "code": code,
        "out": out[-LIMIT:].decode("utf-8", "replace"),
        "err": err[-LIMIT:].decode("utf-8", "replace"),
    }


def kill_group(pid: int, name: str) -> None:
    """Signal a process and its children with INT, TERM or KILL; one that has gone is no fault."""
    if sys.platform == "win32":
        raise OSError(NOT_HERE)
    number = {"INT": signal.SIGINT, "TERM": signal.SIGTERM, "KILL": signal.SIGKILL}[name]
    with contextlib.suppress(OSError):
        os.killpg(pid, number)


def spawn(order: Order) -> Order:
    """A program that outlives us. Raises OSError when it cannot be started."""
    if sys.platform == "win32":
        raise OSError(NOT_HERE)
    name = "%x-%s" % (int(time.time() * 1000), base64.b16encode(os.urandom(3)).decode().lower())
    place = os.path.join(home(), name)
    os.makedirs(place, mode=0o700)
    log = os.path.join(place, "log")
    environment = dict(os.environ, **order.get("environment", {}))
    arguments: List[str] = [str(word) for word in order["arguments"]]
    program = shutil.which(arguments[0], path=environment.get("PATH"))
    try:
        if program is None:
            raise FileNotFoundError(2, "no such program", arguments[0])
        os.mkfifo(os.path.join(place, "stdin"), 0o600)
        with open(log, "wb") as output, open(os.devnull, "rb") as nothing:
            child = subprocess.Popen(
                ["sh", "-c", KEEPER, "lmdeck", place, program, *arguments[1:]],
                stdin=nothing, stdout=output, stderr=output, env=environment,
                cwd=os.path.expanduser(order.get("folder") or "~"), start_new_session=True,
            )  # fmt: skip
    except OSError:
        shutil.rmtree(place, ignore_errors=True)
        raise
    threading.Thread(target=child.wait, daemon=True).start()  # leaves no zombie while we live
    facts = {"id": name, "pid": child.pid, "log": log, "arguments": arguments, "started": time.time()}
    facts["notes"] = order.get("notes", {})
    with open(os.path.join(place, "facts.json"), "w") as file:
        json.dump(dict(facts, born=born(child.pid)), file)
    return {"id": name, "pid": child.pid, "log": log}


def born(pid: int) -> Optional[str]:
    """When a running process began, in the kernel's ticks; None when it is gone or waits to be buried. Tells a process
    from a later one with the same number."""
    fields = (read_text("/proc/%d/stat" % pid) or "").rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 and fields[0] not in "ZX" else None


def spawned(_order: Order) -> Order:
    """Everything that was spawned here and not forgotten, the oldest first."""
    return {"spawned": [facts for facts in map(known, names()) if facts is not None]}


def names() -> List[str]:
    try:
        return sorted(os.listdir(home()))
    except OSError:
        return []


def known(name: str) -> Optional[Order]:
    """The facts of one; None for a name that is none of ours."""
    if name != os.path.basename(name) or name.startswith("."):
        return None
    text = read_text(os.path.join(home(), name, "facts.json"))
    code = (read_text(os.path.join(home(), name, "code")) or "").strip()
    try:
        facts: Order = json.loads(text or "")
        mark = facts.pop("born")
        facts["running"] = mark is not None and born(int(facts["pid"])) == mark
        facts["code"] = int(code) if code.isdigit() else None
        facts["ended"] = os.path.getmtime(os.path.join(home(), name, "code")) if code else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return facts


def chosen(order: Order) -> str:
    """Which spawned program is meant; on the wire ``id`` is the order's own number and this one is ``which``."""
    return str(order["which"] if "which" in order else order["id"])


def forget(order: Order) -> Order:
    """Remove log and facts of one that has ended."""
    facts = known(chosen(order))
    if facts is None:
        raise ValueError("unknown")
    if facts["running"]:
        raise ValueError("still running")
    shutil.rmtree(os.path.join(home(), chosen(order)))
    return {}


def answer(order: Order) -> Order:
    """Type a line into one that runs."""
    if sys.platform == "win32":
        raise OSError(NOT_HERE)
    facts = known(chosen(order))
    if facts is None or not facts["running"]:
        raise ValueError("not running")
    pipe = os.open(os.path.join(home(), chosen(order), "stdin"), os.O_WRONLY | os.O_NONBLOCK)
    try:
        os.write(pipe, (str(order["text"]) + "\n").encode())
    finally:
        os.close(pipe)
    return {}


def stop(order: Order) -> Order:
    """Signal one that runs: INT, TERM or KILL."""
    facts = known(chosen(order))
    if facts is None:
        raise ValueError("unknown")
    if facts["running"]:
        kill_group(int(facts["pid"]), str(order["signal"]))
    return {"running": bool(facts["running"])}


def read(order: Order) -> Order:
    """The beginning of a file, as it is."""
    with open(os.path.expanduser(order["path"]), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        data = file.read(max(0, min(int(order.get("limit", LIMIT)), 16 * LIMIT)))
    return {"data": base64.b64encode(data).decode(), "size": size}


def inspect(order: Order) -> Order:
    """What belongs to a server's process: log, start, model folder."""
    pid = int(order["pid"])
    folder = model_folder(str(order.get("model") or ""), read_link("/proc/%d/cwd" % pid))
    return {"log": log_of(pid), "started": started(pid), "folder": folder}


def log_of(pid: int) -> str:
    for descriptor in (2, 1):
        path = read_link("/proc/%d/fd/%d" % (pid, descriptor))
        if path.startswith("/") and os.path.isfile(path) and os.access(path, os.R_OK):
            return path
    return ""


def started(pid: int) -> Optional[float]:
    """When a process began, UTC seconds."""
    if sys.platform == "win32":
        return None
    booted = re.search(r"^btime (\d+)", read_text("/proc/stat") or "", re.MULTILINE)
    ticks = born(pid)
    if booted is None or ticks is None:
        return None
    return int(booted.group(1)) + int(ticks) / float(os.sysconf("SC_CLK_TCK"))


def model_folder(model: str, working: str) -> str:
    """A path as the server sees it, else where Hugging Face or ModelScope keep a model of that name."""
    path = os.path.join(working, os.path.expanduser(model))
    if model and os.path.isdir(path):
        return path
    if not re.match(r"[\w.-]+/[\w.-]+$", model):
        return ""
    cache = os.path.join(os.path.expanduser("~"), ".cache")
    hub = os.path.join(os.environ.get("HF_HOME") or os.path.join(cache, "huggingface"), "hub")
    scope = os.environ.get("MODELSCOPE_CACHE") or os.path.join(cache, "modelscope", "hub")
    places = [os.path.join(hub, "models--" + model.replace("/", "--"), "snapshots", "*")]
    places += [os.path.join(scope, model), os.path.join(scope, "models", model)]
    found = [path for place in places for path in glob.glob(os.path.join(place, "config.json"))]
    return os.path.dirname(max(found, key=os.path.getmtime)) if found else ""


def list_processes(_order: Order) -> Order:
    return {"processes": processes()}


ORDERS: Dict[str, Callable[[Order], Order]] = {
    "run": run, "spawn": spawn, "spawned": spawned, "forget": forget, "stop": stop, "read": read,
    "answer": answer, "processes": list_processes, "inspect": inspect,
}  # fmt: skip
SLOW = ("checkpoint", "servers", "tail", "sample")


def obey(order: Order) -> Order:
    """Carry out one order without a wire: of these, or of the agent's. Raises OSError, ValueError, KeyError."""
    more: Dict[str, Callable[[], Order]] = {
        "servers": lambda: {"servers": servers()},
        "port": lambda: {"sockets": sorted(listening_inodes(int(order["port"])))},
        "checkpoint": lambda: {"checkpoint": read_checkpoint(order["path"])},
        "tail": lambda: tail(order["path"], int(order.get("offset", -65536)), int(order.get("limit", 65536))),
    }
    action = ORDERS.get(order["do"])
    return more[order["do"]]() if action is None else action(order)


class OrderedAgent(Agent):
    """The agent with these orders. It samples only once it is told how often."""

    def __init__(self, write: Callable[[str], Any]) -> None:
        self._lock = threading.Lock()

        def locked(text: str) -> None:
            with self._lock:
                write(text)

        super().__init__(locked)
        self.interval = None

    def answer(self, line: str) -> None:
        """Quick orders at once, the others in a thread of their own."""
        try:
            found: object = json.loads(line)
            name = cast("Order", found).get("do") if isinstance(found, dict) else ""
        except ValueError:
            name = ""
        if name in ORDERS or name in SLOW:
            threading.Thread(target=super().answer, args=(line,), daemon=True).start()
        else:
            super().answer(line)

    def _obey(self, order: Order) -> Order:
        if order["do"] == "sample":
            return {"sample": self.sample()}
        action = ORDERS.get(order["do"])
        return super()._obey(order) if action is None else action(order)


def main(nonce: str) -> None:
    """Serve on standard input and output until the input ends."""
    with open(os.dup(1), "wb", 0) as output:
        OrderedAgent(lambda text: output.write(text.encode())).run(nonce)
