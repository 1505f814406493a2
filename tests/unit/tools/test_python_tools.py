"""The user's Python functions, in real processes."""

from __future__ import annotations

import asyncio
import base64
import os
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import until
from tui.model.tool import ToolCall, ToolOutcome
from tui.tools.python_tools import Limits, PythonTools, tools_folder

Make = Callable[..., Any]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    """``await make(source, name="tools.py", **limits)`` → loaded tools of a folder."""
    opened: list[PythonTools] = []

    async def build(source: str, name: str = "mine.py", **limits: Any) -> PythonTools:
        folder = tmp_path / "tools"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(textwrap.dedent(source), encoding="utf-8")
        tools = PythonTools(folder, Limits(**limits))
        opened.append(tools)
        await tools.refresh()
        return tools

    yield build
    for tools in opened:
        await tools.aclose()


async def call(tools: PythonTools, name: str, **arguments: Any) -> ToolOutcome:
    offer = next(offer for offer in tools.offers() if offer.spec.name == name)
    return await tools.run(offer, ToolCall("c", name, arguments))


AREA = '''\
    def area(width: float, height: float = 1.0) -> float:
        """Compute the area of a rectangle.

        Args:
            width: The width in metres.
            height: The height
                in metres.

        Returns:
            The area.
        """
        print("computing")
        return width * height
'''


async def test_a_function_becomes_a_tool(make: Make) -> None:
    tools = await make(AREA)
    (offer,) = tools.offers()
    assert tools.problems() == ()
    assert offer.line == 1
    assert offer.spec.description == "Compute the area of a rectangle."
    assert offer.spec.needs_approval
    assert offer.spec.parameters == {
        "type": "object",
        "properties": {
            "width": {"type": "number", "description": "The width in metres."},
            "height": {"type": "number", "description": "The height in metres.", "default": 1.0},
        },
        "required": ["width"],
        "additionalProperties": False,
    }
    outcome = await call(tools, "area", width=3, height=2.5)
    assert (outcome.content, outcome.ok, outcome.log) == ("7.5", True, "computing\n")
    assert (await call(tools, "area", width=3)).content == "3.0"


KINDS = '''\
    import asyncio, dataclasses, enum, datetime
    from typing import Annotated, Literal, Optional
    from pydantic import Field

    class Colour(enum.Enum):
        RED = "red"
        BLUE = "blue"

    @dataclasses.dataclass
    class Point:
        x: int
        y: int = 0
        title: str = ""

    @dataclasses.dataclass
    class Node:
        name: str
        children: "list[Node]" = dataclasses.field(default_factory=list)

    def kinds(
        unit: Literal["m", "km"],
        colour: Colour,
        points: list[Point],
        note: Optional[str] = None,
        count: Annotated[int, Field(ge=1, le=5, description="How many")] = 2,
        table: dict[str, int] | None = None,
    ):
        """Everything."""
        return {"unit": unit, "colour": colour.name, "x": [p.x + p.y for p in points], "note": note, "count": count}

    async def later(seconds: float, /) -> str:
        await asyncio.sleep(seconds)
        return "done"

    def tree(root: Node) -> int:
        """Count the nodes."""
        return 1 + sum(tree(child) for child in root.children)

    def when():
        return datetime.date(2026, 1, 2)

    def untyped(value):
        return repr(value)

    def nothing() -> None: ...

    def model(model_config: int, self: int, field_0: int):
        return model_config + self + field_0

    def _helper(): ...
'''


async def test_types_of_all_kinds(make: Make) -> None:
    tools = await make(KINDS)
    assert tools.problems() == ()
    specs = {offer.spec.name: offer.spec.parameters for offer in tools.offers()}
    assert list(specs) == ["kinds", "later", "tree", "when", "untyped", "nothing", "model"]
    properties = specs["kinds"]["properties"]
    assert properties["unit"] == {"type": "string", "enum": ["m", "km"]}
    assert properties["colour"] == {"type": "string", "enum": ["red", "blue"]}
    assert properties["points"]["items"]["properties"]["title"] == {"type": "string", "default": ""}
    assert properties["note"]["anyOf"] == [{"type": "string"}, {"type": "null"}]
    assert properties["count"] == {
        "type": "integer",
        "default": 2,
        "minimum": 1,
        "maximum": 5,
        "description": "How many",
    }
    assert "$defs" not in specs["kinds"]
    assert specs["kinds"]["required"] == ["unit", "colour", "points"]
    assert "Node" in specs["tree"]["$defs"]  # recursive: the reference stays
    outcome = await call(tools, "kinds", unit="km", colour="blue", points=[{"x": 1, "y": 2}, {"x": 5}])
    assert outcome.content == '{"unit":"km","colour":"BLUE","x":[3,5],"note":null,"count":2}'
    assert (await call(tools, "later", seconds=0)).content == "done"
    root = {"name": "a", "children": [{"name": "b"}, {"name": "c", "children": [{"name": "d"}]}]}
    assert (await call(tools, "tree", root=root)).content == "4"
    assert (await call(tools, "when")).content == '"2026-01-02"'
    assert (await call(tools, "untyped", value=[1])).content == "[1]"
    assert (await call(tools, "nothing")).content == "null"
    assert (await call(tools, "model", model_config=1, self=2, field_0=3)).content == "6"
    wrong = await call(tools, "kinds", unit="km", colour="green", points=[])
    assert not wrong.ok
    assert "colour" in wrong.content


async def test_docstrings_of_other_styles(make: Make) -> None:
    tools = await make(
        '''\
        def sphinx(a: int, b: int):
            """Add.

            :param a: the first
            :param int b: the second
            :returns: the sum
            """

        def numpy(a: int, b: int = 1):
            """Add.

            Parameters
            ----------
            a : int
                The first
                number.
            b : int, optional
                The second.

            Returns
            -------
            int
                The sum.
            """

        def chinese(城市: str):
            """查询天气。

            参数：
                城市: 城市的名字
            """
        '''
    )
    about = {
        offer.spec.name: {name: one["description"] for name, one in offer.spec.parameters["properties"].items()}
        for offer in tools.offers()
    }
    assert about == {
        "sphinx": {"a": "the first", "b": "the second"},
        "numpy": {"a": "The first number.", "b": "The second."},
        "chinese": {"城市": "城市的名字"},
    }
    assert [offer.spec.description for offer in tools.offers()] == ["Add.", "Add.", "查询天气。"]


async def test_the_descriptions_of_the_courses_script_are_taken(make: Make) -> None:
    tools = await make(
        """\
        def add(a: int, b: int):
            return a + b

        tools = [{
            'type': 'function',
            'function': {
                'name': 'add',
                'description': 'Compute the sum of two numbers',
                'parameters': {
                    'type': 'object',
                    'properties': {'a': {'type': 'int'}, 'b': {'type': 'int'}},
                    'required': ['a', 'b'],
                },
            },
        }]
        """
    )
    (offer,) = tools.offers()
    assert offer.spec.description == "Compute the sum of two numbers"
    assert offer.spec.parameters["properties"]["a"] == {"type": "int"}
    assert (await call(tools, "add", a=3, b=5)).content == "8"


async def test_only_the_files_own_public_functions(make: Make) -> None:
    tools = await make("from math import sqrt\nfrom textwrap import dedent\ndef f(): return 1\nclass C: pass\n")
    assert [offer.spec.name for offer in tools.offers()] == ["f"]
    tools = await make("__all__ = ['g']\ndef f(): return 1\ndef g(): return 2\n", "other.py")
    assert [offer.spec.name for offer in tools.offers()] == ["f", "g"]


@pytest.mark.parametrize(
    ("source", "code", "where", "reason"),
    [
        ("import no_such_module_anywhere\n", "tools.file_import", "mine.py:1", "no_such_module_anywhere"),
        ("x = 1\ndef f(:\n", "tools.file_syntax", "mine.py:2", "invalid syntax"),
        ("\n\nraise ValueError('no')\n", "tools.file_raised", "mine.py:3", "ValueError: no"),
        ("raise SystemExit(3)\n", "tools.file_raised", "mine.py:1", "SystemExit: 3"),
        ("import os\nos._exit(7)\n", "tools.file_ended", "mine.py", ""),
        ("def f(*args): ...\n", "tools.bad_signature", "mine.py:1", "*args"),
        ("import threading\ndef f(a: threading.Lock): ...\n", "tools.bad_signature", "mine.py:2", "type"),
        ("def f(a: 'NoSuchName'): ...\n", "tools.bad_signature", "mine.py:1", "NoSuchName"),
    ],
)
async def test_files_that_do_not_work(make: Make, source: str, code: str, where: str, reason: str) -> None:
    tools = await make(source)
    (problem,) = tools.problems()
    assert problem.code == code
    assert problem.data["where"] == where
    assert reason in str(problem.data.get("reason", ""))
    assert tools.offers() == ()


async def test_a_file_that_takes_too_long(make: Make) -> None:
    tools = await make("import time\ntime.sleep(60)\n", load_seconds=0.5)
    assert [problem.code for problem in tools.problems()] == ["tools.file_slow"]


async def test_a_good_file_beside_a_bad_one(make: Make) -> None:
    await make("import no_such_module_anywhere\n", "bad.py")
    tools = await make("def f(): return 'fine'\n", "good.py")
    assert (await call(tools, "f")).content == "fine"
    assert [problem.code for problem in tools.problems()] == ["tools.file_import"]


FAULTY = """\
    import os, sys, time

    def fails(depth: int):
        print("before")
        sys.stderr.write("to stderr\\n")
        if depth:
            return fails(depth - 1)
        raise ValueError("bad value")

    def leaves(): sys.exit(4)
    def dies(): os._exit(3)
    def hangs():
        print("begun")
        while True: pass
    def sleeps(): time.sleep(60)
    def eats(): return len(bytearray(8 * 1024**3))
    def prints():
        for _ in range(100_000): print("x" * 100)
        return "ok"
    def writes_below(): os.write(1, b"raw"); os.write(2, b"raw"); return "ok"
    def long(): return "x" * (9 * 1024 * 1024)
    def lies(): return {1: object}
    def reads(): return sys.stdin.read() + input("?")
    def surrogate(): return "\\ud83d"
    def count(numbers: list[int]): return sum(numbers)
"""


async def test_what_tools_do_wrong(make: Make) -> None:
    tools = await make(FAULTY, seconds=20)
    outcome = await call(tools, "fails", depth=1)
    assert outcome.content == "Error: ValueError: bad value (line 8)"
    assert outcome.problem
    assert outcome.problem.code == "tools.raised"
    assert outcome.problem.data["where"] == "mine.py:8"
    assert outcome.log.startswith("before\nto stderr\nbefore\n")
    assert "Traceback" in outcome.log
    assert "tui/tools/worker" not in outcome.log
    assert "SystemExit: 4" in (await call(tools, "leaves")).content
    assert (await call(tools, "writes_below")).content == "ok"
    printed = await call(tools, "prints")
    assert printed.content == "ok"
    assert 200_000 < len(printed.log) < 300_000
    assert printed.log.endswith("[…]\n")
    for name, code in (("dies", "tools.process_ended"), ("long", "tools.result_too_large")):
        outcome = await call(tools, name)
        assert outcome.problem
        assert (outcome.ok, outcome.problem.code) == (False, code)
    assert (await call(tools, "lies")).content == '{"1":"<class \'object\'>"}'
    assert "EOF" in (await call(tools, "reads")).content
    assert (await call(tools, "surrogate")).content


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS holds on Linux")
async def test_the_memory_limit(make: Make) -> None:
    tools = await make(FAULTY, memory=1024**3)
    outcome = await call(tools, "eats")
    assert outcome.problem
    assert outcome.problem.code == "tools.memory"
    assert (await call(tools, "count", numbers=[1, 2])).content == "3"


@pytest.mark.parametrize("name", ["hangs", "sleeps"])
async def test_the_time_limit(make: Make, name: str) -> None:
    tools = await make(FAULTY, seconds=0.7)
    outcome = await call(tools, name)
    assert outcome.problem
    assert outcome.problem.code == "chat.call_timeout"
    assert outcome.log == ("begun\n" if name == "hangs" else "")
    assert (await call(tools, "count", numbers=[1, 2])).content == "3"


async def test_cancelling_ends_the_process(make: Make, tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    tools = await make(
        f"import os, time\ndef f():\n    open({str(mark)!r}, 'w').write(str(os.getpid()))\n    time.sleep(60)\n"
    )
    running = asyncio.create_task(call(tools, "f"))
    pid = int(await until(lambda: mark.exists() and mark.read_text()))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_calls_run_at_the_same_time_and_processes_are_kept(make: Make) -> None:
    tools = await make(
        "import os, time\nstate = []\ndef f(n: int):\n    state.append(n)\n    time.sleep(0.3)\n"
        "    return [os.getpid(), len(state)]\n",
        workers=2,
    )
    begin = asyncio.get_running_loop().time()
    await asyncio.gather(*(call(tools, "f", n=n) for n in range(3)))
    assert asyncio.get_running_loop().time() - begin < 5
    (file,) = tools.files
    assert len(file._all) == 2  # pyright: ignore[reportPrivateUsage]


async def test_a_change_is_seen_and_a_removal(make: Make) -> None:
    tools = await make("def f(): return 1\n")
    path = tools.folder / "mine.py"
    (before,) = tools.offers()
    await tools.refresh()
    assert tools.offers()[0] is before  # not imported again
    path.write_text("def f(): return 'two'\ndef g(): return 3\n")
    await tools.refresh()
    assert [offer.spec.name for offer in tools.offers()] == ["f", "g"]
    assert (await call(tools, "f")).content == "two"
    gone = await tools.run(before, ToolCall("c", "f", {}))
    assert gone.problem
    assert gone.problem.code == "tools.gone"
    path.unlink()
    await tools.refresh()
    assert tools.offers() == ()


async def test_folders_that_are_odd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = PythonTools()
    assert tools.folder == tools_folder()
    await tools.refresh()
    assert (tools.offers(), tools.problems()) == ((), ())
    full = tmp_path / "full"
    full.mkdir()
    (full / "large.py").write_bytes(b"#" * (1024 * 1024 + 1))
    (full / "_hidden.py").write_text("raise ValueError")
    tools = PythonTools(full)
    await tools.refresh()
    assert [problem.code for problem in tools.problems()] == ["tools.folder_full"]

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "glob", refuse)
    await tools.refresh()
    assert [problem.code for problem in tools.problems()] == ["tools.folder"]


async def test_pictures_are_for_the_user(make: Make) -> None:
    tools = await make(
        """\
        PNG = b"\\x89PNG\\r\\n\\x1a\\n" + bytes(20)
        def draw(): return PNG
        class Figure:
            def _repr_png_(self): return PNG
        def plot(): return Figure()
        def raw(): return b"abc"
        """
    )
    for name in ("draw", "plot"):
        outcome = await call(tools, name)
        (image,) = outcome.images
        assert image.media_type == "image/png"
        assert base64.b64decode(image.data).startswith(b"\x89PNG")
    assert (await call(tools, "raw")).images == ()


async def test_secrets_of_the_app_do_not_reach_tools(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMDECK_API_KEY", "secret")
    monkeypatch.setenv("MY_SETTING", "kept")
    tools = await make("import os\ndef f(): return [os.environ.get('LMDECK_API_KEY'), os.environ.get('MY_SETTING')]\n")
    assert (await call(tools, "f")).content == '[null,"kept"]'
