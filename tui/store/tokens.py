"""Text as the search index sees it: words and pairs of CJK characters, in order.

A run of CJK characters c1 … cn gives the tokens c1c2, c2c3, …, cn. So a query of n ≥ 2 characters is a phrase of its
n - 1 pairs, and one of a single character is a prefix query: it finds the pairs that begin with it and the run's end.
Words are folded to lower case; everything that is neither letter nor digit separates. The tokens hold no blanks, so
the index takes them joined by blanks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# Scripts that write no blanks between words: Han (with its extensions and compatibility forms), kana, Hangul.
_CJK = (
    "\u3005-\u3007\u3021-\u3029\u3041-\u3096\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U000323af"
)
_RUN = re.compile(rf"([{_CJK}]+)|((?:(?![{_CJK}_])\w)+)")
# Full-width ASCII (an input method's Ａ or １) is the same as ASCII to somebody who searches.
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_SURROGATES = re.compile("[\ud800-\udfff]")
# What a message gives to the index at most, in characters: a pasted log is found by its beginning.
LIMIT = 200_000


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a query as typed between blanks: ``tokens`` stand next to each other, the last one may go on."""

    tokens: tuple[str, ...]
    open_end: bool


def fold(text: str) -> str:
    """Lower case, full-width forms as ASCII; of the same length as ``text``, so that positions stay right."""
    folded = text.translate(_FULL_WIDTH)
    lowered = folded.lower()
    if len(lowered) == len(folded):
        return lowered
    # A few letters have a lower case of two characters (İ).
    return "".join(low if len(low := character.lower()) == 1 else character for character in folded)


def index_text(text: str) -> str:
    """What is given to the index for a text."""
    return " ".join(_tokens(_SURROGATES.sub(" ", fold(text[:LIMIT]))))


def query_terms(query: str) -> list[Term]:
    """The terms of a query, all of which a message must hold; empty when it holds neither letter nor digit."""
    terms: list[Term] = []
    for word in _SURROGATES.sub(" ", fold(query)).split():
        tokens = list(_tokens(word))
        if not tokens:
            continue
        runs = _RUN.findall(word)
        last_cjk, _ = runs[-1]
        if len(last_cjk) > 1:
            # The end of the query's run is not the end of a run in the text.
            terms.append(Term(tuple(tokens[:-1]), open_end=False))
        else:
            terms.append(Term(tuple(tokens), open_end=True))
    return terms


def match_expression(terms: list[Term]) -> str:
    """The terms in FTS5's query language. Tokens hold letters and digits only, so quoting them is enough."""
    phrases = (" ".join(term.tokens) for term in terms)
    return " AND ".join(
        f'"{phrase}"' + (" *" if term.open_end else "") for phrase, term in zip(phrases, terms, strict=True)
    )


def matches(text: str, query: str) -> list[tuple[int, int]]:
    """Where the query's terms stand in a text: start and end in characters, sorted, without overlaps."""
    spans = sorted(span for pattern in patterns(query) for span in _spans(pattern, fold(text)))
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def patterns(query: str) -> list[re.Pattern[str]]:
    """One pattern a term that finds it in folded text: the same runs with anything that separates between them."""
    found: list[re.Pattern[str]] = []
    for word in fold(query).split():
        runs = [han or latin for han, latin in _RUN.findall(word)]
        if runs:
            begins_inside = re.match(rf"[{_CJK}]", runs[0]) is not None
            boundary = "" if begins_inside else rf"(?:(?<=[{_CJK}_])|(?<!\w))"
            found.append(re.compile(boundary + rf"(?:(?![{_CJK}])[\W_])*".join(re.escape(run) for run in runs)))
    return found


def _spans(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    return (found.span() for found in pattern.finditer(text))


def _tokens(text: str) -> Iterator[str]:
    for han, latin in _RUN.findall(text):
        if latin:
            yield latin
        else:
            for at in range(len(han) - 1):
                yield han[at : at + 2]
            yield han[-1]
