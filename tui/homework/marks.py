"""A page that is written again without touching what its user wrote.

Every section stands between two marks, comments that no viewer shows. The marks carry a hash of what stands between
them: a section that was changed by hand, or removed, is the user's and stays as it is."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_BEGIN = re.compile(r"^<!-- lmdeck:begin ([\w.-]+) ([0-9a-f]{16}) -->\r?$", re.MULTILINE)
_KNOWN = re.compile(r"^<!-- lmdeck:sections ([\w. -]*) -->(?=\r?$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Merged:
    """The new text; ``changed`` are the sections that were left alone because somebody had changed them, ``removed``
    those that somebody had taken out."""

    text: str
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Found:
    name: str
    begin: int
    end: int
    untouched: bool


def _hash(content: str) -> str:
    plain = content.replace("\r\n", "\n").strip()
    return hashlib.sha256(plain.encode("utf-8", "replace")).hexdigest()[:16]


def marked(name: str, content: str) -> str:
    """A section between its marks."""
    mark = f"{name} {_hash(content)}"
    return f"<!-- lmdeck:begin {mark} -->\n\n{content.strip()}\n\n<!-- lmdeck:end {mark} -->"


def _known(names: Sequence[str]) -> str:
    return f"<!-- lmdeck:sections {' '.join(names)} -->"


def first(sections: Mapping[str, str]) -> str:
    """All sections with their marks, for a new file."""
    return "\n\n".join([_known(list(sections)), *(marked(name, content) for name, content in sections.items())])


def is_marked(text: str) -> bool:
    """Whether a text holds marks at all: else it is somebody's own."""
    return _KNOWN.search(text) is not None


def merge(text: str, sections: Mapping[str, str]) -> Merged:
    """``text`` with its sections written again; new ones follow the one they come after in ``sections``."""
    known = _KNOWN.search(text)
    before = set(known[1].split()) if known is not None else set[str]()
    found = {one.name: one for one in _find(text)}
    changed = tuple(name for name, one in found.items() if name in sections and not one.untouched)
    removed = tuple(name for name in sections if name in before and name not in found)
    pieces: list[str] = []
    at = 0
    for one in sorted(found.values(), key=lambda item: item.begin):
        pieces.append(text[at : one.begin])
        fresh = sections.get(one.name)
        pieces.append(marked(one.name, fresh) if fresh is not None and one.untouched else text[one.begin : one.end])
        pieces += [f"\n\n{marked(name, sections[name])}" for name in _following(one.name, sections, before)]
        at = one.end
    pieces.append(text[at:])
    new = [name for name in sections if name not in before]
    placed = {name for one in found for name in _following(one, sections, before)}
    tail = [marked(name, sections[name]) for name in new if name not in placed]
    whole = "".join(pieces)
    if tail:
        whole = _with_tail(whole, "\n\n".join(tail))
    names = [*before, *new] if known is None else [*known[1].split(), *new]
    return Merged(_KNOWN.sub(lambda _match: _known(names), whole, count=1), changed, removed)


def _following(name: str, sections: Mapping[str, str], before: set[str]) -> list[str]:
    """The new sections that come right after this one."""
    order = list(sections)
    if name not in sections:
        return []
    found: list[str] = []
    for later in order[order.index(name) + 1 :]:
        if later in before:
            break
        found.append(later)
    return found


def _with_tail(text: str, tail: str) -> str:
    """At the end; in HTML before the page's end."""
    end = text.rfind("</main>")
    if end < 0:
        return f"{text.rstrip()}\n\n{tail}\n"
    return f"{text[:end].rstrip()}\n\n{tail}\n{text[end:]}"


def _find(text: str) -> list[_Found]:
    """The sections of a text; one whose end is missing or that stands inside another does not count."""
    found: list[_Found] = []
    at = 0
    while (match := _BEGIN.search(text, at)) is not None:
        name, mark = match[1], match[2]
        at = match.end()
        closing = f"<!-- lmdeck:end {name} {mark} -->"
        end = text.find(closing, at)
        if end >= 0 and name not in {one.name for one in found}:
            content = text[at:end]
            found.append(_Found(name, match.start(), end + len(closing), _hash(content) == mark))
            at = end + len(closing)
    return found
