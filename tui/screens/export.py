"""A conversation as a file: Markdown to read, JSON with everything. No API key is part of a conversation."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tui.model.message import (
    ImagePart,
    Message,
    NoticePart,
    Part,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)

_NOT_IN_NAMES = re.compile(r"[^\w.-]+")


def as_markdown(title: str, messages: Sequence[Message]) -> str:
    """What was said, thought and called, in order."""
    pieces = [f"# {title}"]
    for message in messages:
        if message.role != "tool":
            pieces.append(f"## {message.role}")
        pieces += [piece for part in message.parts if (piece := _markdown(part))]
    return "\n\n".join(pieces) + "\n"


def _markdown(part: Part) -> str:
    match part:
        case TextPart(text):
            return text.strip()
        case ReasoningPart(text):
            return "\n".join(f"> {line}".rstrip() for line in text.strip().splitlines())
        case ToolCallPart(_, name, arguments):
            return f"**{name}**\n\n{_fenced(arguments, 'json')}"
        case ToolResultPart(_, name, content):
            return f"**{name} →**\n\n{_fenced(content)}"
        case ImagePart():
            return f"*[{part.name or part.media_type}]*"
        case NoticePart(problem):
            return f"*{problem.code}*"


def _fenced(text: str, language: str = "") -> str:
    """A code block that its content cannot end."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def as_json(title: str, messages: Sequence[Message]) -> str:
    """Everything, in the shape of the chat protocol's messages with our parts beside them."""
    data = {"title": title, "messages": [_message(one) for one in messages]}
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


def _message(message: Message) -> dict[str, Any]:
    from tui.model.codec import to_json

    return {
        "role": message.role,
        "content": message.text,
        "created": message.created.isoformat(),
        "complete": message.complete,
        "parts": [to_json(part) for part in message.parts],
    }


def free_path(folder: Path, title: str, kind: str) -> Path:
    """A name made of the title that is not taken in the folder."""
    name = _NOT_IN_NAMES.sub("-", title).strip("-.")[:60] or "conversation"
    return next(path for path in _names(folder, name, "json" if kind == "json" else "md") if not path.exists())


def _names(folder: Path, name: str, kind: str) -> Iterable[Path]:
    yield folder / f"{name}.{kind}"
    number = 2
    while True:
        yield folder / f"{name}-{number}.{kind}"
        number += 1


def write_new(path: Path, text: str) -> Path:
    """Write a file that did not exist, readable by its owner only. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as stream:
        stream.write(text)
    return path
