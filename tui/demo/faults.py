"""Errors on demand: what ``/demo …`` in a prompt and ``POST /lmdeck-demo/fault`` ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tui.demo.phrases import language
from tui.demo.script import Call, Say, Script, Think, say

# name → (example, what happens). The brain plays the first group, the server the second.
SCRIPTED: Mapping[str, tuple[str, str]] = {
    "escape": ("/demo escape", "terminal escape sequences and [markup] in the text"),
    "big-args": ("/demo big-args 1048576", "a tool call with that many bytes of arguments"),
    "broken-args": ("/demo broken-args", "a tool call whose arguments are not JSON"),
    "unknown-tool": ("/demo unknown-tool", "a call of a tool that was not offered"),
    "reasoning-only": ("/demo reasoning-only", "thoughts without an answer"),
    "lone-think-close": ("/demo lone-think-close", "a closing think tag without an opening one"),
    "length": ("/demo length", "an answer cut by the token limit"),
    "tokens": ("/demo tokens 2000", "an answer of that many tokens"),
    "empty": ("/demo empty", "an answer without a word"),
    "many-calls": ("/demo many-calls 8", "that many tool calls at once"),
}
SERVED: Mapping[str, tuple[str, str]] = {
    "error": ("/demo error 500 [message]", "an error with that HTTP status instead of an answer"),
    "html": ("/demo html", "a web page instead of an answer"),
    "hangup": ("/demo hangup", "the connection closes before any answer"),
    "delay": ("/demo delay 5", "that many seconds before the first token"),
    "cut": ("/demo cut", "the connection breaks in the middle"),
    "silence": ("/demo silence 30", "that many seconds of silence in the middle"),
    "inband": ("/demo inband", "an error inside the stream, as when the engine runs out of memory"),
    "proxy-error": ("/demo proxy-error", "the bare error line of lmdeploy's proxy"),
    "invalid-utf8": ("/demo invalid-utf8", "bytes that are not UTF-8"),
    "bad-json": ("/demo bad-json", "a line that is not JSON"),
    "no-done": ("/demo no-done", "a stream that ends without [DONE]"),
    "long-line": ("/demo long-line 10485760", "one line of that many bytes"),
}
_STORM = "\x1b[31mred\x1b[0m \x1b]0;stolen title\x07 \x1b[2J\x1b[H \x9b1m \x07 \u202ereversed\u202c \x00 \r over "
_BROKEN = '{"a": 3, "b": '


@dataclass(frozen=True, slots=True)
class Fault:
    """One wanted error. ``argument`` is the text behind its name, often a figure."""

    name: str
    argument: str = ""

    def figure(self, default: float) -> float:
        """The argument's first word as a figure of at least 0, or the default."""
        try:
            return max(float((self.argument.split() or [""])[0]), 0.0)
        except ValueError:
            return default

    @property
    def served(self) -> bool:
        return self.name in SERVED


def parse_command(prompt: str) -> Fault | None:
    """The fault that a prompt asks for; ``help`` for a bare or unknown ``/demo``; None for any other prompt."""
    head, _, rest = prompt.strip().partition(" ")
    if head != "/demo":
        return None
    name, _, argument = rest.strip().partition(" ")
    return Fault(name, argument.strip()) if name in SCRIPTED or name in SERVED else Fault("help")


def parse_request(body: Mapping[str, Any]) -> Fault | None:
    """The fault of a control request ``{"name": …, "argument": …}``; None when there is no such fault."""
    name = str(body.get("name", ""))
    known = name in SCRIPTED or name in SERVED
    return Fault(name, str(body.get("argument", ""))) if known else None


def script(fault: Fault, prompt: str, tools: tuple[str, ...]) -> Script:
    """What the brain says for a scripted fault; also for ``help``."""
    plain = _PLAIN.get(fault.name)
    if plain is not None:
        return plain
    if fault.name == "help":
        return say(_help(prompt))
    if fault.name == "tokens":
        return say("".join(f" {'fox' if place % 2 else 'melon'}" for place in range(int(fault.figure(2000)))).lstrip())
    if fault.name == "length":
        return Script((Say("This answer stops in the middle because it reached the limit of"),), finish="length")
    return Script(_calls(fault, tools))


_PLAIN: Mapping[str, Script] = {
    "escape": say(
        f"Escapes: {_STORM}\nMarkup: [bold red]not markup[/] [@click=app.quit]no[/] [link=file:///]no[/link]\n"
    ),
    "reasoning-only": Script((Think("I think, therefore I say nothing: the whole answer is in here.", closed=False),)),
    "lone-think-close": say("First I think about it.\n</think>\n\nThen I answer."),
    "empty": Script(()),
}


def _calls(fault: Fault, tools: tuple[str, ...]) -> tuple[Call, ...]:
    name = tools[0] if tools else "add"
    if fault.name == "broken-args":
        return (Call(name, _BROKEN, forced=True),)
    if fault.name == "unknown-tool":
        return (Call("no_such_tool", '{"a": 1}', forced=True),)
    if fault.name == "many-calls":
        count = int(fault.figure(8))
        return tuple(Call(name, f'{{"a": {place}, "b": 1}}', forced=True) for place in range(count))
    padding = "x" * max(int(fault.figure(1 << 20)) - len('{"a": 1, "b": 2, "text": ""}'), 0)
    return (Call(name, f'{{"a": 1, "b": 2, "text": "{padding}"}}', forced=True),)


def _help(prompt: str) -> str:
    title = "按需出错（模拟服务器）：" if language(prompt) == "zh" else "Errors on demand, from the simulated server:"
    rows = [f"| `{example}` | {what} |" for example, what in (*SERVED.values(), *SCRIPTED.values())]
    return "\n".join([title, "", "| command | what happens |", "| --- | --- |", *rows, ""])
