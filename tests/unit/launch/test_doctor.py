"""Every known failure becomes a card with its sentence and what to do next."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from tui.i18n import set_language
from tui.i18n.problems import explain
from tui.launch.cards import Cards
from tui.launch.doctor import Evidence, diagnose, notice, proxied
from tui.launch.show import card_text, event_data
from tui.launch.wish import Prepared, ServeWish
from tui.lmdeploy.known_models import find_model
from tui.lmdeploy.log import LogFacts, LogReader
from tui.lmdeploy.versions import Version
from tui.model.launch import LaunchStage
from tui.model.plan import PlanInput
from tui.planner.planning import plan


def prepared(*words: str, total: int = 24 << 30, free: int | None = None) -> Prepared:
    wish = ServeWish(("internlm2_5-7b-chat", *words))
    found = find_model("internlm2_5-7b-chat")
    assert found is not None
    question = PlanInput(*found, total=total, free=free, ratio=wish.command.ratio)
    return Prepared(
        wish, ("lmdeploy",), {"https_proxy": "http://p:1"}, wish.command, None, Version(0, 18), Cards(()), "~",
        "internlm2_5-7b-chat", "127.0.0.1", 23333, question, plan(question),
    )  # fmt: skip


LINES: list[tuple[str, str, str]] = [
    ("lmdeploy: error: unrecognized arguments: --eager_x 1 --foo", "launch.unknown-flag", "drop"),
    ("lmdeploy: error: argument --tp: invalid int value: 'x'", "launch.bad-flag", "log"),
    ("ERROR:    [Errno 98] error while attempting to bind on address ('0.0.0.0', 23333)", "launch.port-taken", "port"),
    ("RuntimeError: Dataset scripts are no longer supported, but found wikitext.py", "launch.script-data", "flags"),
    ("FileNotFoundError: Couldn't find a dataset script at ptb_text_only", "launch.ptb", "flags"),
    ("Do you wish to run the custom code? [y/N]", "launch.question", "answer"),
    ("Loading /m requires you to execute the configuration file", "launch.remote-code", "flags"),
    ("Please pass the argument `trust_remote_code=True` to allow custom code", "launch.remote-code", "flags"),
    ("RuntimeError: No enough gpu memory for kv cache.", "launch.no-kv-memory", "flags"),
    ("[TM][FATAL][1122.08:27:58.924821][allocator.cc:49] CUDA error: out of memory", "launch.out-of-memory", "flags"),
    ("[TM][ERROR] CUDA runtime error: out of memory /src/allocator.h:231", "launch.out-of-memory", "flags"),
    ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.2 GiB", "launch.out-of-memory", "flags"),
    ("RuntimeError: CUDA driver version is insufficient for CUDA runtime version", "launch.driver-old", "environment"),
    ("Failed to initialize NVML: Driver/library version mismatch", "launch.driver-mismatch", "environment"),
    ("RuntimeError: No CUDA GPUs are available", "launch.no-driver", "environment"),
    ("OSError: [Errno 28] No space left on device", "launch.disk", "log"),
    ("SafetensorError: Error while deserializing header: MetadataIncompleteBuffer", "launch.incomplete", "model"),
    ("No such file or directory: '/m/model-00002-of-00008.safetensors'", "launch.incomplete", "model"),
    ("OSError: Can't find a tokenizer.json in /m, make sure it is a model folder", "launch.no-model-here", "model"),
    ("requests.exceptions.ProxyError: HTTPSConnectionPool(host='127.0.0.1')", "launch.proxy", "variables"),
    ("LocalEntryNotFoundError: An error happened while trying to locate", "launch.hub", "variables"),
    ("MaxRetryError: Max retries exceeded with url: /internlm/x", "launch.hub", "variables"),
    ("huggingface_hub.errors.RepositoryNotFoundError: 404 Client Error.", "launch.hub-missing", "model"),
    ("RuntimeError: unsupported model arch: MambaForCausalLM", "launch.engine-refused", "log"),
    ("ValueError: tool parser internlmx not found", "launch.wrong-parser", "flags"),
    ("ModuleNotFoundError: No module named 'partial_json_parser'", "launch.broken-environment", "environment"),
    ("TypeError: got an unexpected keyword argument 'proxies'", "launch.broken-environment", "environment"),
    ("RuntimeError: Warm-up failed: an illegal memory access", "launch.warm-up", "flags"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "code", "step"), LINES)
@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_known_failures(line: str, code: str, step: str, language: str) -> None:
    set_language(language)
    before = (
        "2026-11-22 08:25:35 - lmdeploy - INFO - out of memory is only mentioned",
        # transformers says so at every start of an InternLM2.5 (seen with lmdeploy 0.18 on an H200)
        "[transformers] The argument `trust_remote_code` is to be used with Auto classes. It has no effect here.",
        "    model = load_hf_from_pretrained(model, dtype=dtype, trust_remote_code=trust_remote_code)",
        "Loading: 10%",
    )
    facts = LogFacts(stage=LaunchStage.WARM_UP)
    card = diagnose(Evidence(facts, (*before, line, "Aborted"), 1, prepared()))
    assert card.problem.code == code
    assert card.problem.detail == line
    assert step in [entry.kind for entry in card.steps]
    assert line in card.evidence
    text = card_text(card)
    assert not re.search(r"\{\w+\}", text)
    assert explain(card.problem).sentence in text
    assert event_data(card)["code"] == code


def test_out_of_memory_offers_the_largest_ratio_that_fits() -> None:
    line = "CUDA error: out of memory"
    one = prepared()
    card = diagnose(Evidence(LogFacts(stage=LaunchStage.KV_CACHE), (line,), 134, one))
    flags = next(step.flags for step in card.steps if step.kind == "flags")
    assert flags[0] == "--cache-max-entry-count"
    assert one.question is not None
    fitting = plan(replace(one.question, ratio=float(flags[1])))
    assert fitting.free_after > 0
    tight = prepared(total=24 << 30, free=12 << 30)
    card = diagnose(Evidence(LogFacts(stage=LaunchStage.WEIGHTS), (line,), 134, tight))
    assert [step.kind for step in card.steps] == ["model", "stop-other", "log"]
    unplanned = replace(one, question=None, plan=None)
    card = diagnose(Evidence(LogFacts(stage=LaunchStage.WARM_UP), (line,), 134, unplanned))
    assert card.steps[0].flags == ("--cache-max-entry-count", "0.40")
    assert [step.kind for step in diagnose(Evidence(lines=(line,))).steps] == ["stop-other", "log"]


@pytest.mark.parametrize(
    ("code", "lines", "expected"),
    [
        (137, (), "launch.killed"),
        (139, (), "launch.crashed"),
        (130, (), "launch.stopped"),
        (1, ("Traceback", "ValueError: what is this"), "launch.failed"),
        (None, ("Loading",), "launch.failed-silently"),
    ],
)
def test_unknown_ends(code: int | None, lines: tuple[str, ...], expected: str) -> None:
    card = diagnose(Evidence(lines=lines, code=code))
    assert card.problem.code == expected
    assert card.evidence == lines
    assert "{" not in card_text(card)


def test_notices() -> None:
    reader = LogReader()
    lines = reader.feed(
        "2026 - lmdeploy - WARNING - Fallback to pytorch engine because `m` not supported by turbomind engine.\n"
        "[TM][WARNING] No enough blocks for `session_len` (32768), `session_len` truncated to 4928.\n"
    )
    cards = list(notice(Evidence(reader.facts, lines, None, prepared()), 99.0))
    assert [card.problem.code for card in cards] == ["launch.fallback", "launch.context-cut", "launch.silent"]
    assert not any(card.fatal for card in cards)
    assert cards[0].steps[0].flags == ("--backend", "pytorch")
    assert cards[1].problem.data["tokens"] == 4928
    assert next(notice(Evidence(reader.facts, lines), 0.0)).steps == ()
    asked = prepared("--backend", "pytorch")
    assert next(notice(Evidence(reader.facts, lines, None, asked), 0.0)).steps == ()


def test_proxy_variables() -> None:
    assert proxied({"http_proxy": "http://p"}) == "http_proxy"
    assert proxied({"HTTPS_PROXY": "http://p", "no_proxy": "localhost,127.0.0.1"}) == ""
    assert proxied({"ALL_PROXY": "x", "NO_PROXY": "*"}) == ""
    assert proxied({"http_proxy": ""}) == ""


def test_a_recorded_success_holds_no_failure() -> None:
    """No line of a recorded start that went well is taken for a failure."""
    from tests.support.memory_recordings import STARTS, load

    for name in STARTS:
        lines = tuple(line for _, text in load(name).log for line in text.splitlines())
        assert diagnose(Evidence(lines=lines, code=1)).problem.code.startswith("launch.failed"), name
