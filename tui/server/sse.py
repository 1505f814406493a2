"""Server-sent events, decoded by us: bytes in any split become text lines, lines become payloads.

lmdeploy puts every chunk on one ``data:`` line, so a line is decoded as soon as it is complete. Tolerated because
servers and proxies of several versions do it: ``data:`` without a space, doubled blank lines, carriage returns,
comments, JSON without ``data:`` (lmdeploy's proxy when a node is dead), bytes that are not UTF-8.
"""

from __future__ import annotations

MAX_LINE = 32 * 1024 * 1024
"""Bytes that one line may have before the stream is given up."""

DONE = "[DONE]"


class LineDecoder:
    """Cuts a byte stream into text lines. Blank lines are left out; every split of the stream gives the same lines.

    ``replaced`` counts the lines in which bytes were not UTF-8 and became replacement characters. ``overflow`` is True
    once a line was longer than allowed: that line and everything after it is dropped, so memory stays bounded.
    """

    def __init__(self, max_line: int = MAX_LINE) -> None:
        self.replaced = 0
        self.overflow = False
        self._max_line = max_line
        self._rest = bytearray()

    def feed(self, piece: bytes) -> list[str]:
        """The lines that ``piece`` completes."""
        end = piece.rfind(b"\n") + 1
        if not end:
            self._keep(piece)
            return []
        lines: list[str] = []
        start = 0
        if self._rest:
            start = piece.index(b"\n") + 1
            self._keep(piece[:start])
            lines = self.finish()
        self._cut(piece[start:end], lines)
        if end < len(piece):
            self._keep(piece[end:])
        return lines

    def finish(self) -> list[str]:
        """What is left when the stream ended: a last line without its line end."""
        complete = bytes(self._rest)
        self._rest.clear()
        lines: list[str] = []
        self._cut(complete, lines)
        return lines

    def _keep(self, piece: bytes) -> None:
        if len(self._rest) + len(piece) > self._max_line + 1:  # one more for the line end
            self.overflow = True
            self._rest.clear()
        elif not self.overflow:
            self._rest += piece

    def _cut(self, complete: bytes, lines: list[str]) -> None:
        for line in complete.split(b"\n"):
            if self.overflow or len(line) > self._max_line:
                self.overflow = self.overflow or len(line) > self._max_line
                return
            if not line or line.isspace():
                continue
            try:
                text = line.decode()
            except UnicodeDecodeError:
                self.replaced += 1
                text = line.decode(errors="replace")
            if "\r" in text:
                lines.extend(part for part in text.split("\r") if part.strip())
            else:
                lines.append(text)


def payload_of(line: str) -> str | None:
    """The JSON text or ``[DONE]`` that a line carries; None for comments, other fields and empty data.

    A line that is no field of an event stream is given back whole: it may be JSON, or an error in plain text."""
    if line.startswith("data:"):
        return line[5:].strip() or None
    if line.startswith((":", "event:", "id:", "retry:")):
        return None
    return line.strip() or None
