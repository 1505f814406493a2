"""Tool calls in the model's own markup → deltas, for servers that do not parse them.

All families of :data:`tui.lmdeploy.parsers.TOOL_PARSERS` are read by the same parser, told apart by their markers
(lmdeploy 0.18.0's tool parsers; the markup of each is in :mod:`tui.lmdeploy.tool_markup_blocks`): a server's model need
not be known by name. What looks like markup and is none stays text.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import suppress
from typing import Any

from tui.lmdeploy.code_state import CodeState
from tui.lmdeploy.tool_markup_blocks import BLOCKS, NotACallError
from tui.lmdeploy.tool_markup_input import Input, Out, Piece
from tui.model.events import TextDelta

# The end tokens of the families' templates: they arrive when special tokens are not skipped.
END_TOKENS = (
    "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "<|endoftext|>", "</s>", "[EOS]",
    "<｜end▁of▁sentence｜>", "<|user|>", "<|observation|>",
)  # fmt: skip
# Markers that are ordinary text to a tokenizer, so that an answer about tool calls may show them as code.
_ORDINARY = ("<tool_call>", "<function=")
_MARKS = (*BLOCKS, *END_TOKENS)

FIRST_INDEX = 1000
"""Index of the first call found here, above those that a server gives."""


class MarkupParser:
    """Feed it the content of one answer in any pieces; the text and the calls it gives back do not depend on how it
    was cut. ``schemas`` (tool name → JSON Schema of its arguments) type the values of markup that has none."""

    def __init__(self, schemas: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self._input = Input()
        self._out = Out(schemas or {}, FIRST_INDEX)
        self._code = CodeState()
        self._quiet = True  # nothing but white space since the beginning or the last call
        self._held = ""  # what was not given out yet: it is dropped when a call follows
        self._run = self._main()
        self._over = False
        self._advance()

    @property
    def calls(self) -> int:
        """How many calls were found so far."""
        return self._out.index - FIRST_INDEX

    def feed(self, text: str) -> list[Piece]:
        self._input.add(text)
        return self._advance()

    def finish(self) -> list[Piece]:
        """What was held back, when the answer is over. A call that was cut stays incomplete JSON."""
        self._input.close()
        return self._advance()

    def _advance(self) -> list[Piece]:
        if not self._over:
            try:
                next(self._run)
            except StopIteration:
                self._over = True
        return self._out.take()

    def _main(self) -> Generator[None, None, None]:
        while True:
            mark = yield from self._text()
            if not mark:
                return
            if mark in END_TOKENS:
                yield from self._end_token(mark)
            elif mark in _ORDINARY and self._code.inside:
                self._say(mark)
            else:
                yield from self._block(mark)

    def _text(self) -> Generator[None, None, str]:
        """Give text out up to the next marker, which is taken; empty at the end of the answer."""
        while True:
            text, mark = yield from self._input.text_until(_MARKS)
            if text:
                self._say(text)
            if mark or self._input.at_end:
                break
        if not mark and not self.calls:
            self._flush()
        return mark

    def _end_token(self, mark: str) -> Generator[None, None, None]:
        """An end token is dropped at the end of the answer and text everywhere else."""
        space = yield from self._input.space()
        following = yield from self._input.one_of(END_TOKENS, take=False)
        if following or self._input.at_end:
            return
        self._say(mark + space)

    def _block(self, mark: str) -> Generator[None, None, None]:
        found = self.calls
        self._input.remember()
        with suppress(NotACallError):
            yield from BLOCKS[mark](self._input, self._out)
            if self.calls > found:
                self._input.commit()
        if self.calls > found:
            self._quiet, self._held = True, ""
        else:
            self._say(mark)
        self._input.give_back()

    def _say(self, text: str) -> None:
        self._held += text
        if not self._quiet or text.strip():
            self._quiet = False
            self._flush()

    def _flush(self) -> None:
        text, self._held = self._held, ""
        if text:
            self._code.feed(text)
            self._out.text(text)


def plain(pieces: list[Piece]) -> str:
    """The text among pieces."""
    return "".join(piece.text for piece in pieces if isinstance(piece, TextDelta))
