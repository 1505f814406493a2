"""ssh command lines as people paste them, read the way ssh reads its own (ssh(1) of OpenSSH 9, option letters of its
getopt string), without handing over anything that lmdeck does not mean."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tui.model.problem import ProblemError
from tui.ssh.target import Target, bad, clean, parse_destination, parse_port

# ssh's getopt string is 1246ab:c:e:fgi:kl:m:no:p:qstvxAB:CD:E:F:GI:J:KL:MNO:P:Q:R:S:TVw:W:XYy
WITH_VALUE = frozenset("bceilmopBDEFIJLOPQRSwW")
_BARE = frozenset("1246afgknqstvxACGKMNTVXYy")
_KEPT = frozenset("bcimBFJ")  # handed to ssh with their value
_KEPT_BARE = frozenset("46")
_AS_OPTION = {"p": "Port", "l": "User"}
# These run a program or load a library on this machine.
_DANGEROUS = frozenset(
    ("proxycommand", "localcommand", "permitlocalcommand", "knownhostscommand", "pkcs11provider", "securitykeyprovider",
     "smartcarddevice", "xauthlocation", "match", "include")
)  # fmt: skip
# These would undo what the tunnel is made of; lmdeck decides them.
_OURS = frozenset(
    ("localforward", "remoteforward", "dynamicforward", "gatewayports", "controlmaster", "controlpath",
     "controlpersist", "remotecommand", "requesttty", "batchmode", "forkafterauthentication", "stdinnull",
     "sessiontype", "clearallforwardings", "exitonforwardfailure", "streamlocalbindunlink", "loglevel", "tunnel",
     "serveraliveinterval", "serveralivecountmax", "permitremoteopen", "escapechar", "forwardagent", "forwardx11",
     "forwardx11trusted", "logverbose", "syslogfacility")
)  # fmt: skip
_PROMPT = re.compile(
    r"^(?:\(\w+\)\s*)?(?:PS\s+)?(?:[\w@.:~/\\-]*\s*[$#>%!]\s*)?(?=(?:\S*/)?ssh(?:\.exe)?\s)", re.IGNORECASE
)
_SSH = re.compile(r"^(?:\S*/)?ssh(?:\.exe)?\s", re.IGNORECASE)


def is_command_line(text: str) -> bool:
    """Whether cleaned text is a command line of ssh (a shell's prompt before it does not matter)."""
    return bool(_SSH.match(_PROMPT.sub("", text, count=1) + " ")) and len(text.split()) > 1


def parse_command_line(text: str) -> Target:
    """A Target from ``ssh …``. The first -L says where the server is. Raises ProblemError as ``parse_target``."""
    joined = re.sub(r"[\\`^]\s*\n\s*", " ", clean(text))  # lines continued in sh, PowerShell and cmd
    line = _PROMPT.sub("", joined, count=1)
    try:
        # A backslash before a letter is part of a Windows path, not an escape.
        words = shlex.split(re.sub(r"\\(?=[\w.])", r"\\\\", line.replace("\n", " ")))
    except ValueError:
        raise bad("bad_command_line", text=text) from None
    return _target(_read(words[1:]))


def parse_options(words: Sequence[str]) -> Target:
    """Options alone, one word each, as the user wrote them into a profile or behind ``--ssh-option``; what runs
    programs is taken as meant. The host of the result is a placeholder. Raises ProblemError."""
    found = _read(list(words))
    if found.rest:
        raise bad("unknown_option", option=found.rest[0])
    found.rest.append("placeholder")
    return _target(found).accepted()


def with_options(target: Target, words: Sequence[str]) -> Target:
    """``target`` with more options; what the words say of user, port and server wins. Raises ProblemError."""
    if not words:
        return target
    more = parse_options(words)
    server = more if more.names_server else target
    return replace(
        target,
        user=more.user or target.user,
        port=more.port or target.port,
        options=(*more.options, *target.options),
        server_host=server.server_host,
        server_port=server.server_port,
        names_server=server.names_server,
    )


@dataclass
class _Found:
    """What a command line said."""

    pairs: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    rest: list[str] = field(default_factory=list[str])
    dropped: list[str] = field(default_factory=list[str])


def _read(words: list[str]) -> _Found:
    """Letters with their values, in their order; ssh takes options before and behind the host."""
    found = _Found()
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if word == "--":
            found.rest += words[at:]
            break
        if not word.startswith("-") or word == "-":
            if found.rest:  # the command to run there
                found.dropped += words[at - 1 :]
                break
            found.rest.append(word)
            continue
        at += _cluster(word, words[at:], found)
    return found


def _cluster(word: str, following: list[str], found: _Found) -> int:
    """One word of options such as ``-CNgL`` or ``-p22``; the number of words behind it that were used."""
    for place, letter in enumerate(word[1:], 1):
        if letter in WITH_VALUE:
            value = word[place + 1 :]
            if value:
                found.pairs.append((letter, value))
                return 0
            if not following:
                raise bad("bad_command_line", text=word)
            found.pairs.append((letter, following[0]))
            return 1
        if letter not in _BARE:
            raise bad("unknown_option", option=word)
        found.pairs.append((letter, ""))
    return 0


def _target(found: _Found) -> Target:
    if not found.rest:
        raise bad("empty_target")
    # To ssh itself ``host:port`` is no port, but people mean one.
    built = _Built(parse_destination(found.rest[0].removeprefix("ssh://").rstrip("/")), found.rest[1:])
    for letter, value in found.pairs:
        built.take(letter, value)
    built.dropped += found.dropped
    return built.finish()


@dataclass
class _Built:
    """A Target in the making: option by option."""

    target: Target
    dropped: list[str]
    options: list[str] = field(default_factory=list[str])
    dangerous: list[str] = field(default_factory=list[str])
    servers: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])

    def take(self, letter: str, value: str) -> None:
        """One option. Raises ProblemError."""
        if letter in _AS_OPTION:
            self.take_setting(f"{_AS_OPTION[letter]}={value}")
        elif letter == "o":
            self.take_setting(value)
        elif letter == "L":
            self._forward(value)
        elif letter == "I":
            self.dangerous += ["-I", value]
        elif letter in _KEPT:
            if letter == "J" and value.lower() != "none":
                for hop in value.split(","):
                    parse_destination(hop.removeprefix("ssh://"))
            self.options += [f"-{letter}", value]
        elif letter in _KEPT_BARE:
            self.options.append(f"-{letter}")
        else:
            self.dropped.append(f"-{letter} {value}".strip())

    def take_setting(self, text: str) -> None:
        """One ``-o``: ``Key=value`` or ``Key value``. Raises ProblemError."""
        match = re.fullmatch(r"\s*(\w+)\s*(?:=|\s)\s*(.*?)\s*", text, re.DOTALL)
        if match is None:
            raise bad("unknown_option", option=f"-o {text}")
        key, value = match[1], match[2]
        lower = key.lower()
        if lower == "port":
            self.target = replace(self.target, port=self.target.port or parse_port(value))
        elif lower == "user":
            self.target = replace(self.target, user=self.target.user or parse_destination(f"{value}@x").user)
        elif lower in _DANGEROUS and value.lower() not in ("none", "no"):
            self.dangerous += ["-o", f"{key}={value}"]
        elif lower in _OURS:
            self.dropped.append(f"-o {key}={value}")
        else:
            self.options += ["-o", f"{key}={value}"]

    def _forward(self, value: str) -> None:
        """The far end of ``[bind:]port:host:hostport``; sockets are not lmdeploy servers and are left out."""
        parts = re.findall(r"\[[^\]]*\]|[^:]+|(?<=:)(?=:)|^(?=:)", value)
        try:
            if len(parts) not in (3, 4) or "/" in value:
                raise ValueError(value)
            host, port = parts[-2].strip("[]"), parse_port(parts[-1])
        except (ValueError, ProblemError):
            self.dropped.append(f"-L {value}")
            return
        self.servers.append(("127.0.0.1" if host in ("localhost", "0.0.0.0") else host, port))  # noqa: S104

    def finish(self) -> Target:
        """The Target; the first forward says where the server is."""
        target = self.target
        if self.servers:
            (host, port), *more = self.servers
            target = replace(target, server_host=host, server_port=port, more_servers=tuple(more), names_server=True)
        return replace(
            target,
            options=tuple(self.options),
            dangerous=tuple(self.dangerous),
            dropped=tuple(dict.fromkeys(self.dropped)),
        )
