"""Requests as curl and Python, really run; answers told apart line by line."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import demo as demo_server
from tests.support.waiting import until
from tui.chat.wire import as_curl, as_python, calls_parsed_by, deltas, request_of
from tui.model.turn import RawLine, TurnRecord
from tui.server.address import Address
from tui.server.endpoint import Endpoint
from tui.session import Session
from tui.store.store import Store
from tui.tools.arithmetic import arithmetic

demo, start_demo = demo_server.demo, demo_server.start_demo


async def a_turn(url: str, tmp_path: Path) -> tuple[Session, TurnRecord]:
    endpoint = Endpoint(Address.parse(url))
    store = await Store.open(tmp_path / "store.db")
    session = Session(endpoint, arithmetic(), store=store, system="Be kind.")
    await session.submit("Compute (3+5)*2")
    await until(lambda: not session.busy, 30)
    await session.aclose()
    turn = session.messages[-1].turn
    assert turn
    record = await store.turn(turn)
    assert record
    await store.close()
    await endpoint.aclose()
    return session, record


@pytest.mark.parametrize(("parser", "path"), [("qwen", "server"), ("none", "lmdeck")])
async def test_a_turn_with_tools(start_demo, tmp_path: Path, parser: str, path: str) -> None:
    server = await start_demo(tool_call_parser=parser)
    session, record = await a_turn(server.url, tmp_path)
    assert [spec.name for spec in record.tools] == ["add", "mul"]
    assert calls_parsed_by(record, session.messages) == path
    assert calls_parsed_by(record, session.messages[:1]) == ""
    found = deltas(record.raw)
    assert {delta.round for delta in found} == {1, 2, 3}
    assert all(delta.seconds >= 0 for delta in found)
    kinds = {delta.kind for delta in found}
    assert {"text", "usage", "finish", "end"} <= kinds
    assert ("call" in kinds) is (path == "server")
    assert "".join(delta.text for delta in found if delta.kind == "text" and delta.round == 3).startswith("The result")

    answers = [message for message in session.messages if message.role == "assistant"]
    body = request_of(record, session.messages, answers[1].id)
    assert [row["role"] for row in body["messages"]] == ["system", "user", "assistant", "tool"]
    assert body.get("tool_choice") == ("none" if parser == "none" else None)
    with pytest.raises(KeyError):
        request_of(record, session.messages, "nobody")

    script = as_python(server.url, body)
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=50, check=True)
    assert "mul" in ran.stdout
    curl = subprocess.run(as_curl(server.url, body), shell=True, capture_output=True, text=True, timeout=20, check=True)
    assert "data: [DONE]" in curl.stdout
    assert "mul" in curl.stdout


async def test_a_key_is_never_written_out(start_demo) -> None:
    server = await start_demo(api_key="sekret")
    body: dict[str, Any] = {"model": "lmdeck-demo", "messages": [{"role": "user", "content": "it's"}], "top_k": 5}
    environment = {**os.environ, "LMDECK_API_KEY": "sekret"}
    for command in (as_curl(server.url, body, with_key=True), as_python(server.url, body, with_key=True)):
        assert "sekret" not in command
        words = [sys.executable, "-c", command] if "import" in command else ["sh", "-c", command]
        ran = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=50, check=True)
        assert "it's" in ran.stdout


@given(st.text(max_size=60))
def test_any_text_survives_and_nothing_reaches_the_terminal(text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    body = {"model": "m", "messages": [{"role": "user", "content": text}], "stop": [text], "temperature": 0.5}
    script = as_python("http://h:1", body)
    assert all(one.isprintable() or one == "\n" for one in script)
    assigned = {
        node.targets[0].id: node.value  # type: ignore[attr-defined]
        for node in ast.parse(script).body
        if isinstance(node, ast.Assign)
    }
    assert ast.literal_eval(assigned["messages"]) == body["messages"]
    curl = as_curl("http://h:1", body)
    assert all(one.isprintable() or one == "\n" for one in curl)
    data = curl.partition("-d '")[2].removesuffix("'\n").replace("'\\''", "'")
    assert json.loads(data) == body


def test_lines_of_every_kind() -> None:
    lines = [
        RawLine(0.1, 'data: {"choices": [{"delta": {"reasoning_content": "hm", "content": "x"}}]}'),
        RawLine(0.2, ": a comment"),
        RawLine(0.3, 'data: {"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 3}}'),
        RawLine(0.1, 'data: {"error": "broken"}'),
        RawLine(0.2, "data: [1]"),
        RawLine(0.3, "data: {broken"),
        RawLine(0.4, 'data: {"choices": [3, {"message": {"tool_calls": [{"id": "1"}]}}]}'),
        RawLine(0.5, 'data: {"choices": []}'),
    ]
    found = deltas(lines)
    assert [(delta.round, delta.kind) for delta in found] == [
        (1, "reasoning"), (1, "text"), (1, "finish"), (1, "usage"), (2, "error"), (2, "other"), (2, "other"),
        (2, "call"), (2, "other"),
    ]  # fmt: skip
