"""Names, schemas, results and approval over all sources."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.config.settings import Settings
from tui.config.settings_file import read_config
from tui.model.message import ImagePart
from tui.model.problem import Problem, ProblemError
from tui.model.tool import Decision, ToolCall, ToolOutcome, ToolSpec, Verdict
from tui.tools.approval import ConversationApproval, Policy, Rule
from tui.tools.arithmetic import arithmetic
from tui.tools.registry import Registry, Tool
from tui.tools.results import cut_for_model
from tui.tools.schema import check_arguments
from tui.tools.schema_fix import SchemaError, fixed_schema
from tui.tools.setup import open_tools
from tui.tools.source import Offer
from tui.tools.toolbox import BuiltIn, Toolbox

OBJECT: dict[str, Any] = {"type": "object", "properties": {}}


class Source:
    """Tools that answer with their source's and their own name."""

    def __init__(self, name: str, *specs: ToolSpec) -> None:
        self.name = name
        self.closed = False
        self._offers = tuple(map(Offer, specs))

    def offers(self) -> tuple[Offer, ...]:
        return self._offers

    def problems(self) -> tuple[Problem, ...]:
        return (Problem("tools.mcp_off", {"name": self.name}),)

    async def refresh(self) -> None: ...

    async def run(self, offer: Offer, call: ToolCall) -> ToolOutcome:
        return ToolOutcome(f"{self.name}.{call.name}")

    async def aclose(self) -> None:
        self.closed = True


def spec(name: str, parameters: Any = None) -> ToolSpec:
    return ToolSpec(name, "", OBJECT if parameters is None else parameters)


async def run(box: Toolbox, name: str, **arguments: Any) -> ToolOutcome:
    return await box.run(ToolCall("c", name, arguments))


async def test_names_that_clash_get_their_sources_name() -> None:
    box = Toolbox(
        [BuiltIn(arithmetic()), Source("python", spec("add"), spec("f")), Source("files", spec("f"), spec("f"))]
    )
    assert [one.name for one in box.specs()] == ["add", "mul", "python_add", "f", "files_f", "files_f_2"]
    assert (await run(box, "add", a=1, b=2)).content == "3"
    assert (await run(box, "python_add")).content == "python.add"
    assert (await run(box, "files_f_2")).content == "files.f"
    renamed = [dict(problem.data) for problem in box.problems() if problem.code == "tools.renamed"]
    assert renamed[0] == {"name": "add", "source": "python", "used": "python_add"}
    assert [one.key for one in box.specs()][-3:] == ["f", "files/files_f", "files/files_f_2"]
    assert [one.needs_approval for one in box.specs()][:3] == [False, False, True]
    await box.refresh()
    await box.aclose()
    assert all(source.closed for source in box.sources if isinstance(source, Source))


async def test_names_that_servers_do_not_take() -> None:
    box = Toolbox([Source("files", spec("read.file/now"), spec("名字"), spec("x" * 80))])
    assert [one.name for one in box.specs()] == ["read_file_now", "_", "x" * 64]
    assert (await run(box, "read_file_now")).content == "files.read.file/now"
    unknown = await run(box, "nothing")
    assert unknown.problem
    assert unknown.problem.code == "chat.call_unknown"


async def test_the_courses_type_names_are_corrected_with_a_notice() -> None:
    course = {
        "type": "object",
        "properties": {"a": {"type": "int", "description": "A number"}, "b": {"type": "int"}},
        "required": ["a", "b"],
    }
    box = Toolbox(
        [Source("python", spec("add", course), spec("bad", {"type": "array"}), spec("worse", {"required": 3}))]
    )
    (add,) = box.specs()
    assert add.parameters["properties"]["a"] == {"type": "integer", "description": "A number"}
    assert check_arguments({"a": 3, "b": 5}, add.parameters) == ""
    codes = [problem.code for problem in box.problems()]
    assert codes == ["tools.mcp_off", "tools.schema_corrected", "tools.bad_schema", "tools.bad_schema"]
    assert box.problems()[1].data["what"] == "int → integer"
    assert [entry.spec.name for entry in box.entries()] == ["add"]


def test_schemas_as_people_write_them() -> None:
    schema, corrections = fixed_schema(
        {
            "properties": {
                "type": {"type": "str", "enum": ["int", "str"]},
                "items": {"type": "List", "items": {"type": ["Float", "None"]}},
                "anything": {"type": "any"},
                "map": {"type": "dict", "properties": {"type": {"type": "bool"}}},
                "odd": {"type": None},
            }
        }
    )
    assert schema == {
        "type": "object",
        "properties": {
            "type": {"type": "string", "enum": ["int", "str"]},
            "items": {"type": "array", "items": {"type": ["number", "null"]}},
            "anything": {},
            "map": {"type": "object", "properties": {"type": {"type": "boolean"}}},
            "odd": {},
        },
    }
    assert set(corrections) == {
        "str → string",
        "List → array",
        "Float → number",
        "None → null",
        "any",
        "dict → object",
        "bool → boolean",
    }
    assert fixed_schema(None)[0] == OBJECT
    assert fixed_schema({"type": "OBJECT"})[0] == OBJECT


def test_recursive_and_hopeless_schemas() -> None:
    tree = {
        "type": "object",
        "properties": {"root": {"$ref": "#/$defs/node"}},
        "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}},
    }
    schema, _ = fixed_schema(tree)
    assert schema == tree
    assert check_arguments({"root": {"next": {"next": {}}}}, schema) == ""
    assert "next" in check_arguments({"root": {"next": 3}}, schema)
    deep: dict[str, Any] = {"type": "object"}
    for _ in range(100):
        deep = {"type": "object", "properties": {"a": deep}}
    for bad in (deep, [], "object", {"type": "object", "properties": {"a": {"type": "nonsense"}}}, {"type": "string"}):
        with pytest.raises(SchemaError):
            fixed_schema(bad)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "properties", "items", "$ref", "anyOf", "enum", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_schema_is_fixed_or_refused(schema: Any) -> None:
    try:
        fixed, _ = fixed_schema(schema)
    except SchemaError:
        return
    assert fixed["type"] == "object"
    assert fixed_schema(fixed) == (fixed, ())


@given(JSON)
def test_any_arguments_are_checked_or_refused(arguments: Any) -> None:
    given_ = arguments if isinstance(arguments, dict) else {"value": arguments}
    assert isinstance(check_arguments(given_, {"type": "object", "properties": {"type": {"type": "string"}}}), str)


def test_long_results_are_cut_for_the_model_and_whole_for_the_user() -> None:
    text = "a" * 600_000 + "b" * 424_288
    outcome = cut_for_model(ToolOutcome(text), "read", 20_000)
    assert outcome.full == text
    assert outcome.ok
    assert outcome.problem == Problem("tools.result_cut", {"name": "read", "size": 1_024_288, "limit": 20_000})
    assert outcome.content.startswith("a" * 15_000 + "\n[… 1,004,288 of 1,024,288 characters left out …]\nb")
    assert len(outcome.content) < 20_100
    failed = Problem("tools.raised")
    assert cut_for_model(ToolOutcome(text, ok=False, problem=failed), "read").problem is failed
    assert cut_for_model(ToolOutcome("short"), "read") == ToolOutcome("short")


def test_pictures_are_told_to_the_model_in_words() -> None:
    outcome = cut_for_model(ToolOutcome("", images=(ImagePart("image/png", "QUJD"),)), "draw")
    assert outcome.content == "[The user sees 1 picture(s): image/png, 3 bytes]"
    assert outcome.full == ""


class Asked:
    """Answers like a user, and counts the questions."""

    def __init__(self, *decisions: Decision) -> None:
        self.decisions = list(decisions)
        self.questions = 0

    async def __call__(self, call: ToolCall, one: ToolSpec) -> Decision:
        self.questions += 1
        return self.decisions.pop(0)


ALLOW, REFUSE = Verdict.ALLOW, Verdict.REFUSE
CALL = ToolCall("c", "f", {})
PYTHON = ToolSpec("f", "", OBJECT, source="python")
MCP = ToolSpec("f", "", OBJECT, source="files")


async def test_a_decision_holds_once_or_for_the_conversation() -> None:
    asked = Asked(Decision(ALLOW), Decision(REFUSE, "no"), Decision(ALLOW, scope="conversation"))
    policy = Policy()
    approve = ConversationApproval(policy, asked)
    assert (await approve(CALL, PYTHON)).verdict is ALLOW
    assert await approve(CALL, PYTHON) == Decision(REFUSE, "no")
    for _ in range(3):
        assert (await approve(CALL, PYTHON)).verdict is ALLOW
    assert asked.questions == 3
    other = ConversationApproval(policy, Asked(Decision(REFUSE)))
    assert (await other(CALL, PYTHON)).verdict is REFUSE
    assert (await ConversationApproval(policy, Asked(Decision(REFUSE)))(CALL, MCP)).verdict is REFUSE


async def test_always_and_never_are_kept_in_the_settings(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('# mine\nallow_tools = ["other"]\n')
    asked = Asked(Decision(ALLOW, scope="always"), Decision(REFUSE, scope="always"))
    policy = Policy(path=path)
    approve = ConversationApproval(policy, asked)
    assert (await approve(CALL, PYTHON)).verdict is ALLOW
    assert (await approve(CALL, PYTHON)).verdict is ALLOW
    assert (await approve(CALL, MCP)).verdict is REFUSE
    with pytest.raises(ProblemError) as error:
        await approve(CALL, MCP)
    assert error.value.problem.code == "tools.never"
    assert asked.questions == 2
    data = read_config(path).data
    assert data == {"allow_tools": ["other", "f"], "never_tools": ["files/f"]}
    assert "# mine" in path.read_text()
    await policy.set_rule(PYTHON, Rule.ASK)
    assert read_config(path).data["allow_tools"] == ["other"]
    again = Policy(("f",), ("f",))
    assert again.rule(PYTHON) is Rule.NEVER


async def test_a_profile_has_rules_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('allow_tools = ["general"]\n[profiles.box]\nurl = "http://box:23333"\n')
    await Policy(path=path, profile="box").set_rule(PYTHON, Rule.ALLOW)
    data = read_config(path).data
    assert data["allow_tools"] == ["general"]
    assert data["profiles"]["box"]["allow_tools"] == ["general", "f"]


async def test_a_settings_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("broken = [\n")
    told: list[Problem] = []
    policy = Policy(path=path, tell=told.append)
    await policy.set_rule(PYTHON, Rule.ALLOW)
    assert policy.rule(PYTHON) is Rule.ALLOW
    assert [problem.code for problem in told] == ["config.broken_toml"]
    await Policy(path=path).set_rule(PYTHON, Rule.ALLOW)


async def test_the_tools_that_the_settings_name(tmp_path: Path) -> None:
    folder = tmp_path / "tools"
    folder.mkdir()
    (folder / "mine.py").write_text("def area(width: float, height: float) -> float: return width * height\n")
    path = tmp_path / "config.toml"
    path.write_text('[mcp.gone]\ncommand = ["/no/such/program"]\n[mcp.bad]\n')
    tools = open_tools(Settings(), read_config(path), folder)
    await tools.refresh()
    await tools.servers[0].settled(30)
    assert [one.name for one in tools.specs()] == ["add", "mul", "area"]
    assert [problem.code for problem in tools.problems()] == ["config.mcp_no_place", "tools.mcp_start"]
    assert (await run(tools, "area", width=3, height=2)).content == "6.0"
    assert json.loads((await run(tools, "add", a=1, b=2)).content) == 3
    await tools.aclose()


def test_a_registry_as_a_source_keeps_its_offers() -> None:
    registry = Registry()
    source = BuiltIn(registry)
    registry.add(Tool(spec("f"), lambda _: 1))
    assert source.offers()[0] is source.offers()[0]
