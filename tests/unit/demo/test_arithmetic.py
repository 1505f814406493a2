"""The demo's arithmetic: finding expressions, and working them out through calls."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.demo import arithmetic
from tui.demo.arithmetic import Node, Step

NAMES = frozenset(("add", "mul", "sub", "div"))
RUN = {
    "add": lambda a, b: a + b,
    "mul": lambda a, b: a * b,
    "sub": lambda a, b: a - b,
    "div": lambda a, b: a / b,
}


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("Compute (3+5)*2", ["(3+5)*2"]),
        ("Compute 12+7 and 9*8", ["12+7", "9*8"]),
        ("计算 (3+5)*2", ["(3+5)*2"]),
        ("请计算（3+5）×2等于多少？", ["(3+5)*2"]),
        ("12+7 和 9*8 分别等于多少", ["12+7", "9*8"]),
        ("3加5等于多少", ["3+5"]),
        ("What is 6 times 7?", ["6*7"]),
        ("What is 10 divided by 4?", ["10/4"]),
        ("what's 2 plus 3 times 4", ["2+3*4"]),
        ("1 + 2", ["1 + 2"]),
        ("2*(3+4)=", ["2*(3+4)"]),
        ("compute ((1+2)*3", ["(1+2)*3"]),
        ("compute (1+2))*3 please", []),
        ("Compute -3+5", ["-3+5"]),
        ("My birthday is 2001-02-03", []),
        ("Tell me about 3.11", []),
        ("compute the meaning of life", []),
        ("Count to 20", []),
        ("compute 1+", []),
        ("", []),
    ],
)
def test_expressions_are_found_where_one_asks_for_them(prompt: str, expected: list[str]) -> None:
    assert arithmetic.find(prompt) == expected


@pytest.mark.parametrize("text", ["1", "(1+2", "1+*2", "1 2", "a+b", "+1", "1+()", "(" * 500 + "1+1" + ")" * 500, ")"])
def test_what_is_no_expression_is_none(text: str) -> None:
    assert arithmetic.parse(text) is None


def _trees(depth: int = 4) -> st.SearchStrategy[str]:
    leaves = st.integers(0, 99).map(str)
    return st.recursive(
        leaves,
        lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({t[0]}{t[1]}{t[2]})"),
        max_leaves=depth * 2,
    )


@given(_trees().filter(lambda text: "(" in text))
def test_working_it_out_by_calls_gives_the_value(text: str) -> None:
    """Whatever the expression, calls made round by round end with what Python says."""
    tree = arithmetic.parse(text)
    assert tree is not None
    expected = eval(text)
    assert arithmetic.evaluate(tree) == expected

    for names in (NAMES, frozenset(("add", "mul"))):
        results: dict[tuple[str, float, float], float] = {}
        for _ in range(40):
            state = arithmetic.advance(tree, names, results)
            if not isinstance(state, list):
                break
            for step in state:
                results[(step.tool, step.left, step.right)] = RUN[step.tool](step.left, step.right)
        assert state == expected


def test_steps_that_do_not_wait_for_each_other_come_together() -> None:
    tree = arithmetic.parse("(1+2)*(3+4)")
    assert tree is not None
    assert arithmetic.advance(tree, NAMES, {}) == [Step("add", 1, 2), Step("add", 3, 4)]


def test_which_tools_are_enough() -> None:
    tree = arithmetic.parse("8/2-1")
    assert tree is not None
    assert arithmetic.can_run(tree, NAMES)
    assert arithmetic.can_run(tree, frozenset(("divide", "plus")))
    assert not arithmetic.can_run(tree, frozenset(("add", "mul")))
    assert not arithmetic.can_run(tree, frozenset(("div",)))


def test_values_that_do_not_exist() -> None:
    for text in ("1/0", "(1/0)+1", "2*(3/(1-1))"):
        tree = arithmetic.parse(text)
        assert tree is not None
        assert arithmetic.evaluate(tree) is None


def test_figures_too_large_are_no_result() -> None:
    assert arithmetic.evaluate(Node("/", 10**400, 3)) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("8", 8),
        ("8.0", 8),
        ("2.5", 2.5),
        ('{"result": 8}', 8),
        ("3+5=8", 8),
        ("the sum is -4", -4),
        ("true", None),
        ("no idea", None),
        ("1 or 2", None),
        ("", None),
    ],
)
def test_the_figure_in_a_tools_answer(text: str, value: float | None) -> None:
    assert arithmetic.number(text) == value
