"""A child process that answers lines of JSON: what it may do wrong."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import until
from tui.tools import child as room
from tui.tools.child import Child, ChildError, descendants

Start = Callable[[str], Awaitable[Child]]
ECHO = """
import json, sys
for line in sys.stdin:
    request = json.loads(line)
    print("no JSON")
    print("[1, 2]")
    print(json.dumps({"more": "piece", "id": request["id"]}))
    print(json.dumps({"note": "nobody asked"}))
    print(json.dumps({"id": request["id"], "said": request["say"]}))
    print(json.dumps({"id": request["id"], "said": "again"}), flush=True)
"""


class Family:
    """Starts children and ends them after the test."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.children: list[Child] = []

    async def start(self, source: str, folder: Path | None = None) -> Child:
        self.children.append(Child(["-c", source], self.messages.append, folder))
        await self.children[-1].start()
        return self.children[-1]


@pytest.fixture
async def family() -> AsyncIterator[Family]:
    family = Family()
    yield family
    await asyncio.gather(*(child.aclose() for child in family.children))


async def why(child: Child, within: float = 10.0) -> str:
    with pytest.raises(ChildError) as caught:
        await child.request({"say": "x"}, within)
    return caught.value.why


async def test_answers_reach_who_asked_and_the_rest_is_a_message(family: Family) -> None:
    child = await family.start(ECHO)
    assert (await child.request({"say": "hello"}, 10))["said"] == "hello"
    assert (await child.request({"say": "well"}, 10))["said"] == "well"
    # A second answer to the same question is dropped, or a message to nobody: it depends on who is faster.
    kinds = [("more" if "more" in one else "note") for one in family.messages if "said" not in one]
    assert kinds == ["more", "note"] * 2
    assert child.alive
    await child.aclose(grace=10)
    assert await child.exit_code() == 0
    assert await why(child) == "died"


async def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    child = Child(["-c", ""], lambda _message: None, tmp_path / "nowhere")
    assert await why(child) == "died", "it was not started"
    assert await child.exit_code() == -1
    await child.aclose()
    with pytest.raises(ChildError, match="not_started"):
        await child.start()
    assert not child.alive


async def test_one_that_ends_is_noticed_with_its_last_words(family: Family) -> None:
    child = await family.start("import sys; sys.stdin.readline(); sys.stderr.write('no more'); sys.exit(3)")
    assert await why(child) == "died"
    await until(lambda: child.errors == "no more")
    assert await child.exit_code() == 3


async def test_one_that_does_not_read_is_given_up(family: Family) -> None:
    child = await family.start("import time; time.sleep(60)")
    assert await why(child, 0.05) == "timeout"
    assert child.alive
    assert await asyncio.wait_for(child.exit_code(), 10) == -1


async def test_a_line_without_end_is_ended(family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MAX_LINE", 100_000)
    child = await family.start("import sys\nsys.stdin.readline()\nwhile True: sys.stdout.write('x' * 65536)")
    assert await why(child) == "flooded"
    assert await child.exit_code() != 0


async def test_only_the_end_of_the_errors_is_kept(family: Family) -> None:
    child = await family.start("import sys\nsys.stderr.write('old ' * 100_000 + 'new')\nsys.stderr.flush()\ninput()")
    await until(lambda: child.errors.endswith("new"))
    assert len(child.errors) <= 2 * room._ERRORS_KEPT  # pyright: ignore[reportPrivateUsage]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of children")
async def test_what_a_child_started_ends_with_it(family: Family) -> None:
    source = (
        "import os, subprocess, sys\n"
        'inner = \'import subprocess; subprocess.Popen(["sleep", "60"], start_new_session=True).wait()\'\n'
        "subprocess.Popen([sys.executable, '-c', inner], start_new_session=True).wait()\n"
    )
    child = await family.start(source)
    process = child._process  # pyright: ignore[reportPrivateUsage]
    assert process is not None
    await until(lambda: len(descendants(process.pid)) == 2, what="a child and its child")
    pids = descendants(process.pid)
    await child.aclose()

    def gone(pid: int) -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"

    await until(lambda: all(gone(pid) for pid in pids), what="nothing of it is left")


def test_descendants_of_nobody() -> None:
    assert descendants(2**22 + 1) == []
