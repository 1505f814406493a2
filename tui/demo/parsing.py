"""The server's own parsers, turned round: from the brain's script to the deltas that a client would see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from tui.demo.history import Json
from tui.demo.markup import END_TOKEN, markup, without_special_tokens
from tui.demo.script import Call, Piece, Say, Script, Think
from tui.demo.tokens import split

_FRAGMENT = 4096
_FRAGMENT_TOKENS = 16
_LONG = 20_000


@dataclass(frozen=True, slots=True)
class Emission:
    """One step of an answer: what joins the message, and how many tokens the model wrote for it.

    ``name`` starts call number ``index``, ``arguments`` extends it."""

    kind: Literal["content", "reasoning", "name", "arguments", "silent"]
    text: str
    tokens: int = 1
    index: int = 0


@dataclass(frozen=True, slots=True)
class Parsers:
    """How a request's answer is parsed. ``tools``: ``parsed`` into deltas, ``raw`` markup in the content, or ``whole``:
    name and arguments in one delta. ``offered`` are the names that a parser lets through. ``skip_special`` leaves
    special tokens out of the content; without it the end token is part of it."""

    reasoning: bool
    tools: Literal["parsed", "raw", "whole"]
    markup: str
    offered: frozenset[str]
    starts_thinking: bool = True
    skip_special: bool = True


def emissions(script: Script, parsers: Parsers) -> Iterator[Emission]:
    """The answer step by step, without its end."""
    index = 0
    for piece in script.pieces:
        if isinstance(piece, Call):
            shown = piece.forced or piece.name in parsers.offered
            yield from _call(piece, parsers, index, shown)
            index += shown
        else:
            yield from _text(piece, parsers, script.pieces)
    if not parsers.skip_special:
        yield Emission("content", END_TOKEN)


def _text(piece: Piece, parsers: Parsers, pieces: Sequence[Piece]) -> Iterator[Emission]:
    if isinstance(piece, Say):
        after_thoughts = parsers.reasoning and any(isinstance(other, Think) and other.closed for other in pieces)
        yield from _pieces("content", ("\n\n" if after_thoughts else "") + piece.text)
    elif isinstance(piece, Think):
        if parsers.reasoning and parsers.starts_thinking:
            yield from _pieces("reasoning", piece.text)
            if piece.closed:
                yield Emission("silent", "", 1)
        else:
            opening = "<think>\n" if piece.opened else ""
            yield from _pieces("content", f"{opening}{piece.text}" + ("</think>\n\n" if piece.closed else ""))


def _pieces(kind: Literal["content", "reasoning", "arguments"], text: str, index: int = 0) -> Iterator[Emission]:
    """Token by token; very long arguments in larger steps, so that a megabyte is not a hundred thousand chunks."""
    if kind != "arguments" or len(text) <= _LONG:
        for token in split(text):
            yield Emission(kind, token, 1, index)
        return
    for place in range(0, len(text), _FRAGMENT):
        yield Emission(kind, text[place : place + _FRAGMENT], _FRAGMENT_TOKENS, index)


def _call(call: Call, parsers: Parsers, index: int, shown: bool) -> Iterator[Emission]:
    written = markup(call, parsers.markup)
    if parsers.tools == "raw":
        yield from _pieces("content", without_special_tokens(written) if parsers.skip_special else written)
        return
    before, _, after = written.partition(call.arguments) if call.arguments else (written, "", "")
    if not shown:
        yield Emission("silent", "", len(split(written)) if len(written) < _LONG else _LONG)
        return
    if parsers.tools == "whole":
        yield Emission("name", call.name, 0, index)
        yield Emission("arguments", call.arguments, len(split(before)) + 1, index)
        return
    yield Emission("name", call.name, len(split(before)), index)
    yield from _pieces("arguments", call.arguments, index)
    yield Emission("silent", "", len(split(after)))


@dataclass(slots=True)
class Progress:
    """What was written so far, while an answer is limited to ``limit`` tokens and cut at stop words."""

    limit: int
    stops: tuple[str, ...] = ()
    keep_stop: bool = False
    tokens: int = 0
    reasoning_tokens: int = 0
    calls: int = 0
    finish: str = ""

    def run(self, steps: Iterable[Emission]) -> Iterator[Emission]:
        """The steps that fit; afterwards ``finish`` says why they ended (``length``, ``stop``, ``tool_calls``)."""
        for step in steps:
            if self.tokens >= self.limit:
                self.finish = "length"
                return
            self.tokens += step.tokens
            if step.kind in ("content", "reasoning") and self._stops(step.text):
                if self.keep_stop:
                    yield step
                break
            self.reasoning_tokens += step.tokens if step.kind == "reasoning" else 0
            self.calls += step.kind == "name"
            yield step
        self.finish = "tool_calls" if self.calls else "stop"

    def _stops(self, token: str) -> bool:
        """Real servers know only stop words of exactly one token."""
        return any(stop in (token, token.strip()) for stop in self.stops)


def message(steps: Iterable[Emission]) -> Json:
    """Content, reasoning and calls (name and arguments) of a whole answer."""
    text = {"content": "", "reasoning": ""}
    calls: list[Json] = []
    for step in steps:
        if step.kind == "name":
            calls.append({"name": step.text, "arguments": ""})
        elif step.kind == "arguments":
            calls[step.index]["arguments"] += step.text
        elif step.kind != "silent":
            text[step.kind] += step.text
    return {"content": text["content"] or None, "reasoning": text["reasoning"] or None, "calls": calls}
