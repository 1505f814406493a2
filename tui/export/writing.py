"""One door for all forms of an export."""

from __future__ import annotations

from pathlib import Path

from tui.export.data import as_json
from tui.export.document import Document, Kind
from tui.export.files import files_folder
from tui.export.files import write as write_files
from tui.export.html import as_html
from tui.export.markdown import Rendered, as_markdown


def render(document: Document, kind: Kind, *, blog: bool = False, folder: str = "files") -> Rendered:
    """The document in one of its forms. ``blog``: without anything that editors of blogs drop."""
    if kind == "json":
        return Rendered(as_json(document))
    if kind == "html":
        return Rendered(as_html(document, blog=blog))
    return as_markdown(document, blog=blog, folder=folder)


def write(document: Document, kind: Kind, path: Path, *, blog: bool = False, replace: bool = False) -> Path:
    """Write it to ``path``, its pictures beside it. Takes a while for long conversations: call it in a thread.
    Raises OSError (FileExistsError)."""
    rendered = render(document, kind, blog=blog, folder=files_folder(path).name)
    return write_files(path, rendered.text, rendered.files, replace=replace)
