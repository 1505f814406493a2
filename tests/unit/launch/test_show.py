"""Plain lines of the launcher, a switch's words and cards, and doctors' rules that need no process."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from rich.cells import cell_len

from tui.launch import show
from tui.launch.cards import Cards
from tui.launch.doctor import Evidence, diagnose, notice
from tui.launch.prepare import Survey
from tui.launch.switching import in_place_of, without_it, words_for
from tui.launch.wish import Prepared, ServeWish
from tui.lmdeploy.log import LogFacts
from tui.model.gpu import GpuProcess, GpuReading, GpuSample
from tui.model.launch import (
    Diagnosis,
    LaunchLines,
    LaunchMemory,
    LaunchPhase,
    LaunchQuestion,
    LaunchStage,
    NextStep,
    ServerEntry,
    StopStep,
)
from tui.model.plan import Sentence
from tui.model.problem import Problem

GIB = 1 << 30


def sample(index: int, used: int, processes: tuple[GpuProcess, ...] | None = None) -> GpuSample:
    return GpuSample(index, "A100", 24 * GIB, used * GIB, (24 - used) * GIB, processes=processes)


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (StopStep("INT", 2, 0), "sent SIGINT to 2 processes · 0.00 GiB came back"),
        (StopStep("", 1, None), "1 processes left"),
        (StopStep("", 0, GIB, done=True), "stopped · 1.00 GiB came back"),
    ],
)
def test_steps_of_a_stop(step: StopStep, text: str) -> None:
    assert show.stop_line(step) == text


def test_a_stop_that_did_not_work_says_why() -> None:
    problem = Problem("launch.will-not-stop", {"count": 2, "model": "m\x1b[31m"})
    text = show.stop_line(StopStep("", 2, None, done=True, problem=problem))
    assert "\x1b" not in text
    assert "2" in text


def test_columns_are_counted_in_cells() -> None:
    entries = [
        ServerEntry(1, "/模型/书生", 23333, id="甲" * 8, user="小明", age=61.0, memory=2 * GIB),
        ServerEntry(2, "/m/x", 8000, id="b", mine=True),
    ]
    lines = [show.server_line(entry) for entry in entries]
    places = [cell_len(line[: line.index("http")]) for line in lines]
    assert places == [23, 23]
    assert "1:01" in lines[0]
    assert "yours" in lines[1]
    assert show.age_text(3 * 3600 + 65) == "3:01 h"
    assert list(show.variables({"A": "b c"})) == ["A='b c'"]


def test_events_as_lines_and_as_json() -> None:
    card = Diagnosis(
        Problem("launch.silent", {"seconds": 9, "stage": "weights"}),
        (NextStep("wait", Sentence("Keep waiting")), NextStep("flags", Sentence("Do it"), ("--tp", "1"))),
        ("said\x07",),
        fatal=False,
    )
    events = (
        LaunchMemory(0.5, GIB, None),
        LaunchPhase(LaunchStage.WEIGHTS, 1.0),
        LaunchMemory(1.5, GIB, 2 * GIB, GIB // 2),
        LaunchPhase(LaunchStage.WARM_UP, 2.0),
        LaunchPhase(LaunchStage.WARM_UP, 2.0, 0.5),
        LaunchLines(3.0, ("a",)),
        LaunchQuestion(4.0, "really? [y/N]"),
        card,
    )
    out, lines = io.StringIO(), io.StringIO()
    for printer in (show.StartPrinter(out), show.StartPrinter(lines, json_lines=True)):
        for event in events:
            printer.show(event)
    text = out.getvalue()
    assert "weights  1.00 GiB" in text
    assert "warm-up  1.00 of 2.00 ± 0.50 GiB" in text
    assert "really? [y/N]" in text
    assert "! Nothing was heard for 9 s" in text
    assert "→ Do it" in text
    assert "Keep waiting" not in text
    assert "said?" in text
    kinds = [json.loads(line)["event"] for line in lines.getvalue().splitlines()]
    assert kinds == ["memory", "phase", "memory", "phase", "phase", "log", "question", "card"]


def test_a_switch_takes_the_place_and_the_cards_of_the_old_server() -> None:
    old = ServerEntry(7, "/m/old", 23400, host="0.0.0.0", mine=True, pids=(7, 8), cards=(1,), memory=9 * GIB)
    wish = in_place_of(ServeWish(("/m/new", "--server-port", "1")), old)
    assert wish.words == ("/m/new", "--server-name", "0.0.0.0", "--server-port", "23400")
    assert wish.cards == (1,)
    assert in_place_of(ServeWish(("/m/new", "--tp", "2")), old).cards is None
    assert in_place_of(ServeWish(("/m/new",), cards=(0,)), old).cards == (0,)
    words = ("/m/old", "--model-format", "awq", "--tp", "1", "--tool-call-parser", "internlm", "--quant-policy", "4")
    assert words_for(words, "/m/new") == ("/m/new", "--tp", "1", "--quant-policy", "4")


def test_what_a_machine_has_once_a_server_is_gone() -> None:
    old = ServerEntry(7, "/m/old", 23400, pids=(7, 8), cards=(1,), memory=9 * GIB)
    mine = (GpuProcess(8, 9 * GIB), GpuProcess(99, GIB))
    reading = GpuReading(0.0, (sample(0, 5, (GpuProcess(99, 5 * GIB),)), sample(1, 10, mine)), "nvml")
    known = without_it(Survey({}, (), reading), old)
    assert known.leaving == (23400,)
    assert known.reading is not None
    assert [one.free for one in known.reading.samples] == [19 * GIB, 23 * GIB]
    hidden = without_it(Survey({}, (), GpuReading(0.0, (sample(0, 3), sample(1, 10)), "smi")), old)
    assert hidden.reading is not None
    assert [one.free for one in hidden.reading.samples] == [21 * GIB, 23 * GIB]
    unread = GpuReading(0.0, (GpuSample(0, "", None, None, None),), "none")
    assert without_it(Survey({}, (), unread), old).reading == unread
    assert without_it(Survey({}, (), None), old).reading is None


def prepared(*words: str) -> Prepared:
    wish = ServeWish(("/m/internlm2_5-7b-chat", *words))
    cards = Cards((sample(0, 0),))
    return Prepared(wish, (), {}, wish.command, None, None, cards, "/", wish.command.model, "127.0.0.1", 23333)


@pytest.mark.parametrize(
    ("line", "code", "kinds"),
    [
        ("lmdeploy: error: argument --tp: invalid int value: 'x'", "launch.bad-flag", ["log"]),
        ("CUDA driver version is insufficient for CUDA runtime version", "launch.driver-old", ["environment", "log"]),
        ("RuntimeError: No CUDA GPUs are available", "launch.no-driver", ["environment", "log"]),
        ("OSError: [Errno 28] No space left on device", "launch.disk", ["log"]),
        ("datasets: ptb_text_only could not be loaded", "launch.ptb", ["flags", "log"]),
        ("RepositoryNotFoundError: 401 Client Error", "launch.hub-missing", ["model", "log"]),
        ("torch.OutOfMemoryError: CUDA out of memory", "launch.out-of-memory", ["flags", "stop-other", "log"]),
        ("RuntimeError: No enough gpu memory for kv cache.", "launch.no-kv-memory", ["flags", "log"]),
        ("ValueError: invalid tool call parser x", "launch.wrong-parser", ["flags", "log"]),
    ],
)
def test_known_failures_and_their_buttons(line: str, code: str, kinds: list[str]) -> None:
    card = diagnose(Evidence(lines=("before", line), code=1, prepared=prepared()))
    assert card.problem.code == code
    assert [step.kind for step in card.steps] == kinds
    assert line in card.evidence


@pytest.mark.parametrize(
    ("code", "expected"), [(137, "launch.killed"), (139, "launch.crashed"), (143, "launch.stopped")]
)
def test_ends_without_words(code: int, expected: str) -> None:
    assert diagnose(Evidence(code=code)).problem.code == expected


def test_without_what_was_prepared_a_card_still_helps() -> None:
    for line in ("CUDA out of memory", "[Errno 98] address already in use", "invalid tool call parser x"):
        assert [step.kind for step in diagnose(Evidence(lines=(line,))).steps][-1] == "log"
    fallback = LogFacts(fallback="Fallback to pytorch engine because x")
    assert [card.steps for card in notice(Evidence(facts=fallback), 0.0)] == [()]
    asked = Evidence(facts=fallback, prepared=prepared("--backend", "pytorch"))
    assert [card.steps for card in notice(asked, 0.0)] == [()]
    shortened = replace(fallback, fallback="", session_len=4928)
    lines = ("`session_len` truncated to 4928.",)
    [card] = notice(Evidence(facts=shortened, lines=lines, prepared=prepared("--session-len", "32768")), 0.0)
    assert card.problem.data["tokens"] == 4928
