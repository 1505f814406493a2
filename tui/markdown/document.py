"""A Markdown text that grows: closed blocks are rendered once, only the end is rendered again.

What may be closed is decided on complete lines only: everything before the last top-level block of the complete lines
is final. Inside a long last block its complete parts are final too – items of a list, blocks of a quote, rows of a
table, lines of an open fence – and stay in the block while the text they came from is not parsed again.

The one thing a later line changes far above is a definition of a reference; ``finish`` renders the blocks that use one
again. After ``finish`` the document is what one piece of the same text gives, however it was split.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from markdown_it.common.utils import normalizeReference

from tui.markdown import blocks as build
from tui.markdown.clean import Cleaner, clean
from tui.markdown.elements import CodeElement, Element
from tui.markdown.grow import LONG, Growing, Part
from tui.markdown.ink import Page, Row
from tui.markdown.nest import growing_kind
from tui.markdown.paragraph import GrowingParagraph, may_settle
from tui.markdown.parser import make_parser, parse

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

    from tui.markdown.rough import RoughBlock

ROUGH = 6000
"""Characters of the end that are parsed again with every piece, at most; normally there are some hundred."""
_ROUGH_GROWTH = 1.25
_LABEL = re.compile(r"\[((?:[^\[\]\\]|\\.)+)\]")


class Block:
    """One top-level block: the source from its beginning to the next block's, and its elements."""

    __slots__ = ("_page", "_settled_rows", "_settled_to", "elements", "references", "settled", "source")

    def __init__(self, source: str, elements: list[Element], references: int) -> None:
        self.source = source
        self.elements = elements
        self.settled = len(elements)
        self.references = references
        """Definitions known when it was rendered."""
        self._page: Page | None = None
        self._settled_rows: list[Row] = []
        self._settled_to = 0

    def rows(self, page: Page) -> list[Row]:
        """Its rows on ``page``; the caller must not change the list."""
        if page != self._page:
            self.forget()
            self._page = page
        for element in self.elements[self._settled_to : self.settled]:
            self._settled_rows.extend(element.rows(page))
            element.forget()
        self._settled_to = self.settled
        if self.settled == len(self.elements):
            return self._settled_rows
        rows = list(self._settled_rows)
        for element in self.elements[self.settled :]:
            rows.extend(element.rows(page))
        return rows

    def forget(self) -> None:
        """Drop cached rows."""
        self._page, self._settled_rows, self._settled_to = None, [], 0

    def codes(self) -> Iterator[CodeElement]:
        """Its code blocks, nested ones too."""
        return (element for element in self.elements if isinstance(element, CodeElement))


class Document:
    """Text in, blocks out. ``blocks`` are closed (``finish`` may render some of them once more), ``tail`` is what the
    unfinished end looks like now."""

    def __init__(self, text: str = "") -> None:
        self.blocks: list[Block] = []
        self.tail: list[Block] = []
        self.finished = False
        self.generation = 0
        """Changes when blocks were replaced: rows above may be others."""
        self._parser: MarkdownIt = _shared_parser()
        self._cleaner = Cleaner()
        self._env: dict[str, Any] = {}
        self._pending: list[str] = []
        self._text = ""  # the tail's source, less what _growing has settled
        self._parsed_to = 0  # how much of _text the tail shows parsed
        self._rough: RoughBlock | None = None  # the end of the tail where it is not parsed
        self._ends_in_paragraph = False
        self._growing: Growing | None = None
        if text:
            self.feed(text)

    @property
    def source(self) -> str:
        """The cleaned text, as far as it was flushed."""
        return "".join([block.source for block in self.blocks]) + self.tail_source

    @property
    def tail_source(self) -> str:
        """The source of what is not closed yet."""
        return (self._growing.source if self._growing else "") + self._text

    def feed(self, text: str) -> None:
        """Add text; nothing is parsed before ``flush``."""
        self._pending.append(text)

    @property
    def waiting(self) -> bool:
        """Is there text that was fed and not flushed?"""
        return bool(self._pending)

    def flush(self, limit: int | None = None) -> bool:
        """Render what was fed, or its first ``limit`` characters (``waiting`` tells whether there are more); False
        when nothing changed."""
        if not self._pending or self.finished:
            return False
        text = "".join(self._pending)
        self._pending.clear()
        if limit is not None and len(text) > limit:
            self._pending.append(text[limit:])
            text = text[:limit]
        added = self._cleaner.push(text)
        if not added:
            return False
        self._text += added
        if ROUGH < len(self._text) < self._parsed_to * _ROUGH_GROWTH and not self._paragraph_ended(added):
            self._show_rough(added)
            return True
        if "\n" in added:
            self._close_complete()
        if isinstance(self._growing, GrowingParagraph):
            self._text = self._growing.settle(self._text, self._parser, self._env)
        self._render_tail()
        self._parsed_to = len(self._text)
        return True

    def _show_rough(self, added: str) -> None:
        """A long end of which nothing may be settled (marks without partners) is parsed again when it has grown by a
        share of itself; until then what is new stands below it as it came. What it costs must not grow with each
        piece."""
        if self._rough is None:
            from tui.markdown.rough import RoughBlock

            self._rough = RoughBlock()
            self.tail.append(self._rough)
        self._rough.add(added)

    def _paragraph_ended(self, added: str) -> bool:
        """Is there a blank line in what came last, behind a paragraph? It can be closed then."""
        return self._ends_in_paragraph and "\n" in added and "\n\n" in self._text[-len(added) - 1 :]

    def finish(self, text: str | None = None) -> None:
        """The text is complete. ``text``, when given, is the whole of it (from the store); a difference to what was
        fed is rendered from there."""
        if text is not None and not self.finished:
            self.flush()
            if clean(text) != self.source + self._cleaner.close():
                self._restart(text)
        if self.finished:
            return
        self.flush()
        if rest := self._cleaner.close():
            self._text += rest
        self._close_complete(whole=True)
        self.finished, self.tail = True, []
        self._resolve_late_references()

    def all_blocks(self) -> list[Block]:
        """Closed blocks and tail."""
        return self.blocks + self.tail

    def _restart(self, text: str) -> None:
        self.blocks, self.tail = [], []
        self.generation += 1
        self._cleaner, self._env, self._pending = Cleaner(), {}, [text]
        self._text, self._growing, self._parsed_to, self._rough = "", None, 0, None

    # -- closing -----------------------------------------------------------------------------------------------------

    def _close_complete(self, *, whole: bool = False) -> None:
        """Close what the complete lines decide; ``whole``: everything, the text has ended."""
        end = len(self._text) if whole else self._text.rfind("\n") + 1
        complete, rest = self._text[:end], self._text[end:]
        growing = self._growing
        parsed = _Parsed(self, growing, complete)
        if growing is not None and not parsed.continues:
            self._give_up(growing, whole=whole)
            return
        sections = parsed.sections
        if not sections:
            if whole:
                self._close_end(complete)
            elif growing is None and len(complete) > LONG:
                self._pass_definitions(complete)
            return
        if whole:
            self._close(parsed, len(sections), end)
            return
        last = sections[-1]
        count = len(sections) - 1
        if _is_complete_leaf(last) or parsed.is_over(last):
            self._close(parsed, count + 1, parsed.offset_of_line(last[0].map[1] if last[0].map else 0))
        else:
            self._close(parsed, count, parsed.offset_of_line(build.first_line(last)))
            self._text = self._grow_last(last, parsed, self._text[: len(self._text) - len(rest)]) + rest

    def _pass_definitions(self, text: str) -> None:
        """Leave behind what makes no block, up to the last definition, which may go on."""
        end = max(text.rfind("\n[") + 1, 0) if text.strip() else len(text)
        if not end or parse(self._parser, text[:end], {}):
            return
        if self.blocks:
            self.blocks[-1].source += text[:end]
        else:
            self.blocks.append(Block(text[:end], [], self._references))
        self._text = self._text[end:]

    def _close(self, parsed: _Parsed, count: int, end: int) -> None:
        """Turn the first ``count`` sections, which reach to ``end``, into closed blocks."""
        if count == 0:
            return
        sources = parsed.sources(count, end)
        for index, (section, source) in enumerate(zip(parsed.sections[:count], sources, strict=True)):
            if index == 0 and self._growing is not None:
                growing, self._growing = self._growing, None
                growing.add(parsed.part(section), last=True)
                growing.block.source = growing.source + source
                self.blocks.append(growing.block)
            else:
                self.blocks.append(Block(source, build.build(section, parsed.lines), self._references))
        self._text = self._text[end:]

    def _close_end(self, text: str) -> None:
        """Give text that makes no block (blank lines, definitions) to the last block, so that no source is lost."""
        if self._growing is not None:
            growing, self._growing = self._growing, None
            growing.block.source = growing.source + text
            self.blocks.append(growing.block)
        elif self.blocks:
            self.blocks[-1].source += text
        elif text:
            self.blocks.append(Block(text, [], self._references))
        self._text, self.tail = "", []

    def _grow_last(self, last: build.Tokens, parsed: _Parsed, text: str) -> str:
        """Settle the complete parts of the last block; returns the text that stays to be parsed."""
        if self._growing is None:
            kind = growing_kind(last, len(text))
            if kind is None:
                return text
            self._growing = kind(parsed.part(last), Block("", [], self._references))
        line = self._growing.add(parsed.part(last), last=False)
        offset = parsed.offset_of_line(line) - (parsed.end - len(text))
        self._growing.source += text[:offset]
        return text[offset:]

    def _give_up(self, growing: Growing, *, whole: bool) -> None:
        """What was settled in the last block turned out to be something else: parse it all again."""
        self._text = growing.source + self._text
        self._growing = None
        self.generation += 1
        self._close_complete(whole=whole)

    # -- the tail ----------------------------------------------------------------------------------------------------

    def _render_tail(self) -> None:
        self._rough = None
        growing = self._growing
        parsed = _Parsed(self, growing, self._text, complete=False)
        if not parsed.continues:  # the unfinished line may be taking the block to pieces: show the whole end afresh
            growing, parsed = None, _Parsed(self, None, self.tail_source, complete=False)
        sections = parsed.sections
        self._ends_in_paragraph = bool(sections) and sections[-1][0].type == "paragraph_open"
        sources = parsed.sources(len(sections))
        self.tail = []
        if growing is not None:
            growing.show(parsed.part(sections[0]) if sections else None)
            growing.block.source = growing.source + (sources[0] if sources else "")
            self.tail.append(growing.block)
            sections, sources = sections[1:], sources[1:]
        elif self._growing is None and len(sections) == 1 and may_settle(sections[0], self._text):
            self._growing = GrowingParagraph(parsed.part(sections[0]), Block("", [], self._references))
        self.tail.extend(
            Block(source, build.build(section, parsed.lines), 0)
            for section, source in zip(sections, sources, strict=True)
        )

    # -- references --------------------------------------------------------------------------------------------------

    @property
    def _references(self) -> int:
        return len(self._env.get("references", ()))

    def _resolve_late_references(self) -> None:
        known = self._references
        labels = self._env.get("references", {})
        for index, block in enumerate(self.blocks):
            if block.references < known and any(
                normalizeReference(label) in labels for label in _LABEL.findall(block.source)
            ):
                self.blocks[index] = self._rendered_again(block)
                self.generation += 1

    def _rendered_again(self, block: Block) -> Block:
        lines = block.source.split("\n")
        elements = [
            element
            for section in build.sections(parse(self._parser, block.source, self._env))
            for element in build.build(section, lines)
        ]
        return Block(block.source, elements, self._references)

    def parse(self, text: str) -> tuple[build.Tokens, dict[str, Any]]:
        """Tokens of a part of this document, and the definitions known with it."""
        env = {"references": dict(self._env.get("references", {}))}
        return parse(self._parser, text, env), env

    def keep(self, env: dict[str, Any]) -> None:
        """Take over the definitions of a part that stays what it is (those of unfinished lines may be wrong)."""
        self._env = env


class _Parsed:
    """A part of the text, parsed behind the head that its growing block needs."""

    def __init__(self, document: Document, growing: Growing | None, text: str, *, complete: bool = True) -> None:
        head = growing.head if growing else ""
        self._head_lines = head.count("\n")
        self._text = text
        self.end = len(text)
        self.lines = (head + text).split("\n")
        tokens, env = document.parse(head + text)
        self.sections = list(build.sections(tokens))
        self.continues = growing is None or growing.continued_by(self.sections)
        if complete and self.continues:
            document.keep(env)
        self._starts: list[int] | None = None

    def part(self, section: build.Tokens) -> Part:
        return Part(section, self.lines)

    def is_over(self, last: build.Tokens) -> bool:
        """Is the last block of complete lines over? A blank line ends a paragraph and a table; behind any block may
        stand definitions, which are none."""
        behind = self.lines[last[0].map[1] : -1] if last[0].map else []
        return bool(behind) and (last[0].type in _ENDED_BY_BLANK or any(line.strip() for line in behind))

    def sources(self, count: int, end: int | None = None) -> list[str]:
        """The sources of the first ``count`` sections, each up to the next; the last one up to ``end``."""
        if count == 0:
            return []
        starts = [0, *(self.offset_of_line(build.first_line(section)) for section in self.sections[1:count])]
        return [self._text[start:stop] for start, stop in zip(starts, [*starts[1:], end], strict=True)]

    def offset_of_line(self, line: int) -> int:
        """Where a line of the parsed text begins in the part."""
        line -= self._head_lines
        if line <= 0:
            return 0
        if self._starts is None:
            self._starts = [0, *accumulate(len(text) + 1 for text in self._text.split("\n"))]
        return min(self._starts[line], self.end) if line < len(self._starts) else self.end


_ENDED_BY_BLANK = frozenset(("paragraph_open", "table_open"))
_CLOSED_LEAVES = frozenset(("hr", "fence", "heading_open", "math_block"))


def _is_complete_leaf(section: build.Tokens) -> bool:
    """Is a block on complete lines final although nothing follows it yet?"""
    token = section[0]
    if token.type not in _CLOSED_LEAVES or (token.type == "heading_open" and not token.markup.startswith("#")):
        return False
    if token.type == "math_block":
        return bool(token.markup)
    return token.type != "fence" or build.is_closed_fence(token)


class _Shared:
    parser: MarkdownIt | None = None


def _shared_parser() -> MarkdownIt:
    """One parser for all documents: building its rules takes longer than most replies take to parse."""
    if _Shared.parser is None:
        _Shared.parser = make_parser()
    return _Shared.parser
