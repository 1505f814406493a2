"""Who may run without asking. The engine asks for every call of a tool that needs approval; here the question is
answered from what the user said before, or put to the user."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from enum import Enum
from pathlib import Path
from typing import cast

from tui.config.settings_file import read_config
from tui.config.settings_write import change_file
from tui.model.problem import Problem, ProblemError
from tui.model.tool import Decision, ToolCall, ToolSpec, Verdict

Ask = Callable[[ToolCall, ToolSpec], Awaitable[Decision]]


class Rule(Enum):
    """What happens when the model calls a tool."""

    ASK = "ask"
    ALLOW = "allow"
    NEVER = "never"


class Policy:
    """The rules for tools, by :attr:`ToolSpec.key`. ``never`` wins over ``allow``.

    With ``path`` changes are written into that settings file, into the profile's table when ``profile`` names one."""

    def __init__(
        self,
        allow: Iterable[str] = (),
        never: Iterable[str] = (),
        path: Path | None = None,
        profile: str = "",
        tell: Callable[[Problem], None] | None = None,
    ) -> None:
        self._rules = {**dict.fromkeys(allow, Rule.ALLOW), **dict.fromkeys(never, Rule.NEVER)}
        self._path = path
        self._profile = profile
        self._tell = tell

    def rule(self, spec: ToolSpec) -> Rule:
        return self._rules.get(spec.key, Rule.ASK)

    async def set_rule(self, spec: ToolSpec, rule: Rule) -> None:
        """Change a rule, here and in the settings file. What is wrong with the file is told, and the rule holds for
        this run."""
        self._rules[spec.key] = rule
        if self._path is not None:
            try:
                await asyncio.to_thread(_save, self._path, self._profile, spec.key, rule)
            except ProblemError as error:
                if self._tell is not None:
                    self._tell(error.problem)


class ConversationApproval:
    """The approver of one conversation: rules first, then what was allowed in this conversation, then ``ask``."""

    def __init__(self, policy: Policy, ask: Ask) -> None:
        self._policy = policy
        self._ask = ask
        self._here: set[str] = set()

    async def __call__(self, call: ToolCall, spec: ToolSpec) -> Decision:
        """Decide. Raises ProblemError (``tools.never``) for a tool that never runs."""
        rule = self._policy.rule(spec)
        if rule is Rule.NEVER:
            raise ProblemError(Problem("tools.never", {"name": call.name}))
        if rule is Rule.ALLOW or spec.key in self._here:
            return Decision(Verdict.ALLOW)
        decision = await self._ask(call, spec)
        allowed = decision.verdict is Verdict.ALLOW
        if decision.scope == "always":
            await self._policy.set_rule(spec, Rule.ALLOW if allowed else Rule.NEVER)
        elif decision.scope == "conversation" and allowed:
            self._here.add(spec.key)
        return decision


def _save(path: Path, profile: str, key: str, rule: Rule) -> None:
    """Write a rule into the lists of the settings file. Raises ProblemError."""
    file = read_config(path)
    if file.problem is not None:
        raise ProblemError(file.problem)
    where = ("profiles", profile) if profile else ()
    table = file.table(*where)
    changes: dict[tuple[str, ...], list[str] | None] = {}
    for name, wanted in (("allow_tools", Rule.ALLOW), ("never_tools", Rule.NEVER)):
        given = table.get(name)
        general = file.table().get(name) if given is None else given  # a profile's own list replaces the general one
        before = [str(item) for item in cast("list[object]", general)] if isinstance(general, list) else []
        after = [item for item in before if item != key] + ([key] if rule is wanted else [])
        if after != before:
            changes[(*where, name)] = after
    change_file(path, changes)
