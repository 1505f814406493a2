"""A message's part as a row and back, and the hash over a message's rows."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tui.model.codec import from_json, to_json
from tui.model.message import ImagePart, NoticePart, Part, ReasoningPart, TextPart, ToolCallPart, ToolResultPart
from tui.model.problem import Problem

# The field that grows while a part is being written; it has a column of its own, so that appending costs what is new.
_GROWING = {
    TextPart.__name__: "text",
    ReasoningPart.__name__: "text",
    ToolCallPart.__name__: "arguments",
    ToolResultPart.__name__: "content",
    ImagePart.__name__: "data",
}
_HASH_VERSION = 1


@dataclass(frozen=True, slots=True)
class PartRow:
    """``kind`` is the part's class, ``text`` its growing field, ``payload`` the rest as JSON without default values
    (so that a field added later changes no hash)."""

    kind: str
    payload: str
    text: str


def to_row(part: Part) -> PartRow:
    kind = type(part).__name__
    fields = _plain_fields(part)
    text = fields.pop(_GROWING.get(kind, ""), "")
    return PartRow(kind, _dump(fields), text)


def from_row(row: PartRow) -> Part:
    """The part exactly as it was put. What this lmdeck does not understand becomes a notice that says so."""
    if row.kind == "TextPart" and row.payload == "{}":
        return TextPart(row.text)
    try:
        fields = json.loads(row.payload)
        if growing := _GROWING.get(row.kind):
            fields[growing] = row.text
        part = from_json({**fields, "type": row.kind})
    except (ValueError, TypeError) as error:
        return _unreadable(row, str(error))
    return part if isinstance(part, Part) else _unreadable(row, "")


def content_hash(role: str, rows: Sequence[PartRow], parent_hash: str) -> str:
    """SHA-256 (hex) over role, parts and the parent's hash ("" at the root), as canonical JSON:
    ``[1, role, [[kind, payload, text], …], parent's hash]``, ASCII, no blanks."""
    content = [_HASH_VERSION, role, [[row.kind, row.payload, row.text] for row in rows], parent_hash]
    return hashlib.sha256(_dump(content).encode("ascii")).hexdigest()


def pack(text: str) -> str | bytes:
    """Text as SQLite can take it: bytes where it holds lone surrogates, which a server can send escaped in JSON."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
    return text


def unpack(value: str | bytes) -> str:
    return value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else value


def _dump(data: Any) -> str:
    return json.dumps(data, ensure_ascii=True, sort_keys=True, separators=(",", ":"))


def _plain_fields(value: Any) -> dict[str, Any]:
    """A dataclass' fields that differ from their defaults, JSON-ready, all the way down."""
    fields: dict[str, Any] = {}
    for field in dataclasses.fields(value):
        item = getattr(value, field.name)
        default = field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default
        if default is dataclasses.MISSING or item != default:
            fields[field.name] = _plain(item)
    return fields


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {"type": type(value).__name__, **_plain_fields(value)}
    return to_json(value)


def _unreadable(row: PartRow, why: str) -> Part:
    return NoticePart(Problem("store.unreadable_part", {"kind": row.kind}, f"{why}\n{row.payload}\n{row.text}".strip()))
