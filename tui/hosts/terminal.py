"""ssh's questions on the terminal, for commands without a screen."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import os
from typing import TextIO

from tui.i18n import _
from tui.model.question import Question, QuestionKind


async def ask_on_terminal(question: Question) -> str | None:
    """Ask on the terminal itself, whatever standard input and output are; None without one. What is typed for a secret
    is not shown."""
    return await asyncio.to_thread(_ask, question)


def _ask(question: Question) -> str | None:
    with contextlib.ExitStack() as stack:
        try:
            terminal = stack.enter_context(open(_TERMINAL, "r+", encoding="utf-8", buffering=1))
        except OSError:
            return None
        prompt = _safe(question.prompt)
        if question.again:
            terminal.write(_("That was not accepted.") + "\n")
        if question.subject == "options":
            terminal.write(_("This option of the pasted line can run a program on this machine:") + "\n")
            prompt = f"{prompt}\n{_('Use it? (yes/no)')} "
        if question.kind is QuestionKind.NOTICE:
            terminal.write(prompt + "\n")
            return None
        return _type(terminal, prompt, secret=question.secret)


_TERMINAL = "CONIN$" if os.name == "nt" else "/dev/tty"


def _type(terminal: TextIO, prompt: str, *, secret: bool) -> str | None:
    try:
        if secret:
            return getpass.getpass(prompt)
        terminal.write(prompt)
        terminal.flush()
        return terminal.readline().rstrip("\r\n") or None
    except (EOFError, OSError, KeyboardInterrupt):
        return None


def _safe(text: str) -> str:
    """A server's words without control codes."""
    return "".join(char if char.isprintable() or char == "\n" else " " for char in text)
