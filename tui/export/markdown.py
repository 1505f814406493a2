"""A conversation as Markdown: for a file, or to be pasted into an editor that takes no HTML (CSDN, Zhihu)."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tui.export.clean import one_line
from tui.export.document import Call, Document, Entry, entries
from tui.export.figures import moment, turn_figures
from tui.export.neutral import code, fenced, inline, neutral, quoted
from tui.i18n import N_, _
from tui.i18n.figures import seconds
from tui.i18n.problems import explain
from tui.model.message import ImagePart, NoticePart, Part, ReasoningPart, TextPart, ToolCallPart, ToolResultPart

ROLES = {"system": N_("System"), "user": N_("You"), "assistant": N_("Assistant"), "tool": N_("Tool")}
SUFFIXES = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp"}
"""The pictures that are taken along; anything else is only named."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text and the files that belong beside it, by their relative names."""

    text: str
    files: Mapping[str, bytes] = field(default_factory=dict[str, bytes])


def picture_bytes(part: ImagePart) -> bytes | None:
    """The picture's bytes; None for a kind that no browser shows or that is not base64."""
    if part.media_type not in SUFFIXES:
        return None
    try:
        return b64decode(part.data, validate=True)
    except (binascii.Error, ValueError):
        return None


def as_markdown(document: Document, *, blog: bool = False, folder: str = "files") -> Rendered:
    """The conversation. ``blog`` writes no HTML at all: thoughts are quotations instead of being folded. Pictures go
    into ``folder`` beside the file."""
    writer = _Writer(blog, f"{folder}/picture-")
    title = inline(document.title) or _("Conversation")
    pieces = [f"# {title}", "\n".join(_head(document))]
    for entry in entries(document):
        pieces += writer.entry(entry)
    return Rendered("\n\n".join(pieces) + "\n", writer.files)


def conversation_markdown(document: Document, *, blog: bool = False, pictures: str = "files/picture-") -> Rendered:
    """Only the messages, for a chapter of something larger: their headings are one level lower. ``pictures`` is how
    the pictures' paths begin."""
    writer = _Writer(blog, pictures, "###")
    pieces = [piece for entry in entries(document) for piece in writer.entry(entry)]
    return Rendered("\n\n".join(pieces), writer.files)


def _head(document: Document) -> Iterator[str]:
    """What it is, as a list."""
    from tui import __version__

    turn = document.last_turn
    if document.model:
        yield "- " + _("Model: {model}").format(model=code(document.model))
    if turn is not None and turn.endpoint and not document.hide_server:
        yield "- " + _("Server: {server}").format(server=code(without_secrets(turn.endpoint)))
    if document.messages:
        yield "- " + _("Begun: {time}").format(time=moment(document.messages[0].created))
    yield "- " + _("Written by lmdeck {version}: {time}").format(version=__version__, time=moment(document.written))


def without_secrets(address: str) -> str:
    """An address without what stands before ``@`` in it."""
    scheme, separator, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{separator}{host.rpartition('@')[2]}{slash}{path}"


class _Writer:
    """Writes entries and collects their pictures."""

    def __init__(self, blog: bool, pictures: str, heading: str = "##") -> None:
        self.files: dict[str, bytes] = {}
        self._blog = blog
        self._pictures = pictures
        self._heading = heading

    def entry(self, entry: Entry) -> Iterator[str]:
        yield f"{self._heading} {_(ROLES[entry.role])}"
        for part in entry.message.parts:
            yield from self._part(part, entry)
        if not entry.message.complete:
            yield "*" + _("(cut here)") + "*"
        if entry.turn is not None and (figures := turn_figures(entry.turn)):
            yield f"*{' · '.join(figures)}*"

    def _part(self, part: Part, entry: Entry) -> Iterator[str]:
        match part:
            case TextPart(text):
                if shown := neutral(text):
                    yield shown
            case ReasoningPart():
                yield from self._thoughts(part)
            case ToolCallPart():
                yield from self._call(entry.calls[part.call_id])
            case ToolResultPart():
                yield from self._result(part)
            case ImagePart():
                yield self._picture(part)
            case NoticePart(problem):
                yield quoted(f"*{inline(explain(problem).text, 1000)}*")

    def _thoughts(self, part: ReasoningPart) -> Iterator[str]:
        label = thought_label(part)
        thoughts = neutral(part.text)
        if not thoughts:
            return
        if self._blog:
            yield quoted(f"**{label}**\n\n{thoughts}")
        else:
            yield f"<details>\n<summary>{label}</summary>"
            yield quoted(thoughts)
            yield "</details>"

    def _call(self, call: Call) -> Iterator[str]:
        yield f"**⚙ {code(call.call.name or '?')}**"
        yield fenced(call.call.arguments, "json")
        if call.result is None:
            yield "*" + _("no result") + "*"
        else:
            yield from self._result(call.result)

    def _result(self, result: ToolResultPart) -> Iterator[str]:
        said = _("Result of {name} after {seconds}:") if result.ok else _("{name} failed after {seconds}:")
        yield said.format(name=code(result.name or "?"), seconds=seconds(result.seconds))
        yield fenced(result.full or result.content)
        for image in result.images:
            yield self._picture(image)

    def _picture(self, part: ImagePart) -> str:
        name = one_line(part.name, 80) or _("picture")
        data = picture_bytes(part)
        if data is None:
            return f"*[{inline(name)}]*"
        path = f"{self._pictures}{len(self.files) + 1}.{SUFFIXES[part.media_type]}"
        self.files[path] = data
        return f"![{inline(name)}](<{path}>)"


def thought_label(part: ReasoningPart) -> str:
    """``Thought for 0.8 s``."""
    if part.seconds <= 0:
        return _("Thoughts")
    return _("Thought for {seconds}").format(seconds=seconds(part.seconds))
