"""Arithmetic in prompts: finding it, and working it out through tool calls, one step after another."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Number = int | float

_WORDS = (
    (r"\s+(?:plus|add(?:ed)? to)\s+|\s*加上?\s*", "+"),
    (r"\s+minus\s+|\s*减去?\s*", "-"),
    (r"\s+(?:times|multiplied by)\s+|\s*(?:乘以?|×)\s*", "*"),
    (r"\s+(?:divided by|over)\s+|\s*(?:除以|÷)\s*", "/"),
)
_ASKS = re.compile(
    r"compute|calculat|what(?:'s| is)|how much|result|evaluate|计算|算|等于|多少|结果|求|=", re.IGNORECASE
)
_RUN = re.compile(r"[\d(.+\-*/) ]+")
_TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?)|([-+*/()]))")
_TOOLS = {
    "+": ("add", "plus", "sum"),
    "-": ("sub", "subtract", "minus"),
    "*": ("mul", "multiply", "times", "product"),
    "/": ("div", "divide"),
}
_MAX_LENGTH = 400


@dataclass(frozen=True, slots=True)
class Node:
    """An operation on two operands."""

    sign: str
    left: Node | Number
    right: Node | Number


@dataclass(frozen=True, slots=True)
class Step:
    """A call that can be made now."""

    tool: str
    left: Number
    right: Number


def tidy(value: Number) -> Number:
    """16.0 → 16."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[str] = []
        place = 0
        while place < len(text):
            match = _TOKEN.match(text, place)
            if match is None:
                raise ValueError(text)
            self._tokens.append(match.group(1) or match.group(2))
            place = match.end()
        self._place = 0

    def _next(self) -> str:
        return self._tokens[self._place] if self._place < len(self._tokens) else ""

    def whole(self) -> Node | Number:
        value = self._sum()
        if self._next():
            raise ValueError(self._next())
        return value

    def _sum(self) -> Node | Number:
        return self._chain("+-", self._product)

    def _product(self) -> Node | Number:
        return self._chain("*/", self._atom)

    def _chain(self, signs: str, operand: Callable[[], Node | Number]) -> Node | Number:
        value = operand()
        while (sign := self._next()) and sign in signs:
            self._place += 1
            value = Node(sign, value, operand())
        return value

    def _atom(self) -> Node | Number:
        found = self._next()
        self._place += 1
        if found == "(":
            value = self._sum()
            if self._next() != ")":
                raise ValueError(found)
            self._place += 1
            return value
        if found == "-":
            value = self._atom()
            return -value if isinstance(value, (int, float)) else Node("*", value, -1)
        if not found or found in "+*/)":
            raise ValueError(found)
        return float(found) if "." in found else int(found)


def parse(text: str) -> Node | None:
    """The tree of an expression with at least one operation; None when the text is not one."""
    if len(text) > _MAX_LENGTH:
        return None
    try:
        tree = _Parser(text.strip()).whole()
    except (ValueError, RecursionError):
        return None
    return tree if isinstance(tree, Node) else None


def find(prompt: str) -> list[str]:
    """The expressions that a prompt asks to work out, as written but with signs for words; [] when it asks for none."""
    text = prompt.replace("（", "(").replace("）", ")").strip()
    for words, sign in _WORDS:
        text = re.sub(rf"(?<=[\d)])(?:{words})(?=[\d(-])", sign, text, flags=re.IGNORECASE)
    bare = text.rstrip(" =?？。.")
    if parse(bare) is not None:
        return [bare]
    if not _ASKS.search(text):
        return []
    runs = (_balanced(run.strip(" .")) for run in _RUN.findall(text))
    return [run for run in runs if run and parse(run) is not None]


def _balanced(run: str) -> str:
    """Without the brackets of the sentence around it."""
    while run.count("(") > run.count(")") and run.startswith("("):
        run = run[1:].strip()
    while run.count(")") > run.count("(") and run.endswith(")"):
        run = run[:-1].strip()
    return run


def evaluate(tree: Node | Number) -> Number | None:
    """The value; None for a division by zero and figures too large."""
    if not isinstance(tree, Node):
        return tree
    left, right = evaluate(tree.left), evaluate(tree.right)
    if left is None or right is None or (tree.sign == "/" and right == 0):
        return None
    try:
        return tidy(_apply(tree.sign, left, right))
    except OverflowError:
        return None


def _apply(sign: str, left: Number, right: Number) -> Number:
    if sign == "+":
        return left + right
    if sign == "-":
        return left - right
    return left * right if sign == "*" else left / right


def tool_for(sign: str, names: frozenset[str]) -> str | None:
    """The offered tool for an operation, by the names people give such tools. Subtracting can be adding."""
    for name in _TOOLS[sign]:
        if name in names:
            return name
    return tool_for("+", names) if sign == "-" else None


def can_run(tree: Node | Number, names: frozenset[str]) -> bool:
    """Whether the offered tools are enough to work the whole tree out."""
    if not isinstance(tree, Node):
        return True
    return tool_for(tree.sign, names) is not None and can_run(tree.left, names) and can_run(tree.right, names)


Results = Mapping[tuple[str, Number, Number], Number]


def advance(tree: Node | Number, names: frozenset[str], results: Results) -> Number | list[Step]:
    """The value when ``results`` (of calls that were made) are enough, else the calls that can be made now."""
    if not isinstance(tree, Node):
        return tree
    left, right = advance(tree.left, names, results), advance(tree.right, names, results)
    if isinstance(left, list) or isinstance(right, list):
        return [*(left if isinstance(left, list) else ()), *(right if isinstance(right, list) else ())]
    tool = tool_for(tree.sign, names) or ""
    step = Step(tool, left, -right if tree.sign == "-" and tool in _TOOLS["+"] else right)
    known = results.get((step.tool, step.left, step.right))
    return [step] if known is None else tidy(known)


def number(text: str) -> Number | None:
    """The figure that a tool answered: ``"8"``, ``"8.0"``, or a JSON object or text with exactly one figure in it."""
    try:
        value: object = json.loads(text)
    except ValueError:
        value = None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return tidy(value)
    figures = re.findall(r"-?\d+(?:\.\d+)?", text)
    return tidy(float(figures[-1])) if len(figures) == 1 or ("=" in text and figures) else None
