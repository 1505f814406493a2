"""The markup of every family, however the answer is cut."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.lmdeploy.tool_markup import END_TOKENS, FIRST_INDEX, MarkupParser
from tui.lmdeploy.tool_markup_blocks import BLOCKS
from tui.model.delta import ToolCallDelta
from tui.model.events import TextDelta

SCHEMAS: dict[str, dict[str, Any]] = {
    "weather": {
        "properties": {
            "city": {"type": "string"},
            "days": {"type": "integer"},
            "unit": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "at": {"type": ["number", "null"]},
            "list": {"type": "array"},
        }
    }
}


def read_markup(text: str, schemas: dict[str, Any] | None = None) -> list[Any]:
    """A whole answer at once."""
    parser = MarkupParser(schemas)
    return [*parser.feed(text), *parser.finish()]


def join(pieces: list[Any]) -> tuple[str, list[tuple[str, str]]]:
    """The text, and the calls as (name, arguments)."""
    calls: dict[int, list[str]] = {}
    text = ""
    for piece in pieces:
        if isinstance(piece, TextDelta):
            text += piece.text
        else:
            assert isinstance(piece, ToolCallDelta)
            if piece.index not in calls:
                assert piece.index == FIRST_INDEX + len(calls)
                calls[piece.index] = [piece.name, ""]
            else:
                assert not piece.name
            calls[piece.index][1] += piece.arguments
    return text, [(name, arguments) for name, arguments in calls.values()]


def order(pieces: list[Any]) -> list[Any]:
    """Pieces with neighbours of one kind joined: what must not depend on the cut."""
    joined: list[list[Any]] = []
    for piece in pieces:
        key = "text" if isinstance(piece, TextDelta) else piece.index
        text = piece.text if isinstance(piece, TextDelta) else piece.arguments
        name = "" if isinstance(piece, TextDelta) else f"{piece.name}/{piece.call_id}"
        if joined and joined[-1][0] == key and name in ("", "/"):
            joined[-1][2] += text
        else:
            joined.append([key, name, text])
    return joined


def one_by_one(text: str, size: int = 1) -> list[Any]:
    parser = MarkupParser(SCHEMAS)
    pieces: list[Any] = []
    for place in range(0, len(text), size):
        pieces += parser.feed(text[place : place + size])
    return pieces + parser.finish()


INTERNLM = '<|action_start|><|plugin|>\n{"name": "add", "parameters": {"a": 3, "b": 5}}<|action_end|>'
QWEN = '<tool_call>\n{"name": "add", "arguments": {"a": 3, "b": 5}}\n</tool_call>'
CODER = (
    "<tool_call>\n<function=weather>\n<parameter=city>\n北京\n</parameter>\n"
    "<parameter=days>\n3\n</parameter>\n</function>\n</tool_call>"
)
LLAMA = '<|python_tag|>{"name": "add", "parameters": {"a": 3, "b": 5}}'
LLAMA_OLD = '<function=add>{"a": 3, "b": 5}</function>'
GLM = (
    "<tool_call>weather\n<arg_key>city</arg_key>\n<arg_value>北京</arg_value>\n"
    "<arg_key>days</arg_key>\n<arg_value>3</arg_value>\n</tool_call>"
)
KIMI = (
    "<|tool_calls_section_begin|><|tool_call_begin|>functions.add:0<|tool_call_argument_begin|>"
    '{"a": 3, "b": 5}<|tool_call_end|><|tool_call_begin|>functions.mul:1<|tool_call_argument_begin|>'
    '{"a": 8, "b": 2}<|tool_call_end|><|tool_calls_section_end|>'
)
DEEPSEEK = (
    '\n\n<｜DSML｜function_calls>\n<｜DSML｜invoke name="weather">\n'
    '<｜DSML｜parameter name="city" string="true">北京</｜DSML｜parameter>\n'
    '<｜DSML｜parameter name="days" string="false">3</｜DSML｜parameter>\n'
    "</｜DSML｜invoke>\n</｜DSML｜function_calls>"
)
DEEPSEEK4 = DEEPSEEK.replace("function_calls", "tool_calls")
ADD = ("add", '{"a": 3, "b": 5}')
WEATHER = ("weather", '{"city": "北京", "days": 3}')
FAMILIES: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "internlm": (INTERNLM, [ADD]),
    "qwen": (QWEN, [ADD]),
    "qwen3coder": (CODER, [WEATHER]),
    "llama3": (LLAMA, [ADD]),
    "llama3 of 0.5.3": (LLAMA_OLD, [ADD]),
    "glm47": (GLM, [WEATHER]),
    "kimi": (KIMI, [ADD, ("mul", '{"a": 8, "b": 2}')]),
    "deepseek-v32": (DEEPSEEK, [WEATHER]),
    "deepseek-v4": (DEEPSEEK4, [WEATHER]),
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 10_000])
def test_every_family_gives_its_calls(family: str, size: int) -> None:
    text, calls = FAMILIES[family]
    assert join(one_by_one(text, size)) == ("", calls)
    said, found = join(one_by_one(f"I compute.\n{text}\n", size))
    assert (said.rstrip(), found) == ("I compute.", calls)


@pytest.mark.parametrize("family", [name for name in FAMILIES if not name.startswith("llama3")])
def test_calls_in_a_row_and_text_behind_them(family: str) -> None:
    text, calls = FAMILIES[family]
    assert join(one_by_one(f"{text}\n{text} done <b>", 5)) == (" done <b>", calls * 2)


def test_a_call_without_its_end_is_whole_when_its_json_is() -> None:
    for text in (INTERNLM.removesuffix("<|action_end|>"), QWEN.removesuffix("\n</tool_call>"), LLAMA):
        assert join(one_by_one(text)) == ("", [ADD])


def test_several_objects_in_one_block() -> None:
    text = '<|python_tag|>{"name": "a", "parameters": {"x": 1}}; {"name": "b", "parameters": {}}'
    assert join(one_by_one(text)) == ("", [("a", '{"x": 1}'), ("b", "{}")])


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ('{"arguments": {"a": 1}, "name": "f"}', ("f", '{"a": 1}')),
        ('{"id": [1, {"x": "}"}], "name": "f", "arguments": {"a": "</tool_call> \\" {"}}', None),
        ('{"name": "f"}', ("f", "")),
        ('{"name": "f", "arguments": null}', ("f", "")),
        ('{"name": "f", "arguments": "{\\"a\\": 1}"}', ("f", '{"a": 1}')),
        ('{"name": "f", "arguments": {"a": 1}, "parameters": {"b": 2}}', ("f", '{"a": 1}')),
        ('{"type": "function", "function": {"name": "f", "arguments": {"a": 1}}}', ("f", '{"a": 1}')),
        ('{"type": "function", "function": "f", "parameters": {"a": 1}}', ("f", '{"a": 1}')),
        ('{"function": {"name": "f"}}', ("f", "{}")),
        ('{"name": "f", "arguments": [1, 2]}', ("f", "[1, 2]")),
    ],
)
def test_objects_as_models_write_them(inner: str, expected: tuple[str, str] | None) -> None:
    expected = expected or ("f", '{"a": "</tool_call> \\" {"}')
    for size in (1, 4, 1000):
        assert join(one_by_one(f"<tool_call>{inner}</tool_call>", size)) == ("", [expected])


def test_arguments_stream() -> None:
    parser = MarkupParser()
    assert parser.feed('<tool_call>{"name": "f", "arguments": {"text": "one ') == [
        ToolCallDelta(FIRST_INDEX, name="f"),
        ToolCallDelta(FIRST_INDEX, arguments='{"text": "one '),
    ]
    assert parser.feed("two") == [ToolCallDelta(FIRST_INDEX, arguments="two")]
    assert parser.calls == 1


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ('<tool_call>{"name": "f", "arguments": {"a": ', [("f", '{"a": ')]),
        ('<tool_call>{"name": "f", "arguments": {"a": 1</tool_call>', [("f", '{"a": 1')]),
        ('<tool_call>{"name": "f", "argu', [("f", "")]),
        ('<tool_call>{"a": 1}</tool_call>', [("", '{"a": 1}')]),
        ("<tool_call><function=weather><parameter=city>Ber", [("weather", "")]),
        ("<tool_call><function=weather><parameter=days>3</parameter><parameter=city>Ber", [("weather", '{"days": 3')]),
        ("<tool_call>weather<arg_key>city</arg_key><arg_value>B", [("weather", "")]),
        ('<｜DSML｜tool_calls><｜DSML｜invoke name="weather"><｜DSML｜parameter name="days"', [("weather", "")]),
        ("<|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>{", [("f", "{")]),
    ],
)
def test_a_cut_call_stays_broken(text: str, calls: list[tuple[str, str]]) -> None:
    for size in (1, 3, 1000):
        assert join(one_by_one(text, size)) == ("", calls)


@pytest.mark.parametrize(
    "text",
    [
        "<tool_call>",
        "a <tool_call> b",
        "<tool_call>not a call at all</tool_call>",
        "<|action_start|><|interpreter|>\nprint(1)<|action_end|>",
        "<|python_tag|>print(1)",
        "<function=>x",
        "<function=f",
        "<function=f>text</function>",
        "x < y and <b>bold</b> <",
        "<｜DSML｜function_calls> nothing",
        "<｜DSML｜function_calls><｜DSML｜invoke nonsense>",
        "<|tool_call_begin|>functions.add:0 and so on",
        "`<tool_call>` marks a call",
        '```\n<tool_call>{"name": "f", "arguments": {}}</tool_call>\n```\nlike that',
        "  \n leading and trailing \n\n",
        f"<tool_call>{'x' * 500}</tool_call>",
        "a <|im_end|> b",
        "<|im_e",
    ],
)
def test_what_is_no_call_stays_text(text: str) -> None:
    for size in (1, 3, 1000):
        said, calls = join(one_by_one(text, size))
        assert calls == []
        assert said == text


def test_a_broken_second_call_does_not_swallow_what_follows() -> None:
    broken = KIMI.replace("functions.mul:1<|tool_call_argument_begin|>", "functions mul 1")
    said, calls = join(one_by_one(broken))
    assert calls == [ADD]
    assert '{"a": 8, "b": 2}' in said
    broken = DEEPSEEK.replace("</｜DSML｜function_calls>", "<｜DSML｜invoke nonsense>and text")
    assert join(one_by_one(broken)) == (" nonsense>and text", [WEATHER])


@pytest.mark.parametrize("token", END_TOKENS)
def test_end_tokens_are_dropped_at_the_end(token: str) -> None:
    assert join(one_by_one(f"Hello.{token}")) == ("Hello.", [])
    assert join(one_by_one(f"{INTERNLM}\n{token}\n<|im_end|>")) == ("", [ADD])


@pytest.mark.parametrize(
    ("key", "written", "value"),
    [
        ("city", "3", "3"),
        ("city", "true", "true"),
        ("days", "3", 3),
        ("days", "three", "three"),
        ("unit", "null", None),
        ("unit", "12", "12"),
        ("at", "None", None),
        ("at", "1.5", 1.5),
        ("list", '["a", {"b": 1}]', ["a", {"b": 1}]),
        ("unknown", "True", True),
        ("unknown", "text", "text"),
        ("unknown", "NaN", "NaN"),
    ],
)
def test_values_are_typed_by_the_schema(key: str, written: str, value: object) -> None:
    texts = (
        f"<function=weather><parameter={key}>\n{written}\n</parameter></function>",
        f"<tool_call>weather<arg_key>{key}</arg_key><arg_value>{written}</arg_value></tool_call>",
        f'<｜DSML｜tool_calls><｜DSML｜invoke name="weather"><｜DSML｜parameter name="{key}">{written}'
        "</｜DSML｜parameter></｜DSML｜invoke></｜DSML｜tool_calls>",
    )
    for text in texts:
        (_name, arguments), *_rest = join(one_by_one(text))[1]
        assert json.loads(arguments) == {key: value}


def test_calls_without_arguments() -> None:
    for text in ("<function=f></function>", "<tool_call>f</tool_call>"):
        assert join(one_by_one(text)) == ("", [("f", "{}")])


def test_kimi_keeps_its_ids() -> None:
    assert [piece.call_id for piece in read_markup(KIMI) if isinstance(piece, ToolCallDelta) and piece.name] == [
        "functions.add:0",
        "functions.mul:1",
    ]


def test_a_million_characters_in_small_pieces_take_seconds_not_minutes() -> None:
    value = "x" * 300_000
    for text in (
        f'<tool_call>{{"name": "f", "arguments": {{"a": "{value}"}}}}</tool_call>',
        f"<function=weather><parameter=city>{value}</parameter></function>",
        value,
    ):
        said, calls = join(one_by_one(text, 7))
        assert len(said) + sum(len(arguments) for _, arguments in calls) >= len(value)


FRAGMENTS = st.sampled_from(
    [*BLOCKS, *END_TOKENS, *(text for text, _ in FAMILIES.values()), "</tool_call>", "</function>", "<parameter=a>",
     "</parameter>", "<function=", "<|plugin|>", '{"name": "f"', '"arguments": {', "}", "}}", '"', "\\", "`", "```\n",
     "\n", " ", "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>", "<｜DSML｜invoke name=\"f\">", "text",
     "functions.f:0", "<|tool_call_argument_begin|>", "<|tool_call_end|>", "<", "🦊", "null", "1", ",", ":"]
)  # fmt: skip
ANSWERS = st.lists(FRAGMENTS | st.text(max_size=5), max_size=12).map("".join)


@settings(max_examples=400, deadline=None)
@given(text=ANSWERS, data=st.data())
def test_any_cut_gives_the_same(text: str, data: st.DataObject) -> None:
    whole = order(read_markup(text, SCHEMAS))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    parser = MarkupParser(SCHEMAS)
    pieces: list[Any] = []
    for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        pieces += parser.feed(text[begin:end])
    assert order(pieces + parser.finish()) == whole
    assert order(one_by_one(text)) == whole


@settings(max_examples=300, deadline=None)
@given(text=st.text(alphabet=st.characters(exclude_characters="<["), max_size=60))
def test_text_without_markers_comes_back_unchanged(text: str) -> None:
    assert join(read_markup(text)) == (text, [])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(arguments=st.dictionaries(st.text(max_size=6), JSON, max_size=4), ascii=st.booleans())
def test_arguments_come_back_verbatim(arguments: dict[str, Any], ascii: bool) -> None:
    written = json.dumps(arguments, ensure_ascii=ascii)
    for text in (
        f'<tool_call>\n{{"name": "f", "arguments": {written}}}\n</tool_call>',
        f'<|action_start|><|plugin|>{{"name": "f", "parameters": {written}}}<|action_end|>',
        f"<|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>{written}<|tool_call_end|>",
    ):
        assert join(one_by_one(text, 3)) == ("", [("f", written)])
