"""Hold the branch coverage gates: 95 % for the Textual-free rooms together, 85 % for the screen's rooms.

Reads the JSON report of coverage.py (``coverage json -o FILE``) named on the command line.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

SCREEN = ("tui/app", "tui/web.py", "tui/screens/", "tui/widgets/", "tui/markdown/")
GATES = {"core": 95.0, "screen": 85.0}


def main(path: str) -> int:
    files = json.loads(Path(path).read_text())["files"]
    done = dict.fromkeys(GATES, 0)
    total = dict.fromkeys(GATES, 0)
    weak: list[tuple[float, str]] = []
    for name, entry in files.items():
        summary = entry["summary"]
        group = "screen" if name.startswith(SCREEN) else "core"
        covered = summary["covered_lines"] + summary["covered_branches"]
        possible = summary["num_statements"] + summary["num_branches"]
        done[group] += covered
        total[group] += possible
        if possible and covered / possible * 100 < GATES[group]:
            weak.append((covered / possible * 100, name))
    failed = False
    for group, gate in GATES.items():
        percent = done[group] / total[group] * 100 if total[group] else 100.0
        failed |= percent < gate
        print(f"{group}: {percent:.1f} % of lines and branches (gate {gate:.0f} %)")
    for percent, name in sorted(weak):
        print(f"  below its gate: {name} {percent:.1f} %")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
