"""What decoding a chunk costs: lines, JSON, deltas, on a stream shaped like lmdeploy 0.18's. Prints figures.

``python tests/benchmarks/bench_decoding.py [CHUNKS]`` (default 20,000).
"""

from __future__ import annotations

import json
import sys
from time import perf_counter

from tui.server.answer import AnswerReader


def line(delta: dict[str, object], **choice: object) -> bytes:
    chunk = {
        "id": "chatcmpl-rV6y9gSs7aVwvg6cfdFUHy",
        "object": "chat.completion.chunk",
        "created": 1795335840,
        "model": "internlm2_5-7b-chat",
        "choices": [{"index": 0, "delta": {"role": "assistant", **delta}, **choice}],
        "usage": None,
    }
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def seconds(pieces: list[bytes]) -> float:
    """The best of five."""
    best = float("inf")
    for _ in range(5):
        reader = AnswerReader(on_line=lambda _: None)
        started = perf_counter()
        for piece in pieces:
            for _ in reader.feed(piece):
                pass
        for _ in reader.finish():
            pass
        best = min(best, perf_counter() - started)
    return best


def main(chunks: int) -> None:
    lines = [line({"content": "西瓜" if number % 2 else " word"}) for number in range(chunks)]
    lines += [line({}, finish_reason="stop"), b"data: [DONE]\n\n"]
    body = b"".join(lines)
    cut = [body[start : start + 65536] for start in range(0, len(body), 65536)]
    for name, pieces in (("a piece per chunk", lines), ("64 KiB pieces", cut)):
        print(f"{name:20} {seconds(pieces) / chunks * 1e6:6.2f} µs a chunk")
    long = [line({"content": "x" * 10_000_000}), *lines[-2:]]
    print(f"{'one line of 10 MB':20} {seconds(long) * 1e3:6.1f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
