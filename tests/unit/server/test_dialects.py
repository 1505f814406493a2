"""Releases from what is seen, and what follows for the way to speak."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tui.lmdeploy.dialects import MODERN, NEWEST, RELEASES, Evidence, after, at_least, band_from, before, dialect_for
from tui.lmdeploy.parsers import TOOL_PARSERS, is_internlm2, tool_parser_for
from tui.lmdeploy.versions import Version

BASE = {"/v1/chat/completions", "/v1/models", "/v1/encode", "/health"}
OLD = BASE | {"/v1/chat/interactive"}
SINCE_09 = OLD | {"/terminate", "/distserve/engine_info", "/pooling"}
SINCE_11 = SINCE_09 | {"/sleep", "/wakeup", "/generate", "/abort_request", "/is_sleeping"}
SINCE_13 = SINCE_11 | {"/v1/messages", "/v1/messages/count_tokens"}
SINCE_14 = SINCE_13 | {"/v1/responses", "/get_ppl"}


@pytest.mark.parametrize(
    ("evidence", "band"),
    [
        (Evidence(), None),
        (Evidence(paths=frozenset(OLD | {"/v1/chat/completions_qos", "/v1/completions_qos"})), ("0.5.3", "0.5.3")),
        (Evidence(paths=frozenset(OLD)), ("0.6.0", "0.8.0")),
        (Evidence(paths=frozenset(SINCE_09)), ("0.9.1", "0.9.2")),
        (Evidence(paths=frozenset(SINCE_11)), ("0.11.0", "0.12.2")),
        (Evidence(paths=frozenset(SINCE_13)), ("0.13.0", "0.13.0")),
        (Evidence(paths=frozenset(SINCE_14)), ("0.14.0", "0.15.0")),
        (Evidence(paths=frozenset(SINCE_14 - {"/v1/chat/interactive"})), ("0.16.0", "0.16.0")),
        (
            Evidence(paths=frozenset((SINCE_14 - {"/v1/chat/interactive"}) | {"/update_weights_from_ipc"})),
            ("0.17.0", NEWEST),
        ),
        (Evidence(metric_names=frozenset({"num_requests_finished", "gpu_cache_usage_perc"})), ("0.9.2", "0.12.2")),
        (Evidence(metric_names=frozenset({"num_requests_succeeded"})), ("0.13.0", "0.13.0")),
        (Evidence(metric_names=frozenset({"num_requests_succeeded", "prefix_cache_hit_rate"})), ("0.14.0", NEWEST)),
        (Evidence(health_is_json=True), ("0.14.0", NEWEST)),
        (Evidence(health_is_json=False), ("0.5.3", "0.13.0")),
        (Evidence(answering=frozenset({"/distserve/engine_info"})), ("0.9.0", NEWEST)),
        (Evidence(missing=frozenset({"/update_weights_from_ipc"})), ("0.5.3", "0.16.0")),
        (Evidence(missing=frozenset({"/is_sleeping"}), health_is_json=False), ("0.5.3", "0.10.2")),
        # What is there counts more than what is missing.
        (Evidence(health_is_json=True, missing=frozenset({"/is_sleeping"})), ("0.14.0", NEWEST)),
        (Evidence(health_is_json=True, metric_names=frozenset({"num_requests_finished"})), ("0.14.0", "0.14.0")),
    ],
)
def test_bands(evidence: Evidence, band: tuple[str, str] | None) -> None:
    assert band_from(evidence) == band


def test_landmarks_are_in_order() -> None:
    versions = [Version.parse(release) for release in RELEASES]
    assert all(first is not None and second is not None and first < second for first, second in pairwise(versions))
    for first, second in pairwise(RELEASES):
        assert before(second) == first
        assert after(first) == second
    assert before(RELEASES[0]) == RELEASES[0]
    assert after(NEWEST) == NEWEST


def test_certainly_newer_older_or_unknown() -> None:
    band = ("0.9.0", "0.12.2")
    assert at_least(band, "0.9.0") is True
    assert at_least(band, "0.10.0") is None
    assert at_least(band, "0.13.0") is False
    assert at_least(None, "0.1.0") is None


def test_unknown_releases_are_spoken_to_like_new_ones() -> None:
    assert dialect_for(None) == MODERN
    assert dialect_for(("0.5.3", "0.18.0"), "internlm2_5-7b-chat") == MODERN


def test_053() -> None:
    dialect = dialect_for(("0.5.3", "0.5.3"), "internlm2_5-7b-chat")
    assert not dialect.usage_on_request
    assert not dialect.modern_sampling
    assert not dialect.tools_stream
    assert dialect.tool_result == "environment"
    assert dialect_for(("0.5.3", "0.5.3"), "Meta-Llama-3.1-8B").tool_result == "tool"


def test_the_built_in_template_of_internlm2() -> None:
    assert dialect_for(("0.6.0", "0.9.2"), "internlm2_5-7b-chat").tool_result == "tool-plugin"
    assert dialect_for(("0.6.0", "0.9.2"), "Qwen2.5-7B").tool_result == "tool"
    assert dialect_for(("0.10.0", "0.11.0"), "internlm2_5-7b-chat").tool_result == "turns"
    assert dialect_for(("0.9.2", "0.10.0"), "internlm2_5-7b-chat").tool_result == "tool"
    assert dialect_for(None, "internlm2_5-7b-chat").tool_result == "tool"


def test_016_refuses_long_prompts_itself() -> None:
    assert dialect_for(("0.14.0", "0.15.0")).empty_length_is_full
    assert not dialect_for(("0.16.0", "0.18.0")).empty_length_is_full


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("/root/models/internlm2_5-1_8b-chat-w4a16-4bit", "internlm"),
        ("internlm3-8b-instruct", "internlm"),
        ("internlm/Intern-S1", "intern-s1"),
        ("Intern-S2-Preview", "interns2-preview"),
        ("Qwen/Qwen2.5-7B-Instruct", "qwen2d5"),
        ("Qwen3-8B", "qwen3"),
        ("Qwen3.5-35B", "qwen3coder"),
        ("qwen3_coder", "qwen3coder"),
        ("QwQ-32B", "qwen2d5"),
        ("Qwen-7B", "qwen"),
        ("Llama-3.3-70B", "llama3"),
        ("GLM-4.5-Air", "glm47"),
        ("moonshotai/Kimi-K2-Instruct", "kimi_k2"),
        ("DeepSeek-V3.2-Exp", "deepseek-v32"),
        ("DeepSeek-V4", "deepseek-v4"),
        ("C:\\models\\Qwen3-8B", "qwen3"),
        ("/data/qwen3/mine", "qwen3"),
        ("tiny-chat", None),
        ("/data/llama3/projects/run1/out/model", None),
        ("gpt-oss-20b", None),
        ("", None),
    ],
)
def test_parsers_by_family(model: str, name: str | None) -> None:
    parser = tool_parser_for(model)
    assert (parser.name if parser else None) == name


def test_parsers_know_since_when_they_exist() -> None:
    for parser in TOOL_PARSERS:
        assert Version.parse(parser.since) is not None
        assert parser.families


def test_internlm2_family() -> None:
    assert is_internlm2("/x/internlm2_5-7b-chat")
    assert is_internlm2("internlm3-8b")
    assert not is_internlm2("internlm-7b")
    assert not is_internlm2("Intern-S1")
