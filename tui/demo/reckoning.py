"""The brain's arithmetic: what to call next, or the result, or that it does not know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast

from tui.demo import arithmetic, phrases
from tui.demo.arithmetic import Node, Number, Step
from tui.demo.history import Ask, Made
from tui.demo.phrases import language
from tui.demo.script import Call, Script, say


def reckon(ask: Ask) -> Script | None:
    """The next step of the expressions in a prompt; None when there are none."""
    expressions = arithmetic.find(ask.prompt)
    trees = [tree for tree in (arithmetic.parse(text) for text in expressions) if tree]
    if not trees:
        return None
    names = frozenset(ask.tools)
    if not names or not all(arithmetic.can_run(tree, names) for tree in trees):
        return _by_head(ask, expressions, trees)
    made, failed = _results(_with_strays(ask, trees, names))
    if failed is not None:
        lang = language(ask.prompt)
        text = phrases.TOOL_FAILED[lang]
        return say(text.format(expression=expressions[0], name=failed.name, content=failed.result))
    steps, values = _advance(trees, names, made)
    if not steps:
        return say(_told(language(ask.prompt), list(zip(expressions, values, strict=True))))
    calls = tuple(_call(step, ask.tools) for step in dict.fromkeys(steps))
    return Script(calls[:1] if ask.one_call else calls)


def _advance(
    trees: list[Node], names: frozenset[str], results: Mapping[tuple[str, Number, Number], Number]
) -> tuple[list[Step], list[Number | None]]:
    steps: list[Step] = []
    values: list[Number | None] = []
    for tree in trees:
        state = arithmetic.advance(tree, names, results)
        if isinstance(state, list):
            steps.extend(state)
        else:
            values.append(state)
    return steps, values


def _by_head(ask: Ask, expressions: list[str], trees: list[Node]) -> Script:
    values = [arithmetic.evaluate(tree) for tree in trees]
    return say(_told(language(ask.prompt), list(zip(expressions, values, strict=True))))


def _told(lang: str, results: list[tuple[str, Number | None]]) -> str:
    sentences = [
        phrases.NO_RESULT[lang].format(expression=expression)
        if value is None
        else phrases.RESULT[lang].format(expression=expression, value=value)
        for expression, value in results
    ]
    return ("" if lang == "zh" else " ").join(sentences)


def _call(step: Step, tools: Mapping[str, Mapping[str, object]]) -> Call:
    properties = tools[step.tool].get("properties")
    names = [*cast("Mapping[str, object]", properties)] if isinstance(properties, Mapping) else []
    first, second = names[:2] if len(names) >= 2 else ("a", "b")
    return Call(step.tool, json.dumps({first: step.left, second: step.right}))


def _results(made: tuple[Made, ...]) -> tuple[dict[tuple[str, Number, Number], Number], Made | None]:
    """What the calls gave, by tool and operands; and the first call whose answer is no number."""
    results: dict[tuple[str, Number, Number], Number] = {}
    for call in made:
        figures = [value for value in call.arguments.values() if isinstance(value, (int, float))]
        if call.result is None or len(figures) < 2:
            continue
        value = arithmetic.number(call.result)
        if value is None:
            return results, call
        results[(call.name, figures[0], figures[1])] = value
    return results, None


def _with_strays(ask: Ask, trees: list[Node], names: frozenset[str]) -> tuple[Made, ...]:
    """Servers of the 0.5 generation get results without the calls: they belong to the calls made one by one."""
    made = ask.made
    for text in ask.results_without_calls:
        results, _ = _results(made)
        steps, _ = _advance(trees, names, results)
        if steps:
            step = steps[0]
            made = (*made, Made(step.tool, {"a": step.left, "b": step.right}, text))
    return made
