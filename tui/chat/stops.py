"""Stop strings, enforced by the client: lmdeploy ignores those that tokenize to more than one token (0.18,
serve/openai: a warning in its log only), so the answer is cut here and the stream is closed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cut:
    """Text that may be shown, and the stop string that ended the answer (empty: it goes on)."""

    text: str
    stop: str = ""


class StopCutter:
    """Feed it the answer in any pieces. Of several stop strings the one that is complete first ends the answer."""

    def __init__(self, stops: tuple[str, ...]) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""

    def feed(self, text: str) -> Cut:
        if not self._stops:
            return Cut(text)
        text = self._held + text
        found = [(text.find(stop) + len(stop), -len(stop), stop) for stop in self._stops if stop in text]
        if found:
            end, _, stop = min(found)
            self._held = ""
            return Cut(text[: end - len(stop)], stop)
        keep = len(text) - max(_overlap(text, stop) for stop in self._stops)
        self._held = text[keep:]
        return Cut(text[:keep])

    def finish(self) -> str:
        """What was held back, when nothing more comes."""
        held, self._held = self._held, ""
        return held


def _overlap(text: str, stop: str) -> int:
    for size in range(min(len(stop) - 1, len(text)), 0, -1):
        if stop.startswith(text[-size:]):
            return size
    return 0
