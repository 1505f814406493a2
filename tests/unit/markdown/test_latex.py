"""Mathematics that can be read, or its source."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.markdown.latex import readable


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        (r"\frac{1}{2}x^2", "1/2 x²"),
        (r"\frac{a+b}{c}", "(a+b)/c"),
        (r"E = mc^2", "E = mc²"),
        (r"\alpha \times \beta_i", "α × βᵢ"),
        (r"\sqrt{x} + \sqrt[3]{y+1} + \sqrt[n]{z}", "√x + ∛(y+1) + ⁿ√z"),
        (r"\sum_{i=1}^{n} x_i", "∑ᵢ₌₁ⁿ xᵢ"),
        (r"n_{layers}", "n_(layers)"),
        (r"x^Q", "x^Q"),
        (r"e^{i\pi}", "e^(iπ)"),
        (r"\text{KV cache} = 2", "KV cache = 2"),
        (r"\mathbb{R}^n \mathbb{x}", "ℝⁿ x"),
        (r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}", "(a b; c d)"),
        (r"\begin{aligned} x &= 1 \\ y &= 2 \end{aligned}", "x  = 1\ny  = 2"),
        (r"\left. \frac{df}{dx} \right|_{0}", "df/dx |₀"),
        (r"\hat{y} \vec{ab}", "y\u0302 a\u20d7b\u20d7"),
        (r"a \not= b \not\in \not<", "a ≠ b ∉ <\u0338"),
        (r"\overset{!}{=} \binom{n}{k} a \bmod b", "=^! C(n, k) a mod b"),
        (r"\underbrace{x}_{n} \overbrace{y}", "x [n] y"),
        (r"x' \pmod{7} \tag{1}", "x′  (mod 7)   (1)"),
        (r"2\sin x", "2 sin x"),
        (r"\mathrm{kv} \operatorname{softmax}(x)", "kv softmax(x)"),
        (r"100\% \$5 \{a\} \_", "100% $5 {a} _"),
    ],
)
def test_converted(source: str, shown: str) -> None:
    assert readable(source) == shown


@pytest.mark.parametrize(
    "source",
    [r"\foo{x}", "a^{", "{", "}", "a}", "^", r"\frac{1}", r"\begin{tikz}x\end{tikz}", r"\begin{matrix}x\end{pmatrix}",
     r"\hat{abcd}",
     r"\text{\foo}", r"\text x", r"\sqrt[", "a_&", "x" * 5000, "{" * 50 + "}" * 50, "\\"],
)  # fmt: skip
def test_unknown_keeps_its_source(source: str) -> None:
    assert readable(source) is None


@settings(max_examples=500, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                *[
                    r"\frac",
                    r"{",
                    r"}",
                    r"^",
                    r"_",
                    r"x",
                    r"1",
                    r"\alpha",
                    r"\sqrt",
                    r"[",
                    r"]",
                    r"\text",
                    r"&",
                    r"\\",
                    r"\left",
                    r"(",
                    r"\begin",
                ],
                " ",
            ]
        )
    )
)
def test_never_fails(parts: list[str]) -> None:
    readable("".join(parts))
