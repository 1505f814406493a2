"""One answer to one chat request: bytes in, deltas out. No input or output of its own, so any split can be tested."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from tui.lmdeploy.dialects import MODERN, Dialect
from tui.model.delta import Delta, StreamFinished
from tui.model.problem import Problem, ProblemError
from tui.server.chunks import ChunkDecoder
from tui.server.errors import NOTHING_ASKED, Asked, not_lmdeploy
from tui.server.sse import DONE, MAX_LINE, LineDecoder, payload_of


class AnswerReader:
    """Reads the body of a 200 answer, whatever form it has: an event stream, lines of bare JSON, one JSON body.

    ``on_line`` gets every line as it came. ``on_notice`` gets what went wrong without ending the answer.
    ``done`` becomes True with the server's end mark. What was decoded before an error is yielded before it is raised.
    """

    def __init__(
        self,
        content_type: str = "text/event-stream",
        *,
        asked: Asked = NOTHING_ASKED,
        dialect: Dialect = MODERN,
        on_line: Callable[[str], None] | None = None,
        on_notice: Callable[[Problem], None] | None = None,
        max_line: int = MAX_LINE,
    ) -> None:
        self.done = False
        self._content_type = content_type.partition(";")[0].strip().lower()
        self._asked = asked
        self._dialect = dialect
        self._on_line = on_line
        self._on_notice = on_notice
        self._max_line = max_line
        self._lines = LineDecoder(max_line)
        self._chunks = ChunkDecoder(asked)
        self._body = bytearray()  # of a JSON body, which may be spread over lines

    @property
    def complete(self) -> bool:
        """Whether the model's answer is all there, even if the end mark is not."""
        return self.done or self._chunks.finish_reason is not None

    @property
    def started(self) -> bool:
        """Whether anything of an answer was understood."""
        return self._chunks.chunks > 0

    def feed(self, piece: bytes) -> Iterator[Delta]:
        """The deltas that ``piece`` completes. Raises ProblemError for an error of the server and for a line that is
        too long; closing the request is up to the caller."""
        if self._content_type == "application/json":
            if len(self._body) + len(piece) > self._max_line:
                raise ProblemError(Problem("server.body_too_long", {"mebibytes": self._max_line // 1024 // 1024}))
            self._body += piece
            return
        yield from self._read(self._lines.feed(piece))

    def finish(self, cut: str = "") -> Iterator[Delta]:
        """The rest, after the last byte or after ``done``. ``cut`` says how the connection broke, if it did.

        Ends with StreamFinished, or raises ProblemError when this is no regular end."""
        if not self.done:
            yield from self._read_rest()
        yield from self._chunks.finish()
        self._notices()
        if not self.complete or not self.started:
            raise ProblemError(self._irregular_end(cut))
        reason = self._chunks.finish_reason
        if reason == "error":
            raise ProblemError(Problem("server.engine_failed", {"message": reason}))
        if reason == "length" and self._is_empty():
            raise ProblemError(Problem("server.context_full"))
        if not self.done and self._content_type != "application/json":
            self._notice(Problem("server.no_end_mark", detail=cut))
        yield StreamFinished(reason)

    def _read(self, lines: list[str]) -> Iterator[Delta]:
        for line in lines:
            if self.done:
                return
            if self._on_line is not None:
                self._on_line(line)
            payload = payload_of(line)
            if payload == DONE:
                self.done = True
            elif payload is not None:
                yield from self._chunks.decode(payload)
        if self._lines.overflow:
            raise ProblemError(Problem("server.line_too_long", {"mebibytes": self._max_line // 1024 // 1024}))

    def _read_rest(self) -> Iterator[Delta]:
        if not self._body:
            yield from self._read(self._lines.finish())
            return
        text = self._body.decode(errors="replace")
        if not _is_json(text):  # a stream under a wrong content type
            yield from self._read(self._lines.feed(bytes(self._body)) + self._lines.finish())
            return
        if self._on_line is not None:
            self._on_line(text)
        yield from self._chunks.decode(text)

    def _is_empty(self) -> bool:
        usage = self._chunks.usage
        counted = usage.completion_tokens if usage is not None else 0
        return self._dialect.empty_length_is_full and not self._chunks.produced and counted == 0

    def _notices(self) -> None:
        if self._lines.replaced:
            self._notice(Problem("server.bad_characters", {"lines": self._lines.replaced}))
        if self._chunks.bad and self.started:
            self._notice(Problem("server.bad_line", detail=self._chunks.bad))

    def _notice(self, problem: Problem) -> None:
        if self._on_notice is not None:
            self._on_notice(problem)

    def _irregular_end(self, cut: str) -> Problem:
        if self.started:
            return Problem("server.cut_off", detail=cut)
        if self._chunks.bad:
            return not_lmdeploy(self._asked.url, self._content_type, self._chunks.bad)
        return Problem("server.empty_answer", {"url": self._asked.url}, cut)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
