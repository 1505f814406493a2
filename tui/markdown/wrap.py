"""Where a line may break, with the rules of Chinese typesetting.

Breaks are allowed at spaces, between ideographs, and between an ideograph and a Latin word; never inside a Latin word
or number (unless it is longer than the row), never before closing punctuation, never after an opening bracket, never
inside a grapheme cluster. When a row is too narrow for the rules, the width wins.
"""

from __future__ import annotations

import re
import unicodedata

from tui.markdown.cells import SIMPLE, cluster_ends, extends, is_simple, width
from tui.markdown.lazy import lazy

Span = tuple[int, int]
"""Characters ``start`` to ``end`` of the wrapped text; what lies between two spans is white space taken away."""

OPENING = "（【《「『〈〔［｛〖〘〚“‘﹁﹃"
CLOSING = (
    "，。、；：？！）】》」』〉〕］｝〗〙〛”’…—·‧～％﹂﹄々〻ー゛゜ヽヾゝゞぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ"
)
# Ideographs, kana and their like: two cells each, a break between any two.
IDEOGRAPHS = (
    "\u3000\u3003-\u3004\u3006-\u3007\u3012-\u3013\u3021-\u3029\u3041-\u3096\u309f-\u30ff\u3105-\u312f\u3131-\u318e"
    "\u3190-\u31e3\u31f0-\u321e\u3220-\u3247\u3250-\u4dbf\u4e00-\ua48c\uf900-\ufaff\uff10-\uff19\uff21-\uff3a\uff41-\uff5a"
)
_SPACES = " \u2000-\u2006\u2008-\u200a"
_WORD = f"[^{_SPACES}{OPENING}{CLOSING}{IDEOGRAPHS}]"
_ATOM = lazy(
    f"(?P<space>[{_SPACES}]+)"
    f"|(?P<closing>(?![’‘](?<=[A-Za-z].)(?=[A-Za-z]))[{CLOSING}]+)"
    f"|(?P<ideographs>(?:(?![{CLOSING}])[{IDEOGRAPHS}])+)"
    f"|(?P<complex>[^{SIMPLE}]+)"
    f"|(?P<word>(?:(?=[{SIMPLE}])(?:{_WORD}|(?<=[A-Za-z])[’‘](?=[A-Za-z])))+)"
    f"|(?P<opening>[{OPENING}]+)"
)
_ASCII_CLOSING = ")]},.;:!?%"
_ASCII_OPENING = "([{<"
_LONE_BRACKET = re.compile(r"[(\[{<] | [)\]},.;:!?%]+(?: |$)")


def wrap(text: str, limit: int, wide_ambiguous: bool = False) -> list[Span]:
    """Break ``text`` (cleaned, one line, no tabs) into rows of at most ``limit`` cells (2 or more).

    White space at a break belongs to no row. Every other character is in exactly one row."""
    if len(text) <= limit and width(text, wide_ambiguous) <= limit:
        return [(0, len(text))]
    if text.isascii() and text[0] != " " and not _LONE_BRACKET.search(text):
        return _wrap_ascii(text, limit)
    filler = _Filler(text, limit, wide_ambiguous)
    for match in _ATOM().finditer(text):
        filler.add(match.lastgroup or "word", match.start(), match.end())
    return filler.finish()


def _wrap_ascii(text: str, limit: int) -> list[Span]:
    """What the filler gives for text that breaks at single spaces only, many times faster."""
    spans: list[Span] = []
    start, size = 0, len(text)
    while size - start > limit:
        space = text.rfind(" ", start, start + limit + 1)
        if space <= start:
            spans.append((start, start + limit))
            start += limit
            if start < size and text[start] == " ":
                start = _past_spaces(text, start)
            continue
        following = _past_spaces(text, space)
        end = space
        while text[end - 1] == " ":
            end -= 1
        if following == size:
            break
        spans.append((start, end))
        start = following
    end = size
    if size - start > limit:
        end = len(text.rstrip(" "))
    if end > start or not spans:
        spans.append((start, end))
    return spans


def _past_spaces(text: str, position: int) -> int:
    size = len(text)
    while position < size and text[position] == " ":
        position += 1
    return position


def fold(text: str, limit: int, wide_ambiguous: bool = False) -> list[Span]:
    """Break ``text`` at any cluster, keeping all white space: for code."""
    size = len(text)
    if text.isascii():
        return [(start, min(start + limit, size)) for start in range(0, size, limit)] or [(0, 0)]
    if width(text, wide_ambiguous) <= limit:
        return [(0, size)]
    spans: list[Span] = []
    start = used = previous = 0
    for end in cluster_ends(text):
        cells = width(text[previous:end], wide_ambiguous)
        if used + cells > limit and previous > start:
            spans.append((start, previous))
            start, used = previous, 0
        used += cells
        previous = end
    spans.append((start, size))
    return spans


class _Filler:
    """Fills rows greedily, remembering the last place where the row may break."""

    def __init__(self, text: str, limit: int, wide_ambiguous: bool) -> None:
        self._text = text
        self._limit = limit
        self._wide = wide_ambiguous
        self._rows: list[Span] = []
        self._start = 0
        self._used = 0  # cells from _start to where we are, white space included
        self._break: tuple[int, int, int] | None = None  # the row's end, the next row's start, cells up to there
        self._before_space: tuple[int, int, int] | None = None
        self._previous = "space"

    def add(self, kind: str, start: int, end: int) -> None:
        """Place the characters ``start`` to ``end``."""
        if kind == "word":
            self._add_word(start, end)
        elif kind == "ideographs":
            self._add_ideographs(start, end)
        elif kind == "space":
            self._add_space(start, end)
        elif kind == "complex":
            self._add_complex(start, end)
        else:
            self._place(kind, start, end)

    def finish(self) -> list[Span]:
        """The rows."""
        end = len(self._text)
        if self._used > self._limit and self._break is not None:
            end = self._break[0]  # only white space can stick out here
        self._rows.append((self._start, end))
        return self._rows

    def _add_word(self, start: int, end: int) -> None:
        word = self._text[start:end]
        if not word.strip(_ASCII_CLOSING):
            self._place("closing", start, end)
        elif not word.strip(_ASCII_OPENING):
            self._place("opening", start, end)
        elif word[0] in _ASCII_CLOSING and self._previous != "space":
            self._place("closing", start, end)  # it may not start a row; what follows it is free
            self._previous = "opening" if word[-1] in _ASCII_OPENING else "word"
        else:
            self._place("word", start, end)
            if word[-1] in _ASCII_OPENING:
                self._previous = "opening"

    def _add_space(self, start: int, end: int) -> None:
        self._before_space = self._break
        if start > self._start and self._previous != "opening":
            self._break = (start, end, self._used + end - start)
        elif start == self._start and self._rows:
            self._start, self._used = end, start - end  # white space never starts a row
        self._used += end - start
        if self._previous != "opening":
            self._previous = "space"

    def _add_complex(self, start: int, end: int) -> None:
        """Emoji and letters of scripts with marks, cluster by cluster."""
        first = start
        for relative in cluster_ends(self._text[start:end]):
            char = self._text[first]
            joined = first > 0 and (extends(char) or self._text[first - 1] == "\u200d")
            if joined:
                # A selector may widen the character before it: what counts is the cells of both together.
                self._used -= width(self._text[first - 1 : first], self._wide)
                self._used += width(self._text[first - 1 : start + relative], self._wide)
                self._used -= width(self._text[first : start + relative], self._wide)
                self._place("closing", first, start + relative)
                self._previous = "word"
            else:
                self._place("word" if unicodedata.category(char)[0] in "LMN" else "symbol", first, start + relative)
            first = start + relative

    def _glued(self, kind: str) -> bool:
        """May no row start before an atom of ``kind`` here?"""
        previous = self._previous
        return kind == "closing" or previous == "opening" or (kind == "word" and previous == "word")

    def _open_break(self, kind: str, start: int) -> None:
        """Note the opportunity before an atom, or take back the one that white space gave."""
        if self._glued(kind) or self._text[start - 1 : start] == "\u200d":
            if self._previous == "space":
                self._break = self._before_space
        elif self._previous != "space" and start > self._start:
            self._break = (start, start, self._used)

    def _place(self, kind: str, start: int, end: int) -> None:
        self._open_break(kind, start)
        self._used += width(self._text[start:end], self._wide)
        while self._used > self._limit:
            if not self._take_break():
                self._fold(end)
        self._previous = kind

    def _add_ideographs(self, start: int, end: int) -> None:
        self._open_break("ideographs", start)
        position = start
        while (count := end - position) > (room := (self._limit - self._used) // 2):
            if room > 0 and position + room > start:
                position += room
                self._end_row(position)
            elif not self._take_break():
                self._end_row(position)
        self._used += 2 * count
        if count > 1:
            self._break = (end - 1, end - 1, self._used - 2)
        self._previous = "ideographs"

    def _take_break(self) -> bool:
        """End the row at the remembered place; False when there is none."""
        if self._break is None:
            return False
        end, following, used = self._break
        self._rows.append((self._start, end))
        self._start, self._break = following, None
        self._used -= used
        return True

    def _end_row(self, position: int) -> None:
        self._rows.append((self._start, position))
        self._start, self._used, self._break = position, 0, None

    def _fold(self, end: int) -> None:
        """Cut what is longer than a row after as many clusters as fit."""
        text = self._text[self._start : end]
        if is_simple(text) and text.isascii():
            cut, used = self._limit, self._limit
        else:
            cut = used = 0
            for after in cluster_ends(text):
                cells = width(text[cut:after], self._wide)
                if cut and used + cells > self._limit:
                    break
                cut, used = after, used + cells
        self._rows.append((self._start, self._start + cut))
        self._start += cut
        self._used = max(0, self._used - used) if cut < len(text) else 0
