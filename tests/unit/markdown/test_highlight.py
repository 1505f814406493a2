"""Colours for code: same text, in slices, only where they can be had."""

from __future__ import annotations

import pytest

from tui.markdown.elements import CodeElement
from tui.markdown.highlight import LONGEST, HighlightJob, wants_colours
from tui.markdown.ink import Margin, Page, plain
from tui.markdown.reply import Reply


def element(code: str, language: str = "python") -> CodeElement:
    return CodeElement(Margin(), language, code.split("\n"), closed=True)


def painted(code: CodeElement) -> set[str]:
    return {run.style for row in code.rows(Page(60)) for run in row.runs}


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("python", "def f(x):\n\treturn 'a\tb'  # c\n\n\nclass A: pass"),
        ("json", '{"a": [1, true, null]}'),
        ("bash", "export A=1\necho $A | grep 1"),
        ("cpp", "int main() {\n  return 0; // 中文\n}"),
        ("yaml", "a:\n  - b: 1\n"),
        ("diff", "- a\n+ b"),
        ("console", "$ ls\nfile"),
        ("html", "<a href='x'>y</a>\x1b"),
    ],
)
def test_the_text_stays(language: str, code: str) -> None:
    coded = element(code, language)
    before = [row.text for row in coded.rows(Page(60))]
    assert HighlightJob(coded).step(10)
    assert coded.painted
    assert [row.text for row in coded.rows(Page(60))] == before
    assert any("syntax-" in style for style in painted(coded))


def test_in_slices() -> None:
    coded = element("\n".join(f"x{index} = {index}" for index in range(300)))
    job = HighlightJob(coded)
    steps = 1
    while not job.step(0.0):
        steps += 1
    assert steps > 10
    assert coded.painted


def test_kept_for_the_next_time() -> None:
    code = "kept = 'once'"
    HighlightJob(element(code)).step(10)
    again = element(code)
    assert HighlightJob(again).step(0.0)
    assert again.painted


def test_what_gets_no_colours() -> None:
    assert not wants_colours(element("x", ""))
    assert not wants_colours(element("x" * (LONGEST + 1)))
    assert not wants_colours(element(""))
    unknown = element("x", "no-such-language")
    assert HighlightJob(unknown).step()
    assert not unknown.painted


def test_open_code_waits() -> None:
    reply = Reply("```python\nx = 1\n", Page(40))
    assert list(reply.highlights()) == []
    reply.document.feed("```\n")
    reply.flush()
    (job,) = reply.highlights()
    assert job.step(10)
    span = reply.layout.repaint(job.element)
    assert span == (0, 2)
    assert "syntax-number" in reply.rows[1].runs[-1].style
    assert list(reply.highlights()) == []
    assert plain(reply.rows[1].runs) == " x = 1"


def test_code_cut_off_gets_colours_at_the_end() -> None:
    reply = Reply("```python\nx = 1", Page(40))
    reply.finish()
    assert len(list(reply.highlights())) == 1
