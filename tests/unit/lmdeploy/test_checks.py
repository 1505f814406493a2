"""Command lines checked against releases."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.i18n.problems import explain
from tui.lmdeploy.checks import EXPLAINED, Target, check_words
from tui.lmdeploy.option_table import OPTIONS
from tui.lmdeploy.versions import BASELINE, Version

RELEASES = ("0.5.3", "0.6.0", "0.7.2", "0.9.2", "0.10.2", "0.11.0", "0.12.0", "0.13.0", "0.14.0", "0.15.0", "0.18.0")
VALUES = {"int": "2", "float": "0.5", "list": "a", "json": "{}", "text": "x"}


def codes(words: str, version: str | None = "0.18.0", cards: int | None = None) -> list[str]:
    target = Target(Version.parse(version) if version else None, cards)
    return [problem.code for problem in check_words(words.split(), target)]


def release(text: str) -> Version:
    found = Version.parse(text)
    assert found is not None
    return found


@pytest.mark.parametrize("version", RELEASES)
def test_every_flag_is_known_or_refused_by_release(version: str) -> None:
    target = Target(release(version))
    for option in OPTIONS:
        value = option.choices[0] if option.choices else VALUES.get(option.kind, "")
        value = "0" if option.flag == "--quant-policy" else value
        words = ["M", option.flag, *([] if option.kind == "flag" else [value])]
        found = [problem for problem in check_words(words, target) if str(problem.data.get("flag", "")) == option.flag]
        assert bool(found) is not option.known_to(target.release), option.flag
        for problem in found:
            text = explain(problem).text
            assert "{" not in text
            assert option.flag in text


def test_explained_flags_are_options() -> None:
    assert {option.flag for option in OPTIONS} >= EXPLAINED


@pytest.mark.parametrize(
    ("words", "version", "expected"),
    [
        ("M --cache-max-entry-count 0.4", "0.18.0", []),
        ("M --cache_max_entry_count=0.4", "0.18.0", []),
        ("M --cache-max-entry-count 2000", "0.14.0", []),
        ("M --cache-max-entry-count 2000", "0.15.0", ["serve.ratio"]),
        ("M --cache-max-entry-count 1", "0.14.0", ["serve.ratio"]),
        ("M --backend pytorch --cache-max-entry-count 2000", "0.14.0", ["serve.ratio"]),
        ("--tp 1", "0.18.0", ["serve.no-model"]),
        ("M --frobnicate", "0.18.0", ["serve.unknown-flag"]),
        ("M --frobnicate", "0.19.0", []),
        ("M --frobnicate", None, ["serve.unknown-flag"]),
        ("M --tpp 1", "0.18.0", ["serve.unknown-flag-near", "serve.stray-word"]),
        ("M -x", "0.18.0", ["serve.unknown-flag"]),
        ("M N", "0.18.0", ["serve.stray-word"]),
        ("M --tp", "0.18.0", ["serve.no-value"]),
        ("M --tp two", "0.18.0", ["serve.not-a-number"]),
        ("M --tp=two", "0.18.0", ["serve.not-a-number"]),
        ("M --tp --ssl", "0.18.0", ["serve.no-value"]),
        ("M --tp 6", "0.18.0", ["serve.tp"]),
        ("M --tp 0", "0.18.0", ["serve.tp"]),
        ("M --server-port 0", "0.18.0", ["serve.port"]),
        ("M --model-format gptq", "0.5.3", ["serve.format-since"]),
        ("M --model-format llama", "0.9.2", ["serve.format-llama"]),
        ("M --model-format llama", "0.5.3", []),
        ("M --model-format foo", "0.18.0", ["serve.choice"]),
        ("M --quant-policy 5", "0.18.0", ["serve.policy"]),
        ("M --quant-policy int8", "0.14.0", []),
        ("M --quant-policy int8", "0.12.0", ["serve.policy-name"]),
        ("M --backend pytorch --quant-policy 16", "0.12.0", ["serve.policy-since"]),
        ("M --backend pytorch --quant-policy 16", "0.13.0", []),
        ("M --quant-policy fp8", "0.18.0", ["serve.policy-engine"]),
        ("M --max-batch-size 0", "0.18.0", ["serve.positive"]),
        ("M --api-keys a b c --tp 2", "0.18.0", []),
        ("M --hf-overrides.rope_scaling.type dynamic", "0.18.0", []),
    ],
)
def test_values(words: str, version: str | None, expected: list[str]) -> None:
    assert codes(words, version) == expected


def test_cards() -> None:
    assert codes("M --tp 4", cards=2) == ["serve.tp-cards"]
    assert codes("M --tp 2", cards=2) == []
    assert codes("M --tp 4") == []


@given(st.lists(st.text(max_size=8) | st.sampled_from([option.flag for option in OPTIONS]), max_size=8))
def test_never_raises_and_every_problem_has_a_sentence(words: list[str]) -> None:
    for problem in check_words(words, Target(BASELINE)):
        assert explain(problem).sentence != f"{problem.code}:"
