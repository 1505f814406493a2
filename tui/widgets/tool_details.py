"""The whole of a tool call as text: arguments, result as a tree or a table, what was printed. No Textual in here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

from tui.i18n import _
from tui.widgets.cell_rows import cell_len, pad

if TYPE_CHECKING:
    from tui.model.message import ImagePart

# Beyond this, text is not parsed for display: 1 MB of JSON takes 10 ms and more.
PARSE_LIMIT = 50_000
_WIDEST = 40
_MOST_COLUMNS = 8
_DEEPEST = 40


def parsed(text: str) -> Any:
    """The JSON value in a text that is short enough to be looked at; None for everything else."""
    if len(text) > PARSE_LIMIT:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def result_text(text: str) -> str:
    """A result for reading: a list of like objects as a table, other JSON as a tree, everything else as it is."""
    value = parsed(text)
    if isinstance(value, list) and (table := _table(cast("list[Any]", value))):
        return table
    if isinstance(value, (dict, list)) and value:
        return "\n".join(tree(value))
    return text


def tree(value: Any, indent: str = "", depth: int = 0) -> Iterable[str]:
    """A JSON value as rows: names before values, deeper ones further in."""
    if depth > _DEEPEST:
        yield f"{indent}…"
        return
    if isinstance(value, dict):
        pairs = [(str(key), item) for key, item in cast("dict[str, Any]", value).items()]
    else:
        pairs = [("-", item) for item in cast("list[Any]", value)]
    for key, item in pairs:
        name = key if key == "-" else f"{key}:"
        if isinstance(item, (dict, list)) and item:
            yield f"{indent}{name}"
            yield from tree(item, indent + "  ", depth + 1)
        else:
            yield f"{indent}{name} {scalar(item)}"


def scalar(value: Any) -> str:
    """Text as it is, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _table(rows: Sequence[Any]) -> str:
    """Objects with the same few plain fields as columns; empty when they are not that."""
    if len(rows) < 2 or not all(isinstance(row, dict) for row in rows):
        return ""
    records = cast("Sequence[dict[str, Any]]", rows)
    names = list(records[0])
    if not 0 < len(names) <= _MOST_COLUMNS or any(list(record) != names for record in records):
        return ""
    if any(isinstance(item, (dict, list)) for record in records for item in record.values()):
        return ""
    cells = [names, *([scalar(record[name]).replace("\n", " ") for name in names] for record in records)]
    widths = [min(max(cell_len(row[column]) for row in cells), _WIDEST) for column in range(len(names))]
    lines = ["  ".join(pad(text, width) for text, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join([lines[0], "  ".join("─" * width for width in widths), *lines[1:]])


def image_notes(images: Iterable[ImagePart]) -> list[str]:
    """One line for each picture."""
    return [
        _("picture: {kind}, {size} bytes").format(kind=image.media_type, size=f"{len(image.data) * 3 // 4:,}")
        for image in images
    ]
