"""Figures as words: tokens, timings, the state of the link. Plain text in the current language, no Textual."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from rich.cells import cell_len

from tui.i18n import N_, _
from tui.i18n.figures import seconds

if TYPE_CHECKING:
    from tui.model.events import ContextMeter, Timings, Usage
    from tui.model.server import LinkState, ServerFacts


@cache
def _wide() -> re.Pattern[str]:
    """Compiling it takes 3 ms, and the first frame needs none."""
    return re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")


def fold_mark(opened: bool) -> str:
    return "▾" if opened else "▸"


def thousands(value: int) -> str:
    """``950``, ``1.2k``, ``32k``, ``1.0M``: short enough for a status line."""
    if value < 1_000:
        return str(value)
    if value < 10_000:
        return f"{value / 1000:.1f}k"
    return f"{value / 1000:.0f}k" if value < 1_000_000 else f"{value / 1_000_000:.1f}M"


def size(count: int) -> str:
    """Bytes of a file: ``950 bytes``, ``12 KiB``, ``3.4 MiB``."""
    if count < 1024:
        return _("{count} bytes").format(count=count)
    return f"{count / 1024:.0f} KiB" if count < 1024 * 1024 else f"{count / (1024 * 1024):.1f} MiB"


def estimate_tokens(text: str) -> int:
    """A rough count for display: 0.7 tokens a Chinese character, four other characters a token."""
    return tokens_of(len(text), count_wide(text))


def count_wide(text: str) -> int:
    """Its Chinese characters."""
    return len(_wide().findall(text))


def tokens_of(size: int, wide: int) -> int:
    """``estimate_tokens`` for so many characters, so many of them Chinese."""
    return round(0.7 * wide + (size - wide) / 4)


def usage(value: Usage | None) -> list[str]:
    if value is None:
        return []
    mark = "≈" if value.estimated else ""
    return [f"↑{mark}{value.prompt_tokens:,} ↓{mark}{value.completion_tokens:,}"]


def timings(value: Timings | None) -> list[str]:
    if value is None:
        return []
    pieces: list[str] = []
    if value.first_token is not None:
        pieces.append(_("first token {seconds}").format(seconds=seconds(value.first_token)))
    if rate := value.tokens_per_second:
        pieces.append(_("{rate} tok/s").format(rate=f"{rate:.0f}"))
    pieces.append(_("{seconds} in all").format(seconds=seconds(value.total)))
    return pieces


# By the phase's name: the model's classes are loaded after the first frame.
_PHASES = {
    "IDLE": N_("not connected"),
    "RESOLVING": N_("looking up the host …"),
    "CONNECTING": N_("connecting …"),
    "HOST_KEY": N_("asks about the host key"),
    "AUTH": N_("asks for a password or a code"),
    "FORWARDING": N_("opening the tunnel …"),
    "PROBING": N_("asking the server what it is …"),
    "HEALTHY": N_("connected"),
    "DEGRADED": N_("connected, with trouble"),
    "LOST": N_("connection lost"),
    "BACKOFF": N_("not reachable, tries again"),
    "NEEDS_YOU": N_("needs you"),
}


def link(state: LinkState | None) -> str:
    """The state of the link in a few words, with the round trip when connected."""
    if state is None:
        return _("starting …")
    text = _(_PHASES[state.phase.name])
    if state.phase.name == "HEALTHY" and state.round_trip is not None:
        return f"⇄ {seconds(state.round_trip)}"
    return text


def age(value: float) -> str:
    """How long something has been so: ``5 s``, ``3 min``, ``2 h``, ``4 d``."""
    if value < 60:
        return _("{count} s").format(count=max(0, int(value)))
    if value < 3600:
        return _("{count} min").format(count=int(value // 60))
    if value < 86_400:
        return _("{count} h").format(count=int(value // 3600))
    return _("{count} d").format(count=int(value // 86_400))


def chip(state: LinkState | None, now: float) -> str:
    """The state of a connection in a few words: the round trip, since when (from a few seconds on), the next attempt.
    ``now`` is monotonic, as the state's own times are."""
    if state is None or state.phase.name == "IDLE" or not state.since:
        return link(state)
    if state.retry_at is not None and state.retry_at > now:
        return _("not reachable, tries again in {age}").format(age=age(state.retry_at - now + 0.5))
    if now - state.since < _NEW:
        return link(state)
    return f"{link(state)} · {age(now - state.since)}"


_NEW = 5.0


def link_trouble(state: LinkState | None) -> str:
    """The whole sentence with the next step while something is wrong with the link, else empty."""
    from tui.i18n.problems import explain

    return explain(state.problem).text if state is not None and state.problem is not None else ""


_ENGINES = {"turbomind": "TurboMind", "pytorch": "PyTorch"}


def engine(facts: ServerFacts | None) -> str:
    """``TurboMind 0.18``, ``PyTorch 0.9–0.11``, empty when nothing is known."""
    if facts is None:
        return ""
    name = _ENGINES.get(facts.engine, "")
    if facts.version_band is None:
        return name
    oldest, newest = (".".join(release.split(".")[:2]) for release in facts.version_band)
    version = oldest if oldest == newest else f"{oldest}–{newest}"
    return f"{name or 'lmdeploy'} {version}"


_NAMED_CELLS = 24


def tools_in_words(names: Sequence[str]) -> str:
    """Which tools are on: by name where that is short, else how many."""
    listed = ", ".join(names)
    if not names:
        return _("no tools")
    if cell_len(listed) <= _NAMED_CELLS and listed.isprintable():
        return _("tools: {names}").format(names=listed)
    return _("{count} tools").format(count=len(names))


def meter(value: ContextMeter | None) -> str:
    """``ctx 1.2k/32k``, with ≈ when estimated."""
    if value is None:
        return ""
    mark = "≈" if value.estimated else ""
    limit = "" if value.limit is None else f"/{thousands(value.limit)}"
    return _("ctx {mark}{tokens}{limit}").format(mark=mark, tokens=thousands(value.tokens), limit=limit)
