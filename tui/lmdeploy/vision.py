"""Whether a model understands pictures, judged by its name. A server (0.18.0, ``async_engine``) refuses a picture for a
text model with status 400 "Multimodal input is not supported by this model."; names let lmdeck say so before."""

from __future__ import annotations

import re

from tui.lmdeploy.known_models import find_model

_SEES = re.compile(
    r"(?<![a-z])(?:vl|vlm|vision|omni|llava|ocr)(?![a-z])|internvl|xcomposer|cogvlm|minicpm[-_]?v|pixtral|molmo|mllama"
    r"|intern[-_]?s[12]|glm[-_]?4(?:[._]\d)?v|gemma[-_]?[34]|llama[-_]?4|qwen[-_]?3[._]5|phi[-_]?4[-_]?multimodal",
    re.IGNORECASE,
)
# Whole names as they are published, so that somebody's own mixture of words is not taken for one of them.
_READS_ONLY = re.compile(
    r"(?:internlm(?:2|2[._-]5|3)?(?:[-_](?:chat|math|base|instruct))*[-_]\d[\w.-]*"
    r"|qwen(?:1[._]5|2|2[._]5|3)?[-_](?:(?:coder|math|instruct|chat)[-_])?\d[\w.-]*|qwq[-_]\d[\w.-]*"
    r"|(?:meta[-_])?llama[-_]?(?:2|3|3[._]1|3[._]3)[-_]\d+b[\w.-]*|codellama[\w.-]*|vicuna[\w.-]*"
    r"|deepseek[-_](?:v2|v2[._]5|v3|v3[._]\d|r1|coder|llm)[\w.-]*|chatglm[23]?[-_]\d[\w.-]*|glm[-_]4[-_]9b[-_]chat[\w.-]*"
    r"|mi[sx]tral[-_][78]x?\d*b[\w.-]*|gpt[-_]oss[-_]\d[\w.-]*|lmdeck[-_]demo[\w.-]*)",
    re.IGNORECASE,
)


def sees_pictures(model: str) -> bool | None:
    """True and False only where the name (an id or a path) tells; None otherwise."""
    if (known := find_model(model)) is not None:
        return known[0].vision
    name = re.split(r"[/\\]", model.rstrip("/\\"))[-1]
    if _SEES.search(name):
        return True
    return False if _READS_ONLY.fullmatch(name) else None
