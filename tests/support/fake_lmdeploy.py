"""A stand-in for the ``lmdeploy`` command: it knows the flags of one release, replays recorded logs with their timing
(scaled), takes memory on a pretended slice as the recorded process did, and answers HTTP when it is ready.

``install(folder, version)`` makes an environment with ``bin/lmdeploy`` and the dist-info that lmdeck reads the release
from; :class:`Slice` is the card. The behaviour is chosen with variables:

* ``FAKE_LOG``: the folder of a recording (``server.log``, ``nvml.jsonl``, ``meta.json``);
* ``FAKE_SPEED``: seconds of the recording per second (default 200);
* ``FAKE_MODE``: ``hang`` (stops talking while it loads), ``crash`` (dies in the warm-up), ``stubborn`` (ignores SIGINT
  and SIGTERM), ``ask`` (a y/N question), ``child`` (memory is held by a child in a session of its own),
  ``broken`` (cannot import), a path to a text file that is printed before exit 1.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

MEMORY = Path(__file__).parent.parent / "data" / "memory"
ROOT = Path(__file__).resolve().parents[2]
MIB = 1 << 20
TOTAL_MIB = 24576


# ── for tests ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class Slice:
    """A virtual card of 24 GiB: a ``vgpu-smi`` in its own folder that adds up what the stand-ins say they hold."""

    def __init__(self, folder: Path) -> None:
        self.holders = folder / "holders"
        self.folder = folder / "smi"
        self.holders.mkdir(parents=True)
        self.folder.mkdir()
        script = self.folder / "vgpu-smi"
        script.write_text(
            f'#!/bin/sh\nused=0\nfor f in {self.holders}/*; do [ -f "$f" ] || continue; p=${{f##*/}}\n'
            "[ -d /proc/$p ] && used=$((used + $(cat $f)))\ndone\n"
            f'echo "| 0  {self.total_text}" | sed "s/USED/$used/"\n'
        )
        script.chmod(0o755)

    total_text = f"USED MiB / {TOTAL_MIB} MiB"

    def hold(self, mib: int) -> None:
        """Let this very process hold so much."""
        (self.holders / str(os.getpid())).write_text(str(mib))


def install(folder: Path, version: str = "0.18.0", packages: dict[str, str] | None = None) -> Path:
    """An environment with the stand-in; returns its folder."""
    site = folder / "lib" / "python3.11" / "site-packages"
    (folder / "bin").mkdir(parents=True)
    for name, release in {"lmdeploy": version, **(packages or {})}.items():
        info = site / f"{name}-{release}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {release}\n")
    program = folder / "bin" / "lmdeploy"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(ROOT)!r})\n"
        f"from tests.support.fake_lmdeploy import main\nmain({version!r})\n"
    )
    program.chmod(0o755)
    return folder


# ── the command ───────────────────────────────────────────────────────────────────────────────────────────────────────


def main(version: str) -> None:
    words = sys.argv[1:]
    if words[:2] == ["serve", "api_server"]:
        serve(words[2:], version)
    elif words[:2] == ["lite", "auto_awq"]:
        quantise(words[2:], version)
    else:
        print("usage: lmdeploy", file=sys.stderr)
        sys.exit(2)


def refuse(text: str) -> None:
    print(f"usage: lmdeploy serve api_server [-h] ... model_path\nlmdeploy: error: {text}", file=sys.stderr)
    sys.exit(2)


def read_flags(words: list[str], version: str) -> dict[str, str]:
    """As argparse would: what this release does not know is refused."""
    from tui.lmdeploy.option_table import OPTIONS
    from tui.lmdeploy.versions import Version

    release = Version.parse(version)
    assert release is not None
    known = {option.flag: option for option in OPTIONS if option.known_to(release)}
    given: dict[str, str] = {}
    unknown: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            given["model"] = word
        elif word not in known:
            unknown.append(word)
        elif known[word].kind == "flag":
            given[word] = "1"
        else:
            given[word] = rest.pop(0)
    if unknown:
        refuse(f"unrecognized arguments: {' '.join(unknown)}")
    return given


class Memory:
    """What this process says it holds, in a file named after it."""

    def __init__(self) -> None:
        folder = os.environ.get("FAKE_HOLDERS")
        self._file = Path(folder) / str(os.getpid()) if folder else None

    def hold(self, size: int) -> None:
        if self._file:
            fresh = self._file.with_name(f".{self._file.name}")
            fresh.write_text(str(size // MIB))
            fresh.replace(self._file)


def recorded(folder: Path) -> tuple[list[tuple[float, str]], list[tuple[float, int]], float]:
    """The log's pieces, the process's bytes by time, and when it was ready (seconds of the recording)."""
    meta = json.loads((folder / "meta.json").read_text()) if (folder / "meta.json").exists() else {}
    strangers = set((meta.get("mem_base") or [0, 0, 0, {}])[3])
    log: list[tuple[float, str]] = []
    for line in (folder / "server.log").read_bytes().decode().split("\n"):
        match = re.fullmatch(r" *(\d+\.\d+) (.*)", line, re.DOTALL)
        if match:
            log.append((float(match[1]), match[2] + "\n"))
        elif log:
            log[-1] = (log[-1][0], log[-1][1] + line + "\n")
    samples: list[tuple[float, int]] = []
    path = folder / "nvml.jsonl"
    for text in path.read_text().splitlines() if path.exists() else []:
        sample = json.loads(text)
        held = sum(used for pid, used in sample["procs"].items() if pid not in strangers)
        samples.append((float(sample["t"]), held))
    ready = next((at for at, text in log if "Uvicorn running on" in text), log[-1][0] if log else 0.0)
    return log, samples, ready


def serve(words: list[str], version: str) -> None:
    given = read_flags(words, version)
    mode = os.environ.get("FAKE_MODE", "")
    if mode == "broken":
        print("ImportError: cannot import name 'AutoModel' from 'transformers'", file=sys.stderr)
        sys.exit(1)
    if mode and Path(mode).is_file():
        print(Path(mode).read_text())
        sys.exit(1)
    if mode == "ask":
        answer = input("The repository contains custom code. Do you wish to run the custom code? [y/N] ")
        if answer != "y":
            print("ValueError: Loading requires you to execute the configuration file", file=sys.stderr)
            sys.exit(1)
    host, port = given.get("--server-name", "0.0.0.0"), int(given.get("--server-port", "23333"))
    if mode == "child":
        become_parent()
    if mode == "stubborn":
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    replay(Path(os.environ["FAKE_LOG"]), mode, f"{host}:{port}", lambda: listen(host, port, given["model"]))


def become_parent() -> None:
    """The engine in a child that left our session, as Ray's workers are not our children's group."""
    child = subprocess.Popen(
        [sys.executable, "-c", "import sys, time\nsys.stdin.read()\ntime.sleep(60)"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    print(f"worker {child.pid}", flush=True)


def replay(folder: Path, mode: str, place: str, listen_now: Any) -> None:
    log, samples, ready = recorded(folder)
    speed = float(os.environ.get("FAKE_SPEED", "200"))
    memory = Memory()
    began = time.monotonic()
    server = None

    def wait_until(at: float) -> None:
        while (left := at / speed - (time.monotonic() - began)) > 0:
            now = (time.monotonic() - began) * speed
            held = [size for moment, size in samples if moment <= now]
            memory.hold(held[-1] if held else 0)
            time.sleep(min(left, 0.01))
        held = [size for moment, size in samples if moment <= at]
        memory.hold(held[-1] if held else 0)

    for at, text in log:
        if at > ready:
            break
        wait_until(at)
        if mode == "hang" and "Loading" in text:
            threading.Event().wait()
        if mode == "crash" and "arm" in text and "up" in text and at > ready * 0.8:
            print("RuntimeError: warm-up failed: CUDA error: an illegal memory access was encountered", flush=True)
            memory.hold(0)
            os.abort()
        if "Uvicorn running on" in text:
            server = listen_now()
        sys.stdout.write(re.sub(r"http://[\d.]+:\d+", f"http://{place}", text))
        sys.stdout.flush()
    if not any("Uvicorn running on" in text for _, text in log):
        memory.hold(0)
        os.abort()
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        print("INFO:     Shutting down", flush=True)
        if server:
            server.shutdown()
        memory.hold(0)
        print("INFO:     Finished server process [1]", flush=True)


def listen(host: str, port: int, model: str) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = {"object": "list", "data": [{"id": model, "object": "model", "owned_by": "lmdeploy"}]}
            data = json.dumps(body if self.path == "/v1/models" else {}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    try:
        server = ThreadingHTTPServer((host, port), Handler)
    except OSError as error:
        print(f"ERROR:    [Errno {error.errno}] error while attempting to bind on address: address already in use")
        sys.exit(1)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


# ── auto_awq ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def quantise(words: list[str], version: str) -> None:
    """The printed lines of ``lite auto_awq`` (reference §1.5) for a small model, and a checkpoint at the end."""
    model = words[0]
    options = {word: value for word, value in zip(words, [*words[1:], ""], strict=True) if word.startswith("--")}
    new = tuple(int(part) for part in version.split(".")[:2]) >= (0, 12)
    dataset = options.get("--calib-dataset", "wikitext2" if new else "ptb")
    if dataset == "ptb" and new:
        print(f"lmdeploy lite auto_awq: error: argument --calib-dataset: invalid choice: '{dataset}'", file=sys.stderr)
        sys.exit(2)
    mode = os.environ.get("FAKE_MODE", "")
    if mode and Path(mode).is_file():
        print(Path(mode).read_text())
        sys.exit(1)
    if mode == "ask":
        answer = input(f"The repository for {dataset} contains custom code. Do you wish to run the custom code? [y/N] ")
        if answer != "y":
            sys.exit(1)
    if mode == "disk":
        print("OSError: [Errno 28] No space left on device", file=sys.stderr)
        sys.exit(1)
    pause = float(os.environ.get("FAKE_PAUSE", "0.002"))
    layers = json.loads((Path(model) / "config.json").read_text())["num_hidden_layers"]
    parts = ("attention.wqkv", "attention.wo", "feed_forward.w1", "feed_forward.w3", "feed_forward.w2")
    lines = [f"Move model.layers.{layer} to CPU." for layer in range(layers)]
    lines += ["Loading calibrate dataset ..."]
    lines += [f"model.layers.{layer}, samples: 128, max gpu memory: 4.31 GB" for layer in range(layers)]
    lines += [f"model.layers.{layer} smooth weight done. max gpu memory: 5.12 GB" for layer in range(layers)]
    lines += [f"model.layers.{layer}.{part} weight packed." for layer in range(layers) for part in parts]
    for line in lines:
        print(line, flush=True)
        time.sleep(pause)
    target = Path(options.get("--work-dir", "./work_dir"))
    if target.resolve().is_relative_to(ROOT):
        sys.exit(f"a test wants to write into the checkout: {target.resolve()}")
    target.mkdir(parents=True, exist_ok=True)
    source = os.environ.get("FAKE_RESULT")
    for path in Path(source).iterdir() if source else ():
        os.link(path, target / path.name)


def free_port() -> int:
    from tests.support import ports

    return ports.free_port()
