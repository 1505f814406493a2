"""API keys: where they come from, and how they stay out of everything that is shown, logged or exported.

A key is never written to a file of lmdeck's. It lives in an environment variable or in the system's keyring
(the optional package ``keyring``), and a profile only says which.
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

from tui.model.problem import Problem, ProblemError

SERVICE = "lmdeck"
HIDDEN = "••••••"

# Capital letters only: a key pasted in the place of a variable's name must not pass for one.
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,127}")
_USERINFO = re.compile(r"[^/@\s]*:[^/@\s]*@")
_KEY_PARAMETER = re.compile(r"[?&](?:api[-_]?key|key|token|access_token|password|secret)=", re.IGNORECASE)


class Secret:
    """A text that does not show itself: not in repr, str, format, a pickle, a copy or JSON. ``reveal`` gives it."""

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        self.__text = text

    def reveal(self) -> str:
        return self.__text

    def scrub(self, text: str) -> str:
        """``text`` with every occurrence of the secret hidden, as for a log line."""
        return text.replace(self.__text, HIDDEN) if self.__text else text

    def __repr__(self) -> str:
        return f"Secret({HIDDEN})"

    def __str__(self) -> str:
        return HIDDEN

    def __format__(self, format_spec: str) -> str:
        return format(HIDDEN, format_spec)

    def __bool__(self) -> bool:
        return bool(self.__text)

    def __eq__(self, other: object) -> bool:
        from hmac import compare_digest

        return isinstance(other, Secret) and compare_digest(self.__text.encode(), other.reveal().encode())

    def __hash__(self) -> int:
        return hash((Secret, self.__text))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written anywhere")


@dataclass(frozen=True, slots=True)
class KeySource:
    """Where an API key is: in the environment variable ``variable``, or in the keyring."""

    kind: Literal["env", "keyring"]
    variable: str = ""

    @classmethod
    def parse(cls, text: str) -> KeySource:
        """``"keyring"`` or ``"env:NAME"``. Raises ValueError for anything else – such as a key itself."""
        if text == "keyring":
            return cls("keyring")
        head, _colon, name = text.partition(":")
        if head == "env" and _VARIABLE.fullmatch(name):
            return cls("env", name)
        raise ValueError("not a key source")

    def __str__(self) -> str:
        return f"env:{self.variable}" if self.kind == "env" else "keyring"


def secret_in(address: str) -> bool:
    """Whether an address carries a password or a key: ``http://user:password@host``, ``…?api_key=…``."""
    rest = address.partition("://")[2] or address
    return bool(_USERINFO.match(rest) or _KEY_PARAMETER.search(address))


def find_key(source: KeySource, account: str, environ: Mapping[str, str] | None = None) -> Secret:
    """The API key. ``account`` names it in the keyring (see :meth:`Profile.account`).

    Raises ProblemError: ``config.key_variable_empty``, ``config.key_missing``, ``config.keyring_absent``,
    ``config.keyring_broken``. The keyring may ask the user and take long: call it in a thread."""
    if source.kind == "env":
        text = (os.environ if environ is None else environ).get(source.variable, "").strip()
        if not text:
            raise ProblemError(Problem("config.key_variable_empty", {"variable": source.variable}))
        return Secret(text)
    found = _ask_keyring("get_password", account)
    if not isinstance(found, str) or not found:
        raise ProblemError(Problem("config.key_missing", {"account": account}))
    return Secret(found)


def keep_key(account: str, key: Secret) -> None:
    """Put an API key into the keyring. Raises ProblemError as :func:`find_key` does."""
    _ask_keyring("set_password", account, key)
    if _ask_keyring("get_password", account) != key.reveal():  # the null backend takes everything and keeps nothing
        raise ProblemError(Problem("config.keyring_broken", detail="the key was not kept"))


def forget_key(account: str) -> bool:
    """Remove an API key from the keyring; False when it had none. Raises ProblemError as :func:`find_key` does."""
    if not _ask_keyring("get_password", account):
        return False
    _ask_keyring("delete_password", account)
    return True


def _ask_keyring(function: str, account: str, key: Secret | None = None) -> object:
    try:
        call: Any = getattr(importlib.import_module("keyring"), function)
        return call(SERVICE, account, key.reveal()) if key is not None else call(SERVICE, account)
    except ModuleNotFoundError as error:
        if error.name == "keyring":
            raise ProblemError(Problem("config.keyring_absent")) from None
        raise _broken(error, key) from None
    except Exception as error:  # noqa: BLE001 (backends raise anything: D-Bus, ctypes, their own classes)
        raise _broken(error, key) from None


def _broken(error: Exception, key: Secret | None) -> ProblemError:
    detail = f"{type(error).__name__}: {error}"
    return ProblemError(Problem("config.keyring_broken", detail=key.scrub(detail) if key is not None else detail))
