"""ssh's questions on the terminal of a command without a screen."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from tui.hosts import terminal
from tui.hosts.terminal import ask_on_terminal
from tui.model.question import Question, QuestionKind

CODE = """
import asyncio, sys
from tui.hosts.terminal import ask_on_terminal
from tui.model.question import Question, QuestionKind
kind = QuestionKind(sys.argv[1])
question = Question(kind, "Prompt\\x1b[31m? ", "box", subject=sys.argv[2], again=True)
print(repr(asyncio.run(ask_on_terminal(question))))
"""


@pytest.mark.pty
@pytest.mark.parametrize(
    ("kind", "subject", "typed", "answer", "echoed"),
    [
        ("password", "", "geheim\n", "'geheim'", False),
        ("host-key", "", "yes\n", "'yes'", True),
        ("confirm", "options", "no\n", "'no'", True),
        ("confirm", "", "\n", "None", True),
        ("notice", "", "", "None", True),
    ],
)
def test_a_question_is_asked_on_the_terminal(kind: str, subject: str, typed: str, answer: str, echoed: bool) -> None:
    pid, terminal_end = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-c", CODE, kind, subject])
    shown = b""
    wrote = not typed
    while True:
        try:
            data = os.read(terminal_end, 4096)
        except OSError:
            break
        if not data:
            break
        shown += data
        if not wrote and (b"? " in shown and (subject != "options" or b"(yes/no)" in shown)):
            os.write(terminal_end, typed.encode())
            wrote = True
    os.waitpid(pid, 0)
    os.close(terminal_end)
    text = shown.decode()
    assert answer in text
    assert "\x1b[31m" not in text  # a server's words never command the terminal
    assert "That was not accepted." in text
    assert (typed.strip() in text.replace(answer, "")) == echoed


async def test_without_a_terminal_there_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "_TYPED", "/nowhere/tty")
    assert await ask_on_terminal(Question(QuestionKind.PASSWORD, "?", "box")) is None


def test_a_secret_is_never_asked_for_on_standard_input() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CODE, "password", ""], input="leak\n", capture_output=True, text=True,
        start_new_session=True, timeout=30, check=True,
    )  # fmt: skip
    assert done.stdout == "None\n"
