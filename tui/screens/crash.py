"""A crash is told in one sentence; the report holds where it happened, but no text of the user and no keys.

Textual's own handler prints every local variable: messages and keys would land in terminal logs.
"""

from __future__ import annotations

import os
import platform
import re
import sys
import traceback
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from tui import __version__
from tui.config.paths import private_folder, state_folder

# What looks like a secret wherever it stands: bearer tokens, sk-… keys, key=value pairs, passwords in addresses.
_SECRETS = (
    re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}"),
    re.compile(r"\b(sk|hf|ghp|glpat|xox[abp])[-_][\w-]{6,}"),
    re.compile(
        r"(?i)\b([\w-]*(?:api[_-]?key|token|secret|password|passwd|authorization)[\w-]*['\"]?\s*[=:]\s*)['\"]?[^\s'\",}]+"
    ),
    re.compile(r"(://[^/\s:@]*:)[^@\s/]+(?=@)"),
)
_MESSAGE_LIMIT = 300


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """``text`` with known secrets and everything that looks like one replaced by ``[redacted]``."""
    for secret in secrets:
        if len(secret) >= 4:
            text = text.replace(secret, "[redacted]")
    text = _SECRETS[0].sub(r"\1 [redacted]", text)
    text = _SECRETS[1].sub("[redacted]", text)
    text = _SECRETS[2].sub(r"\1[redacted]", text)
    return _SECRETS[3].sub(r"\1[redacted]", text)


def describe(error: BaseException, secrets: Iterable[str] = ()) -> str:
    """The report: versions, the kind of error, and the way there (file, line, function). No locals.

    The error's own words are cut to their first line, since libraries put the data they failed on into them."""
    known = tuple(secrets)
    lines = [
        f"lmdeck {__version__}  Python {platform.python_version()}  {platform.platform()}",
        f"time {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}  TERM {os.environ.get('TERM', '')}",
        "",
    ]
    link: BaseException | None = error
    seen: set[int] = set()
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        message = (str(link).strip().splitlines() or [""])[0][:_MESSAGE_LIMIT]
        lines.append(redact(f"{type(link).__module__}.{type(link).__qualname__}: {message}", known))
        frames = traceback.extract_tb(link.__traceback__)
        lines.extend(f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames)
        link = link.__cause__ or link.__context__
    return "\n".join(lines) + "\n"


def write_report(error: BaseException, secrets: Iterable[str] = ()) -> Path:
    """Write the report into the state folder, readable by its owner only. Raises OSError."""
    folder = private_folder(state_folder() / "crashes")
    path = folder / f"crash-{datetime.now(UTC):%Y%m%d-%H%M%S}-{os.getpid()}.txt"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as stream:
        stream.write(describe(error, secrets))
    return path


def current_error() -> BaseException | None:
    """The exception that is being handled right now."""
    return sys.exc_info()[1]
