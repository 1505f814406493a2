"""A simulated GPU: its memory as it was recorded while a real server loaded, its load as it chats.

The figures are those of the recordings of lmdeploy 0.18 with internlm2_5-1_8b-chat, w4a16, kv cache ratio 0.4 and int4
kv cache: TurboMind (ready after 14.33 s) and the PyTorch engine (52.04 s). All sizes in bytes, times in seconds.
"""

from __future__ import annotations

import math
import time
from bisect import bisect_right
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from tui.demo.options import Options
from tui.model.gpu import GpuProcess, GpuReading, GpuSample

MIB = 1 << 20
GIB = 1 << 30
NAME = "NVIDIA A100 (simulated, 24 GiB slice)"
DRIVER = "580.159.04"
TOTAL = 24 * GIB
RESERVED = 644_939_776  # the driver's own, as NVML memory v2 reports it
FREE_BEFORE = 24_787_419_136  # on the recorded card, before the server started
NEIGHBOUR = TOTAL - RESERVED - FREE_BEFORE  # another process's share, so that the figures are the recorded ones
SERVER_PID = 1198
NEIGHBOUR_PID = 1176
_IDLE_TEMPERATURE = 37.0
_IDLE_POWER = 76.0
_WARM_UP = 20.0  # time constant of the temperature
_SPIN_UP = 0.4  # time constant of utilisation and power


@dataclass(frozen=True, slots=True)
class Profile:
    """One recorded start. ``memory`` are (time, bytes of the server's process), ``load`` (time, percent busy)."""

    ready: float
    memory: tuple[tuple[float, int], ...]
    load: tuple[tuple[float, int], ...]
    weights: int
    kv_cache: int
    block_bytes: int
    after_chat: int
    asleep: int | None

    @property
    def blocks(self) -> int:
        return self.kv_cache // self.block_bytes


# The tensors of internlm2_5-1_8b-chat-w4a16-4bit: embedding and output in 16 bits, the rest in 4, groups of 128.
CHECKPOINT_BYTES = 1_542_787_072
_BLOCK = 1_671_168  # bytes of 64 tokens with int4, from the server's log

PROFILES: Mapping[str, Profile] = {
    "turbomind": Profile(
        ready=14.33,
        memory=(
            (11.455, 14_680_064),
            (11.56, 817_889_280),
            (11.61, 897_581_056),
            (11.661, 1_277_165_568),
            (11.711, 1_692_401_664),
            (11.762, 2_543_845_376),
            (11.812, 2_747_269_120),
            (11.863, 2_948_595_712),
            (11.913, 3_183_476_736),
            (11.964, 3_351_248_896),
            (12.014, 11_695_816_704),
            (12.065, 11_897_143_296),
            (12.115, 11_995_709_440),
            (13.026, 12_029_263_872),
            (13.279, 12_062_818_304),
            (13.431, 12_096_372_736),
            (13.482, 12_129_927_168),
            (13.634, 12_197_036_032),
            (13.836, 12_297_699_328),
            (14.039, 12_331_253_760),
        ),
        load=((0.0, 0), (11.661, 3), (11.863, 12), (12.065, 27), (12.47, 85), (12.874, 90), (13.482, 95), (13.836, 97)),
        weights=CHECKPOINT_BYTES,
        kv_cache=int(8332.63 * MIB),
        block_bytes=_BLOCK,
        after_chat=12_339_642_368,
        asleep=None,
    ),
    "pytorch": Profile(
        ready=52.04,
        memory=(
            (30.879, 14_680_064),
            (30.981, 616_562_688),
            (32.999, 1_092_616_192),
            (33.151, 1_665_138_688),
            (33.205, 2_279_604_224),
            (33.407, 2_550_136_832),
            (33.457, 2_627_731_456),
            (33.508, 2_831_155_200),
            (33.558, 3_233_808_384),
            (33.608, 3_636_461_568),
            (33.659, 11_265_900_544),
            (38.664, 11_349_786_624),
            (38.967, 11_383_341_056),
            (43.823, 11_450_449_920),
            (46.099, 11_463_032_832),
            (51.667, 11_467_227_136),
        ),
        load=((0.0, 0), (33.457, 18), (33.659, 50), (38.664, 2), (44.076, 12), (46.099, 3)),
        weights=CHECKPOINT_BYTES,
        kv_cache=4_636 * _BLOCK,
        block_bytes=_BLOCK,
        after_chat=11_467_227_136,
        asleep=855_638_016,  # what was left of a smaller server's 8.1 GiB in the recording: the context
    ),
}


def profile(options: Options) -> Profile:
    return PROFILES[options.engine]


def kv_capacity(options: Options) -> int:
    """Tokens that the kv cache holds."""
    return profile(options).blocks * 64


class SimulatedCard:
    """The card under one simulated server. ``options.startup`` is how long loading takes (0: it is loaded)."""

    def __init__(self, options: Options, clock: Callable[[], float]) -> None:
        self._profile = profile(options)
        self._startup = options.startup
        self._clock = clock
        self._began = clock()
        self._seen = self._began
        self._running = 0
        self._chatted = False
        self._asleep = False
        self._utilisation = 0.0
        self._temperature = _IDLE_TEMPERATURE
        self._power = _IDLE_POWER

    @contextmanager
    def busy(self) -> Generator[None]:
        """The card works on one more request."""
        self._settle()
        self._running += 1
        self._chatted = True
        try:
            yield
        finally:
            self._settle()
            self._running -= 1

    @property
    def blocks(self) -> int:
        """Blocks of 64 tokens in the kv cache."""
        return self._profile.blocks

    def sleep(self) -> None:
        """Only the PyTorch engine gives memory back while it sleeps (recordings)."""
        self._asleep = True

    def wake(self) -> None:
        self._asleep = False

    @property
    def loading(self) -> float | None:
        """Seconds of the recorded start that have passed; None once it is over."""
        if self._startup <= 0:
            return None
        passed = (self._clock() - self._began) / self._startup * self._profile.ready
        return passed if passed < self._profile.ready else None

    def server_memory(self) -> int:
        """Bytes of the server's process, 0 before it touches the card."""
        passed = self.loading
        if passed is not None:
            place = bisect_right(self._profile.memory, passed, key=lambda point: point[0])
            return self._profile.memory[place - 1][1] if place else 0
        if self._asleep and self._profile.asleep is not None:
            return self._profile.asleep
        return self._profile.after_chat if self._chatted else self._profile.memory[-1][1]

    def reading(self) -> GpuReading:
        """What the card says now."""
        self._settle()
        server = self.server_memory()
        processes = (GpuProcess(NEIGHBOUR_PID, NEIGHBOUR), *([GpuProcess(SERVER_PID, server)] if server else []))
        used = NEIGHBOUR + server
        sample = GpuSample(
            index=0,
            name=NAME,
            total=TOTAL,
            used=used,
            free=TOTAL - RESERVED - used,
            reserved=RESERVED,
            uuid="GPU-51a1ca7e-0000-4000-8000-000000000000",
            utilisation=round(self._utilisation),
            temperature=round(self._temperature),
            power=round(self._power, 1),
            processes=processes,
        )
        raw = f"0, {NAME}, {used // MIB} MiB, {TOTAL // MIB} MiB, {sample.utilisation} %"
        return GpuReading(time=time.time(), samples=(sample,), source="simulated", raw=raw, driver=DRIVER)

    def _settle(self) -> None:
        """Let load, temperature and power follow what the card did since the last look."""
        now = self._clock()
        passed, self._seen = now - self._seen, now
        load = self._target_load()
        self._utilisation = _approach(self._utilisation, load, passed, _SPIN_UP)
        self._power = _approach(self._power, _IDLE_POWER + 2.6 * load, passed, _SPIN_UP)
        self._temperature = _approach(self._temperature, _IDLE_TEMPERATURE + 0.28 * load, passed, _WARM_UP)

    def _target_load(self) -> float:
        if (passed := self.loading) is not None:
            place = bisect_right(self._profile.load, passed, key=lambda point: point[0])
            return float(self._profile.load[place - 1][1])
        return min(50.0 + 6.0 * self._running, 100.0) if self._running else 0.0


def _approach(value: float, target: float, seconds: float, constant: float) -> float:
    return target + (value - target) * math.exp(-max(seconds, 0.0) / constant)
