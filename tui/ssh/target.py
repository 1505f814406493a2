"""Where to go and how: ``ssh://`` addresses, aliases, and the ssh lines that people paste."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field, replace

from tui.model.problem import Problem, ProblemError

SERVER_PORT = 23333
"""lmdeploy's own default of ``--server-port``."""

_HOST = re.compile(r"[A-Za-z0-9_\u0080-\uffff][\w.%-]*")
_USER = re.compile(r"[A-Za-z0-9_\u0080-\uffff][\w.+@\\-]*")
_IPV6 = re.compile(r"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%[\w.-]+)?")


@dataclass(frozen=True, slots=True)
class Target:
    """A machine as ssh is to be told of it, and the servers wanted there.

    ``host`` is a name or an alias of ~/.ssh/config and never begins with a dash; ``user`` and ``port`` are empty where
    the configuration decides. ``options`` are words for ssh, checked. ``dangerous`` are options of a pasted line that
    run programs or load libraries here: they are not in ``options`` until :meth:`accepted`. ``dropped`` are words that
    were left out because lmdeck does it another way. ``names_server``: the user said where the server is."""

    host: str
    user: str = ""
    port: int | None = None
    options: tuple[str, ...] = ()
    server_host: str = "127.0.0.1"
    server_port: int = SERVER_PORT
    more_servers: tuple[tuple[str, int], ...] = ()
    dangerous: tuple[str, ...] = ()
    dropped: tuple[str, ...] = field(default=(), compare=False)
    new_host_each_time: bool = False
    names_server: bool = field(default=False, compare=False)

    @property
    def login(self) -> str:
        """``user@host:port`` with what is known, for people."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        user = f"{self.user}@" if self.user else ""
        return f"{user}{host}" + (f":{self.port}" if self.port else "")

    @property
    def server(self) -> str:
        """``host:port`` of the server, as seen from the machine."""
        return join_host(self.server_host, self.server_port)

    @property
    def url(self) -> str:
        """The address in one text: ``ssh://user@host:port/server:port``."""
        return f"ssh://{self.login}/{self.server}"

    @property
    def words(self) -> tuple[str, ...]:
        """Login and destination for ssh's command line; the host stands behind ``--``."""
        user = ("-l", self.user) if self.user else ()
        port = ("-p", str(self.port)) if self.port else ()
        return (*user, *port, "--", self.host)

    def accepted(self) -> Target:
        """The same with the dangerous options, once the user has said yes to them."""
        return replace(self, options=(*self.options, *self.dangerous), dangerous=())


def join_host(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def clean(text: str) -> str:
    """Pasted text made plain: full-width characters, curly quotes and long dashes become what a shell reads."""
    text = unicodedata.normalize("NFKC", text.translate(_LOOKALIKES))
    return "".join(char for char in text if char.isprintable() or char in "\t\n").strip()


_LOOKALIKES = {
    **dict.fromkeys(map(ord, "“”„‟「」『』"), '"'),
    **dict.fromkeys(map(ord, "‘’‚‛"), "'"),
    **dict.fromkeys(map(ord, "–—−‐‑‒―"), "-"),
    ord("。"): ".",
    ord("．"): ".",
    ord("、"): ",",
    **dict.fromkeys((0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF), None),
}


def bad(code: str, **data: str | int) -> ProblemError:
    return ProblemError(Problem(f"ssh.{code}", {key: _short(value) for key, value in data.items()}))


def _short(value: str | int) -> str | int:
    return value[:200] if isinstance(value, str) else value


def parse_target(text: str) -> Target:
    """Read ``ssh://[user@]host[:port][/server_host:server_port]``, ``[user@]host[:port]`` or an alias, or a pasted
    command line that begins with ``ssh``.

    Raises ProblemError: ssh.empty_target, ssh.bad_host, ssh.bad_user, ssh.bad_port, ssh.password_in_url,
    ssh.bad_command_line, ssh.unknown_option, ssh.scheme."""
    plain = clean(text)
    if not plain.strip("\"'` "):
        raise bad("empty_target")
    from tui.ssh.command_line import is_command_line, parse_command_line

    if is_command_line(plain):
        return parse_command_line(plain)
    word = plain.strip("\"'`<>,; \t\n")
    scheme, mark, rest = word.partition("://")
    if mark and scheme.lower() != "ssh":
        raise bad("scheme", scheme=scheme)
    place, _, server = (rest if mark else word).partition("/")
    target = parse_destination(place)
    server = server.rstrip("/")
    if not server:
        return target
    host, port = split_host(server, numbers_are_ports=True)
    place = _checked_host(host or "127.0.0.1")
    return replace(target, server_host=place, server_port=port or SERVER_PORT, names_server=True)


def parse_destination(text: str) -> Target:
    """``[user@]host[:port]``, where the port may also be missing. Raises ProblemError as :func:`parse_target`."""
    user, at, place = text.strip().rpartition("@")
    if ":" in user:
        raise bad("password_in_url")
    if at and not _USER.fullmatch(user):
        raise bad("bad_user", user=user)
    host, port = split_host(place)
    return Target(_checked_host(host), user, port)


def split_host(text: str, *, numbers_are_ports: bool = False) -> tuple[str, int | None]:
    """``host``, ``host:port``, ``[v6]:port`` or ``v6``; a bare number may mean a port. Raises ProblemError."""
    if numbers_are_ports and text.isascii() and text.isdigit():
        return "", parse_port(text)
    if text.startswith("["):
        host, closed, rest = text[1:].partition("]")
        if not closed or (rest and not rest.startswith(":")):
            raise bad("bad_host", host=text)
        return host, parse_port(rest[1:]) if rest[1:] else None
    if text.count(":") > 1:
        return text, None
    host, _, port = text.partition(":")
    return host, parse_port(port) if port else None


def parse_port(text: str) -> int:
    """Raises ProblemError(ssh.bad_port)."""
    if not (text.isascii() and text.isdigit()) or not 0 < int(text[:9]) < 65536:
        raise bad("bad_port", port=text)
    return int(text)


def _checked_host(host: str) -> str:
    if not host:
        raise bad("empty_target")
    if not (_IPV6.fullmatch(host) if ":" in host else _HOST.fullmatch(host)):
        raise bad("bad_host", host=host)
    return host
