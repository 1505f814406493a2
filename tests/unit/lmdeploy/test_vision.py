"""Which names say that a model understands pictures, and which say that it does not."""

from __future__ import annotations

import pytest

from tui.lmdeploy.vision import sees_pictures


@pytest.mark.parametrize(
    "name",
    [
        "OpenGVLab/InternVL2-26B-AWQ", "internvl2-26b", "Qwen2-VL-7B-Instruct", "Qwen/Qwen2.5-VL-3B-Instruct-AWQ",
        "/root/models/InternVL2_5-8B", "llava-v1.5-7b", "internlm-xcomposer2-4khd-7b", "MiniCPM-V-2_6", "Qwen3-VL-8B",
        "Llama-3.2-11B-Vision-Instruct", "internlm/Intern-S1", "deepseek-vl2", "GLM-4.1V-9B-Thinking", "gemma-3-12b-it",
        "Qwen2.5-Omni-7B", "cogvlm2-llama3-chat-19B", "GLM-4V-9B", "Qwen3.5-4B",
    ],
)  # fmt: skip
def test_vision_models(name: str):
    assert sees_pictures(name) is True


@pytest.mark.parametrize(
    "name",
    [
        "internlm2_5-1_8b-chat-w4a16-4bit", "internlm/internlm2_5-7b-chat", "internlm2-chat-20b",
        "internlm3-8b-instruct",
        "/root/models/internlm2_5-1_8b-chat/", "Qwen/Qwen3-0.6B", "Qwen2.5-7B-Instruct-AWQ", "qwen-7b-chat", "QwQ-32B",
        "Meta-Llama-3-8B-Instruct", "llama-3.1-8b-instruct", "Llama-2-7b-chat-hf", "deepseek-r1-distill-qwen-7b",
        "Mixtral-8x7B-Instruct-v0.1", "Mistral-7B-v0.3", "gpt-oss-20b", "chatglm3-6b", "lmdeck-demo", "glm-4-9b-chat",
        "Qwen3-30B-A3B-Instruct-2507", "Qwen2.5-Coder-7B", "DeepSeek-V3.1",
    ],
)  # fmt: skip
def test_text_models(name: str):
    assert sees_pictures(name) is False


@pytest.mark.parametrize("name", ["", "gpt-4", "my-model", "qwen", "internlm", "my-internlm2-with-eyes", "Kimi-K2.5"])
def test_other_names_tell_nothing(name: str):
    assert sees_pictures(name) is None
