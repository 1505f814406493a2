"""Measurements shipped with lmdeck: how far 19 servers of lmdeploy 0.18.0 were from the calculated "other".

Taken on an H200 (driver 580) from NVML and the servers' own logs; none of them is one of the recordings that the
tests replay. ``b`` is the batch size, ``s`` the session length, ``p`` the prefill budget where it was not the default.
"""

from __future__ import annotations

from tui.planner.calibration import Measurement

MIB = 1 << 20
H200 = "NVIDIA H200"

MEASUREMENTS: tuple[Measurement, ...] = (
    Measurement("pt-1_8b-awq-b128", H200, "pytorch-new-quantised", -3 * MIB, -7 * MIB),
    Measurement("pt-1_8b-bf16-eager", H200, "pytorch-new-plain", 48 * MIB, -10 * MIB),
    Measurement("pt-1_8b-bf16-fp8", H200, "pytorch-new-plain", -4 * MIB, 43 * MIB),
    Measurement("pt-1_8b-bf16-turbo", H200, "pytorch-new-plain", 2 * MIB, 23 * MIB),
    Measurement("pt-7b-awq", H200, "pytorch-new-quantised", -16 * MIB, -58 * MIB),
    Measurement("pt-7b-bf16", H200, "pytorch-new-plain", -38 * MIB, -1 * MIB),
    Measurement("pt-qwen", H200, "pytorch-new-plain", 54 * MIB, -8 * MIB),
    Measurement("tm-1_8b-awq-q0", H200, "turbomind-new-quantised", -26 * MIB, -1 * MIB),
    Measurement("tm-1_8b-bf16-b128", H200, "turbomind-new-plain", -1 * MIB, 26 * MIB),
    Measurement("tm-1_8b-bf16-p2k", H200, "turbomind-new-plain", -1 * MIB, 19 * MIB),
    Measurement("tm-1_8b-bf16-prefix", H200, "turbomind-new-plain", -1 * MIB, 17 * MIB),
    Measurement("tm-1_8b-bf16-s4k", H200, "turbomind-new-plain", -1 * MIB, 13 * MIB),
    Measurement("tm-1_8b-tp2", H200, "turbomind-new-plain", 6 * MIB, 84 * MIB),
    Measurement("tm-20b-awq", H200, "turbomind-new-quantised", -23 * MIB, -48 * MIB),
    Measurement("tm-7b-awq-b128", H200, "turbomind-new-quantised", 94 * MIB, -23 * MIB),
    Measurement("tm-7b-awq-tp2", H200, "turbomind-new-quantised", 37 * MIB, -22 * MIB),
    Measurement("tm-7b-bf16-b128-s8k", H200, "turbomind-new-plain", 12 * MIB, 23 * MIB),
    Measurement("tm-7b-bf16-tp2", H200, "turbomind-new-plain", -4 * MIB, -45 * MIB),
    Measurement("tm-qwen", H200, "turbomind-new-plain", -7 * MIB, 13 * MIB),
)
