"""Pages as Markdown and as HTML."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator

from tui.export import html, markdown
from tui.export.clean import one_line
from tui.export.neutral import fenced, inline
from tui.homework.pages import Block, Checks, Heading, Page, Paragraph, Picture, Preformatted, Section, Table, Talk

_SUFFIX = {"image/png": "png", "image/svg+xml": "svg"}
_MOST = 4000


class MarkdownDrawing:
    """Draws sections; ``files`` are the pictures they need beside the file, in ``folder``."""

    def __init__(self, folder: str, *, blog: bool = False) -> None:
        self.files: dict[str, bytes] = {}
        self._folder = folder
        self._blog = blog

    def title(self, page: Page) -> str:
        return f"# {inline(page.title)}"

    def section(self, section: Section) -> str:
        """The section without its marks."""
        pieces = [piece for block in section.blocks for piece in self._block(section, block)]
        return "\n\n".join(pieces)

    def _block(self, section: Section, block: Block) -> Iterator[str]:
        match block:
            case Heading(text):
                yield f"## {inline(text)}"
            case Paragraph(text):
                yield inline(text, _MOST)
            case Checks(items):
                marks = {True: "✓", False: "✗"}
                yield "\n".join(f"- {marks[one.met]} {inline(one.label)}: {inline(one.reason, 500)}" for one in items)
            case Table():
                yield _table(block)
            case Preformatted(text):
                yield fenced(text)
            case Picture():
                yield self._picture(section, block)
            case Talk(document):
                pictures = f"{self._folder}/{section.name}-"
                rendered = markdown.conversation_markdown(document, blog=self._blog, pictures=pictures)
                self.files.update(rendered.files)
                yield rendered.text

    def _picture(self, section: Section, picture: Picture) -> str:
        number = 1 + sum(1 for name in self.files if name.startswith(f"{self._folder}/{section.name}-"))
        path = f"{self._folder}/{section.name}-{number}.{_SUFFIX[picture.media_type]}"
        self.files[path] = picture.data
        return f"![{inline(picture.name)}](<{path}>)"


def _table(table: Table) -> str:
    lines = [table.headings, ("---",) * len(table.headings), *table.rows]
    return "\n".join(
        "| " + " | ".join(cell if cell == "---" else inline(cell, 500) for cell in line) + " |" for line in lines
    )


class HtmlDrawing:
    """Draws sections; pictures are inside."""

    def __init__(self, *, blog: bool = False) -> None:
        self.files: dict[str, bytes] = {}
        self._blog = blog

    def title(self, page: Page) -> str:
        return f"<h1>{html.text(one_line(page.title))}</h1>"

    def section(self, section: Section) -> str:
        """The section without its marks."""
        return "\n".join(self._block(block) for block in section.blocks)

    def _block(self, block: Block) -> str:
        match block:
            case Heading(text):
                return f"<h2>{html.text(one_line(text))}</h2>"
            case Paragraph(text):
                return f"<p>{html.text(one_line(text, _MOST))}</p>"
            case Checks(items):
                marks = {True: "✓", False: "✗"}
                rows = (f"<li>{marks[one.met]} {html.text(one.label)}: {html.text(one.reason)}</li>" for one in items)
                return f"<ul>{''.join(rows)}</ul>"
            case Table():
                return _html_table(block)
            case Preformatted(text):
                return html.preformatted(text)
            case Picture(name, media_type, data):
                source = f"data:{media_type};base64,{b64encode(data).decode()}"
                return f'<p><img src="{source}" alt="{html.text(one_line(name))}"></p>'
            case Talk(document):
                return html.conversation_html(document, blog=self._blog)


def _html_table(table: Table) -> str:
    def row(cells: tuple[str, ...], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.text(one_line(cell, 500))}</{tag}>" for cell in cells) + "</tr>"

    body = "".join(row(cells, "td") for cells in table.rows)
    return f"<table><thead>{row(table.headings, 'th')}</thead><tbody>{body}</tbody></table>"
