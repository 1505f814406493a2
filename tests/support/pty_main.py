"""The app for pseudo-terminal tests: ``python -m tests.support.pty_main MODE``, on a scripted session or a server.

``URL``: the real thing on a server. ``echo``: a fake session that answers with what it got, as Python text.
``crash``: an error with a key in a local variable. ``child``: the workspace holds a child process, its id is printed in
the title line. ``native``: something writes to descriptor 2, as native libraries do. ``hostile``: text with escapes.
``pieces``: a long Markdown reply that streams; to a question that begins with ``gated`` it stops after each third and
goes on with SIGUSR1. ``endless``: a reply that never ends.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys

from tui.config.terminal import mend_environment

mend_environment()

from tests.support.fake_session import TIMINGS, FakeSession, FakeWorkspace  # noqa: E402
from tests.support.hostile import HOSTILE  # noqa: E402
from tests.support.pty_fence import install  # noqa: E402
from tui.app import run_app  # noqa: E402
from tui.app_options import AppOptions  # noqa: E402
from tui.model import events  # noqa: E402
from tui.screens.seam import Approver, Teller, Workspace  # noqa: E402

MARKDOWN = (
    "# Answer {number} to {text}\n\nSome **bold** words, `code`, 中文、标点。 And an emoji 😀 in a long sentence"
    " that wraps.\n\n1. one\n2. two\n   - nested 狐狸\n   - more\n\n> a quotation\n> of two lines\n\n"
    "```python\ndef f(x):\n    return x + {number}\n```\n\n"
    "| a | 西瓜 |\n|---|---|\n| 1 | x |\n| 2 | y |\n\n"
    "[a link](https://example.com/{number}) and the end of answer {number}.\n"
)


class EchoSession(FakeSession):
    """Answers with the length and the representation of what was sent."""

    mode = "echo"

    async def submit(self, text: str, images: tuple = (), *, trim_oldest: bool = False, anyway: bool = False) -> None:
        if self.mode == "crash":
            fail("sk-verysecret-0123456789")
        if self.mode == "native":
            os.write(2, b"NATIVE LIBRARY NOISE\n" * 5)
        if self.mode == "pieces":
            await self._stream(text)
            return
        if self.mode == "endless":
            await self._stream_on(text)
            return
        if self.mode == "busy":
            self.play(
                events.UserMessageAdded("u", text), events.TurnStarted("t", "m"), events.RoundStarted(1, "a"),
                events.TextDelta("begun"),
            )  # fmt: skip
            return
        answer = "\n\n".join(HOSTILE) if self.mode == "hostile" else f"got {len(text)} characters: {text[:400]!r}"
        self.turn(events.TextDelta(answer), question=text)

    async def _stream(self, text: str) -> None:
        """A long reply in pieces of a few characters, as a server sends it."""
        gate = asyncio.Semaphore(0)
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, gate.release)
        self._answers = getattr(self, "_answers", 0) + 1
        number = self._answers
        self.play(
            events.UserMessageAdded(f"u{number}", text), events.TurnStarted(f"t{number}", "m"),
            events.RoundStarted(1, f"a{number}"), events.ReasoningDelta("I think about " + text),
            events.ReasoningFinished(0.5),
        )  # fmt: skip
        answer = MARKDOWN.replace("{text}", text).replace("{number}", str(number))
        third = len(answer) // 3
        for start in range(0, len(answer), 7):
            self.play(events.TextDelta(answer[start : start + 7]))
            if text.startswith("gated") and start // third < (start + 7) // third < 3:
                await gate.acquire()
            await asyncio.sleep(0.001)
        self.play(events.Usage(100, 50), events.TurnFinished("stop", TIMINGS))

    async def _stream_on(self, text: str) -> None:
        self.play(events.UserMessageAdded("u", text), events.TurnStarted("t", "m"), events.RoundStarted(1, "a"))
        while True:
            self.play(events.TextDelta("on and "))
            await asyncio.sleep(0.01)


def fail(api_key: str) -> None:
    note = f"the key is {api_key}"
    raise RuntimeError(f"api_key={api_key} broke it") from ValueError(note)


class EchoWorkspace(FakeWorkspace):
    def __init__(self, mode: str) -> None:
        super().__init__()
        self.fake = self.session = EchoSession()
        self.fake.mode = mode
        self.child: subprocess.Popen[bytes] | None = None
        if mode == "child":
            self.child = subprocess.Popen(["sleep", "300"], start_new_session=True)
            self.address = f"child-{self.child.pid}"

    async def aclose(self) -> None:
        await super().aclose()
        if self.child is not None:
            self.child.terminate()
            await asyncio.to_thread(self.child.wait, 5)


def main() -> int:
    mode = sys.argv[1]
    language = sys.argv[2] if len(sys.argv) > 2 else "en"
    install()
    if mode.startswith("http"):
        return run_app(AppOptions(url=mode, language=language))
    if mode == "demo":
        return run_app(AppOptions(demo={"speed": 200}, language=language))

    async def factory(_approve: Approver, _tell: Teller) -> Workspace:
        return EchoWorkspace(mode)

    return run_app(AppOptions(language=language), factory=factory)


if __name__ == "__main__":
    raise SystemExit(main())
