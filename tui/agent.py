# Python 3.6 syntax throughout: this one file is imported here and sent to remote machines over ssh.
# ruff: noqa: UP006, UP031, UP035, UP045, B905, RUF005, RUF007, T201 (those rules ask for newer Python)
"""The agent: what must run on the machine itself, with the standard library only.

Run as a program it speaks lines of JSON, protocol version 1:

* first line out: ``{"agent": 1, "nonce": …, "python": …, "source": …, "driver": …, "reasons": […]}``;
* then one line a sample: ``{"gpus": [card…], "seq": n, "time": UTC seconds, "source": …, "raw": …}``; a card is
  ``{index, name, uuid, total, used, free, reserved, utilisation, temperature, power, processes, errors}`` in bytes,
  percent, °C and W; a figure that could not be read is null and ``errors`` says why under its name;
* lines in: ``{"id": any, "do": …}`` with ``interval`` (``seconds``, null pauses), ``ping``, ``servers``, ``port``
  (``port``), ``checkpoint`` (``path``), ``tail`` (``path``, ``offset``, ``limit``); each is answered by
  ``{"re": id, …}`` or ``{"re": id, "error": text}``;
* it ends when its input ends. Unknown keys are to be ignored by both sides.
"""

import codecs
import ctypes
import json
import os
import re
import select
import shutil
import struct
import subprocess
import sys
import time
from typing import Any, Callable, Dict, List, Optional, Tuple

PROTOCOL = 1
HEADER_LIMIT = 100 * 1000 * 1000
TEXT_LIMIT = 16 * 1000 * 1000
SLICE_FILE = "/share/studio-smi"
LIBRARY = "libnvidia-ml.so.1"
Card = Dict[str, Any]


def processes() -> List[Dict[str, Any]]:
    """``{pid, ppid, name, arguments}`` of all processes this user may see (empty where there is no /proc)."""
    found: List[Dict[str, Any]] = []
    for pid in filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc") else []):
        stat, line = read_text("/proc/%s/stat" % pid), read_text("/proc/%s/cmdline" % pid)
        if stat and line is not None and ")" in stat:
            left, _, rest = stat.rpartition(")")
            known = {"pid": int(pid), "ppid": int(rest.split()[1]), "name": left.partition("(")[2]}
            found.append(dict(known, arguments=line.split("\0")[:-1]))
    return found


def family(pid: int, table: List[Dict[str, Any]]) -> List[int]:
    """A process and all its descendants (Ray's workers are children of raylet: see :func:`ray_workers`)."""
    children: Dict[int, List[int]] = {}
    for entry in table:
        children.setdefault(entry["ppid"], []).append(entry["pid"])
    found: List[int] = []
    queue = [pid]
    while queue:
        current = queue.pop()
        if current not in found:
            found.append(current)
            queue.extend(children.get(current, []))
    return sorted(found)


def ray_workers(table: List[Dict[str, Any]]) -> List[int]:
    """Processes of Ray's workers that run lmdeploy (``ray::RayWorkerWrapper`` and the like)."""
    mark = re.compile(r"^ray::.*(worker|lmdeploy)", re.IGNORECASE)
    titles = [(entry["pid"], (entry["arguments"] or [""])[0] or entry["name"]) for entry in table]
    return sorted(pid for pid, title in titles if mark.match(title) and "IDLE" not in title)


def is_server(arguments: List[str]) -> bool:
    """Whether a command line is an lmdeploy api_server's."""
    pairs = zip(arguments, arguments[1:])
    at = next((index for index, pair in enumerate(pairs) if pair == ("serve", "api_server")), 0)
    return any("lmdeploy" in part for part in arguments[:at])


def listening_inodes(port: int = 0) -> Dict[str, int]:
    """Socket inode → port of every listening TCP socket, or of those at one port."""
    found: Dict[str, int] = {}
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in (read_text(path) or "").splitlines()[1:]:
            fields = line.split()
            if len(fields) > 9 and fields[3] == "0A":
                found[fields[9]] = int(fields[1].rsplit(":", 1)[1], 16)
    return {inode: at for inode, at in found.items() if port in (0, at)}


def read_link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def ports_of(pid: int, inodes: Dict[str, int]) -> List[int]:
    """The ports a process listens on (empty for another user's process)."""
    folder = "/proc/%d/fd" % pid
    try:
        targets = [read_link(folder + "/" + name) for name in os.listdir(folder)]
    except OSError:
        return []
    return sorted({inodes[target[8:-1]] for target in targets if target[8:-1] in inodes})


def environment(pid: int) -> Dict[str, str]:
    """The variables of a process that say which cards it may use and how it logs."""
    pairs = [part.partition("=") for part in (read_text("/proc/%d/environ" % pid) or "").split("\0")]
    return {name: value for name, _, value in pairs if name == "CUDA_VISIBLE_DEVICES" or name[:3] in ("TM_", "LMD")}


def servers() -> List[Dict[str, Any]]:
    """Every lmdeploy api_server seen here: ``{pid, pids, ports, arguments, folder, environment}``."""
    table, inodes = processes(), listening_inodes()
    found: List[Dict[str, Any]] = []
    running = {entry["pid"] for entry in table if is_server(entry["arguments"])}
    for entry in table:
        pid, arguments = entry["pid"], entry["arguments"]
        if pid in running and entry["ppid"] not in running:
            pids = family(pid, table)
            workers = [] if "mp" in arguments or "uni" in arguments else ray_workers(table)
            ports = sorted({port for member in pids for port in ports_of(member, inodes)})
            known = {"pid": pid, "pids": sorted(set(pids + workers)), "ports": ports, "arguments": arguments}
            found.append(dict(known, folder=read_link("/proc/%d/cwd" % pid), environment=environment(pid)))
    return found


def read_header(path: str) -> Dict[str, Any]:
    """A safetensors file's header: ``{name, size, stored, header}`` or ``{…, error, detail}``; never reads tensors."""
    entry: Dict[str, Any] = {"name": os.path.basename(path), "size": 0, "stored": 0}
    try:
        with open(path, "rb") as file:
            facts = os.fstat(file.fileno())
            entry["size"], entry["stored"] = facts.st_size, getattr(facts, "st_blocks", -1) * 512
            start = file.read(8)
            length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
            if start == b"version " and facts.st_size < 1024:
                entry["error"] = "pointer"
            elif len(start) < 8 or facts.st_size < length + 8 <= HEADER_LIMIT:
                entry["error"] = "truncated"
            elif not 2 <= length <= HEADER_LIMIT:
                entry.update(error="header", detail=str(length))
            else:
                entry["header"] = file.read(length).decode("utf-8", "replace")
    except OSError as error:
        entry.update(error="unreadable", detail=str(error))
    return entry


def read_text(path: str) -> Optional[str]:
    """A small text file's content, or None."""
    try:
        with open(path, "rb") as file:
            return file.read(TEXT_LIMIT).decode("utf-8", "replace")
    except OSError:
        return None


def read_checkpoint(folder: str) -> Dict[str, Any]:
    """``{folder, config, index, files}``: the texts of config.json and the index, and every shard's header."""
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        return {"folder": folder, "error": str(error)}
    index = read_text(os.path.join(folder, "model.safetensors.index.json"))
    shards = [name for name in names if name.endswith(".safetensors")]
    files = [read_header(os.path.join(folder, name)) for name in shards]
    others = [name for name in names if name.endswith((".bin", ".pth", ".pt"))]
    config = read_text(os.path.join(folder, "config.json"))
    return {"folder": folder, "config": config, "index": index, "files": files, "others": others}


def tail(path: str, offset: int, limit: int = 65536) -> Dict[str, Any]:
    """``{text, offset, size}`` of a file from ``offset`` on; negative: from the end, too large: from the start."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        start = max(size + offset, 0) if offset < 0 else (0 if offset > size else offset)
        file.seek(start)
        data = file.read(max(1, min(limit, 1 << 20)))
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text = decoder.decode(data)  # a character cut at the end is left for the next call
    return {"text": text, "offset": start + len(data) - len(decoder.getstate()[0]), "size": size}


_PAIR = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]i?B)\s*/\s*(\d+(?:\.\d+)?)\s*([KMGT]i?B)", re.IGNORECASE)
_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def parse_slice(text: str) -> List[Tuple[int, int, str]]:
    """``(used, total, line)`` for every ``N MiB / M MiB``; the tool's format is known from pictures only."""
    found: List[Tuple[int, int, str]] = []
    for line in text.splitlines():
        for match in _PAIR.finditer(line):
            used = float(match.group(1)) * _UNITS[match.group(2)[0].upper()]
            total = float(match.group(3)) * _UNITS[match.group(4)[0].upper()]
            if used <= total > 0:
                found.append((int(used), int(total), line.strip()))
    return found


def slice_command(file: str = SLICE_FILE, path: Optional[str] = None) -> Optional[List[str]]:
    """The tool that shows a virtual card: ``vgpu-smi`` from PATH, else the file ``/share/studio-smi``, else None."""
    program = shutil.which("vgpu-smi", path=path)
    if program:
        return [program]
    if os.path.isfile(file):
        return [file] if os.access(file, os.X_OK) else ["sh", file]
    return None


def run_slice(command: List[str], timeout: float = 5.0) -> str:
    """The tool's output, or an empty text."""
    null = subprocess.DEVNULL
    try:
        text = subprocess.check_output(command, stdin=null, stderr=null, timeout=timeout)
        return text.decode("utf-8", "replace")
    except (OSError, subprocess.SubprocessError):
        return ""


FIGURES = ("total", "used", "free", "reserved", "utilisation", "temperature", "power", "processes")
ERRORS = {
    3: "not supported", 4: "no permission", 9: "driver not loaded", 12: "library not found", 13: "function not found",
    15: "GPU is lost", 18: "driver/library version mismatch", 999: "unknown error",
}  # fmt: skip


class NvmlError(Exception):
    """An NVML call failed; its only argument is nvmlReturn_t."""

    def __str__(self) -> str:
        return str(ERRORS.get(self.args[0], "NVML error %d" % self.args[0]))


class Nvml:
    """The cards by ctypes: one library handle, opened once. Raises NvmlError when it cannot be opened."""

    def __init__(self, name: str = LIBRARY) -> None:
        try:
            self._lib = ctypes.CDLL(name)
        except OSError:
            raise NvmlError(12) from None
        count = ctypes.c_uint()
        self._call("nvmlInit_v2")
        self._call("nvmlDeviceGetCount_v2", ctypes.byref(count))
        self._count = count.value
        self.driver = self._string("nvmlSystemGetDriverVersion")

    def _call(self, name: str, *arguments: Any) -> None:
        function = getattr(self._lib, name, None)
        code = 13 if function is None else int(function(*arguments))
        if code:
            raise NvmlError(code)

    def _string(self, name: str, *arguments: Any) -> str:
        text = ctypes.create_string_buffer(96)
        try:
            self._call(name, *arguments, text, 96)
        except NvmlError:
            return ""
        return text.value.decode("utf-8", "replace")

    def cards(self) -> List[Card]:
        """Every card now; a card or call that fails leaves its figures null with the reason."""
        return [self._card(index) for index in range(self._count)]

    def _card(self, index: int) -> Card:
        errors: Dict[str, str] = {}
        card: Card = {"index": index, "name": "", "uuid": "", "errors": errors}
        card.update(dict.fromkeys(FIGURES))
        handle = ctypes.c_void_p()
        try:
            self._call("nvmlDeviceGetHandleByIndex_v2", index, ctypes.byref(handle))
        except NvmlError as error:
            errors["card"] = str(error)
            return card
        card.update(name=self._string("nvmlDeviceGetName", handle), uuid=self._string("nvmlDeviceGetUUID", handle))
        steps: Dict[str, Callable[[], Any]] = {
            "memory": lambda: self._memory(handle),
            "utilisation": lambda: self._number("nvmlDeviceGetUtilizationRates", handle),
            "temperature": lambda: self._number("nvmlDeviceGetTemperature", handle, 0),
            "power": lambda: self._number("nvmlDeviceGetPowerUsage", handle) / 1000.0,
            "processes": lambda: self._processes(handle),
        }
        for figure, step in steps.items():
            try:
                value = step()
                card.update(value if figure == "memory" else {figure: value})
            except NvmlError as error:
                errors[figure] = str(error)
        return card

    def _memory(self, handle: Any) -> Dict[str, int]:
        try:
            new = (ctypes.c_ulonglong * 5)(40 | 2 << 24)
            self._call("nvmlDeviceGetMemoryInfo_v2", handle, new)
            return dict(zip(("total", "reserved", "free", "used"), new[1:]))
        except NvmlError:
            old = (ctypes.c_ulonglong * 3)()
            self._call("nvmlDeviceGetMemoryInfo", handle, old)
            return dict(zip(("total", "free", "used"), old[:]))

    def _number(self, name: str, *arguments: Any) -> int:
        value = (ctypes.c_uint * 2)()
        self._call(name, *arguments, value)
        return value[0]

    def _processes(self, handle: Any) -> List[List[Any]]:
        room = ctypes.c_uint(256)
        entries = (ctypes.c_ulonglong * (3 * 256))()  # pid, bytes, MIG instances: 24 bytes each
        self._call("nvmlDeviceGetComputeRunningProcesses_v3", handle, ctypes.byref(room), entries)
        pairs = [(entries[at] & 0xFFFFFFFF, entries[at + 1]) for at in range(0, 3 * min(room.value, 256), 3)]
        return [[pid, None if used == 2**64 - 1 else used, os.path.isdir("/proc/%d" % pid)] for pid, used in pairs]


class Agent:
    """Samples at an interval and answers commands; lines are JSON objects."""

    def __init__(self, write: Callable[[str], Any], slice_file: str = SLICE_FILE, library: str = LIBRARY) -> None:
        self._write, self._command = write, slice_command(slice_file)
        self.interval: Optional[float] = 1.0
        self._sequence = 0
        self._nvml: Optional[Nvml] = None
        self._reasons: List[str] = []
        try:
            self._nvml = Nvml(library)
        except NvmlError as error:
            self._reasons.append("nvml: %s" % error)

    def _say(self, message: Dict[str, Any]) -> None:
        self._write(json.dumps(message, ensure_ascii=True, separators=(",", ":")) + "\n")

    def sample(self) -> Dict[str, Any]:
        """One line of figures; a virtual card's tool comes before NVML for memory."""
        self._sequence += 1
        cards = self._nvml.cards() if self._nvml else []
        source, raw = "nvml" if self._nvml else "none", ""
        found = parse_slice(run_slice(self._command)) if self._command else []
        if found:
            source, raw, cards = "vgpu-smi", "\n".join(line for _, _, line in found), with_slices(cards, found)
        return {"gpus": cards, "seq": self._sequence, "time": time.time(), "source": source, "raw": raw}

    def answer(self, line: str) -> None:
        """Obey one control line; whatever fails becomes an answer with ``error``."""
        reply: Dict[str, Any] = {"re": None}
        try:
            order = json.loads(line)
            reply["re"] = order.get("id")
            reply.update(self._obey(order))
        except Exception as error:  # noqa: BLE001 (the other side must always get an answer)
            reply["error"] = "%s: %s" % (type(error).__name__, error)
        self._say(reply)

    def _obey(self, order: Dict[str, Any]) -> Dict[str, Any]:
        commands: Dict[str, Callable[[], Dict[str, Any]]] = {
            "ping": dict,
            "interval": dict,
            "servers": lambda: {"servers": servers()},
            "port": lambda: {"sockets": sorted(listening_inodes(int(order["port"])))},
            "checkpoint": lambda: {"checkpoint": read_checkpoint(order["path"])},
            "tail": lambda: tail(order["path"], int(order.get("offset", -65536)), int(order.get("limit", 65536))),
        }
        if order["do"] == "interval":
            self.interval = None if order["seconds"] is None else min(max(float(order["seconds"]), 0.1), 60.0)
        return commands[order["do"]]()

    def run(self, nonce: str = "", descriptor: int = 0) -> None:
        """Say hello, then serve until the input ends."""
        source = "vgpu-smi" if self._command else "nvml" if self._nvml else "none"
        facts = {"agent": PROTOCOL, "nonce": nonce, "python": sys.version.split()[0], "source": source}
        self._say(dict(facts, driver=self._nvml.driver if self._nvml else "", reasons=self._reasons))
        pending, last = b"", 0.0
        while True:
            wait = None if self.interval is None else max(0.0, last + self.interval - time.monotonic())
            if select.select([descriptor], [], [], wait)[0]:
                data = os.read(descriptor, 65536)
                if not data:
                    return
                lines = (pending + data).split(b"\n")
                pending = lines.pop()
                for line in filter(None, lines):
                    self.answer(line.decode("utf-8", "replace"))
            elif self.interval is not None:
                last = time.monotonic()
                self._say(self.sample())


def with_slices(cards: List[Card], found: List[Tuple[int, int, str]]) -> List[Card]:
    """Cards with the slices' memory; whole-card processes are strangers' and are dropped."""
    blank: Card = dict(dict.fromkeys(FIGURES), name="", uuid="", errors={})
    memory = [{"total": total, "used": used, "free": total - used} for used, total, _ in found]
    padded = cards + [dict(blank, index=index) for index in range(len(cards), len(found))]
    return [dict(card, reserved=None, processes=None, **part) for card, part in zip(padded, memory)]


if __name__ == "__main__":
    Agent(lambda text: print(text, end="", flush=True)).run((sys.argv + [""])[1])
