"""Which ``--tool-call-parser`` fits which family of models (names of 0.18.0, with the release that brought each)."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ToolParser:
    """A parser's name, the release that brought it, and how model names of its families look.

    ``special``: the family's markers are special tokens, which a server strips unless it is told not to."""

    name: str
    since: str
    families: str
    pattern: re.Pattern[str]
    special: bool = False


def _parser(name: str, since: str, families: str, pattern: str, *, special: bool = False) -> ToolParser:
    return ToolParser(name, since, families, re.compile(pattern, re.IGNORECASE), special)


# Most specific first: the first pattern that matches a model's name decides.
TOOL_PARSERS: tuple[ToolParser, ...] = (
    _parser("interns2-preview", "0.13.0", "Intern-S2 preview", r"intern[-_]?s2"),
    _parser("intern-s1", "0.9.2", "Intern-S1", r"intern[-_]?s1", special=True),
    _parser("internlm", "0.7.2", "InternLM2, InternLM2.5, InternLM3", r"internlm", special=True),
    _parser("qwen3coder", "0.12.2", "Qwen3-Coder, Qwen3.5", r"qwen[-_]?3[-_]?coder|qwen[-_]?3[._]5"),
    _parser("qwen3", "0.9.1", "Qwen3", r"qwen[-_]?3"),
    _parser("qwen2d5", "0.9.1", "Qwen2.5, QwQ", r"qwen[-_]?2[._]5|qwq"),
    _parser("qwen", "0.7.2", "Qwen", r"qwen|hermes"),
    _parser("llama3", "0.7.2", "Llama 3.1 and later", r"llama[-_]?3", special=True),
    _parser("glm47", "0.13.0", "GLM-4.5, GLM-4.7", r"glm[-_]?4[._][5-9]"),
    _parser("kimi_k2", "0.17.0", "Kimi-K2", r"kimi[-_]?k2", special=True),
    _parser("deepseek-v32", "0.15.0", "DeepSeek-V3.2", r"deepseek[-_]?v3[._]?2"),
    _parser("deepseek-v4", "0.15.0", "DeepSeek-V4", r"deepseek[-_]?v4"),
)

PARSER_NAMES = tuple(parser.name for parser in TOOL_PARSERS)


def tool_parser_for(model: str) -> ToolParser | None:
    """The parser for a model, judged by its id or path (its last parts are what people name models by); None when the
    name tells nothing. gpt-oss needs none: lmdeploy picks its parser by architecture."""
    for part in reversed(re.split(r"[/\\]", model)[-3:]):
        for parser in TOOL_PARSERS:
            if parser.pattern.search(part):
                return parser
    return None


def has_special_markers(model: str) -> bool:
    """Whether a model's tool markers may be special tokens: true where its family is not known."""
    parser = tool_parser_for(model)
    return parser is None or parser.special


def joins_roles(model: str) -> bool:
    """Whether a model's name is that of a published InternLM2, 2.5 or 3 chat model: since lmdeploy 0.10 their own
    template is used, which joins role and content and knows nothing of tools."""
    return re.search(r"internlm[-_]?[23].*(chat|instruct)", model, re.IGNORECASE) is not None


def is_internlm2(model: str) -> bool:
    """Whether a model's name says InternLM2, 2.5 or 3: the families whose template lmdeploy built in until 0.9.2."""
    return re.search(r"internlm[-_]?[23]", model, re.IGNORECASE) is not None
