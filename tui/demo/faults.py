"""Errors on demand: what ``/demo …`` in a prompt and ``POST /lmdeck-demo/fault`` ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tui.demo.phrases import language
from tui.demo.script import Call, Say, Script, Think, say

# name → (example, what happens, the same in Chinese). The brain plays the first group, the server the second.
SCRIPTED: Mapping[str, tuple[str, str, str]] = {
    "escape": ("/demo escape", "terminal escape sequences and [markup] in the text", "文本里有终端转义序列和 [标记]"),
    "big-args": (
        "/demo big-args 1048576",
        "a tool call with that many bytes of arguments",
        "参数有这么多字节的工具调用",
    ),
    "broken-args": ("/demo broken-args", "a tool call whose arguments are not JSON", "参数不是 JSON 的工具调用"),
    "unknown-tool": ("/demo unknown-tool", "a call of a tool that was not offered", "调用一个没有提供的工具"),
    "reasoning-only": ("/demo reasoning-only", "thoughts without an answer", "只有思考，没有回答"),
    "lone-think-close": (
        "/demo lone-think-close",
        "a closing think tag without an opening one",
        "只有思考的结束标签，没有开始标签",
    ),
    "length": ("/demo length", "an answer cut by the token limit", "被长度上限截断的回答"),
    "tokens": ("/demo tokens 2000", "an answer of that many tokens", "这么多个 token 的回答"),
    "empty": ("/demo empty", "an answer without a word", "一个字也没有的回答"),
    "many-calls": ("/demo many-calls 8", "that many tool calls at once", "同时这么多个工具调用"),
}
SERVED: Mapping[str, tuple[str, str, str]] = {
    "error": (
        "/demo error 500 [message]",
        "an error with that HTTP status instead of an answer",
        "不回答，而是返回这个 HTTP 状态码的错误",
    ),
    "html": ("/demo html", "a web page instead of an answer", "返回网页而不是回答"),
    "hangup": ("/demo hangup", "the connection closes before any answer", "还没回答就断开连接"),
    "delay": ("/demo delay 5", "that many seconds before the first token", "首个 token 之前等这么多秒"),
    "cut": ("/demo cut", "the connection breaks in the middle", "中途断开连接"),
    "silence": ("/demo silence 30", "that many seconds of silence in the middle", "中途沉默这么多秒"),
    "inband": (
        "/demo inband",
        "an error inside the stream, as when the engine runs out of memory",
        "流里面的错误，就像引擎显存不足时那样",
    ),
    "proxy-error": ("/demo proxy-error", "the bare error line of lmdeploy's proxy", "lmdeploy 代理的那一行裸错误"),
    "invalid-utf8": ("/demo invalid-utf8", "bytes that are not UTF-8", "不是 UTF-8 的字节"),
    "bad-json": ("/demo bad-json", "a line that is not JSON", "不是 JSON 的一行"),
    "no-done": ("/demo no-done", "a stream that ends without [DONE]", "没有 [DONE] 就结束的流"),
    "long-line": ("/demo long-line 10485760", "one line of that many bytes", "有这么多字节的一行"),
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
    """The table of all commands, in Chinese for a prompt with Chinese in it (``/demo 帮助``)."""
    chinese = language(prompt) == "zh"
    title = (
        "按需出错（模拟服务器）：" if chinese else "Errors on demand, from the simulated server (`/demo 帮助`: 中文):"
    )
    head = "| 命令 | 会发生什么 |" if chinese else "| command | what happens |"
    rows = [f"| `{example}` | {zh if chinese else en} |" for example, en, zh in (*SERVED.values(), *SCRIPTED.values())]
    return "\n".join([title, "", head, "| --- | --- |", *rows, ""])
