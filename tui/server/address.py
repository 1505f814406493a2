"""Where an lmdeploy server answers, read from whatever people paste."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from dataclasses import dataclass

from tui.model.problem import Problem, ProblemError

DEFAULT_PORT = 23333
"""lmdeploy's own default of ``--server-port`` (0.5.3 … 0.18)."""

# A path that belongs to the API or to its documentation page, not to a prefix of a reverse proxy.
_API_TAIL = re.compile(
    r"/(v1|docs|redoc|openapi\.json|health|metrics|nodes)(/[\w./-]*)?$|/index\.html$", re.ASCII | re.IGNORECASE
)
_WRAPPING = " \t\r\n\"'`<>()[]{}“”‘’「」『』《》〈〉【】,;，；。、"
_LOOKALIKES = str.maketrans({"。": ".", "．": ".", "：": ":", "／": "/", "\u200b": "", "\ufeff": ""})
_HOST = re.compile(r"[^\W_]([\w-]*[^\W_])?(\.[^\W_]([\w-]*[^\W_])?)*\.?")
_HOST_LOOSE = re.compile(r"[\w-]+(\.[\w-]+)*\.?")


def _bad(code: str, text: str, **data: str | int) -> ProblemError:
    return ProblemError(Problem(f"address.{code}", {"text": text[:200], **data}))


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server answers; knows nothing of SSH.

    ``base_url`` has neither a trailing slash nor ``/v1`` (``http://127.0.0.1:23333``); ``socket`` is the path of a
    unix socket to talk through instead of the network (tunnels), the URL then only fills the Host header.
    """

    base_url: str
    socket: str | None = None

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read ``host``, ``host:port``, a port alone, a URL, ``unix:/path``; forgiving about quotes, spaces,
        full-width characters, a missing scheme and API paths at the end. Without scheme and port lmdeploy's default
        port is meant; 0.0.0.0, which servers print as their own address, means this machine.

        Raises ProblemError: address.empty, address.scheme, address.user, address.host, address.port."""
        literal = text.strip(_WRAPPING)
        if literal.lower().startswith("unix:/"):
            return cls("http://localhost", "/" + literal[5:].lstrip("/"))
        cleaned = _clean(text)
        if not cleaned:
            raise _bad("empty", text)
        scheme, rest = _split_scheme(cleaned, text)
        rest = re.split(r"[?#]", rest, maxsplit=1)[0]
        authority, _, path = rest.partition("/")
        if not authority:
            raise _bad("empty", text)
        if "@" in authority:
            raise ProblemError(Problem("address.user"))  # the text may hold a password
        host, port = _split_port(authority, text)
        if port is None and not scheme:
            port = DEFAULT_PORT
        suffix = "" if port is None else f":{port}"
        return cls(f"{scheme or 'http'}://{host}{suffix}{_prefix(path)}")

    @property
    def host(self) -> str:
        """The host without brackets and port."""
        authority = self.base_url.partition("://")[2].partition("/")[0]
        if authority.startswith("["):
            return authority[1:].partition("]")[0]
        return authority.partition(":")[0]

    @property
    def port(self) -> int:
        """The port, the scheme's own one when the URL names none."""
        authority = self.base_url.partition("://")[2].partition("/")[0].rpartition("]")[2]
        _, colon, port = authority.rpartition(":")
        return int(port) if colon else (443 if self.is_tls else 80)

    @property
    def is_tls(self) -> bool:
        return self.base_url.startswith("https:")

    @property
    def is_local(self) -> bool:
        """This machine, or a socket on it: requests go direct and carry nothing from the environment."""
        if self.socket is not None or self.host == "localhost" or self.host.endswith(".localhost"):
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def shown(self) -> str:
        """What a person reads: the socket's path or the URL."""
        return self.socket or self.base_url

    @property
    def reference(self) -> str:
        """What brings one here again: text for :meth:`parse`."""
        return f"unix:{self.socket}" if self.socket else self.base_url

    def url(self, path: str) -> str:
        """The full URL of a route such as ``/health``."""
        return f"{self.base_url}{path}"


def _clean(text: str) -> str:
    text = unicodedata.normalize("NFKC", text.translate(_LOOKALIKES)).strip()
    # An IPv6 literal keeps its brackets; all other wrapping goes.
    bracketed = re.match(r"\[[0-9A-Fa-f:.%\w]+\]", text)
    inner = text if bracketed and ":" in bracketed[0] else text.lstrip(_WRAPPING)
    end = inner.rstrip(_WRAPPING + ".")
    if inner[len(end) :].startswith("]") and "[" in end and "]" not in end:
        end += "]"
    tidy = re.sub(r"\s*([:/])\s*", r"\1", end)
    return tidy if tidy.strip(":/") else ""


def _split_scheme(cleaned: str, text: str) -> tuple[str, str]:
    """The scheme (empty if none was written) and what follows it."""
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):/+", cleaned)
    if match is None:
        return "", cleaned.lstrip("/")
    scheme = match[1].lower()
    if scheme not in ("http", "https"):
        raise _bad("scheme", text, scheme=scheme)
    return scheme, cleaned[match.end() :]


def _split_port(authority: str, text: str) -> tuple[str, int | None]:
    """Host (an IPv6 literal in brackets) and port of an authority such as ``host:1``, ``[::1]:1``, ``::1``, ``1``."""
    if re.fullmatch(r"\d{1,6}", authority, re.ASCII):
        return "127.0.0.1", _port(authority, text)
    if authority.startswith("["):
        literal, _, tail = authority[1:].partition("]")
        if tail and not tail.startswith(":"):
            raise _bad("host", text)
        return _ipv6(literal, text), _port(tail[1:], text) if tail[1:] else None
    if authority.count(":") > 1:
        return _ipv6(authority, text), None
    host, _, port = authority.partition(":")
    return _host(host, text), _port(port, text) if port else None


def _ipv6(literal: str, text: str) -> str:
    try:
        address = ipaddress.IPv6Address(literal)
    except ValueError as error:
        raise _bad("host", text) from error
    return "[::1]" if address == ipaddress.IPv6Address("::") else f"[{literal.lower()}]"


def _host(host: str, text: str) -> str:
    if not host:
        return "127.0.0.1"  # ":23333"
    if not _HOST.fullmatch(host) and not _HOST_LOOSE.fullmatch(host):
        raise _bad("host", text)
    if re.fullmatch(r"[\d.]+", host, re.ASCII):
        try:
            ipaddress.IPv4Address(host)
        except ValueError as error:
            raise _bad("host", text) from error
    return "127.0.0.1" if host == "0.0.0.0" else host.lower()  # noqa: S104 (read from the user, not bound)


def _port(digits: str, text: str) -> int:
    if not re.fullmatch(r"\d+", digits, re.ASCII) or not 0 < int(digits[:9]) < 65536:
        raise _bad("port", text, port=digits[:40])
    return int(digits)


def _prefix(path: str) -> str:
    """The path of a reverse proxy before the API, without what belongs to the API itself."""
    stripped = "/" + path.strip("/")
    while (shorter := _API_TAIL.sub("", stripped)) != stripped:
        stripped = shorter
    return stripped.rstrip("/")
