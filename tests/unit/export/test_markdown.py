"""Markdown for a file and for a blog: everything is there, and nothing foreign gets out of its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.support.hostile import HOSTILE, MARK
from tests.unit.export.samples import everything, say, turn
from tui.export.clean import clean, one_line
from tui.export.document import Document, last_split, pictures
from tui.export.markdown import as_markdown, conversation_markdown, without_secrets
from tui.export.neutral import code, fenced, inline, neutral, parser
from tui.i18n import set_language
from tui.model.message import ImagePart, ReasoningPart, ToolCallPart, ToolResultPart

ODD = st.text(st.sampled_from("a <>`!#*_[]()\\\n\t-=~|&$>/x1.:'\"中\u202e\x1b\x9b\ud83d"), max_size=60)


def kinds(text: str) -> list[str]:
    """The kinds of all tokens, as a viewer that does take HTML sees them."""
    found: list[str] = []
    for token in parser(html=True).parse(text):
        found.append(token.type)
        found += [child.type for child in token.children or ()]
    return found


def headings(text: str) -> list[str]:
    tokens = MarkdownIt("commonmark").parse(text)
    return [tokens[at + 1].content for at, token in enumerate(tokens) if token.type == "heading_open"]


def test_everything_stands_in_the_file() -> None:
    rendered = as_markdown(everything(), folder="sums-files")
    text = rendered.text
    assert text.startswith("# Sums The result is \\*\\*16\\*\\*.\n")
    assert "- Model: `internlm2_5-1_8b-chat`" in text
    assert "- Server: `http://gpu-box:23333`" in text
    assert "secret" not in text
    assert "<summary>Thought for 0.8 s</summary>\n\n> first add The result is **16**." in text
    assert "**⚙ `add`**\n\n```json\n" in text
    assert "Result of `add` after 3 ms:\n\n```\n8 The result" in text
    assert "*no result*" in text
    assert "`add` failed after <1 ms:" in text
    assert "*(cut here)*" in text
    assert "*↑257 ↓35 · first token 80 ms · 142 tok/s · tools 5 ms · 3.0 s in all*" in text
    assert "![add.png](<sums-files/picture-1.png>)" in text
    assert rendered.files["sums-files/picture-1.png"].startswith(b"\x89PNG")
    assert len(rendered.files) == 1
    assert len(pictures(everything())) == 2
    assert headings(text)[1:] == ["System", "You", "Assistant", "Tool", "Assistant"]


def test_a_blogs_markdown_holds_no_html() -> None:
    text = as_markdown(everything(), blog=True).text
    assert "<details>" not in text
    assert "> **Thought for 0.8 s**\n>\n> first add" in text
    assert not {"html_block", "html_inline"} & set(kinds(text))


def test_in_chinese() -> None:
    set_language("zh-CN")
    assert "## " in as_markdown(everything()).text


def test_the_server_may_be_left_out() -> None:
    from dataclasses import replace

    assert "gpu-box" not in as_markdown(replace(everything(), hide_server=True)).text
    assert without_secrets("https://me:pw@host:1/v1") == "https://host:1/v1"


def test_a_chapter_has_only_the_messages() -> None:
    text = conversation_markdown(everything()).text
    assert text.startswith("### System")
    assert "# Sums" not in text


def test_an_empty_conversation_and_turns_without_figures() -> None:
    assert "# Conversation" in as_markdown(Document("", ())).text
    bare = turn("t", timings=None, usage=(), finish_reason="length", breakdown=())
    document = Document("x", (say("assistant", "cut", turn="t"),), (bare,))
    assert "*cut at the token limit*" in as_markdown(document).text
    assert last_split(document) == ()
    assert last_split(everything())[0].name == "NVIDIA A100"
    assert Document("x", (), (bare,)).model == "internlm2_5-1_8b-chat"
    empty = say("assistant", ReasoningPart("  "), "", turn="t")
    assert "Thought" not in as_markdown(Document("x", (empty,), (turn("t"),))).text
    assert "<summary>Thoughts</summary>" in as_markdown(Document("x", (say("assistant", ReasoningPart("a")),))).text


def test_pictures_of_other_kinds_are_only_named() -> None:
    odd = (ImagePart("image/png", "no base64!", "a.png"), ImagePart("text/html", "PGI+", ""))
    rendered = as_markdown(Document("x", (say("user", *odd),)))
    assert not rendered.files
    assert "*[a.png]*" in rendered.text
    assert "*[picture]*" in rendered.text


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("blog", [True, False])
def test_hostile_text_stays_text(hostile: str, blog: bool) -> None:
    text = as_markdown(everything(hostile, hostile), blog=blog).text
    assert MARK in text
    text.encode()
    assert not set(text) & {chr(number) for number in (*range(9), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0x7F, 0xA0))}
    assert "\u202e" not in text
    tokens = kinds(text)
    assert "html_inline" not in tokens
    assert headings(text)[1:] == ["System", "You", "Assistant", "Tool", "Assistant"]


def test_an_answer_cannot_pretend_to_be_a_message() -> None:
    evil = "fine\n```\nopen code\n\n## You\n\nsend money"
    document = Document("x", (say("assistant", evil), say("user", "# mine\n\nno <b>tags</b> ![x](http://e.example/x)")))
    text = as_markdown(document).text
    assert headings(text) == ["x", "Assistant", "You", "mine"]
    assert "### mine" in text
    assert "&lt;b>tags&lt;/b> !\\[x](http://e.example/x)" in text


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("`<b>` <b>", "`<b>` &lt;b>"),
        ("``a ` <b>`` <i>", "``a ` <b>`` &lt;i>"),
        ("\\`<b>", "\\`&lt;b>"),
        ("\\<b>", "\\&lt;b>"),
        ("`a <b>", "`a &lt;b>"),
        ("<https://a.example/b> <mailto:a@b.example>", "<https://a.example/b> <mailto:a@b.example>"),
        ("1 < 2 <- 3", "1 < 2 <- 3"),
        ("    <b>code</b>", "    <b>code</b>"),
        ("```html\n<b>\n```", "```html\n<b>\n```"),
        ("~~~\n<b>", "~~~\n<b>\n~~~"),
        ("# one\n## two #\n###### six", "### one\n#### two #\n###### six"),
        ("- # in a list", "- ### in a list"),
        ("", ""),
        ("  \n ", ""),
    ],
)
def test_markdown_of_others(source: str, expected: str) -> None:
    assert neutral(source) == expected


@given(ODD)
def test_no_tag_no_picture_no_open_block(text: str) -> None:
    shown = neutral(text)
    assert not {"html_block", "html_inline", "image"} & set(kinds(shown))
    after = MarkdownIt("commonmark").parse(shown + "\n\n## end\n")
    assert [token.type for token in after[-3:]] == ["heading_open", "inline", "heading_close"]
    assert after[-2].content == "end"
    assert after[-3].level == 0


@given(ODD)
def test_a_line_of_foreign_text_is_one_piece_of_text(text: str) -> None:
    tokens = parser(html=True).parse(f"x {inline(text)} y")
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert {child.type for child in tokens[1].children or ()} <= {"text"}
    assert "".join(child.content for child in tokens[1].children or ()).split() == ["x", *one_line(text).split(), "y"]


@given(ODD)
def test_code_holds_what_it_is_given(text: str) -> None:
    span = parser(html=True).parse(f"x {code(text)} y")[1].children or []
    assert [child.type for child in span] == ["text", "code_inline", "text"]
    assert span[1].content.strip() == one_line(text, 1000).strip()
    block = parser(html=True).parse(f"{fenced(text)}\n\nafter")
    assert block[0].type == "fence"
    assert block[0].content == (clean(text) + "\n" if clean(text) else "\n")
    assert block[1].type == "paragraph_open"


@given(st.text())
def test_cleaning_is_done_once(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    clean(text).encode()


def test_calls_and_results_that_do_not_belong_together() -> None:
    lone = say("tool", ToolResultPart("7", "mul", "16"), id="r")
    call = say("assistant", ToolCallPart("8", "", "{"), id="a")
    text = as_markdown(Document("x", (lone, call))).text
    assert "## Tool\n\nResult of `mul`" in text
    assert "**⚙ `?`**" in text
