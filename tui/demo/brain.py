"""The demo's scripted brain: a conversation in, what to say or to call out. It is deterministic."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from tui.demo import faults, phrases, stories
from tui.demo.examples import example
from tui.demo.history import Ask
from tui.demo.phrases import language
from tui.demo.reckoning import reckon
from tui.demo.script import Call, Piece, Say, Script, Think, say
from tui.demo.snippets import snippet

Thinking = Literal["asked", "always", "unclosed"]

_STORY = re.compile(r"狐狸|西瓜|故事|\bfox\b|watermelon|\bstory\b", re.IGNORECASE)
_GREETING = re.compile(
    r"^\W*(hello|hi|hey|good (morning|evening)|你好|您好|嗨|哈喽|早上好|晚上好)\b|^\W*(你好|您好)", re.IGNORECASE
)
_ABILITIES = re.compile(
    r"what can you do|who are you|^\W*help\W*$|你能做什么|你会什么|你是谁|能做些?什么|帮助$", re.IGNORECASE
)
_MARKDOWN = re.compile(r"markdown", re.IGNORECASE)
_COUNT = re.compile(r"count to (\d{1,6})|数到\s*(\d{1,6})|从\s*1\s*数到\s*(\d{1,6})", re.IGNORECASE)
_CODE = re.compile(
    r"(?:write|give me|show me)\b.*\bpython\b.*?\bto (.+)|写.*python.*?(?:函数|程序)[,，来:：]*(.*)",
    re.IGNORECASE | re.DOTALL,
)
_COMPARE = re.compile(r"is (\d+) greater than (\d+)|(\d+)\s*比\s*(\d+)\s*大", re.IGNORECASE)
_THINK = re.compile(r"\bthink|\breason(?:ing)?\b|step by step|思考|想一想|推理", re.IGNORECASE)
_MENTION_ARGUMENTS = re.compile(r"\{.*\}", re.DOTALL)
_QUOTED = 40


def respond(ask: Ask, fault: faults.Fault | None, thinking: Thinking) -> Script:
    """The answer to a conversation. ``fault`` is a scripted one that was asked for, or None."""
    if fault is not None and not fault.served and not ask.made:
        return faults.script(fault, ask.prompt, tuple(ask.tools))
    script = _with_prefix(_answer(ask), ask)
    return _with_thoughts(script, ask, thinking)


def _answer(ask: Ask) -> Script:
    if ask.schema is not None:
        return say(json.dumps(example(ask.schema), ensure_ascii=False))
    for attempt in (reckon, _after_tools, _mentioned_tool, _forced_call):
        if script := attempt(ask):
            return script
    return say(next(text for text in (topic(ask.prompt) for topic in _TOPICS) if text))


def _after_tools(ask: Ask) -> Script | None:
    """Tell what tools answered that the reckoning does not know what to do with."""
    if not ask.made:
        return None
    lang = language(ask.prompt)
    lines = [phrases.TOOL_SAID[lang].format(name=made.name, content=made.result or "–") for made in ask.made]
    return say("\n\n".join(lines))


def _mentioned_tool(ask: Ask) -> Script | None:
    """A call of a tool that the prompt names, with the JSON object behind it or an example of its arguments."""
    for name, schema in ask.tools.items():
        if len(name) > 2 and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", ask.prompt):
            found = _MENTION_ARGUMENTS.search(ask.prompt.partition(name)[2])
            return Script((Call(name, found.group() if found else json.dumps(example(schema), ensure_ascii=False)),))
    return None


def _forced_call(ask: Ask) -> Script | None:
    if not ask.force_call or not ask.tools:
        return None
    name, schema = next(iter(ask.tools.items()))
    return Script((Call(name, json.dumps(example(schema), ensure_ascii=False)),))


def _story(prompt: str) -> str:
    if not _STORY.search(prompt):
        return ""
    return stories.FOX_ZH if language(prompt) == "zh" else stories.FOX_EN


def _greeting(prompt: str) -> str:
    return phrases.GREETING[language(prompt)] if _GREETING.search(prompt) else ""


def _abilities(prompt: str) -> str:
    return phrases.ABILITIES[language(prompt)] if _ABILITIES.search(prompt) else ""


def _markdown(prompt: str) -> str:
    if not _MARKDOWN.search(prompt):
        return ""
    return stories.MARKDOWN_ZH if language(prompt) == "zh" else stories.MARKDOWN_EN


def _count(prompt: str) -> str:
    found = _COUNT.search(prompt)
    return " ".join(str(n) for n in range(1, int(next(filter(None, found.groups()))) + 1)) if found else ""


def _code(prompt: str) -> str:
    found = _CODE.search(prompt)
    if not found:
        return ""
    lang = language(prompt)
    task = (found.group(1) or found.group(2) or "").strip(" .。?？!！") or "…"
    intro = phrases.CODE_INTRO[lang].format(task=task)
    return f"{intro}\n\n```python\n{snippet(prompt)}```\n\n{phrases.CODE_OUTRO[lang]}"


def _compare(prompt: str) -> str:
    if not (numbers := _compared(prompt)):
        return ""
    a, b = numbers
    return phrases.COMPARE[language(prompt)]["yes" if a > b else "no"].format(a=a, b=b)


def _thinking(prompt: str) -> str:
    return phrases.THINKING[language(prompt)] if _THINK.search(prompt) else ""


def _fallback(prompt: str) -> str:
    shown = " ".join(prompt.split())
    shown = shown if len(shown) <= _QUOTED else shown[:_QUOTED] + "…"
    return phrases.FALLBACK[language(prompt)].replace("{prompt}", shown)


_TOPICS: tuple[Callable[[str], str], ...] = (
    _count,
    _code,
    _markdown,
    _compare,
    _story,
    _abilities,
    _greeting,
    _thinking,
    _fallback,
)


def _compared(prompt: str) -> tuple[int, int] | None:
    found = _COMPARE.search(prompt)
    if not found:
        return None
    a, b = (int(figure) for figure in found.groups() if figure)
    return a, b


def _thoughts(prompt: str) -> str:
    lang = language(prompt)
    if numbers := _compared(prompt):
        a, b = numbers
        greater, less, equal = phrases.RELATION[lang]
        relation = greater if a > b else less if a < b else equal
        return phrases.COMPARE_THOUGHTS[lang].format(a=a, b=b, relation=relation)
    return phrases.THOUGHTS[lang].replace("{prompt}", " ".join(prompt.split())[:_QUOTED])


def _with_thoughts(script: Script, ask: Ask, thinking: Thinking) -> Script:
    if ask.enable_thinking is False or ask.prefix:
        return script
    wanted = ask.schema is None and bool(ask.enable_thinking or _THINK.search(ask.prompt) or _compared(ask.prompt))
    if thinking == "unclosed" and not wanted:
        text = "".join(piece.text for piece in script.pieces if isinstance(piece, Say))
        calls = tuple(piece for piece in script.pieces if isinstance(piece, Call))
        return replace(script, pieces=(Think(text, closed=False, opened=False), *calls) if text else calls)
    if not wanted and (thinking != "always" or ask.schema is not None):
        return script
    return replace(script, pieces=(Think(_thoughts(ask.prompt)), *script.pieces))


def _with_prefix(script: Script, ask: Ask) -> Script:
    """What is left to say when the request already holds the beginning of the answer."""
    if not ask.prefix or any(isinstance(piece, Call) for piece in script.pieces):
        return script
    text = "".join(piece.text for piece in script.pieces if isinstance(piece, Say))
    rest = text.removeprefix(ask.prefix) if text.startswith(ask.prefix) else phrases.CONTINUED[language(ask.prompt)]
    pieces: tuple[Piece, ...] = (Say(rest),) if rest else ()
    return replace(script, pieces=pieces)
