"""How many tokens a text has, when no server counts it.

The estimate: 0.7 token for a wide (CJK) character, one token for every 3.6 other characters, 4 for the frame of every
message, 320 for a picture. It is meant for a meter, always shown as an estimate, and errs on the high side for
English prose (about 4 characters a token with the vocabularies of InternLM and Qwen) and for Chinese (0.55 to 0.7).
"""

from __future__ import annotations

import json

from tui.model.message import ImagePart, Message, ReasoningPart, TextPart, ToolCallPart, ToolResultPart
from tui.model.request import ChatRequest

MESSAGE_TOKENS = 4
IMAGE_TOKENS = 320


def text_tokens(text: str) -> int:
    """Estimated tokens of a text. UTF-8 tells wide characters from narrow ones at the speed of an encoder: CJK takes
    three bytes."""
    if not text:
        return 0
    characters = len(text)
    wide = (len(text.encode("utf-8", "replace")) - characters) / 2
    return max(1, round(wide * 0.7 + max(0.0, characters - wide) / 3.6))


def message_tokens(message: Message) -> int:
    """Estimated tokens of a message in a request: reasoning is not sent back, notices never are."""
    tokens = MESSAGE_TOKENS
    for part in message.parts:
        if isinstance(part, TextPart):
            tokens += text_tokens(part.text)
        elif isinstance(part, ToolCallPart):
            tokens += text_tokens(part.name) + text_tokens(part.arguments) + MESSAGE_TOKENS
        elif isinstance(part, ToolResultPart):
            tokens += text_tokens(part.content) + MESSAGE_TOKENS
        elif isinstance(part, ImagePart):
            tokens += IMAGE_TOKENS
    return tokens


def request_tokens(request: ChatRequest) -> int:
    """Estimated tokens of a whole request: system prompt, tools and messages."""
    tokens = MESSAGE_TOKENS + text_tokens(request.system) if request.system else 0
    for spec in request.tools:
        tokens += text_tokens(spec.name + spec.description + json.dumps(dict(spec.parameters), default=str))
    return tokens + sum(message_tokens(message) for message in request.messages)


def answer_tokens(message: Message) -> tuple[int, int]:
    """Estimated tokens that the model wrote: all of them, and those that were reasoning."""
    reasoning = sum(text_tokens(part.text) for part in message.parts if isinstance(part, ReasoningPart))
    rest = sum(text_tokens(part.text) for part in message.parts if isinstance(part, TextPart))
    calls = sum(text_tokens(call.name) + text_tokens(call.arguments) for call in message.tool_calls)
    return reasoning + rest + calls, reasoning
