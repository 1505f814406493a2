"""The parts of the screen that need no app: history, words, figures, crash reports; and the private names we use."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some
from textual.app import App

from tui.i18n.figures import gib
from tui.model.events import ContextMeter, Timings, Usage
from tui.model.server import LinkPhase, LinkState, ServerFacts
from tui.screens import crash
from tui.widgets import words
from tui.widgets.figures import bar, fit, meter
from tui.widgets.history import History
from tui.widgets.input_method import SEQUENCE_LIMIT, raise_sequence_limit
from tui.widgets.literal import literal


def test_history_walks_back_to_the_draft():
    history = History(limit=3)
    for text in ("a", "b", "b", "c", "d"):
        history.add(text)
    assert history.move(1, "draft") is None
    assert [history.move(-1, "draft") for _ in range(4)] == ["d", "c", "b", None]
    assert [history.move(1, "changed") for _ in range(4)] == ["c", "d", "draft", None]


@given(some.lists(some.text(max_size=3), max_size=6), some.lists(some.sampled_from([-1, 1]), max_size=20))
def test_history_never_leaves_its_bounds(sent: list[str], steps: list[int]):
    history = History()
    for text in sent:
        history.add(text)
    current = "draft"
    for step in steps:
        text = history.move(step, current)
        if text is not None:
            current = text
        assert current == "draft" or current in sent
    while (text := history.move(1, current)) is not None:
        current = text
    assert current == "draft"


@pytest.mark.parametrize(
    ("value", "shown"), [(0.0001, "<1 ms"), (0.003, "3 ms"), (0.84, "0.8 s"), (59.94, "59.9 s"), (125, "2 min 5 s")]
)
def test_seconds(value: float, shown: str):
    assert words.seconds(value) == shown


@pytest.mark.parametrize(("value", "shown"), [(950, "950"), (1_234, "1.2k"), (32_768, "33k"), (1_048_576, "1.0M")])
def test_thousands(value: int, shown: str):
    assert words.thousands(value) == shown


def test_figures_of_a_turn():
    assert words.usage(None) == words.timings(None) == []
    assert words.usage(Usage(1_139, 112, estimated=True)) == ["↑≈1,139 ↓≈112"]
    assert words.timings(Timings(total=1.0)) == ["1.0 s in all"]
    assert gib(None) == "?"
    assert words.estimate_tokens("狐狸和西瓜 abcd") == 5


def test_link_and_engine_in_words():
    assert words.link(None) == "starting …"
    for phase in LinkPhase:
        assert words.link(LinkState(phase, 0.0))
    assert words.link_trouble(LinkState(LinkPhase.HEALTHY, 0.0)) == ""
    assert words.engine(None) == ""
    assert words.engine(ServerFacts(version_band=("0.14.0", "0.14.2"))) == "lmdeploy 0.14"
    assert words.meter(ContextMeter(5, None)) == "ctx 5"
    assert meter(None).plain == ""


@given(some.floats(0, 1), some.integers(1, 40))
def test_a_bar_is_as_wide_as_it_says(share: float, cells: int):
    assert len(bar(share, cells)) == cells


@given(some.lists(some.tuples(some.integers(0, 9), some.text("ab中 ", max_size=12)), max_size=6), some.integers(1, 40))
def test_a_row_never_exceeds_its_width(pieces: list[tuple[int, str]], width: int):
    assert fit([(rank, literal(text)) for rank, text in pieces], width).cell_length <= width


@pytest.mark.parametrize(
    "secret",
    [
        "Authorization: Bearer abcdef123456",
        "api_key=abcdef123456",
        '"api-key": "abcdef123456"',
        "LMDECK_API_KEY=abcdef123456",
        "sk-abcdef123456",
        "http://user:abcdef123456@host/",
        "password = 'abcdef123456'",
    ],
)
def test_what_looks_like_a_secret_is_redacted(secret: str):
    assert "abcdef123456" not in crash.redact(f"it failed with {secret} there")


def test_a_report_tells_the_way_but_no_data(tmp_path: Path):
    def inner(api_key: str) -> None:
        raise ValueError(f"cannot use {api_key}\nsecond line with a conversation")

    try:
        try:
            inner("known-key-value")
        except ValueError as error:
            raise RuntimeError("outer") from error
    except RuntimeError as error:
        path = crash.write_report(error, ["known-key-value"])
    text = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "builtins.RuntimeError: outer" in text
    assert "builtins.ValueError: cannot use [redacted]" in text
    assert "in inner" in text
    assert "conversation" not in text


def test_the_private_names_of_textual_that_we_use_are_there():
    """One module each: input_method, crashing, tests/support/app. An upgrade that breaks one is noticed here."""
    from textual import _xterm_parser
    from textual.screen import Screen

    before = _xterm_parser._MAX_SEQUENCE_SEARCH_THRESHOLD
    try:
        assert raise_sequence_limit()
        assert _xterm_parser._MAX_SEQUENCE_SEARCH_THRESHOLD == SEQUENCE_LIMIT
        assert raise_sequence_limit()
        del _xterm_parser._MAX_SEQUENCE_SEARCH_THRESHOLD
        assert not raise_sequence_limit()
    finally:
        _xterm_parser._MAX_SEQUENCE_SEARCH_THRESHOLD = before
    assert callable(App._handle_exception)
    assert callable(App._fatal_error)
    assert "_fatal_error" in App._handle_exception.__code__.co_names
    assert "_compositor" in Screen.__init__.__code__.co_names
