"""The option table and the reading of command lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.lmdeploy.option_table import OPTIONS, option
from tui.lmdeploy.options import find_server, parse_options
from tui.lmdeploy.versions import BASELINE, Version

OLD = Version(0, 5, 3)


def test_the_table_is_sound() -> None:
    flags = [entry.flag for entry in OPTIONS]
    assert len(flags) == len(set(flags))
    for entry in OPTIONS:
        assert entry.flag.startswith("--")
        assert entry.about.endswith(".")
        assert entry.since is None or entry.until is None or entry.since <= entry.until
        assert entry.default is None or not entry.choices or str(entry.default) in entry.choices
    tp = option("--tp")
    assert tp is not None
    assert tp.name == "tp"
    assert option("--nonsense") is None


@pytest.mark.parametrize(
    ("flag", "version", "known"),
    [
        ("--trust-remote-code", OLD, False),
        ("--trust-remote-code", BASELINE, True),
        ("--enable-metrics", Version(0, 10, 0), True),
        ("--enable-metrics", BASELINE, False),
        ("--cap", OLD, True),
        ("--cap", BASELINE, False),
        ("--tp", OLD, True),
    ],
)
def test_what_a_version_knows(flag: str, version: Version, known: bool) -> None:
    entry = option(flag)
    assert entry is not None
    assert entry.known_to(version) is known


def test_spellings() -> None:
    arguments = [
        "--backend", "pytorch", "/models/m", "--cache_max_entry_count=0.4", "--quant-pol", "int4", "--tp", "2",
        "--api-keys", "a", "b", "--eager-mode", "--session-len", "8192", "--hf-overrides.rope.factor", "2",
        "--allow-origins=*", "--dtype", "float16",
    ]  # fmt: skip
    command = parse_options(arguments)
    assert command.model == "/models/m"
    assert command.unknown == ()
    assert (command.text("backend"), command.ratio, command.policy, command.count("tp", 1)) == ("pytorch", 0.4, 4, 2)
    assert command.options["api_keys"] == ("a", "b")
    assert command.options["allow_origins"] == ("*",)
    assert command.flag("eager_mode")
    assert not command.flag("ssl")
    assert command.options["hf_overrides"] == "2"


def test_defaults() -> None:
    command = parse_options(["m"])
    assert (command.ratio, command.policy, command.count("tp", 1), command.text("dtype", "auto")) == (0.8, 0, 1, "auto")


@pytest.mark.parametrize(
    ("arguments", "unknown"),
    [
        (["m", "--zz"], ("--zz",)),
        (["m", "more"], ("more",)),
        (["m", "-v"], ("-v",)),
        (["m", "--tp"], ("--tp",)),
        (["m", "--tp", "two"], ("--tp", "two")),
        (["m", "--tp", "--ssl"], ("--tp",)),
        (["m", "--max"], ("--max",)),
    ],
)
def test_what_is_not_understood_is_kept(arguments: list[str], unknown: tuple[str, ...]) -> None:
    command = parse_options(arguments)
    assert command.unknown == unknown
    assert command.model == "m"


def test_unknown_policies_read_as_none() -> None:
    assert parse_options(["m", "--quant-policy", "99"]).policy == 0


@pytest.mark.parametrize(
    ("arguments", "rest"),
    [
        (["python3", "-m", "lmdeploy", "serve", "api_server", "m"], ["m"]),
        (["/usr/bin/lmdeploy", "serve", "api_server"], []),
        (["other", "serve", "api_server"], None),
        (["lmdeploy", "chat", "m"], None),
        ([], None),
    ],
)
def test_servers_in_the_process_list(arguments: list[str], rest: list[str] | None) -> None:
    assert find_server(arguments) == rest


@given(st.lists(st.one_of(st.text(max_size=12), st.sampled_from([entry.flag for entry in OPTIONS])), max_size=12))
def test_any_command_line_can_be_read(arguments: list[str]) -> None:
    parse_options(arguments)
