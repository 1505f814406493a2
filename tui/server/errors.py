"""Everything a server or the way to it can answer instead of what was asked → a typed :class:`Problem`.

Texts are those of lmdeploy 0.5.3 … 0.18.0 (its routes' error bodies, its proxy's codes); the raw body is kept, bounded,
in ``Problem.detail``. Two entries: :func:`problem_of_reply` for a status that is not 200 and
:func:`problem_in_answer` for an error inside a 200 answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from tui.lmdeploy.parsers import PARSER_NAMES, tool_parser_for
from tui.model.problem import Problem, Value

Json = dict[str, Any]

MAX_DETAIL = 4000
"""Characters of a raw body that are kept."""

PROXY_CODES = {10400: "server.proxy_model", 10401: "server.proxy_unavailable", 10402: "server.proxy_timeout"}
"""``error_code`` of lmdeploy's proxy."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked, as far as an error's sentence needs it. ``sent_key``: an API key went along."""

    url: str = ""
    model: str = ""
    offered: tuple[str, ...] = ()
    sent_key: bool = False
    sent_tools: bool = False


NOTHING_ASKED = Asked()


def message_of(body: Any) -> str:
    """The human part of an error body: ``error.message``, ``message``, ``detail.error.message``, ``detail``, ``text``;
    "" when there is none."""
    if not isinstance(body, dict):
        return ""
    fields = cast("Json", body)
    for path in (
        ("error", "message"),
        ("message",),
        ("detail", "error", "message"),
        ("detail",),
        ("text",),
        ("error",),
    ):
        value: Any = fields
        for key in path:
            value = cast("Json", value).get(key) if isinstance(value, dict) else None
        if isinstance(value, str) and value:
            return value
    return ""


def problem_in_answer(body: Mapping[str, Any], raw: str, asked: Asked = NOTHING_ASKED) -> Problem | None:
    """The problem that a JSON object inside a 200 answer stands for; None when it is no error.

    0.5.3 sends its errors this way (``object: "error"``), later releases failures in mid-stream (``{"error": …}``),
    the proxy a bare ``{"error_code": …}`` for a dead node."""
    code = body.get("error_code")
    if isinstance(code, int):
        return Problem(
            PROXY_CODES.get(code, "server.proxy_other"), {"code": code, "message": _short(message_of(body))}, _cut(raw)
        )
    if body.get("object") == "error" or "error" in body or "detail" in body:
        nested = body.get("error")
        fields: Mapping[str, Any] = cast("Json", nested) if isinstance(nested, dict) else body
        status = fields.get("code")
        message = message_of(body)
        known = _known_message(message, raw, asked)
        if known is not None:
            return known
        if status == 404:
            return unknown_model(asked, raw)
        return Problem("server.stream_error", {"message": _short(message)}, _cut(raw))
    return None


def problem_of_reply(
    status: int, content_type: str, body: bytes, location: str = "", asked: Asked = NOTHING_ASKED
) -> Problem:
    """The problem behind an HTTP answer whose status is not 200."""
    raw = body.decode(errors="replace")
    if 300 <= status < 400:
        return Problem("server.redirect", {"url": asked.url, "target": _short(location)}, _cut(raw))
    parsed = _json_object(raw)
    if status == 401:
        return Problem("server.key_rejected" if asked.sent_key else "server.key_missing", {"url": asked.url}, _cut(raw))
    if parsed is None:
        return _problem_of_text(status, content_type, raw, asked)
    known = _known_message(message_of(parsed), raw, asked)
    if known is not None:
        return known
    return _problem_of_status(status, parsed, raw, asked)


def _problem_of_text(status: int, content_type: str, raw: str, asked: Asked) -> Problem:
    """An answer without a JSON object: plain text of lmdeploy's server, or a page of something else."""
    if "plain HTTP request was sent to HTTPS port" in raw or "HTTP request to an HTTPS server" in raw:
        return Problem("server.tls_needed", {"url": asked.url, "better": _https(asked.url)}, _cut(raw))
    if status in (502, 503, 504):
        return Problem("server.gateway", {"status": status, "url": asked.url}, _cut(raw))
    if status == 500 and "html" not in content_type:
        return Problem("server.internal_error", {"status": status}, _cut(raw))
    return not_lmdeploy(asked.url, content_type, raw, status)


def _problem_of_status(status: int, body: Json, raw: str, asked: Asked) -> Problem:
    message = _short(message_of(body))
    if status == 404 and body.get("object") == "error":
        return unknown_model(asked, raw)
    simple = {404: "server.no_such_route", 405: "server.wrong_method", 403: "server.forbidden", 429: "server.too_many"}
    if status in simple:
        return Problem(simple[status], {"url": asked.url, "message": message}, _cut(raw))
    if status == 503:
        return Problem("server.unavailable", {"message": message}, _cut(raw))
    if status >= 500:
        return Problem("server.internal_error", {"status": status}, _cut(raw))
    return Problem("server.bad_request", {"status": status, "message": message}, _cut(raw))


def not_lmdeploy(url: str, content_type: str, raw: str, status: int = 200) -> Problem:
    """Something answers, but not lmdeploy: a web page, another kind of JSON, anything."""
    looks_html = "html" in content_type or raw.lstrip()[:200].lower().startswith(("<!doctype", "<html", "<?xml"))
    code = "server.web_page" if looks_html else "server.not_lmdeploy"
    return Problem(code, {"url": url, "status": status, "kind": _short(content_type or "?")}, _cut(raw))


def unknown_model(asked: Asked, raw: str) -> Problem:
    if asked.offered:
        data: dict[str, Value] = {"model": asked.model, "offered": ", ".join(asked.offered)}
        return Problem("server.model_unknown", data, _cut(raw))
    return Problem("server.model_unknown_alone", {"model": asked.model}, _cut(raw))


def no_tool_parser(model: str, raw: str) -> Problem:
    """The server was started without --tool-call-parser; names the parser for the model's family where it is known."""
    parser = tool_parser_for(model)
    if parser is None:
        return Problem("server.no_tool_parser_unknown", {"model": model, "parsers": ", ".join(PARSER_NAMES)}, _cut(raw))
    return Problem("server.no_tool_parser", {"model": model, "parser": parser.name}, _cut(raw))


_CONTEXT = re.compile(r"Input length \((\d+)\) must be smaller than the model context length \((\d+)\)")
_RANGE = re.compile(r"The `?(\w+)`? \S+ must be (?:in|a|an|>|<|less|greater)")
_SESSION = re.compile(r"The session_id `?(-?\d+)`? is occupied")


Builder = Callable[[re.Match[str], Asked], Problem]


def _context(match: re.Match[str], _: Asked) -> Problem:
    return Problem("server.context_too_long", {"tokens": int(match[1]), "limit": int(match[2])})


def _range(match: re.Match[str], _: Asked) -> Problem:
    return Problem("server.parameter", {"name": match[1], "message": _short(match.string)})


def _session(match: re.Match[str], _: Asked) -> Problem:
    return Problem("server.session_occupied", {"session": match[1]})


def _named(code: str) -> Builder:
    return lambda match, asked: Problem(code, {"message": _short(match.string), "url": asked.url})


# Searched in order; the first that matches decides.
_MESSAGES: tuple[tuple[re.Pattern[str], Builder], ...] = (
    (_CONTEXT, _context),
    (re.compile(r"Engine is sleeping"), _named("server.asleep")),
    (re.compile(r"requires at least one tool"), _named("server.tools_required")),
    (re.compile(r"Tool call arguments contain invalid JSON"), _named("server.history_arguments")),
    (re.compile(r"Multimodal input is not supported"), _named("server.no_images")),
    (re.compile(r"[Ll]ogprobs.*logprobs_mode"), _named("server.no_logprobs")),
    (re.compile(r"Only 'application/json' is allowed"), _named("server.media_type")),
    (re.compile(r"messages must not be empty"), _named("server.no_messages")),
    (_SESSION, _session),
    (_RANGE, _range),
    (re.compile(r"^tools?\b.*(Field required|[Ii]nput should|valid)"), _named("server.tool_schema")),
    (re.compile(r"^[\w.]+: \S.*"), _named("server.invalid_field")),
    (re.compile(r"[Ii]nternal server error"), _named("server.engine_failed")),
)  # fmt: skip


def _known_message(message: str, raw: str, asked: Asked) -> Problem | None:
    """The problem for a text that lmdeploy is known to send; None for others."""
    if not message:
        return None
    if "--tool-call-parser" in message:
        return no_tool_parser(asked.model, raw)
    if re.match(r"The model [`'].*[`'] does not exist", message, re.DOTALL):
        return unknown_model(asked, raw)
    if "valid api key" in message or message == "Unauthorized.":
        return Problem("server.key_rejected" if asked.sent_key else "server.key_missing", {"url": asked.url}, _cut(raw))
    if "preprocessing failed" in message:
        return Problem("server.template_tools" if asked.sent_tools else "server.template", {}, _cut(raw))
    for pattern, build in _MESSAGES:
        if match := pattern.search(message):
            problem = build(match, asked)
            return Problem(problem.code, problem.data, _cut(raw))
    return None


def _json_object(raw: str) -> Json | None:
    try:
        parsed = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return cast("Json", parsed) if isinstance(parsed, dict) else None


def _short(text: str) -> str:
    """One line of at most 300 characters, for a sentence; a dash where there is nothing to say."""
    line = " ".join(text.split()) or "–"
    return line if len(line) <= 300 else line[:299] + "…"


def _cut(raw: str) -> str:
    return raw if len(raw) <= MAX_DETAIL else raw[: MAX_DETAIL - 1] + "…"


def _https(url: str) -> str:
    return "https:" + url.partition(":")[2]
