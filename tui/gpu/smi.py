"""The fallback: one nvidia-smi that repeats itself, never one a sample."""

from __future__ import annotations

import shutil
import subprocess
import threading
from dataclasses import replace

from tui.model.gpu import GpuSample

QUERY = (
    "index,name,uuid,memory.total,memory.used,memory.free,memory.reserved,utilization.gpu,temperature.gpu,power.draw"
)
_MIB = 1 << 20


def parse_query(line: str) -> GpuSample | None:
    """A card from one line of ``nvidia-smi --query-gpu=QUERY --format=csv,noheader,nounits``; None for other text."""
    parts = [part.strip() for part in line.split(",")]
    if len(parts) != 10 or not parts[0].isdigit():
        return None
    errors: dict[str, str] = {}

    def number(at: int, figure: str) -> float | None:
        try:
            return float(parts[at])
        except ValueError:
            errors[figure] = parts[at].strip("[]") or "empty"
            return None

    def size(at: int, figure: str) -> int | None:
        value = number(at, figure)
        return None if value is None else int(value * _MIB)

    def whole(at: int, figure: str) -> int | None:
        value = number(at, figure)
        return None if value is None else int(value)

    sample = GpuSample(
        index=int(parts[0]),
        name=parts[1],
        uuid=parts[2],
        total=size(3, "total"),
        used=size(4, "used"),
        free=size(5, "free"),
        reserved=size(6, "reserved"),
        utilisation=whole(7, "utilisation"),
        temperature=whole(8, "temperature"),
        power=number(9, "power"),
    )
    return replace(sample, errors=errors)


class SmiLoop:
    """A running ``nvidia-smi -lms``; :meth:`sample` gives the newest line of every card."""

    def __init__(self, program: str, every: float = 1.0) -> None:
        self._cards: dict[int, GpuSample] = {}
        self._first = threading.Event()
        self._process = subprocess.Popen(
            [program, f"--query-gpu={QUERY}", "--format=csv,noheader,nounits", "-lms", str(int(every * 1000))],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self.message = ""
        self._thread = threading.Thread(target=self._read, name="lmdeck-nvidia-smi", daemon=True)
        self._thread.start()

    @classmethod
    def start(cls, every: float = 1.0) -> SmiLoop | None:
        """A loop of the nvidia-smi in PATH, or None without one."""
        program = shutil.which("nvidia-smi")
        if program is None:
            return None
        try:
            return cls(program, every)
        except OSError:
            return None

    def _read(self) -> None:
        stream = self._process.stdout
        for line in stream or ():
            card = parse_query(line)
            if card is None:
                self.message = line.strip()[:300] or self.message
            else:
                self._cards[card.index] = card
                self._first.set()
        self._first.set()

    def sample(self, wait: float = 3.0) -> tuple[GpuSample, ...]:
        """The newest figures; the first call waits for the first line. Empty when it ended without a card."""
        self._first.wait(wait)
        if self._process.poll() is not None:
            return ()
        return tuple(self._cards[index] for index in sorted(self._cards))

    def close(self) -> None:
        """Stop it."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._thread.join()
        if self._process.stdout:
            self._process.stdout.close()
