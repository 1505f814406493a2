"""Requirements are ticked from what really happened, and the walk goes where something is missing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.export.samples import SETUP, WITNESS, card, everything, say, size, turn
from tui.homework.assignment import Assignment, Quantising, Requirement, Serving, Step
from tui.homework.checking import Happened, State, check, judge, label, missing
from tui.homework.evidence import evidence_rows, witness_of
from tui.homework.progress import Progress, load_progress, progress_file, save_progress
from tui.homework.reading import all_assignments
from tui.homework.walk import Around, StepState, find_model, name_of, next_step, steps_of, ticks_of
from tui.i18n import set_language
from tui.model.memory import Source
from tui.model.message import ToolCallPart, ToolResultPart
from tui.model.server import ServerFacts

UNWITNESSED = Happened(live=(card(witness=None),))
STORY = "帮我讲述一个关于狐狸和西瓜的小故事"


def talk(prompt: str = STORY, answer: str = "从前…", *, complete: bool = True) -> Happened:
    """A question and its answer, with the homework's split."""
    messages = (say("user", prompt, id="u"), say("assistant", answer, id="a", turn="t1", complete=complete))
    return Happened(messages, (turn(),), model="internlm", pictures=("x.png",))


def verdict(requirement: Requirement, happened: Happened) -> tuple[str, str]:
    tick = judge(requirement, happened)
    assert "{" not in tick.reason
    assert "{" not in label(requirement)
    return tick.state.value, tick.reason


def with_setup(**changes: object) -> Happened:
    setup = replace(SETUP, **changes)  # type: ignore[arg-type]
    return Happened(live=(card(witness=replace(WITNESS, setup=setup)),))


def test_the_basic_task_is_done_by_its_own_facts() -> None:
    basic = all_assignments().assignments["camp-basic"]
    ticks = check(basic, talk())
    assert missing(ticks) == ()
    assert [tick.reason for tick in ticks] == [
        "awq with 4 bits", "quant policy int4", "weights 1.44 + kv cache 8.14 + other 1.91 GiB", "3 characters",
        "vgpu-smi: 11759MiB / 24576MiB", "x.png",
    ]  # fmt: skip
    nothing = check(basic, Happened())
    assert [tick.state for tick in nothing] == [
        State.UNKNOWN, State.UNKNOWN, State.UNKNOWN, State.MISSING, State.UNKNOWN, State.MISSING,
    ]  # fmt: skip
    assert len(missing(nothing)) == 5  # the tool's line is only recommended


@pytest.mark.parametrize(
    ("requirement", "happened", "expected"),
    [
        (Requirement("weights", bits=4), Happened(), ("unknown", "no server has answered yet")),
        (
            Requirement("kv-cache"),
            Happened(model="m"),
            (
                "unknown",
                "the server's machine cannot be looked at; tell lmdeck its model and flags (memory panel)",
            ),
        ),
        (Requirement("weights", bits=4), with_setup(told=True), ("met", "awq with 4 bits, as you said")),
        (
            Requirement("weights", bits=4),
            with_setup(weight_format="bf16", weight_bits=16),
            ("missing", "bf16 with 16 bits, not 4"),
        ),
        (Requirement("kv-cache"), with_setup(quant_policy=0), ("missing", "quant policy 0, not int4 / int8")),
        (Requirement("kv-cache", policies=(99,)), with_setup(), ("missing", "quant policy int4, not 99")),
        (Requirement("kv-cache"), with_setup(told=True, quant_policy=8), ("met", "quant policy int8, as you said")),
        (
            Requirement("model", contains="7B"),
            with_setup(model="/m/internlm2_5-7b-chat"),
            ("met", "/m/internlm2_5-7b-chat"),
        ),
        (Requirement("model", contains="7b"), with_setup(model="small"), ("missing", "the model is small")),
        (Requirement("model", contains="7b"), Happened(model="x-7b"), ("met", "x-7b")),
        (Requirement("model", contains="7b"), Happened(), ("unknown", "no model has answered yet")),
        (
            Requirement("memory-split"),
            Happened(live=(card(kv_cache=size(None, Source.UNKNOWN)),)),
            ("missing", "not all three parts are known"),
        ),
        (Requirement("reply", prompt=STORY), talk(complete=False), ("missing", "the reply was cut")),
        (Requirement("reply"), talk("anything"), ("met", "3 characters")),
        (Requirement("reply"), Happened(), ("missing", "there is no reply yet")),
        (
            Requirement("reply", prompt="Compute (3 + 5)*2"),
            talk("please Compute (3+5) * 2 now"),
            ("met", "3 characters"),
        ),
        (Requirement("reply", prompt="other"), talk(), ("missing", "nobody has answered “other” yet")),
        (Requirement("evidence"), UNWITNESSED, ("unknown", "no line of nvidia-smi or studio-smi could be had")),
        (Requirement("picture"), Happened(), ("missing", "not made yet (F12)")),
    ],
)
def test_each_requirement(requirement: Requirement, happened: Happened, expected: tuple[str, str]) -> None:
    assert verdict(requirement, happened) == expected


def test_tools_must_have_been_called_with_a_result() -> None:
    wanted = Requirement("tools", names=("add", "mul"))
    calls = (
        say("assistant", ToolCallPart("1", "add", "{}"), ToolCallPart("2", "mul", "{}"), id="a"),
        say("tool", ToolResultPart("1", "add", "8"), id="r1"),
        say("tool", ToolResultPart("2", "mul", "no", ok=False), id="r2"),
    )
    assert verdict(wanted, Happened(calls)) == ("missing", "not called with a result: mul")
    again = (say("assistant", ToolCallPart("3", "mul", "{}"), id="b"), say("tool", ToolResultPart("3", "mul", "16")))
    assert verdict(wanted, Happened((*calls, *again))) == ("met", "2 calls with their results")


def test_the_kept_split_of_the_turn_goes_first_and_the_demo_is_named() -> None:
    live = (card(name="now"),)
    assert replace(talk(), live=live).cards[0].name == "NVIDIA A100"
    assert Happened(live=live).cards[0].name == "now"
    assert not talk().simulated
    demo = replace(talk(), turns=(turn(server=ServerFacts(simulated=True)),))
    assert demo.simulated
    assert with_setup(simulated=True).simulated


def test_the_lines_beside_the_split() -> None:
    rows = evidence_rows((card(),))
    assert rows[0].text == "11759MiB / 24576MiB"
    assert rows[0].label.startswith("vgpu-smi, 2026-")
    assert rows[1].text.endswith('"POST /v1/chat/completions" 200')
    assert evidence_rows(()) == ()
    assert witness_of((card(witness=None),)) is None
    hostile = replace(WITNESS, gpu_line="a\x1b[2Jb\n\nc", access_line="", gpu_tool="simulated")
    assert [row.text for row in evidence_rows((card(witness=hostile),))] == ["a␛[2Jb", "c"]


# ── the walk ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def camp() -> list[Assignment]:
    found = all_assignments().assignments
    return [found["camp-basic"], found["camp-optional"]]


def states(progress: Progress, around: Around) -> str:
    short = {StepState.OPEN: "o", StepState.DONE: "d", StepState.SKIPPED: "s"}
    return "".join(short[step.state] for step in steps_of(camp(), progress, around))


def test_the_walk_follows_what_there_is() -> None:
    fresh = Progress()
    assert states(fresh, Around()) == "ooooooo"
    first = next_step(steps_of(camp(), fresh, Around()))
    assert first is not None
    assert first.title == "Quantise internlm2_5-1_8b-chat"
    assert first.key == "camp-basic/0"
    quantised = Around(models=("/root/models/internlm2_5-1_8b-chat-w4a16-4bit/",))
    assert states(fresh, quantised) == "doooooo"
    served = replace(quantised, answers=True, happened=with_setup())
    assert states(fresh, served) == "ddooooo"
    by_hand = Around(answers=True, happened=with_setup(model="somewhere-else"))
    assert states(fresh, by_hand) == "ddooooo"
    wrong = Around(answers=True, happened=with_setup(quant_policy=0))
    assert states(fresh, wrong) == "ooooooo"
    nothing_known = Around(answers=True)
    assert states(fresh, nothing_known) == "ooooooo"
    told = Around(answers=True, happened=replace(talk(), live=with_setup().live))
    assert states(fresh, told) == "dddoooo"


def test_steps_are_skipped_and_resumed_and_pictures_end_a_task(tmp_path: Path) -> None:
    progress = Progress().with_task("camp-basic", skipped=frozenset({0, 1}), done=frozenset({2}), conversation="c")
    progress = progress.with_picture("camp-basic", "/a.png").with_picture("camp-basic", "/b.png")
    progress = progress.with_picture("camp-basic", "/a.png")
    assert states(progress, Around()) == "ssddooo"
    save_progress(progress)
    again = load_progress()
    assert again == progress
    assert again.of("camp-basic").pictures == ("/b.png", "/a.png")
    step = next_step(steps_of(camp(), again, Around()))
    assert step is not None
    assert step.title == "Start internlm2_5-7b-chat"
    ticks = ticks_of(camp()[0], again, Around())
    assert ticks[-1].reason == "/a.png"
    assert again.without("camp-basic").of("camp-basic") == Progress().of("camp-basic")
    assert progress_file().stat().st_mode & 0o777 <= 0o644


def test_what_was_done_by_hand_is_passed_over() -> None:
    progress = Progress().with_task("camp-basic", done=frozenset({2}))
    step = next_step(steps_of(camp(), progress, Around()))
    assert step is not None
    assert step.key == "camp-basic/3"
    done = progress.with_picture("camp-basic", "x").with_picture("camp-optional", "x")
    done = done.with_task("camp-optional", skipped=frozenset({1}))
    assert next_step(steps_of(camp(), done, Around())) is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"tasks": []}', '{"tasks": {"a": 3}}', '{"tasks": {"a": {"skipped": "x", "pictures": 3}}}']
)
def test_a_broken_file_counts_as_not_begun(text: str, tmp_path: Path) -> None:
    path = tmp_path / "homework.json"
    path.write_text(text)
    assert load_progress(path).of("a") == Progress().of("a")


def test_the_file_is_json_and_titles_speak_chinese(tmp_path: Path) -> None:
    save_progress(Progress().with_task("狐狸", report="r.md"), tmp_path / "deep" / "homework.json")
    data = json.loads((tmp_path / "deep" / "homework.json").read_text("utf-8"))
    assert data["tasks"]["狐狸"]["report"] == "r.md"
    set_language("zh-CN")
    for step in steps_of(camp(), Progress(), Around()):
        assert "{" not in step.title


def test_models_are_found_by_path_or_name() -> None:
    paths = ("/a/m", "/b/n/", "hub/m")
    assert find_model("/b/n", paths) == "/b/n/"
    assert find_model("internlm/m", paths) == "/a/m"
    assert find_model("x", paths) is None
    assert name_of("/") == "/"
    bare = Assignment(
        "x", {"en": "X"}, (Step("quantise"), Step("start")), (), quantising=Quantising("a", "b"), serving=Serving("b")
    )
    assert [step.state.value for step in steps_of([bare], Progress(), Around(answers=True))] == ["done", "done"]
    assert everything().last_turn is not None
