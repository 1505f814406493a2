"""The input thread on a real pseudo-terminal: what is typed arrives, a lone Escape too, and it ends when told."""

from __future__ import annotations

import asyncio
import os
import pty
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread, get_native_id
from typing import Any, cast

import pytest
from textual.events import Key
from textual.message import Message

from tests.support.waiting import until
from tui.widgets.patient_driver import PatientDriver

pytestmark = pytest.mark.pty


class Collecting(PatientDriver):
    """A driver without an app."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(cast("Any", None), debug=False, mouse=False, size=(80, 24))
        self.fileno = descriptor
        self.messages: list[Message] = []
        self.task = 0

    def process_message(self, message: Message) -> None:
        self.messages.append(message)

    def run_input_thread(self) -> None:
        self.task = get_native_id()
        super().run_input_thread()

    @property
    def keys(self) -> list[str]:
        return [message.key for message in self.messages if isinstance(message, Key)]


@contextmanager
def reading() -> Iterator[tuple[Collecting, int, Thread]]:
    """A running driver, the terminal's other end, the thread."""
    other, own = pty.openpty()
    tty.setraw(own)
    driver = Collecting(own)
    thread = Thread(target=driver.run_input_thread)
    thread.start()
    try:
        yield driver, other, thread
    finally:
        driver.exit_event.set()
        thread.join(20)
        assert not thread.is_alive()
        driver.close()
        os.close(own)
        os.close(other)


async def test_what_is_typed_arrives_in_order_and_whole():
    with reading() as (driver, other, _thread):
        os.write(other, "ab狐".encode()[:-1])
        await until(lambda: driver.keys == ["a", "b"])
        os.write(other, "狐".encode()[-1:] + b"\x1b[A\r")
        await until(lambda: len(driver.keys) == 5)
        assert driver.keys[3:] == ["up", "enter"]
        assert [message.character for message in driver.messages if isinstance(message, Key)][2] == "狐"


async def test_a_lone_escape_is_a_key_and_one_before_a_letter_is_not():
    with reading() as (driver, other, _thread):
        os.write(other, b"\x1b")
        await until(lambda: driver.keys == ["escape"])
        os.write(other, b"\x1b[B")
        await until(lambda: driver.keys == ["escape", "down"])


async def test_it_ends_when_told_and_can_begin_again():
    with reading() as (driver, other, thread):
        driver.exit_event.set()
        driver.exit_event.set()
        thread.join(20)
        assert not thread.is_alive()
        driver.exit_event.clear()
        driver.close()  # as Textual does when the app is suspended
        again = Thread(target=driver.run_input_thread)
        again.start()
        os.write(other, b"x")
        await until(lambda: driver.keys == ["x"])
        driver.exit_event.set()
        again.join(20)
        assert not again.is_alive()


async def test_it_ends_with_the_terminal():
    with reading() as (_driver, other, thread):
        with open(os.devnull) as nothing:
            os.dup2(nothing.fileno(), other)  # closes it
        await until(lambda: not thread.is_alive())


def wakes(driver: Collecting) -> int:
    lines = Path(f"/proc/self/task/{driver.task}/status").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if "ctxt_switches" in line)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc")
async def test_it_sleeps_while_nobody_types():
    """Woken once by each key, whatever the time between two keys."""
    with reading() as (driver, other, _thread):
        os.write(other, b"a")
        await until(lambda: driver.keys == ["a"])
        await until(lambda: _sleeps(driver))
        before = wakes(driver)
        assert not await asyncio.to_thread(driver.exit_event.wait, 0.5)
        assert wakes(driver) - before <= 1


def _sleeps(driver: Collecting) -> bool:
    return Path(f"/proc/self/task/{driver.task}/stat").read_text().rpartition(")")[2].split()[0] == "S"
