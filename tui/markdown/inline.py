"""Inline tokens → lines of runs.

A soft break is a line end where it touches Chinese, Japanese or fullwidth text (models mean it, and a space there is
wrong) and a space elsewhere, as in CommonMark. Every text is cleaned again here: entities and addresses can bring
control characters back. Whatever could hide an address shows it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tui.i18n import _
from tui.markdown.clean import clean_line
from tui.markdown.ink import Link, Run, join_runs
from tui.markdown.latex import readable
from tui.markdown.lazy import lazy
from tui.markdown.wrap import CLOSING, IDEOGRAPHS, OPENING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.token import Token

Lines = list[list[Run]]

_WIDE = lazy(f"[{IDEOGRAPHS}{OPENING}{CLOSING}]")
_ADDRESS = re.compile(r"https?://[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+", re.IGNORECASE)
_WORD_END = re.compile("[A-Za-z0-9]")
_TRAILING = "?!.,:*_~'\";"
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_STYLES = {"strong_open": "strong", "em_open": "em", "s_open": "strike"}


def inline_lines(tokens: Sequence[Token], style: str = "", *, breaks: bool = False, before: str = "") -> Lines:
    """The lines of ``tokens`` (an inline token's children), at least one.

    ``style``: what everything gets. ``breaks``: ``<br>`` ends a line (in table cells, which have no other way).
    ``before``: the character the text continues after, when the tokens are the rest of a paragraph."""
    return _Inline(style, breaks, before).lines(tokens)


class _Inline:
    def __init__(self, style: str, breaks: bool, before: str) -> None:
        self._base = style
        self._breaks = breaks
        self._styles: list[str] = []
        self._style = style
        self._link: Link | None = None
        self._link_start = 0
        self._lines: Lines = [[]]
        self._soft = False
        self._last = before

    def lines(self, tokens: Sequence[Token]) -> Lines:
        for token in tokens:
            self._token(token)
        if self._soft:
            self._lines.append([])
        return [join_runs(line) for line in self._lines]

    def _token(self, token: Token) -> None:
        kind = token.type
        if kind in ("text", "text_special"):
            self._text(token.content)
        elif kind == "code_inline":
            self._put(Run(clean_line(token.content).replace("\t", "    "), self._named("code"), self._link))
        elif kind == "softbreak":
            self._soft = True
        elif kind == "hardbreak":
            self._new_line()
        elif kind in _STYLES:
            self._push(_STYLES[kind])
        elif kind.endswith("_close") and kind != "link_close":
            self._pop()
        else:
            self._special(token)

    def _special(self, token: Token) -> None:
        kind = token.type
        if kind == "link_open":
            self._link = Link(clean_line(str(token.attrs.get("href", ""))))
            self._link_start = len(self._lines[-1])
            self._push("link")
        elif kind == "link_close":
            self._close_link()
        elif kind == "image":
            self._image(token)
        elif kind == "math_inline":
            self._math(token)
        elif kind == "footnote_reference":
            label = clean_line(token.content)
            self._put(Run(f"[{label}]" if label.isdecimal() else f"[^{label}]", self._named("footnote")))
        else:
            self._text(token.content)

    def _push(self, name: str) -> None:
        self._styles.append(name)
        self._style = self._named("")

    def _pop(self) -> None:
        if self._styles:
            self._styles.pop()
        self._style = self._named("")

    def _named(self, name: str) -> str:
        return " ".join(dict.fromkeys(part for part in (self._base, *self._styles, name) if part))

    def _new_line(self) -> None:
        self._lines.append([])
        self._link_start = 0
        self._soft = False
        self._last = ""

    def _put(self, run: Run) -> None:
        if not run.text:
            return
        if self._soft:
            self._soft = False
            if _WIDE().match(run.text) or _WIDE().match(self._last):
                self._new_line()
            else:
                self._lines[-1].append(Run(" ", self._style, self._link))
        self._last = run.text[-1]
        self._lines[-1].append(run)

    def _text(self, content: str) -> None:
        text = clean_line(content)
        if "\t" in text:
            text = text.replace("\t", "    ")
        if not text:
            return
        if self._breaks and "<" in text:
            for index, part in enumerate(_BREAK.split(text)):
                if index:
                    self._new_line()
                self._words(part)
        else:
            self._words(text)

    def _words(self, text: str) -> None:
        """Text with the addresses in it made links."""
        if "://" not in text or self._link is not None:
            self._put(Run(text, self._style, self._link))
            return
        position = 0
        for match in _ADDRESS.finditer(text):
            address = _trimmed(match[0])
            if len(address) <= len("https://") or _WORD_END.search(text[: match.start()][-1:]):
                continue
            self._put(Run(text[position : match.start()], self._style))
            self._put(Run(address, self._named("link"), Link(address, address)))
            position = match.start() + len(address)
        self._put(Run(text[position:], self._style))

    def _close_link(self) -> None:
        """Give the link its text; show the address where text and address disagree or it cannot be opened."""
        self._pop()
        link, self._link = self._link, None
        if link is None:
            return
        line = self._lines[-1]
        text = "".join(run.text for run in line[self._link_start :])
        named = Link(link.address, text)
        for index, run in enumerate(line):
            if run.link is link:
                line[index] = Run(run.text, run.style, named)
        for earlier in self._lines[:-1]:
            for index, run in enumerate(earlier):
                if run.link is link:
                    earlier[index] = Run(run.text, run.style, named)
        hidden = not text.strip() or (not link.openable and link.address != text) or _misleads(text, link.address)
        if hidden and link.address:
            shown = f" ({link.address})" if text.strip() else link.address
            self._put(Run(shown, self._named("address"), named))

    def _image(self, token: Token) -> None:
        address = clean_line(str(token.attrs.get("src", "")))
        name = clean_line(token.content)
        label = _("image: {name}").format(name=name) if name else _("image")
        self._put(Run(f"[{label}]", self._named("image"), Link(address, name)))
        if address and not Link(address).openable:
            self._put(Run(f" ({address})", self._named("address")))

    def _math(self, token: Token) -> None:
        shown = readable(token.content)
        text = clean_line(token.markup if shown is None else shown.replace("\n", " "))
        self._put(Run(text.replace("\t", " "), self._named("math")))


def _trimmed(address: str) -> str:
    """An address without the punctuation of the sentence around it; brackets stay when they are balanced."""
    while address:
        last = address[-1]
        if last in _TRAILING or (last in ")]" and address.count(last) > address.count("(" if last == ")" else "[")):
            address = address[:-1]
        else:
            break
    return address


def _misleads(text: str, address: str) -> bool:
    """Does ``text`` look like an address on another host than ``address``?"""
    text = text.strip()
    if not re.match(r"(?:[a-z][a-z0-9+.-]*:)?//|www\.", text, re.IGNORECASE) and not re.fullmatch(
        r"[\w.-]+\.[A-Za-z]{2,}(?:/\S*)?", text
    ):
        return False
    return _host(text) != _host(address)


def _host(address: str) -> str:
    if "//" not in address:
        address = f"//{address}"
    try:
        return (urlsplit(address).hostname or "").removeprefix("www.")
    except ValueError:
        return ""
