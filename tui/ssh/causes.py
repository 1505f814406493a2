"""Why ssh ended or refused: read from what it said (texts of OpenSSH 7.4 … 10, the same in every language)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tui.model.problem import Problem, Value

# In this order: the first that matches anywhere in ssh's words is the cause. Groups fill the sentence.
_CAUSES: tuple[tuple[str, str], ...] = (
    ("host_key_changed", r"REMOTE HOST IDENTIFICATION HAS CHANGED"),
    ("host_key_revoked", r"REVOKED HOST KEY|host key .* is (?:marked as )?revoked"),
    ("host_key_unknown", r"No .* host key is known for (?P<host>\S+) and you have requested strict checking"),
    ("key_file_open", r"Permissions \d+ for '(?P<file>[^']+)' are too open"),
    ("config_permissions", r"Bad owner or permissions on (?P<file>.+)"),
    ("bad_config", r"(?P<says>.*(?:Bad configuration option|terminating, \d+ bad configuration"
                   r"|Can't open user config file|command-line line \d+:|unknown option --).*)"),
    ("name_not_found", r"Could not resolve hostname (?P<host>.+?): "),
    ("behind_jump", r"(?:stdio forwarding failed|channel 0: open failed: (?P<says>.*))"),
    ("port_taken", r"(?:cannot listen to port: (?P<port>\d+)|bind \[.*\]:(?P<port2>\d+): Address already in use)"),
    ("forward_failed", r"(?:Could not request local forwarding|[Pp]ort forwarding failed)"),
    ("too_many_keys", r"Too many authentication failures"),
    ("password_expired", r"(?:password has expired|(?:are required to|must) change your password)"),
    ("account_closed", r"(?:account is currently not available|account has expired|User .* not allowed)"),
    ("permission_denied", r"Permission denied(?: \((?P<methods>[^)]*)\))?"),
    ("no_methods", r"No supported authentication methods available"),
    ("no_common_algorithm", r"no matching (?P<what>[\w ]+?) found.*?(?:Their offer: (?P<offer>\S+))?$"),
    ("host_key_declined", r"Host key verification failed"),
    ("peer_silent", r"Timeout, server (?P<host>.+?) not responding"),
    ("refused", r"connect to (?:host (?P<host>\S+) port (?P<port>\d+)|address .*): Connection refused"),
    ("timed_out", r"(?:connect to (?:host (?P<host>\S+) port (?P<port>\d+)|address .*): "
                  r"(?:Connection|Operation) timed out|banner exchange.*timed out|Connection timed out during)"),
    ("no_route", r"(?:No route to host|Network is unreachable|Host is down|Can't assign requested address)"),
    ("not_ssh", r"(?:[Bb]ad (?:remote )?protocol version|banner (?:line contains invalid|exchange: .*invalid format)"
                r"|Protocol major versions differ)"),
    ("closed_early", r"kex_exchange_identification: (?P<says>.*)|Connection (?:closed|reset) by .*\[preauth\]"),
    ("proxy_failed", r"(?:ProxyCommand|proxy dialer|exec of proxy|Connection closed by UNKNOWN port)"),
    ("closed_by_host", r"Connection to \S+ closed by remote host"),
    ("closed_by_host", r"Connection (?:closed|reset) by (?P<host>\S+) port (?P<port>\d+)"),
    ("connection_broken", r"(?:Broken pipe|Connection reset by peer|Software caused connection abort)"),
)  # fmt: skip
_TABLE = tuple((code, re.compile(pattern, re.MULTILINE)) for code, pattern in _CAUSES)

NEEDS_YOU = frozenset(
    f"ssh.{code}"
    for code in (
        "host_key_changed", "host_key_revoked", "host_key_unknown", "host_key_declined", "key_file_open", "bad_config",
        "config_permissions", "too_many_keys", "password_expired", "account_closed", "permission_denied", "no_methods",
        "no_common_algorithm", "not_ssh", "unanswered", "declined", "no_client", "not_openssh", "old_client",
        "no_private_folder", "no_shell",
    )
)  # fmt: skip
"""Only the user can do something about these: no automatic retry."""

UNREACHABLE = frozenset(("ssh.refused", "ssh.timed_out", "ssh.no_route", "ssh.name_not_found", "ssh.peer_silent"))
"""The machine is not there (yet)."""

_OPEN_FAILED = re.compile(r"channel (?P<channel>\d+): open failed: (?P<reason>[^:]+)(?:: (?P<detail>.*))?")
_NOISE = re.compile(
    r"^(?:debug\d|Authenticated to |Transferred: |Bytes per second|Warning: Permanently added|Authenticating to |"
    r"\*\* |$)|post-quantum|store now, decrypt later|may need to be upgraded"
)
_AUTHENTICATED = re.compile(r"^Authenticated to (?P<host>.+?) \(")


def cause_of(lines: Iterable[str], code: int | None, host: str) -> Problem:
    """The reason why ssh ended with ``code`` (negative: by that signal) after it said ``lines``."""
    said = [line for line in lines if not _NOISE.search(line)]
    text = "\n".join(said)
    for name, pattern in _TABLE:
        if match := pattern.search(text):
            groups: dict[str, Value] = {key: value for key, value in match.groupdict().items() if value}
            if "port2" in groups:
                groups["port"] = groups.pop("port2")
            return Problem(f"ssh.{name}", {**_DEFAULTS, "host": host, "says": _first(said), **groups}, text)
    if code is not None and code < 0:
        return Problem("ssh.killed", {"host": host, "signal": -code}, text)
    if code in (126, 127):
        return Problem("ssh.no_shell", {"host": host, "says": _first(said)}, text)
    if said:
        return Problem("ssh.failed", {"host": host, "says": said[-1][:200], "code": code or 0}, text)
    return Problem("ssh.ended", {"host": host, "code": code or 0}, text)


_DEFAULTS: dict[str, Value] = {"methods": "?", "port": "22", "what": "?", "offer": "?", "file": "?", "server": "?"}


def _first(said: list[str]) -> str:
    return said[0][:200] if said else ""


def open_failure(line: str) -> Problem | None:
    """What a line says about a forwarded connection that the far side refused: None for other lines."""
    match = _OPEN_FAILED.search(line)
    if match is None:
        return None
    reason, detail = match["reason"].strip(), (match["detail"] or "").strip()
    if reason == "administratively prohibited":
        return Problem("ssh.forwarding_prohibited", {}, line)
    if reason == "connect failed" and "refused" in detail:
        return Problem("ssh.not_listening", {}, line)
    return Problem("ssh.open_failed", {"says": f"{reason}: {detail}".rstrip(": ")[:200]}, line)


def is_authenticated(line: str) -> bool:
    """Whether a line says that a login succeeded (LogLevel VERBOSE)."""
    return bool(_AUTHENTICATED.match(line))
