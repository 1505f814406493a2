"""All tools in one place: the built-in ones, the user's Python functions, MCP servers. A ToolRunner."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from tui.model.problem import Problem
from tui.model.tool import ToolCall, ToolOutcome, ToolSpec
from tui.tools.registry import Registry
from tui.tools.results import RESULT_LIMIT, cut_for_model
from tui.tools.schema_fix import SchemaError, fixed_schema
from tui.tools.source import Offer, ToolSource

_LONGEST_NAME = 64
_UNFIT = re.compile(r"[^A-Za-z0-9_-]+")


class BuiltIn:
    """A registry as a source."""

    name = "lmdeck"

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._offers: dict[str, Offer] = {}

    def offers(self) -> tuple[Offer, ...]:
        for spec in self._registry.specs():
            known = self._offers.get(spec.name)
            if known is None or known.spec is not spec:
                self._offers[spec.name] = Offer(spec)
        return tuple(self._offers[spec.name] for spec in self._registry.specs())

    def problems(self) -> tuple[Problem, ...]:
        return ()

    async def refresh(self) -> None:
        """Nothing changes behind its back."""

    async def run(self, offer: Offer, call: ToolCall) -> ToolOutcome:
        del offer
        return await self._registry.run(call)

    async def aclose(self) -> None:
        """Nothing to close."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A tool as the model sees it (``spec``), and where it comes from."""

    spec: ToolSpec
    source: ToolSource
    offer: Offer


class Toolbox:
    """Runs the tools of all sources under names that are unique and that every server takes."""

    def __init__(self, sources: Iterable[ToolSource], result_limit: int = RESULT_LIMIT) -> None:
        self.sources = tuple(sources)
        self.result_limit = result_limit
        self._entries: dict[str, Entry] = {}
        self._problems: tuple[Problem, ...] = ()
        self._seen: tuple[Offer, ...] | None = None

    def specs(self) -> tuple[ToolSpec, ...]:
        return tuple(entry.spec for entry in self._current().values())

    def entries(self) -> tuple[Entry, ...]:
        """All tools, in the order of their sources."""
        return tuple(self._current().values())

    def problems(self) -> tuple[Problem, ...]:
        """What is wrong: with files and servers, and what had to be corrected or renamed."""
        self._current()
        return (*(problem for source in self.sources for problem in source.problems()), *self._problems)

    async def refresh(self) -> None:
        """Look for changed files and servers. Never raises."""
        await asyncio.gather(*(source.refresh() for source in self.sources))

    async def run(self, call: ToolCall) -> ToolOutcome:
        """Run a call; a result that is too long for the model is cut, and kept whole for the user."""
        entry = self._current().get(call.name)
        if entry is None:
            available = ", ".join(self._entries)
            problem = Problem("chat.call_unknown", {"name": call.name, "available": available})
            return ToolOutcome(f"Error: there is no tool named {call.name}.", ok=False, problem=problem)
        outcome = await entry.source.run(entry.offer, replace(call, name=entry.offer.spec.name))
        return cut_for_model(outcome, call.name, self.result_limit)

    async def aclose(self) -> None:
        """End all processes and connections."""
        await asyncio.gather(*(source.aclose() for source in self.sources))

    def _current(self) -> dict[str, Entry]:
        offers = tuple(offer for source in self.sources for offer in source.offers())
        if self._seen is None or len(offers) != len(self._seen) or any(map(_differs, offers, self._seen)):
            self._seen = offers
            self._build()
        return self._entries

    def _build(self) -> None:
        entries: dict[str, Entry] = {}
        problems: list[Problem] = []
        for source in self.sources:
            for offer in source.offers():
                spec = offer.spec
                try:
                    # Ours need no check: without own tools the library for schemas is not loaded before a call.
                    ours = isinstance(source, BuiltIn)
                    parameters, corrections = (spec.parameters, ()) if ours else fixed_schema(spec.parameters)
                except SchemaError as error:
                    problems.append(Problem("tools.bad_schema", {"name": spec.name, "reason": str(error)}))
                    continue
                if corrections:
                    what = ", ".join(corrections)
                    problems.append(Problem("tools.schema_corrected", {"name": spec.name, "what": what}))
                name = _free_name(spec.name, source.name, entries)
                if name != spec.name:
                    data = {"name": spec.name, "source": source.name, "used": name}
                    problems.append(Problem("tools.renamed", data))
                came_from = "" if isinstance(source, BuiltIn) else source.name
                entries[name] = Entry(replace(spec, name=name, parameters=parameters, source=came_from), source, offer)
        self._entries, self._problems = entries, tuple(problems)


def _differs(one: Offer, other: Offer) -> bool:
    return one is not other


def _free_name(name: str, source: str, taken: dict[str, Entry]) -> str:
    """A name of letters, digits, _ and -, at most 64 of them, that no other tool has."""
    fit = _UNFIT.sub("_", name)[:_LONGEST_NAME] or "tool"
    if fit not in taken:
        return fit
    fit = _UNFIT.sub("_", f"{source}_{name}")[: _LONGEST_NAME - 4]
    number = 1
    candidate = fit
    while candidate in taken:
        number += 1
        candidate = f"{fit}_{number}"
    return candidate
