"""The terminal's driver, reading keys without looking ten times a second whether it should stop.

Textual 8.2.8 waits for keys in steps of 0.1 s: an eighth of a percent of a core for nothing, a lone Escape that arrives
up to 0.1 s late, and 0.1 s at the end of every run and at every suspend. Here the wait has no end but a key, the moment
at which the parser gives up on a half-read key, or a byte in a pipe that says stop.
"""

from __future__ import annotations

import os
import selectors
from codecs import getincrementaldecoder
from collections.abc import Iterable
from contextlib import suppress
from threading import Event
from typing import Any
from weakref import finalize

from textual._parser import ParseError
from textual._time import get_time
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

_AT_ONCE = 4096


class _WakingEvent(Event):
    """An event that a thread can wait for together with a file: while it is set, ``descriptor`` can be read. Its pipe
    is closed with it: the driver that is closed while the app is suspended goes on with the same event."""

    def __init__(self) -> None:
        super().__init__()
        self.descriptor, self._writer = os.pipe()
        for end in (self.descriptor, self._writer):
            finalize(self, os.close, end)

    def set(self) -> None:
        if not self.is_set():
            os.write(self._writer, b"!")
        super().set()

    def clear(self) -> None:
        if self.is_set():
            os.read(self.descriptor, 1)
        super().clear()


class PatientDriver(LinuxDriver):
    """``LinuxDriver`` with another input thread."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.exit_event = _WakingEvent()

    def run_input_thread(self) -> None:
        """Dispatch what the terminal sends until ``exit_event`` is set or the terminal is gone."""
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")().decode
        with selectors.SelectSelector() as selector:  # as Textual: others do not know terminals on every system
            selector.register(self.fileno, selectors.EVENT_READ)
            selector.register(self.exit_event.descriptor, selectors.EVENT_READ)
            try:
                while not self.exit_event.is_set():
                    for key, _events in selector.select(_patience(parser)):
                        if key.fd != self.fileno:
                            continue
                        if not (data := os.read(self.fileno, _AT_ONCE)):
                            return
                        if text := decode(data):
                            self._dispatch(parser.feed(text))
                    self._dispatch(parser.tick())
            finally:
                with suppress(EOFError, ParseError):
                    list(parser.feed(""))  # ends the parser; nobody wants what comes of it

    def _dispatch(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self.process_message(message)


def _patience(parser: XTermParser) -> float | None:
    """Seconds until the parser takes what it has for a whole key; None while it has nothing."""
    due = parser._timeout_time  # pyright: ignore[reportPrivateUsage]
    return None if due is None else max(0.0, due - get_time())
