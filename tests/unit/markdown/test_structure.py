"""What each construct looks like."""

from __future__ import annotations

import pytest

from tests.unit.markdown.documents import corpus, texts, whole
from tui.i18n import set_language
from tui.markdown.ink import Link, Row


def styles(rows: list[Row]) -> dict[str, str]:
    """Style by text of all runs."""
    return {run.text: run.style for row in rows for run in row.runs}


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("# A\n## B\ntext\n", ["A", "", "B", "", "text"]),
        ("A\n===\nb\n", ["A", "", "b"]),
        ("a\nb\n\nc\n", ["a b", "", "c"]),
        ("中文\n二行\n", ["中文", "二行"]),
        ("中文\nlatin\n然后\n", ["中文", "latin", "然后"]),
        ("a  \nb\\\nc\n", ["a", "b", "c"]),
        ("- a\n- b\n", ["• a", "• b"]),
        ("- a\n\n- b\n", ["• a", "", "• b"]),
        ("- a\n  - b\n    - c\n      - d\n", ["• a", "  ◦ b", "    ▪ c", "      ▪ d"]),
        ("3. a\n4. b\n", ["3. a", "4. b"]),
        ("1) a\n1) b\n", ["1) a", "2) b"]),
        ("9. a\n\n   more\n10. b\n", ["9. a", "", "   more", "10. b"]),
        ("- [ ] a\n- [x] b\n", ["☐ a", "☑ b"]),
        ("1. [x] a\n", ["1. ☑ a"]),
        ("-\n- b\n", ["•", "• b"]),
        ("> a\n> b\n>\n> c\n", ["▌ a b", "▌", "▌ c"]),
        ("> a\n> > b\n", ["▌ a", "▌ ▌ b"]),
        ("> - a\n>   b\n", ["▌ • a b"]),
        ("a\n\n---\nb\n", ["a", "", "─" * 40, "", "b"]),
        ("```py\na\n\nb\n```\n", [" py", " a", "", " b"]),
        ("```\na\tb\n```\n", [" a   b"]),
        ("    code\n", [" code"]),
        ("```\n```\n", [""]),
        ("| a | b |\n|---|--:|\n| x | 1 |\n", ["a │ b", "──┼──", "x │ 1"]),
        ("[a](https://e.com)\n", ["a"]),
        ("[a](ftp://e.com)\n", ["a (ftp://e.com)"]),
        ("[a](/b)\n", ["a (/b)"]),
        ("[a](javascript:x)\n", ["[a](javascript:x)"]),
        ("[https://good.com](https://evil.com)\n", ["https://good.com (https://evil.com)"]),
        ("[good.com](https://evil.com/)\n", ["good.com (https://evil.com/)"]),
        ("[www.good.com](https://good.com/x)\n", ["www.good.com"]),
        ("[](https://e.com)\n", ["https://e.com"]),
        ("[a]()\n", ["a"]),
        ("![alt](https://e.com/a.png) ![](b.png)\n", ["[image: alt] [image] (b.png)"]),
        ("t[^1] u[^n]\n\n[^1]: note\n[^n]: other\n", ["t[1] u[^n]", "", "[1] note", "", "[^n] other"]),
        ("[^1]:\n    later\n\n    more\n", ["[1] later", "", "    more"]),
        ("a <b>x</b> List<int>\n", ["a <b>x</b> List<int>"]),
        ("<div>\n*e*\n</div>\n", ["<div> e </div>"]),
        ("&amp; &#27; &copy;\n", ["& \ufffd ©"]),
        ("$x^2$ \\(y\\) $5 and $6\n", ["x² y $5 and $6"]),
        ("$\\foo$ a$b$c\n", ["$\\foo$ abc"]),
        ("$$\n\\frac{a}{b}\n$$\n", ["  a/b"]),
        ("\\[ x \\].\n", ["  x."]),
        ("$$\n\\foo\n$$\n", ["  $$", "  \\foo", "  $$"]),
        ("$$\nopen\n\nnext\n", ["  $$", "  open", "", "next"]),
        ("\\[1\\] text\n", ["1 text"]),
        ("~~a~~ **b** *c*\n", ["a b c"]),
        ("\x1b[1m\n", ["␛[1m"]),
        ("[INFO] [/INST] list[int]\n", ["[INFO] [/INST] list[int]"]),
    ],
)
def test_rows(text: str, rows: list[str]) -> None:
    assert texts(text) == rows


def test_styles() -> None:
    rows = whole("# H *e*\n\n**a** *b* ~~c~~ `d` [e](https://x.y) **f `g`** [^1] $x$\n\n> q\n\n1. z\n")
    found = styles(rows)
    assert found["H "] == "h1"
    assert found["e"] in ("h1 em", "link")
    assert {found[text] for text in "abcd"} == {"strong", "em", "strike", "code"}
    assert found["g"] == "strong code"
    assert found["[1]"] == "footnote"
    assert found["▌ "] == "bar"
    assert found["1. "] == "marker"
    assert found["x"] == "math"


def test_bare_addresses() -> None:
    rows = whole("访问https://a.b/c?d=1，or (http://e.f/(g)) x_https://no https:// <https://h.i>.", 120)
    links = [run.link.address for row in rows for run in row.runs if run.link]
    assert links == ["https://a.b/c?d=1", "http://e.f/(g)", "https://no", "https://h.i"]


def test_links_know_their_text() -> None:
    (row,) = whole("[two **words**](https://e.com)")
    assert {run.link for run in row.runs} == {Link("https://e.com", "two words")}
    assert Link("https://e.com").openable
    assert not Link("javascript:x").openable


def test_a_link_over_a_line_end_keeps_its_text() -> None:
    rows = whole("[中文\n二行](https://e.com)")
    assert {run.link for row in rows for run in row.runs} == {Link("https://e.com", "二行")}


def test_percent_encoded_controls_stay_harmless() -> None:
    rows = whole(corpus()["autolink-trap"], 100)
    assert "\x1b" not in "".join(row.text for row in rows)
    assert all("\x1b" not in run.link.address for row in rows for run in row.runs if run.link)


def test_pictures_are_named_in_the_language() -> None:
    set_language("en")
    assert texts("![x](https://e.com/y.png)") == ["[image: x]"]


def test_what_is_too_deep_is_shown_as_text() -> None:
    shown = " ".join(" ".join(texts(">" * 90 + " deep words\n\nafter", 60)).replace("▌", "").split())
    assert "deep words" in shown
    assert "after" in shown


def test_late_definitions_resolve_in_every_construct() -> None:
    rows = whole(corpus()["reference-late"])
    links = {run.link.address for row in rows for run in row.runs if run.link}
    assert links == {"https://late.com"}
    assert sum(1 for row in rows for run in row.runs if run.link) == 3
