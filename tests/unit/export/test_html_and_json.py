"""The page and the data: parsed as others would, with hostile text in every place where foreign text can stand."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.hostile import HOSTILE, MARK
from tests.unit.export.samples import PIXEL, card, everything, say, turn
from tui.export.data import as_data, as_json
from tui.export.document import Document
from tui.export.html import as_html, conversation_html, markdown_html
from tui.i18n import set_language
from tui.model.message import ReasoningPart
from tui.model.problem import Problem

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "export-schema.json").read_text("utf-8"))
VOID = {"meta", "img", "br", "hr"}
ALLOWED = {
    *("html", "head", "meta", "title", "style", "body", "main", "p", "ul", "ol", "li", "pre", "code", "blockquote"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td", "em", "strong", "s", "a"),
    *("img", "br", "hr", "details", "summary"),
}  # fmt: skip


class Page(HTMLParser):
    """Checks that tags nest, and collects them with their attributes, and the text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(source)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID, tag
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack, tag
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.stack:
            self.words += data

    def values(self, tag: str, name: str) -> list[str | None]:
        return [attributes.get(name) for found, attributes in self.tags if found == tag]


def harmless(source: str) -> Page:
    """The page, after checking that it does nothing and loads nothing."""
    page = Page(source)
    assert {tag for tag, _ in page.tags} <= ALLOWED
    for tag, attributes in page.tags:
        assert set(attributes) <= {
            "lang", "charset", "http-equiv", "content", "name", "class", "src", "alt", "href", "rel", "start", "style",
        }, (tag, attributes)  # fmt: skip
        assert not any(name.startswith("on") for name in attributes)
    assert all(str(source).startswith("data:image/png;base64,") for source in page.values("img", "src"))
    assert all(str(link).startswith(("http://", "https://", "mailto:")) for link in page.values("a", "href"))
    return page


def test_the_page_holds_everything_and_loads_nothing() -> None:
    source = as_html(everything())
    page = harmless(source)
    assert "default-src 'none'" in source
    assert "http://gpu-box:23333" in page.words
    assert "secret" not in source
    assert f"data:image/png;base64,{PIXEL}" in source
    assert [tag for tag, _ in page.tags if tag == "h2"] == ["h2"] * 5
    assert "<details><summary>Thought for 0.8 s</summary><blockquote><p>first add" in source
    for words in ("⚙ add", '{"a": 3, "b": 5}', "Result of add after 3 ms:", "no result", "(cut here)", "142 tok/s"):
        assert words in page.words
    assert "<strong>16</strong>" in source


def test_for_a_blog_nothing_is_folded() -> None:
    source = as_html(everything(), blog=True)
    harmless(source)
    assert "<details>" not in source
    assert "<blockquote><p><strong>Thought for 0.8 s</strong></p>" in source


def test_a_chapter_and_small_things() -> None:
    from dataclasses import replace

    assert conversation_html(everything()).startswith("<h3>System</h3>")
    assert "gpu-box" not in as_html(replace(everything(), hide_server=True))
    empty = Document("", (say("assistant", ReasoningPart(" "), ""),))
    assert "<h1>Conversation</h1>" in as_html(empty)
    set_language("zh-CN")
    assert '<html lang="zh-CN">' in as_html(empty)


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("blog", [True, False])
def test_hostile_text_stays_text(hostile: str, blog: bool) -> None:
    source = as_html(everything(hostile, hostile), blog=blog)
    source.encode()
    page = harmless(source)
    assert MARK in page.words
    assert not set(source) & {chr(number) for number in (*range(9), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0x7F, 0xA0))}


@given(st.text(st.sampled_from("<>\"'&/=! abonscriptlt;:()[]`\n#-"), max_size=80))
def test_no_text_becomes_markup(text: str) -> None:
    harmless(as_html(everything(text, text)))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>"),
        ("[x](/local)", "<p>x (/local)</p>"),
        (
            "[bank](https://evil.example)",
            '<p><a href="https://evil.example" rel="noopener noreferrer nofollow">bank</a> (https://evil.example)</p>',
        ),
        (
            "<https://a.example>",
            '<p><a href="https://a.example" rel="noopener noreferrer nofollow">https://a.example</a></p>',
        ),
        ("![pixel](https://t.example/p.png)", "<p>[pixel: https://t.example/p.png]</p>"),
        ("# one", "<h3>one</h3>"),
    ],
)
def test_markdown_of_others(source: str, expected: str) -> None:
    assert markdown_html(source) == expected


def test_tables_and_code() -> None:
    assert "<td>中文</td>" in markdown_html("| a |\n|---|\n| 中文 |")
    assert markdown_html("```py\n<b>\n```") == '<pre><code class="language-py">&lt;b&gt;\n</code></pre>'


# ── JSON ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def check(document: Document) -> Any:
    text = as_json(document)
    text.encode()
    data = json.loads(text)
    jsonschema.validate(data, SCHEMA, cls=jsonschema.Draft202012Validator)
    assert data == json.loads(json.dumps(as_data(document)))
    return data


def test_the_data_has_the_documented_shape() -> None:
    data = check(everything())
    assert data["version"] == 1
    assert data["messages"][2]["parts"][1] == {
        "type": "tool_call", "call_id": "1", "name": "add", "arguments": '{"a": 3, "b": 5} The result is **16**.',
    }  # fmt: skip
    only = data["turns"][0]
    assert only["server"] == "http://gpu-box:23333"
    assert only["sampling"] == {"temperature": 0.0, "top_p": 0.8, "stop": ["END"]}
    assert only["memory"][0]["witness"]["setup"]["quant_policy"] == 4
    assert only["memory"][0]["weights"] == {"bytes": round(1.44 * 2**30), "source": "checkpoint", "margin": 0}
    assert "secret" not in as_json(everything())


def test_what_is_not_known_is_null() -> None:
    bare = turn(
        "t",
        timings=None,
        usage=(),
        breakdown=(card(witness=None, occupancy=None),),
        server=None,
        problem=Problem("a.b"),
    )
    data = check(Document("x", (), (bare,), hide_server=True, written=datetime.now(UTC)))
    assert data["turns"][0]["timings"] is None
    assert data["turns"][0]["server"] == ""
    assert data["turns"][0]["memory"][0]["kv_used"] is None


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_comes_back_unchanged_and_steers_no_terminal(hostile: str) -> None:
    document = everything(hostile, hostile)
    joined = hostile.encode("utf-16", "surrogatepass").decode(
        "utf-16", "surrogatepass" if "lone" in hostile else "strict"
    )
    assert check(document)["messages"][1]["parts"][1]["text"] == f"Compute (3+5)*2 {joined}"
    raw = as_json(document)
    assert not set(raw) & {chr(number) for number in (*range(9), *range(11, 0x20), *range(0x7F, 0xA0))}
    assert "\u202e" not in raw
