"""``lmdeck plan`` and the table of runs."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.checkpoints import internlm
from tui.i18n.problems import explain
from tui.lmdeploy.option_table import OPTIONS
from tui.model.plan import Run, Sentence
from tui.model.problem import ProblemError
from tui.planner.cli import measurements_file, parse_policy, parse_size, plan_command, say
from tui.planner.runs import RunLog, compare, markdown

GIB = 1 << 30
KEYS = {
    "weights_bytes",
    "kv_cache_bytes",
    "other_bytes",
    "total_bytes",
    "margin_bytes",
    "block_bytes",
    "bytes_per_token",
    "tokens",
    "sessions",
    "fits",
}


def run(*arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = plan_command(list(arguments), out, err)
    return code, out.getvalue(), err.getvalue()


def test_json_of_a_folder(tmp_path: Path) -> None:
    folder = internlm(tmp_path / "m", "internlm2_5-1_8b-chat", quantised=True)
    flags = ["--gpu", "24GiB", "--free", "23.085GiB", "--gpu-name", "NVIDIA H200", "--engine", "turbomind"]
    more = ["--lmdeploy", "0.18", "--quant-policy", "4", "--cache-max-entry-count", "0.4", "--tp", "1", "--json"]
    code, out, err = run(str(folder), *flags, *more)
    data = json.loads(out)
    assert (code, err) == (0, "")
    assert set(data) >= KEYS
    assert data["weights_bytes"] == 1_542_787_072
    assert (data["block_bytes"], data["bytes_per_token"]) == (1_671_168, 26_112)
    assert data["total_bytes"] == data["weights_bytes"] + data["kv_cache_bytes"] + data["other_bytes"]
    assert data["kv_cache_bytes"] == pytest.approx(8.137 * GIB, rel=0.03)
    assert data["fits"] is True
    assert data["warnings"][0]["code"] == "checkpoint.sparse"


def test_free_may_be_rounded_above_the_card() -> None:
    code, out, _ = run("internlm2_5-7b-chat", "--gpu", "24GiB", "--free", "24.001GiB", "--json")
    assert code == 0
    assert json.loads(out)["fits"]


def test_the_table() -> None:
    code, out, _ = run("internlm2_5-7b-chat", "--gpu", "24", "--quant-policy", "int8", "--leave", "4GiB")
    assert code == 0
    assert "weights" in out
    assert "14.41 GiB" in out
    assert "It fits." in out
    assert "The largest ratio that leaves that much free: 0." in out
    code, out, _ = run("internlm2_5-20b-chat", "--gpu", "24GiB")
    assert code == 0
    assert "It does not fit." in out
    assert "The smallest card it fits on has 48 GiB." in out


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("nope", "--gpu", "24GiB"), 1, "neither a model folder nor a model"),
        (("internlm2_5-7b-chat",), 2, "--gpu"),
        (("internlm2_5-7b-chat", "--gpu", "big"), 2, "big is not a memory size"),
        (("internlm2_5-7b-chat", "--gpu", "0"), 2, "not a memory size"),
        (("internlm2_5-7b-chat", "--gpu", "24", "--quant-policy", "5"), 2, "5 is not a quant policy"),
        (("internlm2_5-7b-chat", "--gpu", "24", "--quant-policy", "fp8"), 1, "TurboMind engine does not know"),
        (("internlm2_5-7b-chat", "--gpu", "24", "--tp", "two"), 2, "--tp"),
        (("internlm2_5-7b-chat", "--gpu", "24", "--session-len", "0"), 2, "--session-len"),
        (("internlm2_5-7b-chat", "--gpu", "24", "--lmdeploy", "x"), 2, "not an lmdeploy version"),
        (("internlm2_5-7b-chat", "--gpu", "24", "--cache-max-entry-count", "1.5"), 1, "between 0 and 1"),
    ],
)
def test_errors_are_one_sentence(arguments: tuple[str, ...], code: int, says: str) -> None:
    result, out, err = run(*arguments)
    assert (result, out) == (code, "")
    assert err.startswith("lmdeck plan: ")
    assert says in err
    assert err.count("\n") == 1
    assert "Traceback" not in err


def test_a_broken_folder_is_told(tmp_path: Path) -> None:
    code, _, err = run(str(tmp_path), "--gpu", "24GiB")
    assert code == 1
    assert "config.json" in err


def test_hostile_names_do_not_reach_the_terminal() -> None:
    _, _, err = run("\x1b[31mevil", "--gpu", "24GiB")
    assert "\x1b" not in err


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help")[0] == 0
    assert "--cache-max-entry-count" in capsys.readouterr().out


def test_broken_measurements_are_told_and_ignored() -> None:
    path = measurements_file()
    path.parent.mkdir(parents=True)
    path.write_text("{")
    code, out, err = run("internlm2_5-7b-chat", "--gpu", "24GiB", "--json")
    assert code == 0
    assert json.loads(out)["fits"] is True
    assert "broken" in err


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("24GiB", 24 * GIB),
        ("24 gb", 24 * GIB),
        ("24", 24 * GIB),
        ("24566MiB", 24566 << 20),
        ("23.5G", int(23.5 * GIB)),
        ("1024B", 1024),
        ("1T", 1 << 40),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "GiB", "-1GiB", "24 apples", "1e3"])
def test_sizes_that_are_none(text: str) -> None:
    with pytest.raises(ProblemError):
        parse_size(text)


def test_every_policy_of_the_option_table_is_a_policy() -> None:
    (entry,) = [entry for entry in OPTIONS if entry.flag == "--quant-policy"]
    assert {parse_policy(choice) for choice in entry.choices} == {0, 4, 8, 16, 17, 42}


def test_numbers_in_sentences() -> None:
    assert say(Sentence("{a} and {b}", {"a": 12345, "b": "{a}"})) == "12,345 and {a}"


RUN = Run(
    id="1",
    started=1.0,
    model="internlm2_5-7b|chat",
    engine="turbomind",
    gpu_name="A100",
    flags=("--tp", "1"),
    ratio=0.8,
    quant_policy=0,
    weights=14 * GIB,
    kv_cache=7 * GIB,
    total=23 * GIB,
    tokens=57_000,
    sources={"kv_cache": "server log"},
)


def test_runs_make_a_table() -> None:
    second = replace(RUN, id="2", ratio=0.4, kv_cache=3 * GIB, total=19 * GIB, tokens=None)
    unknown = replace(RUN, id="3", weights=None, total=None)
    rows = compare([RUN, second, unknown])
    assert rows[0].differences["total"] == 0
    assert rows[1].differences == {"weights": 0, "kv_cache": -4 * GIB, "other": 0, "total": -4 * GIB}
    assert rows[2].differences["total"] is None
    assert compare([]) == []
    lines = markdown([RUN, second, unknown]).splitlines()
    assert len(lines) == 5
    assert lines[2].startswith(
        "| internlm2_5-7b\\|chat | 0.8 | 0 | 14.00 GiB | 7.00 GiB | 2.00 GiB | 23.00 GiB | +0.00 GiB | 57,000 |"
    )
    assert "−4.00 GiB" in lines[3]
    assert "| – | – |" in lines[4]
    assert "0.00" not in lines[4]


def test_runs_are_kept(tmp_path: Path) -> None:
    log = RunLog(tmp_path / "data" / "runs.jsonl")
    assert log.read() == ([], 0)
    assert log.add(RUN) is None
    assert log.add(replace(RUN, id="2")) is None
    assert log.add(replace(RUN, total=1)) is None
    with log.path.open("a") as file:
        file.write("broken\n{}\n")
    runs, broken = log.read()
    assert [entry.id for entry in runs] == ["1", "2"]
    assert runs[0] == replace(RUN, total=1)
    assert broken == 2
    assert log.forget(["1"]) is None
    assert log.read() == ([replace(RUN, id="2")], 0)
    for problem in (RunLog(log.path / "x").add(RUN), RunLog(tmp_path / "none" / "x").forget(["1"])):
        assert problem is not None
        assert "{" not in explain(problem).text
