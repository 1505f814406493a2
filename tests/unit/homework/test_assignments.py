"""Assignments: the built-in ones, the user's own, and every mistake with its line."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.homework.assignment import RequirementKind, StepKind
from tui.homework.reading import all_assignments, read_file, read_text, user_folder
from tui.i18n import set_language
from tui.i18n.problems import explain

GOOD = """\
version = 1
id = "mine"

[title]
en = "My task"

[server]
model = "m"

[[steps]]
kind = "start"

[[requirements]]
kind = "weights"
bits = 8
"""


def mistakes(text: str) -> list[tuple[str, object, object]]:
    """(code without its room, line, key) of every problem."""
    assignment, problems = read_text(text, "t.toml")
    assert (assignment is None) == bool(problems)
    for problem in problems:
        assert "{" not in explain(problem).text
    return [(one.code.partition(".")[2], one.data.get("line"), one.data.get("key")) for one in problems]


def test_the_camps_two_tasks_are_built_in() -> None:
    shelf = all_assignments()
    assert shelf.problems == ()
    basic, optional = shelf.assignments["camp-basic"], shelf.assignments["camp-optional"]
    assert [step.kind for step in basic.steps] == ["quantise", "start", "prompt", "picture"]
    assert basic.steps[2].text == "帮我讲述一个关于狐狸和西瓜的小故事"
    assert basic.serving is not None
    assert basic.serving.words[-6:] == (
        "--model-format",
        "awq",
        "--quant-policy",
        "4",
        "--cache-max-entry-count",
        "0.4",
    )
    assert basic.quantising is not None
    assert basic.quantising.words == (
        "internlm2_5-1_8b-chat", "--work-dir", "internlm2_5-1_8b-chat-w4a16-4bit",
    )  # fmt: skip
    assert optional.steps[1].text == "Compute (3+5)*2"
    assert next(one for one in optional.requirements if one.kind == "tools").names == ("add", "mul")
    assert basic.title.startswith("Basic task")
    set_language("zh-CN")
    assert basic.title.startswith("基础任务")
    assert "W4A16" in basic.about


def test_the_users_own_files_are_read_and_may_replace_one(tmp_path: Path) -> None:
    folder = user_folder()
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text(GOOD, "utf-8")
    (folder / "basic.toml").write_text(GOOD.replace('"mine"', '"camp-basic"'), "utf-8")
    (folder / "broken.toml").write_text("version = [", "utf-8")
    (folder / "bytes.toml").write_bytes(b"\xff\xfe")
    (folder / "huge.toml").write_bytes(b"#" * ((1 << 20) + 1))
    shelf = all_assignments()
    assert shelf.assignments["mine"].title == "My task"
    assert shelf.assignments["camp-basic"].title == "My task"
    assert [problem.code for problem in shelf.problems] == [
        "homework.toml", "homework.unreadable", "homework.unreadable",
    ]  # fmt: skip
    assert read_file(tmp_path / "none.toml")[0] is None
    set_language("zh-CN")
    assert shelf.assignments["mine"].title == "My task"
    assert shelf.assignments["mine"].about == ""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("version = 1", "version = 2", [("wrong", 1, "version")]),
        ("version = 1", "version = true", [("wrong", 1, "version")]),
        ("version = 1\n", "", [("missing", 1, "version")]),
        ('id = "mine"', 'id = "My Task"', [("wrong", 2, "id")]),
        ('id = "mine"', 'id = "mine"\nauthor = "x"', [("unknown", 3, "author")]),
        ('en = "My task"', 'en = ""', [("wrong", 5, "title.en")]),
        ('en = "My task"', "", [("missing", 4, "title.en")]),
        ('[title]\nen = "My task"', 'title = "x"', [("wrong", 4, "title")]),
        ('model = "m"', "model = 3", [("wrong", 8, "model")]),
        ('model = "m"', 'model = "m"\nflags = "--tp 2"', [("wrong", 9, "flags")]),
        ('model = "m"', 'model = "m"\nflag = []', [("unknown", 9, "flag")]),
        ('[server]\nmodel = "m"', "", [("missing", 10, "server")]),
        ('kind = "start"', 'kind = "begin"', [("kind", 11, "kind")]),
        ('kind = "start"', "", [("missing", 10, "kind")]),
        ('kind = "start"', 'kind = "prompt"', [("missing", 10, "text")]),
        ('kind = "start"', 'kind = "start"\ntext = "x"', [("unknown", 12, "text")]),
        ("bits = 8", "bits = -1", [("wrong", 15, "bits")]),
        ("bits = 8", "bits = 8\nbit = 4", [("unknown", 16, "bit")]),
        ("bits = 8", 'bits = 8\nrequired = "no"', [("wrong", 16, "required")]),
        ("bits = 8", "", [("missing", 13, "bits")]),
        ('[[steps]]\nkind = "start"\n', "steps = []\n", [("missing", 1, "steps"), ("unknown", 10, "steps")]),
    ],
)
def test_mistakes_are_told_with_their_lines(old: str, new: str, expected: list[tuple[str, int, str]]) -> None:
    assert GOOD.count(old) == 1
    assert mistakes(GOOD.replace(old, new)) == expected


def test_several_mistakes_and_inline_arrays() -> None:
    text = (
        'version = 1\nid = "x"\ntitle = {en = "X"}\nserver = {model = ""}\n'
        'steps = [{kind = "start"}, {kind = "walk"}]\nrequirements = []\n'
    )
    assert mistakes(text) == [("wrong", 4, "model"), ("kind", 5, "kind"), ("wrong", 6, "requirements")]
    assert mistakes('version = 1\nid = "x"\ntitle = {}\nsteps = 1\nrequirements = [1]\n') == [
        ("wrong", 4, "steps"), ("wrong", 5, "requirements"), ("missing", 3, "title.en"),
    ]  # fmt: skip


def test_lists_become_tuples() -> None:
    text = GOOD.replace('kind = "weights"\nbits = 8', 'kind = "kv-cache"\npolicies = [4]')
    assignment, _ = read_text(text.replace('model = "m"', 'model = "m"\nflags = ["--tp", "2"]'), "x")
    assert assignment is not None
    assert assignment.requirements[0].policies == (4,)
    assert assignment.serving is not None
    assert assignment.serving.words == ("m", "--tp", "2")


@given(st.text(), st.integers(0, len(GOOD)))
def test_no_text_breaks_the_reader(text: str, at: int) -> None:
    read_text(text, "x")
    read_text(GOOD[:at] + text + GOOD[at:], "x")


def test_every_cut_of_a_file_is_told() -> None:
    for at in range(len(GOOD)):
        assignment, problems = read_text(GOOD[:at], "x")
        assert (assignment is None) == bool(problems)


@pytest.mark.parametrize("name", ["homework.md", "homework.zh-CN.md"])
def test_the_guides_example_is_a_good_assignment(name: str) -> None:
    guide = (Path(__file__).parents[3] / "docs" / name).read_text("utf-8")
    example = guide.partition("```toml\n")[2].partition("```")[0]
    assignment, problems = read_text(example, name)
    assert problems == ()
    assert assignment is not None
    assert assignment.id == "lab-3"
    for kind in (*get_args(RequirementKind), *get_args(StepKind)):
        assert kind in guide
