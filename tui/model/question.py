"""What ssh asks while it logs in, as typed values; a screen or the terminal answers them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum


class QuestionKind(Enum):
    """``CODE`` is asked for again every time; ``NOTICE`` wants no answer (touch the security key)."""

    HOST_KEY = "host-key"
    PASSWORD = "password"  # noqa: S105 (the name of a kind)
    PASSPHRASE = "passphrase"  # noqa: S105
    CODE = "code"
    CONFIRM = "confirm"
    NOTICE = "notice"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Question:
    """One question of ssh. ``prompt`` is ssh's own text, verbatim: never markup. ``host`` is the machine the user asked
    for; ``subject`` what the question is about, as ssh names it (a host, user@host, a key file). ``key_type`` and
    ``fingerprint`` come with a host key. ``again`` is True when the answer before was rejected."""

    kind: QuestionKind
    prompt: str
    host: str
    subject: str = ""
    key_type: str = ""
    fingerprint: str = ""
    again: bool = False

    @property
    def secret(self) -> bool:
        """Whether what is typed must not be shown."""
        return self.kind not in (QuestionKind.HOST_KEY, QuestionKind.CONFIRM, QuestionKind.NOTICE)


Asker = Callable[[Question], Awaitable[str | None]]
"""Answers a question; None means that nobody will. Cancelled when ssh no longer waits for it."""


@dataclass(frozen=True, slots=True)
class ChangedKey:
    """A machine that shows another host key than the one kept for it. ``known`` are the fingerprints kept in ``file``
    under ``name``, ``offered`` the one shown now."""

    name: str
    key_type: str
    offered: str
    known: tuple[str, ...]
    file: str
    line: int
