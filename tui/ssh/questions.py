"""ssh's questions: read from its prompts, asked once, answered from memory only where that is allowed."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace

from tui.model.question import Asker, Question, QuestionKind

# Prompts of OpenSSH (sshconnect.c, sshconnect2.c, readpass.c, ssh-pkcs11.c, ssh-sk-client); those of PAM modules and
# services vary, so everything that is surely no password is asked for anew every time.
_HOST_KEY = re.compile(r"authenticity of host '(?P<subject>[^']+?)(?: \([^']*\))?' can't be established")
_FINGERPRINT = re.compile(r"(?P<type>[\w@.-]+) key fingerprint is:?\s*(?P<print>(?:SHA256|MD5):[\w+/=:]+)")
_PASSPHRASE = re.compile(r"(?:passphrase|pass phrase) for (?:.*?key )?'?(?P<subject>[^':\n]+)'?", re.IGNORECASE)
_PASSWORD = re.compile(r"(?P<subject>[^\s']+@[^\s']+)'s password:", re.IGNORECASE)
_FROM_SERVER = re.compile(r"\((?P<subject>[^\s()]+@[^\s()]+)\)\s*(?P<text>.*)", re.DOTALL)
_CODE = re.compile(
    r"one[- ]?time|\botp\b|\bcode\b|token|verification|passcode|two[- ]?factor|2fa|\bpin\b|authenticator|duo"
    r"|验证码|动态|口令牌",
    re.IGNORECASE,
)
_WORD = re.compile(r"password|密码|口令|passwort|mot de passe|contraseña|パスワード", re.IGNORECASE)
_YES_OR_NO = "please type 'yes', 'no' or the fingerprint"


def read_question(prompt: str, hint: str, host: str) -> Question:
    """A question from what ssh hands to the askpass program; ``hint`` is SSH_ASKPASS_PROMPT."""
    if hint == "none":
        return Question(QuestionKind.NOTICE, prompt, host)
    if match := _HOST_KEY.search(prompt):
        key = _FINGERPRINT.search(prompt)
        kind, shown = (key["type"], key["print"]) if key else ("", "")
        return Question(QuestionKind.HOST_KEY, prompt, host, match["subject"], kind, shown)
    if _YES_OR_NO in prompt.lower():
        return Question(QuestionKind.HOST_KEY, prompt, host, again=True)
    if hint == "confirm" or "(yes/no)" in prompt:
        return Question(QuestionKind.CONFIRM, prompt, host)
    return _secret_question(prompt, host)


def _secret_question(prompt: str, host: str) -> Question:
    if match := _PASSPHRASE.search(prompt):
        return Question(QuestionKind.PASSPHRASE, prompt, host, match["subject"].strip())
    match = _FROM_SERVER.match(prompt) or _PASSWORD.search(prompt)
    kind = QuestionKind.OTHER
    if _CODE.search(prompt):
        kind = QuestionKind.CODE
    elif _WORD.search(prompt):
        kind = QuestionKind.PASSWORD
    return Question(kind, prompt, host, match["subject"] if match else "")


Key = tuple[str, str]  # whose question (a login, a jump host, "" for this machine's own files) and the prompt


class Answers:
    """What was typed, in memory only. Passwords and passphrases that belonged to a login that worked may answer the
    identical prompt once in each later login; the first rejection drops them. Nothing else is ever answered twice."""

    def __init__(self) -> None:
        self._good: dict[Key, str] = {}

    def remember(self, answers: dict[Key, str]) -> None:
        """These answers belonged to a login that worked."""
        self._good.update(answers)

    def take(self, key: Key) -> str | None:
        return self._good.get(key)

    def drop(self, key: Key) -> None:
        self._good.pop(key, None)

    def forget(self) -> None:
        """Drop everything."""
        self._good.clear()


@dataclass(frozen=True, slots=True)
class Scope:
    """Whom the questions of one login may come from: prompts name no port, and two machines behind one name must not
    get each other's passwords. ``login`` is the machine as the user named it, ``account`` what ssh calls it in its
    prompts (user@host), ``jump`` its jump hosts."""

    login: str
    account: str = ""
    jump: str = ""

    def key(self, question: Question) -> Key:
        """Under which name an answer is remembered."""
        if question.kind is QuestionKind.PASSPHRASE:
            return ("", question.prompt)
        elsewhere = self.jump and question.subject != self.account
        return (f"jump {self.jump}" if elsewhere else self.login, question.prompt)


class LoginQuestions:
    """The questions of one login. ``interactive`` False: only memory answers, and ``unanswered`` names what it could
    not. ``trusted`` is a fingerprint the user has already accepted for this login (a replaced host key)."""

    def __init__(self, scope: Scope, ask: Asker, answers: Answers, *, interactive: bool, trusted: str = "") -> None:
        self.unanswered: Question | None = None
        self.declined: Question | None = None
        self.gave_up = asyncio.Event()
        self._scope = scope
        self._ask = ask
        self._answers = answers
        self._interactive = interactive
        self._trusted = trusted
        self._given: dict[Key, str] = {}
        self._seen: set[Key] = set()

    async def answer(self, prompt: str, hint: str) -> str | None:
        """The answer to a prompt; None for one that wants none. Where there is no answer, ``gave_up`` is set and this
        waits to be cancelled with ssh: without its helper ssh would send an empty password, and again."""
        question = read_question(prompt, hint, self._scope.login)
        found = await self._find(question)
        if found is None and question.kind is not QuestionKind.NOTICE:
            self.gave_up.set()
            await asyncio.Event().wait()
        return found

    async def _find(self, question: Question) -> str | None:
        if question.kind is QuestionKind.HOST_KEY and self._trusted and question.fingerprint == self._trusted:
            return self._trusted  # ssh compares it itself
        reusable = question.kind in (QuestionKind.PASSWORD, QuestionKind.PASSPHRASE)
        key = self._scope.key(question)
        again = key in self._seen
        self._seen.add(key)
        if again:
            self._answers.drop(key)
            self._given.pop(key, None)
        elif reusable and (known := self._answers.take(key)) is not None:
            self._given[key] = known
            return known
        if not self._interactive and question.kind is not QuestionKind.NOTICE:
            self.unanswered = self.unanswered or question
            return None
        typed = await self._ask(replace(question, again=again or question.again))
        if typed is None:
            self.declined = self.declined or question
        elif reusable:
            self._given[key] = typed
        return typed

    def worked(self) -> None:
        """The login succeeded with the answers given last."""
        self._answers.remember(self._given)
        self._given = {}
