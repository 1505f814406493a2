"""Checks a ``serve api_server`` command line against a release before anything is started.

What argparse or the engine would refuse after 15 seconds of imports is refused at once, with the sentence; a flag the
release lacks is named with the one it had or has (reference §1.1, §1.2).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tui.lmdeploy.kv import POLICIES, TURBOMIND_POLICIES
from tui.lmdeploy.option_table import OPTIONS
from tui.lmdeploy.options import Option, ServerCommand, find_option, parse_options
from tui.lmdeploy.versions import BASELINE, BLOCK_COUNT_UNTIL, Version
from tui.model.problem import Problem

EXPLAINED = frozenset(
    {
        "--disable-vision-encoder",
        "--language-model-only",
        "--enable-metrics",
        "--disable-metrics",
        "--trust-remote-code",
        "--num-gpu-blocks",
        "--tool-call-parser",
        "--reasoning-parser",
        "--generation-config",
        "--cap",
        "--meta-instruction",
        "--max-log-len",
    }
)
"""Flags of which the problem ``serve.lacks--FLAG`` says what a release without it had or has in its place."""

FORMATS_SINCE = {
    "gptq": Version(0, 6, 0),
    "fp8": Version(0, 9, 0),
    "mxfp4": Version(0, 10, 0),
    "compressed-tensors": Version(0, 13, 0),
}
LLAMA_FORMAT_UNTIL = Version(0, 9, 0)
POLICY_NAMES_SINCE = Version(0, 14, 0)
FP8_POLICY_SINCE = Version(0, 13, 0)


@dataclass(frozen=True, slots=True)
class Target:
    """What the command line will meet: the release (None: unknown, taken as the newest known) and how many cards the
    server may use (None: unknown)."""

    version: Version | None = None
    cards: int | None = None

    @property
    def release(self) -> Version:
        return self.version or BASELINE


def check_words(words: Sequence[str], target: Target) -> list[Problem]:
    """Everything wrong with a command line (what follows ``serve api_server``, the model included), worst first."""
    command = parse_options(words)
    problems = [] if command.model else [Problem("serve.no-model")]
    problems += _unknown(command, words, target)
    problems += [found for option in _given(command) if (found := _version(option, target.release)) is not None]
    problems += _values(command, target)
    return problems


def _given(command: ServerCommand) -> Iterable[Option]:
    return [option for option in OPTIONS if option.name in command.options]


def _unknown(command: ServerCommand, words: Sequence[str], target: Target) -> list[Problem]:
    """Flags that no release knows, values that are missing or of the wrong type, and stray words."""
    if target.version is not None and target.version > BASELINE:
        return []  # newer than the table: what it does not know may be new
    found: list[Problem] = []
    refused = iter(command.unknown)
    for word in refused:
        flag = word.partition("=")[0]
        option = find_option(flag) if flag.startswith("--") else None
        if option is None and word.startswith("-"):
            found.append(_no_such_flag(flag))
        elif option is None:
            found.append(Problem("serve.stray-word", {"word": word, "model": command.model}))
        else:
            value = word.partition("=")[2] or _after(words, word)
            if value:
                next(refused, None)
            code = f"serve.{'not-a-number' if value else 'no-value'}"
            found.append(Problem(code, {"flag": option.flag, "value": value}))
    return found


def _after(words: Sequence[str], word: str) -> str:
    """The word that follows another, "" when it is a flag or missing."""
    at = list(words).index(word) + 1 if word in words else len(words)
    value = words[at] if at < len(words) else ""
    return "" if value.startswith("--") else value


def _no_such_flag(flag: str) -> Problem:
    names = [option.flag for option in OPTIONS]
    near = difflib.get_close_matches("--" + flag.lstrip("-").replace("_", "-"), names, 1, 0.7)
    if near:
        return Problem("serve.unknown-flag-near", {"flag": flag, "near": near[0]})
    return Problem("serve.unknown-flag", {"flag": flag})


def _version(option: Option, release: Version) -> Problem | None:
    """Why this release does not know the option, with what it had or has in its place."""
    if option.known_to(release):
        return None
    data = {"flag": option.flag, "version": str(release)}
    early = option.since is not None and release < option.since
    data["since" if early else "until"] = str(option.since if early else option.until)
    if option.flag in EXPLAINED:
        return Problem(f"serve.lacks{option.flag}", data)
    return Problem("serve.flag-since" if early else "serve.flag-until", data)


def _values(command: ServerCommand, target: Target) -> list[Problem]:
    checks = (_ratio, _port, _tp, _format, _policy, _choices, _counts)
    return [problem for check in checks if (problem := check(command, target)) is not None]


def _ratio(command: ServerCommand, target: Target) -> Problem | None:
    ratio, release = command.ratio, target.release
    turbomind = command.text("backend", "turbomind") == "turbomind"
    if turbomind and release < BLOCK_COUNT_UNTIL and ratio > 1 and ratio == int(ratio):
        return None
    return None if 0 < ratio < 1 else Problem("serve.ratio", {"ratio": f"{ratio:g}"})


def _port(command: ServerCommand, _target: Target) -> Problem | None:
    port = command.count("server_port", 23333)
    return None if 1 <= port <= 65535 else Problem("serve.port", {"port": str(port)})


def _tp(command: ServerCommand, target: Target) -> Problem | None:
    tp = command.count("tp", 1)
    if tp < 1 or tp & (tp - 1):
        return Problem("serve.tp", {"tp": tp})
    if target.cards is not None and tp > max(target.cards, 1):
        return Problem("serve.tp-cards", {"tp": tp, "cards": target.cards})
    return None


def _format(command: ServerCommand, target: Target) -> Problem | None:
    name, release = command.text("model_format"), target.release
    since = FORMATS_SINCE.get(name)
    if since is not None and release < since:
        return Problem("serve.format-since", {"format": name, "since": str(since), "version": str(release)})
    if name == "llama" and release >= LLAMA_FORMAT_UNTIL:
        return Problem("serve.format-llama", {"version": str(release)})
    return None


def _policy(command: ServerCommand, target: Target) -> Problem | None:
    name = str(command.options.get("quant_policy", "0")).lower()
    release = target.release
    if name not in POLICIES:
        return Problem("serve.policy", {"policy": name})
    policy = POLICIES[name]
    if policy not in TURBOMIND_POLICIES and command.text("backend", "turbomind") == "turbomind":
        return Problem("serve.policy-engine", {"policy": name})
    if not name.isdigit() and release < POLICY_NAMES_SINCE:
        data = {"policy": name, "number": policy, "version": str(release), "since": str(POLICY_NAMES_SINCE)}
        return Problem("serve.policy-name", data)
    if policy not in TURBOMIND_POLICIES and release < FP8_POLICY_SINCE:
        data = {"policy": name, "since": str(FP8_POLICY_SINCE), "version": str(release)}
        return Problem("serve.policy-since", data)
    return None


def _choices(command: ServerCommand, _target: Target) -> Problem | None:
    for option in _given(command):
        value = command.options[option.name]
        if option.choices and option.name != "quant_policy" and str(value) not in option.choices:
            data = {"flag": option.flag, "value": str(value), "choices": ", ".join(option.choices)}
            return Problem("serve.choice", data)
    return None


_POSITIVE = ("session_len", "max_batch_size", "max_prefill_token_num", "cache_block_seq_len", "dp", "ep", "cp")


def _counts(command: ServerCommand, _target: Target) -> Problem | None:
    for name in _POSITIVE:
        if command.count(name, 1) < 1:
            flag = "--" + name.replace("_", "-")
            return Problem("serve.positive", {"flag": flag, "value": str(command.options[name])})
    return None
