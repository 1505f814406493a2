"""The worker's parts without its process: what is measured here runs there (see test_python_tools.py)."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.waiting import until
from tests.unit.tools.test_python_tools import FAULTY, KINDS
from tui.tools import worker
from tui.tools.signature import SignatureError, function_tool, read_docstring, tidy


@pytest.fixture(autouse=True)
def untouched() -> Iterator[None]:
    """Importing a tools file changes the interpreter; a process of its own does not mind."""
    path, modules = list(sys.path), sys.modules.get(worker.MODULE)
    yield
    sys.path[:] = path
    if modules is None:
        sys.modules.pop(worker.MODULE, None)


def load(tmp_path: Path, source: str) -> tuple[worker.ToolsFile, dict[str, Any]]:
    path = tmp_path / "mine.py"
    path.write_text(textwrap.dedent(source), encoding="utf-8")
    file = worker.ToolsFile(path)
    return file, file.load()


def test_kinds(tmp_path: Path) -> None:
    file, found = load(tmp_path, KINDS)
    assert [one["name"] for one in found["tools"]] == ["kinds", "later", "tree", "when", "untyped", "nothing", "model"]
    assert found["problems"] == []
    answer = file.call("kinds", {"unit": "m", "colour": "red", "points": [{"x": 1}]})
    assert json.loads(answer["text"]) == {"unit": "m", "colour": "RED", "x": [1], "note": None, "count": 2}
    assert file.call("later", {"seconds": 0}) == {"text": "done", "images": []}
    assert file.call("kinds", {"unit": "x"})["error"]["kind"] == "arguments"
    assert file.call("nobody", {})["error"]["kind"] == "unknown"


def test_faults(tmp_path: Path) -> None:
    file, _found = load(tmp_path, FAULTY)
    error = file.call("fails", {"depth": 2})["error"]
    assert (error["kind"], error["reason"], error["line"]) == ("raised", "ValueError: bad value", 8)
    assert "worker.py" not in error["traceback"]
    assert file.call("leaves", {})["error"]["reason"] == "SystemExit: 4"
    assert file.call("long", {})["error"]["kind"] == "too_large"


@pytest.mark.parametrize(
    ("source", "kind", "line"),
    [
        ("import no_such_module_anywhere", "import", 1),
        ("x = (", "syntax", 1),
        ("\nraise MemoryError", "memory", 0),
        ("\nraise KeyboardInterrupt", "raised", 2),
        ("def f(*a): ...", "signature", 1),
        ("def f(**a): ...", "signature", 1),
    ],
)
def test_files_that_do_not_work(tmp_path: Path, source: str, kind: str, line: int) -> None:
    _file, found = load(tmp_path, source)
    (problem,) = found["problems"]
    assert (problem["kind"], problem.get("line")) == (kind, line)


def test_given_descriptions(tmp_path: Path) -> None:
    source = """\
        def f(a: int): return a
        tools = [{"function": {"name": "f", "description": "F", "parameters": {"type": "object"}}}, 3, {"function": {}}]
        TOOLS = "something else"
        """
    _file, found = load(tmp_path, source)
    assert found["tools"] == [{"name": "f", "description": "F", "parameters": {"type": "object"}, "line": 1}]


def test_results() -> None:
    png = b"\x89PNG\r\n\x1a\n" + bytes(4)
    assert worker.describe(png)["images"] == [{"media_type": "image/png", "data": base64.b64encode(png).decode()}]
    assert worker.describe(png + bytes(worker.MAX_IMAGE))["error"]["kind"] == "too_large"
    assert worker.describe(float("nan"))["text"] == "NaN"
    assert worker.describe(object)["text"] == "\"<class 'object'>\""


async def test_printed_text_is_sent_on_in_pieces_up_to_a_limit() -> None:
    out = io.BytesIO()
    printed = worker.Printed(worker.Wire(out))
    printed.begin(7)
    assert printed.writable()
    print("one", file=printed)
    await until(out.getvalue)
    for _ in range(100):
        print("x" * 10_000, file=printed)
    printed.flush()
    messages = [json.loads(line) for line in out.getvalue().splitlines()]
    assert {(message["id"], message["more"]) for message in messages} == {(7, "printed")}
    text = "".join(message["text"] for message in messages)
    assert text.startswith("one\nxxx")
    assert text.endswith("\n[…]\n")
    assert len(text) < worker.MAX_PRINTED + 100


def test_a_hint_that_cannot_be_read() -> None:
    def f(a: "Nothing") -> None: ...  # type: ignore[name-defined]  # noqa: F821, UP037

    with pytest.raises(SignatureError, match="type hints"):
        function_tool(f)


def test_a_recursive_schema_keeps_its_definitions() -> None:
    tree = {
        "$defs": {
            "node": {"title": "Node", "properties": {"next": {"$ref": "#/$defs/node"}}},
            "leaf": {"title": "Leaf", "type": "string"},
        },
        "properties": {"root": {"$ref": "#/$defs/node"}, "title": {"$ref": "#/$defs/leaf", "description": "d"}},
    }
    assert tidy(tree) == {
        "properties": {"root": {"$ref": "#/$defs/node"}, "title": {"type": "string", "description": "d"}},
        "$defs": {"node": {"properties": {"next": {"$ref": "#/$defs/node"}}}},
    }


@given(st.text(alphabet=st.sampled_from(list("ab: \n-()*")) | st.characters(), max_size=120))
def test_any_docstring_is_read(text: str) -> None:
    summary, about = read_docstring(text)
    assert isinstance(summary, str)
    assert all(isinstance(one, str) for one in about.values())


def test_sections_of_a_docstring() -> None:
    text = """\
Do it.

More about it.

Args:
    a (int): the first
        and more
    *rest: others

Raises:
    ValueError: never

Example:
    f(1)

The end.
:rtype: int"""
    summary, about = read_docstring(text)
    assert summary == "Do it.\n\nMore about it.\n\nThe end."
    assert about == {"a": "the first and more", "rest": "others"}


def test_numpys_style() -> None:
    parameters = "Parameters\n----------\na : int\n    The first\n    number.\nb\n    Second.\n"
    text = f"Add.\n\n{parameters}\nReturns\n-------\nint\n    Sum.\n"
    assert read_docstring(text) == ("Add.", {"a": "The first number.", "b": "Second."})


def test_a_type_that_no_model_can_write() -> None:
    class Lock: ...

    def f(a: Lock) -> None: ...

    f.__annotations__["a"] = Lock
    with pytest.raises(SignatureError, match="types"):
        function_tool(f)


def test_a_file_that_is_no_module(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("def f() -> int:\n    return 1\n")
    (problem,) = worker.ToolsFile(path).load()["problems"]
    assert problem["kind"] == "import"


def test_the_worker_answers_lines_until_nobody_asks(tmp_path: Path) -> None:
    """As a process: what tools print, also natively, does not get between the answers."""
    path = tmp_path / "mine.py"
    path.write_text(
        "import os, sys\n"
        "def greet(name: str) -> str:\n"
        "    print('printed', flush=True)\n"
        "    os.write(1, b'native noise')\n"
        "    assert sys.stdin.read() == ''\n"
        "    return 'hello ' + name\n"
    )
    command = [sys.executable, "-m", "tui.tools.worker", str(path), str(4 * 1024**3)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None

        def ask(**request: Any) -> list[dict[str, Any]]:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            lines: list[dict[str, Any]] = []
            while not lines or "more" in lines[-1]:
                lines.append(json.loads(process.stdout.readline()))
            return lines

        (loaded,) = ask(id=1, do="load")
        assert [tool["name"] for tool in loaded["tools"]] == ["greet"]
        *printed, answer = ask(id=2, do="call", name="greet", arguments={"name": "you"})
        assert answer == {"id": 2, "text": "hello you", "images": []}
        assert "".join(one["text"] for one in printed) == "printed\n"
        process.stdin.close()
        assert process.wait(20) == 0
        assert process.stderr.read() == b"native noise"


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit there")
def test_the_limit_of_memory_holds_for_the_process(tmp_path: Path) -> None:
    code = (
        "from tui.tools.worker import limit_memory\nimport resource\nlimit_memory(3 * 2**30)\n"
        "print(resource.getrlimit(resource.RLIMIT_AS), resource.getrlimit(resource.RLIMIT_CORE))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    size = 3 * 2**30 if sys.platform == "linux" else -1
    assert done.stdout.strip() == f"({size}, {size}) (0, 0)"
