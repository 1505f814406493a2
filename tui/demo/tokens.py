"""A stand-in for a tokenizer: cuts text into pieces of the size that real models stream."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

_PIECE = re.compile(r" ?[A-Za-z]{1,12}|\d|[一-鿿]{1,2}|\n+|.", re.DOTALL)
_FIRST_ID = 100


def split(text: str) -> list[str]:
    """The pieces of a text; joined they are the text again."""
    return _PIECE.findall(text)


def token_ids(text: str) -> list[int]:
    """A number for every piece: equal pieces have equal numbers, in every process."""
    return [_FIRST_ID + sum(ord(letter) * (place + 1) for place, letter in enumerate(piece)) for piece in split(text)]


def content_text(content: object) -> str:
    """The text of a message's content: a string, or a list of parts of which the text ones count."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = cast("list[object]", content)
        return "".join(str(cast("dict[str, object]", part).get("text", "")) for part in parts if isinstance(part, dict))
    return ""


def count_prompt(messages: Iterable[Mapping[str, Any]], tools: Iterable[Any] = ()) -> int:
    """Tokens of a conversation after the chat template: four a message for its markers, three for the opening."""
    total = 3
    for message in messages:
        total += 4 + len(split(content_text(message.get("content"))))
        if calls := message.get("tool_calls"):
            total += len(split(json.dumps(calls, ensure_ascii=False)))
    for tool in tools:
        total += len(split(json.dumps(tool, ensure_ascii=False)))
    return total
