"""A conversation as one HTML file: no script, nothing loaded from anywhere, pictures inside.

The body uses only what rich-text editors keep when it is pasted: headings, paragraphs, lists, quotations, preformatted
text, tables, pictures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import escape
from typing import TYPE_CHECKING

from tui.export.clean import clean, one_line
from tui.export.document import Call, Document, Entry, entries
from tui.export.figures import moment, turn_figures
from tui.export.markdown import ROLES, picture_bytes, thought_label, without_secrets
from tui.export.neutral import parser
from tui.i18n import _, current_language
from tui.i18n.figures import seconds
from tui.i18n.problems import explain
from tui.model.message import ImagePart, NoticePart, Part, ReasoningPart, TextPart, ToolCallPart, ToolResultPart

if TYPE_CHECKING:
    from markdown_it.token import Token

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STYLE = """
body{max-width:52rem;margin:2rem auto;padding:0 1rem;line-height:1.6;color:#1f2328;background:#fff;
font-family:system-ui,"Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif}
pre,code{font-family:"Sarasa Mono SC","Noto Sans Mono CJK SC",ui-monospace,monospace;font-size:.92em}
pre{background:#f6f8fa;padding:.8rem;overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere}
code{background:#f6f8fa}
blockquote{margin:0;padding-left:1rem;border-left:.25rem solid #d0d7de;color:#57606a}
table{border-collapse:collapse}td,th{border:1px solid #d0d7de;padding:.3rem .6rem}
img{max-width:100%}.figures{color:#57606a;font-size:.9em}
@media (prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}pre,code{background:#161b22}
blockquote,.figures{color:#9198a1}td,th,blockquote{border-color:#3d444d}}
"""
_SAFE_LINK = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)


def text(value: str) -> str:
    """Foreign text as HTML text."""
    return escape(clean(value), quote=True)


def as_html(document: Document, *, blog: bool = False) -> str:
    """The conversation as a page. ``blog`` writes thoughts as quotations, because what is folded is not copied."""
    title = one_line(document.title) or _("Conversation")
    head = "".join(f"<li>{line}</li>" for line in _head(document))
    body = "\n".join(piece for entry in entries(document) for piece in _entry(entry, blog, 2))
    return page(title, f"<h1>{text(title)}</h1>\n<ul>{head}</ul>\n{body}")


def conversation_html(document: Document, *, blog: bool = False) -> str:
    """Only the messages, for a chapter of something larger."""
    return "\n".join(piece for entry in entries(document) for piece in _entry(entry, blog, 3))


def page(title: str, body: str) -> str:
    """A whole page around a body that is HTML already; ``title`` is foreign text."""
    return (
        f'<!DOCTYPE html>\n<html lang="{current_language()}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{text(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n"
        "</html>\n"
    )


def _head(document: Document) -> Iterator[str]:
    from tui import __version__

    turn = document.last_turn
    if document.model:
        yield _("Model: {model}").format(model=f"<code>{text(one_line(document.model))}</code>")
    if turn is not None and turn.endpoint and not document.hide_server:
        server = f"<code>{text(one_line(without_secrets(turn.endpoint)))}</code>"
        yield _("Server: {server}").format(server=server)
    if document.messages:
        yield text(_("Begun: {time}").format(time=moment(document.messages[0].created)))
    yield text(_("Written by lmdeck {version}: {time}").format(version=__version__, time=moment(document.written)))


def _entry(entry: Entry, blog: bool, level: int) -> Iterator[str]:
    yield f"<h{level}>{text(_(ROLES[entry.role]))}</h{level}>"
    for part in entry.message.parts:
        yield from _part(part, entry, blog)
    if not entry.message.complete:
        yield "<p><em>" + text(_("(cut here)")) + "</em></p>"
    if entry.turn is not None and (figures := turn_figures(entry.turn)):
        yield f'<p class="figures"><em>{text(" · ".join(figures))}</em></p>'


def _part(part: Part, entry: Entry, blog: bool) -> Iterator[str]:
    match part:
        case TextPart(source):
            yield markdown_html(source)
        case ReasoningPart():
            yield from _thoughts(part, blog)
        case ToolCallPart():
            yield from _call(entry.calls[part.call_id])
        case ToolResultPart():
            yield from _result(part)
        case ImagePart():
            yield f"<p>{picture(part)}</p>"
        case NoticePart(problem):
            yield f"<blockquote><p><em>{text(explain(problem).text)}</em></p></blockquote>"


def _thoughts(part: ReasoningPart, blog: bool) -> Iterator[str]:
    label, inside = text(thought_label(part)), markdown_html(part.text)
    if not inside:
        return
    if blog:
        yield f"<blockquote><p><strong>{label}</strong></p>{inside}</blockquote>"
    else:
        yield f"<details><summary>{label}</summary><blockquote>{inside}</blockquote></details>"


def _call(call: Call) -> Iterator[str]:
    yield f"<p><strong>⚙ <code>{text(one_line(call.call.name) or '?')}</code></strong></p>"
    yield preformatted(call.call.arguments)
    if call.result is None:
        yield "<p><em>" + text(_("no result")) + "</em></p>"
    else:
        yield from _result(call.result)


def _result(result: ToolResultPart) -> Iterator[str]:
    said = _("Result of {name} after {seconds}:") if result.ok else _("{name} failed after {seconds}:")
    name = f"<code>{text(one_line(result.name) or '?')}</code>"
    yield f"<p>{text(said).format(name=name, seconds=text(seconds(result.seconds)))}</p>"
    yield preformatted(result.full or result.content)
    yield from (f"<p>{picture(image)}</p>" for image in result.images)


def preformatted(value: str) -> str:
    """Foreign text as it is."""
    return f"<pre><code>{text(value)}</code></pre>"


def picture(part: ImagePart) -> str:
    """A picture with its bytes inside; one that no browser shows is only named."""
    name = text(one_line(part.name, 80) or _("picture"))
    if picture_bytes(part) is None:
        return f"<em>[{name}]</em>"
    return f'<img src="data:{part.media_type};base64,{part.data}" alt="{name}">'


# ── Markdown of others ────────────────────────────────────────────────────────────────────────────────────────────────


def markdown_html(source: str, lower: int = 2) -> str:
    """Markdown as HTML: tags in it are text, pictures are named with their address, links show theirs."""
    parsed = parser(html=False)
    tokens = parsed.parse(clean(source))
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + lower, 6)}"
        if token.children:
            token.children = list(_harmless(token.children))
    return parsed.renderer.render(tokens, parsed.options, {}).strip()


def _harmless(tokens: Iterable[Token]) -> Iterator[Token]:
    """Pictures become their names and addresses; links that lead elsewhere than the web become text."""
    from markdown_it.token import Token

    address, shown = "", ""
    for token in tokens:
        if token.type == "image":
            yield Token("text", "", 0, content=f"[{token.content or _('picture')}: {token.attrGet('src')}]")
        elif token.type == "link_open":
            address, shown = str(token.attrGet("href") or ""), ""
            if _SAFE_LINK.match(address):
                token.attrs = {"href": address, "rel": "noopener noreferrer nofollow"}
                yield token
        elif token.type == "link_close":
            if _SAFE_LINK.match(address):
                yield token
            if shown != address and shown != address.removeprefix("mailto:"):
                yield Token("text", "", 0, content=f" ({address})")
            address = ""
        else:
            shown += token.content
            yield token
