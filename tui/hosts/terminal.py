"""ssh's questions on the terminal, for commands without a screen."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import sys
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
            typed = stack.enter_context(open(_TYPED, encoding="utf-8", errors="replace"))
            shown = stack.enter_context(open(_SHOWN, "w", encoding="utf-8", errors="replace"))
        except OSError:
            return None
        prompt = _safe(question.prompt)
        if question.again:
            shown.write(_("That was not accepted.") + "\n")
        if question.subject == "options":
            shown.write(_("This option of the pasted line can run a program on this machine:") + "\n")
            prompt = prompt + "\n" + _("Use it? (yes/no)") + " "
        if question.kind is QuestionKind.NOTICE:
            shown.write(prompt + "\n")
            return None
        return _type(typed, shown, prompt, secret=question.secret)


_TYPED, _SHOWN = ("CONIN$", "CONOUT$") if sys.platform == "win32" else ("/dev/tty", "/dev/tty")


def _type(typed: TextIO, shown: TextIO, prompt: str, *, secret: bool) -> str | None:
    try:
        if secret:
            return getpass.getpass(prompt)
        shown.write(prompt)
        shown.flush()
        return typed.readline().rstrip("\r\n") or None
    except (EOFError, OSError, KeyboardInterrupt):
        return None


def _safe(text: str) -> str:
    """A server's words without control codes."""
    return "".join(char if char.isprintable() or char == "\n" else " " for char in text)
