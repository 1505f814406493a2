"""The markup of each family of models, behind its opening marker (which is taken when a grammar here begins).

============  ====================================================================================================
internlm      ``<|action_start|><|plugin|>`` ``{"name": …, "parameters": {…}}`` ``<|action_end|>``
qwen          ``<tool_call>`` ``{"name": …, "arguments": {…}}`` ``</tool_call>``
qwen3coder    ``<tool_call><function=NAME>`` ``<parameter=KEY>`` value ``</parameter>`` … ``</function></tool_call>``
llama3        ``<|python_tag|>{"name": …, "parameters": {…}}`` without an end; earlier ``<function=NAME>{…}</function>``
glm47         ``<tool_call>NAME`` ``<arg_key>k</arg_key><arg_value>v</arg_value>`` … ``</tool_call>``
kimi          ``<|tool_call_begin|>functions.NAME:0<|tool_call_argument_begin|>{…}<|tool_call_end|>`` in a section
deepseek      ``<｜DSML｜invoke name="N">`` ``<｜DSML｜parameter name="k" string="true">v</｜DSML｜parameter>`` …
============  ====================================================================================================

Facts: lmdeploy 0.18.0's tool parsers, and the older forms of 0.5.3–0.12 for Llama. A grammar raises
:class:`NotACallError` while nothing was found, and is lenient afterwards: end markers may be missing, because some of
them are stop words that a server does not send.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import cast

from tui.lmdeploy.tool_markup_input import ArgumentWriter, Input, Out, json_or_text
from tui.lmdeploy.tool_markup_json import ValueScanner

Grammar = Generator[None, None, None]

_NAME = re.compile(r"[^\s<>\"'{}()\[\]=]{1,128}")
_LONGEST_NAME = 200  # characters that are looked at for a name and what stands around it
_KEYS = ("arguments", "parameters")


class NotACallError(Exception):
    """What follows the marker is no call."""


def _checked(name: str) -> str:
    name = name.strip()
    if not _NAME.fullmatch(name):
        raise NotACallError
    return name


# A call as one JSON object.


@dataclass(slots=True)
class _JsonCall:
    """What is known of a call while its object is being read."""

    out: Out
    index: int = -1
    waiting: list[str] = field(default_factory=list[str])
    raw: list[str] = field(default_factory=list[str])
    has_arguments: bool = False

    def named(self, name: str) -> None:
        if self.index < 0 and name:
            self.index = self.out.start(name)
            self.argue("".join(self.waiting))

    def argue(self, text: str) -> None:
        if self.index < 0:
            self.waiting.append(text)
        else:
            self.out.arguments(self.index, text)

    def whole(self, value: object) -> None:
        """The arguments as a value, not as a stream."""
        self.has_arguments = True
        self.argue(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _json_call(source: Input, out: Out) -> Grammar:
    """``{"name": …, "arguments": {…}}``: the arguments are given out as they come, verbatim."""
    call = _JsonCall(out)
    if (yield from source.peek()) != "{":
        raise NotACallError
    call.raw.append((yield from source.one_of(("{",))))
    while True:
        key = yield from _key(source, call)
        if not key:
            break
        yield from _value(source, call, key)
    if call.index < 0:
        # An object without a name: shown as a broken call, so that the model is told.
        source.commit()
        call.waiting.clear()
        index = out.start("")
        out.arguments(index, "".join(call.raw))


def _key(source: Input, call: _JsonCall) -> Generator[None, None, str]:
    """The next key, its colon taken; empty at the end of the object or where it breaks."""
    call.raw.append((yield from source.space()))
    if (yield from source.peek()) == ",":
        call.raw.append((yield from source.one_of((",",))))
        call.raw.append((yield from source.space()))
    if (yield from source.peek()) != '"':
        call.raw.append((yield from source.one_of(("}",))))
        return ""
    text = yield from _scanned(source, call)
    call.raw.append((yield from source.space()))
    colon = yield from source.one_of((":",))
    call.raw.append(colon)
    call.raw.append((yield from source.space()))
    key = json_or_text(text)
    return key if colon and isinstance(key, str) else ""


def _value(source: Input, call: _JsonCall, key: str) -> Grammar:
    if key in _KEYS and not call.has_arguments and (yield from source.peek()) not in ('"', "n", ""):
        call.has_arguments = True
        scanner = ValueScanner()
        while piece := (yield from source.value(scanner)):
            call.raw.append(piece)
            call.argue(piece)
        return
    text = yield from _scanned(source, call)
    value = json_or_text(text) if text else None
    if key in ("name", "function") and isinstance(value, str):
        source.commit()
        call.named(value)
    elif key == "function" and isinstance(value, dict):
        function = cast("dict[str, object]", value)
        source.commit()
        call.named(str(function.get("name") or ""))
        call.whole(next((function[name] for name in _KEYS if name in function), "{}"))
    elif key in _KEYS and not call.has_arguments and value is not None:
        call.whole(value)


def _scanned(source: Input, call: _JsonCall) -> Generator[None, None, str]:
    """A whole JSON value as text."""
    scanner = ValueScanner()
    parts: list[str] = []
    while piece := (yield from source.value(scanner)):
        parts.append(piece)
    call.raw.extend(parts)
    return "".join(parts)


def _json_calls(source: Input, out: Out, close: str) -> Grammar:
    """One or several objects, up to the end marker (which may be missing)."""
    while True:
        yield from _json_call(source, out)
        yield from source.space()
        yield from source.one_of((",", ";"))
        yield from source.space()
        if (yield from source.peek()) != "{":
            break
    if close:
        yield from source.one_of((close,))


# The families.


def _internlm(source: Input, out: Out) -> Grammar:
    yield from source.space()
    if not (yield from source.one_of(("<|plugin|>",))):
        raise NotACallError
    yield from source.space()
    yield from _json_calls(source, out, "<|action_end|>")


def _python_tag(source: Input, out: Out) -> Grammar:
    yield from source.space()
    yield from _json_calls(source, out, "")


def _tool_call(source: Input, out: Out) -> Grammar:
    """``<tool_call>`` of three families, told apart by what comes next."""
    yield from source.space()
    if (yield from source.peek()) == "{":
        yield from _json_calls(source, out, "</tool_call>")
    elif (yield from source.one_of(("<function=",))):
        yield from _function(source, out)
        yield from source.space()
        yield from source.one_of(("</tool_call>",))
    else:
        yield from _glm(source, out)


def _function(source: Input, out: Out) -> Grammar:
    """``<function=NAME>`` with parameters (Qwen3-Coder) or with a JSON object (Llama)."""
    text, end = yield from source.until((">",), _LONGEST_NAME)
    name = _checked(text)
    if not end:
        raise NotACallError
    yield from source.space()
    if (yield from source.peek()) == "{":
        source.commit()
        index = out.start(name)
        scanner = ValueScanner()
        while piece := (yield from source.value(scanner)):
            out.arguments(index, piece)
        yield from source.space()
        yield from source.one_of(("</function>",))
        return
    following = yield from source.one_of(("<parameter=", "</function>"))
    if not following:
        raise NotACallError
    source.commit()
    writer = ArgumentWriter(out, name)
    while following == "<parameter=":
        if not (yield from _parameter(source, writer)):
            return
        yield from source.space()
        following = yield from source.one_of(("<parameter=", "</function>"))
    writer.close()


def _parameter(source: Input, writer: ArgumentWriter) -> Generator[None, None, bool]:
    """``KEY>`` newline value newline ``</parameter>``; False when the answer was cut in it. The end marker is
    sometimes forgotten: then the next marker ends the value, and is left there."""
    key, end = yield from source.until((">",))
    text, close = yield from source.until(("</parameter>",))
    if not (end and close):
        return False
    writer.add(key.strip(), text.removeprefix("\n").removesuffix("\n"))
    return True


def _glm(source: Input, out: Out) -> Grammar:
    text, mark = yield from source.until(("<arg_key>", "</tool_call>"), _LONGEST_NAME)
    name = _checked(text)
    if not mark:
        raise NotACallError
    source.commit()
    writer = ArgumentWriter(out, name)
    while mark == "<arg_key>":
        key, _ = yield from source.until(("</arg_key>",))
        _, begin = yield from source.until(("<arg_value>",))
        value, end = yield from source.until(("</arg_value>",))
        if not (begin and end):
            return
        writer.add(key.strip(), value)
        yield from source.space()
        mark = yield from source.one_of(("<arg_key>", "</tool_call>"))
    writer.close()


_KIMI = ("<|tool_call_begin|>", "<|tool_calls_section_end|>")


def _kimi_section(source: Input, out: Out) -> Grammar:
    begun = out.index
    while True:
        yield from source.space()
        if (yield from source.one_of(_KIMI)) != _KIMI[0]:
            return
        if out.index > begun:
            source.remember()
        yield from _kimi_call(source, out)


def _kimi_call(source: Input, out: Out) -> Grammar:
    """``functions.NAME:0`` is also the call's id, which the family's template wants to see again."""
    text, mark = yield from source.until(("<|tool_call_argument_begin|>",), _LONGEST_NAME)
    call_id = text.strip()
    name = _checked(call_id.removeprefix("functions.").rpartition(":")[0] or call_id)
    if not mark:
        raise NotACallError
    source.commit()
    index = out.start(name, call_id)
    yield from source.space()
    scanner = ValueScanner()
    while piece := (yield from source.value(scanner)):
        out.arguments(index, piece)
    yield from source.space()
    yield from source.one_of(("<|tool_call_end|>",))


_INVOKE = re.compile(r'\s*name\s*=\s*"([^"]*)"\s*')
_DSML_PARAMETER = re.compile(r'\s*name\s*=\s*"([^"]*)"\s*(?:string\s*=\s*"(true|false)"\s*)?')


def _dsml(block: str) -> Callable[[Input, Out], Grammar]:
    def read(source: Input, out: Out) -> Grammar:
        marks = ("<｜DSML｜invoke", f"</｜DSML｜{block}>")
        begun = out.index
        while True:
            yield from source.space()
            if (yield from source.one_of(marks)) != marks[0]:
                return
            if out.index > begun:
                source.remember()
            yield from _dsml_call(source, out)

    return read


def _dsml_call(source: Input, out: Out) -> Grammar:
    text, end = yield from source.until((">",), _LONGEST_NAME)
    match = _INVOKE.fullmatch(text)
    if not end or match is None:
        raise NotACallError
    name = _checked(match[1])
    source.commit()
    writer = ArgumentWriter(out, name)
    marks = ("<｜DSML｜parameter", "</｜DSML｜invoke>")
    while True:
        yield from source.space()
        if (yield from source.one_of(marks)) != marks[0]:
            break
        head, _ = yield from source.until((">",))
        value, close = yield from source.until(("</｜DSML｜parameter>",))
        parameter = _DSML_PARAMETER.fullmatch(head)
        if not close or parameter is None:
            return
        if parameter[2]:
            writer.add_value(parameter[1], value if parameter[2] == "true" else json_or_text(value))
        else:
            writer.add(parameter[1], value)
    writer.close()


BLOCKS: dict[str, Callable[[Input, Out], Grammar]] = {
    "<tool_call>": _tool_call,
    "<|action_start|>": _internlm,
    "<|python_tag|>": _python_tag,
    "<function=": _function,
    "<|tool_calls_section_begin|>": _kimi_section,
    "<|tool_call_begin|>": _kimi_call,
    "<｜DSML｜function_calls>": _dsml("function_calls"),
    "<｜DSML｜tool_calls>": _dsml("tool_calls"),
}
"""Opening marker → the grammar behind it."""
