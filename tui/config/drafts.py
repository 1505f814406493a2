"""Unfinished messages, one a conversation, kept across restarts in a private file of the state folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from tui.config.paths import state_folder
from tui.config.settings_file import write_text

_MOST = 50
_LONGEST = 200_000  # characters


class Drafts:
    """Conversation id → text; the empty id is a new conversation. The oldest go first when there are too many."""

    def __init__(self, path: Path, texts: dict[str, str]) -> None:
        self._path = path
        self._texts = texts
        self._written = dict(texts)

    @classmethod
    def read(cls, path: Path | None = None) -> Drafts:
        """What was kept; a file that is missing or broken holds nothing. Never raises."""
        path = path or state_folder() / "drafts.json"
        texts: dict[str, str] = {}
        try:
            data: Any = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            data = None
        if isinstance(data, dict):
            items = cast("dict[str, object]", data).items()
            texts = {key: text for key, text in items if isinstance(text, str)}
        return cls(path, texts)

    def take(self, key: str) -> str:
        """The text kept for a conversation; it is not kept any longer."""
        return self._texts.pop(key, "")

    def put(self, key: str, text: str) -> None:
        """Keep a text; an empty one, or one that is too long to be typed, is not kept."""
        self._texts.pop(key, None)
        if text.strip() and len(text) <= _LONGEST:
            self._texts[key] = text
        for oldest in list(self._texts)[:-_MOST]:
            del self._texts[oldest]

    def write(self) -> None:
        """Write what changed since it was read. Raises ProblemError or OSError."""
        if self._texts != self._written:
            write_text(self._path, json.dumps(self._texts) + "\n")
            self._written = dict(self._texts)
