"""Writing a report: a new file, or the marked parts of one that is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tui.export import files, html
from tui.homework.drawing import HtmlDrawing, MarkdownDrawing
from tui.homework.marks import first, is_marked, merge
from tui.homework.pages import Page

Form = Literal["md", "html"]


@dataclass(frozen=True, slots=True)
class Written:
    """The file; whether it was there before; the sections that were left alone because somebody had changed or removed
    them."""

    path: Path
    renewed: bool = False
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def form_of(path: Path) -> Form:
    """What the file's name says."""
    return "html" if path.suffix.lower() in (".html", ".htm") else "md"


def render(page: Page, form: Form, folder: str = "files", *, blog: bool = False) -> tuple[str, Mapping[str, bytes]]:
    """The whole page, and the files beside it. ``blog`` leaves out the marks and everything that editors drop."""
    title, sections, pictures = _draw(page, form, folder, blog)
    body = "\n\n".join(sections.values()) if blog else first(sections)
    return _whole(page, form, title, body), pictures


def _draw(page: Page, form: Form, folder: str, blog: bool) -> tuple[str, dict[str, str], Mapping[str, bytes]]:
    drawing = MarkdownDrawing(folder, blog=blog) if form == "md" else HtmlDrawing(blog=blog)
    sections = {section.name: drawing.section(section) for section in page.sections}
    return drawing.title(page), sections, drawing.files


def _whole(page: Page, form: Form, title: str, body: str) -> str:
    return f"{title}\n\n{body}\n" if form == "md" else html.page(page.title, f"{title}\n\n{body}")


def write(page: Page, path: Path, *, blog: bool = False) -> Written:
    """Write the report to ``path``. A report of ours that is there is renewed between its marks; anything else that is
    there stays, and a free name beside it is taken. Blocks; raises OSError."""
    form = form_of(path)
    folder = files.files_folder(path).name
    if not blog and (old := _ours(path)) is not None:
        _title, sections, pictures = _draw(page, form, folder, blog)
        merged = merge(old, sections)
        files.write(path, merged.text, pictures, replace=True)
        return Written(path, renewed=True, changed=merged.changed, removed=merged.removed)
    if path.exists():
        path = files.free_path(path.parent, path.stem, path.suffix.lstrip("."))
    text, pictures = render(page, form, files.files_folder(path).name, blog=blog)
    return Written(files.write(path, text, pictures))


def _ours(path: Path) -> str | None:
    """The text of a report with marks; None for everything else."""
    try:
        text = path.read_bytes().decode("utf-8")
    except (FileNotFoundError, UnicodeDecodeError):
        return None
    return text if is_marked(text) else None
