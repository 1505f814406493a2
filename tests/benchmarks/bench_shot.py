"""How fast pictures are made: a screen of 120×40 cells to PNG, and 200 turns as a long picture.

    python tests/benchmarks/bench_shot.py

Budgets: 0.5 s for the screen; 5 s and 300 MB for the 200 turns. Each figure comes from a fresh process, with all
imports: what a user waits for. ``cpu`` is the processor's time of the whole process.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

ROOT = Path(__file__).parents[2]
ANSWER = """第 {number} 个回答：**量化**把权重从 16 位变成 4 位，显存占用大约是原来的四分之一，推理速度也会变快。

| part | GiB | 来源 |
|---|---:|---|
| weights 权重 | 1.44 | 检查点 |
| kv cache | 8.14 | 服务器日志 |

```python
def add(a: int, b: int) -> int:
    return a + b  # {number}
```

The cache ratio decides how much of the memory that is free after loading becomes kv cache; what is left goes to others.
"""


def screen(scale: int) -> dict[str, float]:
    """A screen full of mixed text, as cells, to PNG."""
    from tui.shot.cells import Grid, Ink, Run

    inks = [Ink(f"#{value:02x}40{255 - value:02x}", "#fbfbfa", bold=value > 150) for value in range(0, 250, 50)]
    text = "量化部署 lmdeploy │ 权重与缓存 weights ▒▒░░ 显存占用情况 memory 模型推理引擎 "
    rows = [
        tuple(Run((text[shift:] + text)[place : place + 14], inks[(row + place) % 5]) for place in range(0, 84, 14))
        for row, shift in enumerate(number * 7 % 60 for number in range(40))
    ]
    grid = Grid(120, tuple(rows))
    start = perf_counter()
    from tui.shot.png import to_png
    from tui.shot.svg import draw_svg

    draw_svg(grid)
    size = len(to_png(grid, scale=scale))
    return {"seconds": perf_counter() - start, "bytes": size}


def long(scale: int) -> dict[str, float]:
    """200 turns: layout, SVG bookkeeping, PNG files."""
    from tests.support.shots import card, record, turn_messages
    from tui.export.document import Document

    numbers = range(1, 201)
    messages = [
        message
        for number in numbers
        for message in turn_messages(
            number, f"问题 {number}: how?", ANSWER.format(number=number), tools=number % 4 == 0
        )
    ]
    document = Document("200 turns", tuple(messages), tuple(record(number, cards=(card(),)) for number in numbers), "c")
    start = perf_counter()
    from tui.screens.shot_content import kept_content
    from tui.screens.shot_picture import ShotLook, compose
    from tui.shot.saving import save

    pages = compose(kept_content(document), ShotLook(scale=scale))
    laid_out = perf_counter()
    with TemporaryDirectory() as folder:
        written = save(pages, Path(folder) / "long.png", scale=scale)
        size = sum(path.stat().st_size for path in written.paths)
    rows = sum(len(page.rows) for page in pages)
    return {
        "seconds": perf_counter() - start,
        "layout": laid_out - start,
        "bytes": size,
        "rows": rows,
        "pages": len(pages),
    }


def measured(name: str, scale: int) -> dict[str, float]:
    """The figures of one benchmark in a process of its own; ``peak`` is its largest size in MB."""
    command = [sys.executable, __file__, name, str(scale)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env={"PYTHONPATH": str(ROOT)})
    return json.loads(done.stdout)


def main() -> None:
    if len(sys.argv) == 3:
        found = {"screen": screen, "long": long}[sys.argv[1]](int(sys.argv[2]))
        found["cpu"] = process_time()
        found["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(found))
        return
    for name in ("screen", "long"):
        for scale in (1, 2):
            found = measured(name, scale)
            print(f"{name} ×{scale}: " + ", ".join(f"{key} {value:,.2f}" for key, value in found.items()))


if __name__ == "__main__":
    main()
