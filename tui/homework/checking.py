"""Which of a task's requirements are met, from what really happened: messages, splits, the server's own facts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from tui.homework.assignment import Assignment, Requirement
from tui.i18n import N_, _
from tui.i18n.figures import gib
from tui.model.memory import MemoryBreakdown, ServerSetup, Witness
from tui.model.message import Message, ToolCallPart, ToolResultPart
from tui.model.plan import Sentence
from tui.model.turn import TurnRecord


@dataclass(frozen=True, slots=True)
class Happened:
    """What there is to judge by. ``live`` is the split of this moment, for before the first turn; ``pictures`` are the
    files that were made."""

    messages: tuple[Message, ...] = ()
    turns: tuple[TurnRecord, ...] = ()
    live: tuple[MemoryBreakdown, ...] = ()
    model: str = ""
    pictures: tuple[str, ...] = ()

    @property
    def cards(self) -> tuple[MemoryBreakdown, ...]:
        """The newest split that was kept with a turn of these messages, else the one of this moment."""
        shown = {message.turn for message in self.messages}
        kept = [turn.breakdown for turn in self.turns if turn.id in shown and turn.breakdown]
        return kept[-1] if kept else self.live

    @property
    def witness(self) -> Witness | None:
        return next((card.witness for card in self.cards if card.witness is not None), None)

    @property
    def setup(self) -> ServerSetup | None:
        return self.witness.setup if self.witness is not None else None

    @property
    def simulated(self) -> bool:
        """Whether lmdeck's own server answered."""
        shown = {message.turn for message in self.messages}
        turns = [turn for turn in self.turns if turn.id in shown]
        by_turn = any(turn.server is not None and turn.server.simulated for turn in turns)
        return by_turn or (self.setup is not None and self.setup.simulated)


class State(Enum):
    """A requirement is met, is not, or cannot be told."""

    MET = "met"
    MISSING = "missing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Tick:
    """A requirement with its state; ``because`` says why, in words."""

    requirement: Requirement
    state: State
    because: Sentence

    @property
    def is_met(self) -> bool:
        return self.state is State.MET

    @property
    def reason(self) -> str:
        return in_words(self.because)


def in_words(sentence: Sentence) -> str:
    """A sentence in the current language; its values are foreign text."""
    text = _(sentence.template)
    for key, value in sentence.values.items():
        text = text.replace("{" + key + "}", str(value))
    return text


_LABELS: Mapping[str, str] = {
    "weights": N_("Weights in {bits} bits"),
    "kv-cache": N_("Quantised kv cache"),
    "model": N_("A model with {contains} in its name"),
    "memory-split": N_("Memory split into weights, kv cache and other"),
    "reply": N_("The model's reply"),
    "tools": N_("Called and shown: {names}"),
    "evidence": N_("The line of the card's own tool"),
    "picture": N_("The picture"),
}


def label(requirement: Requirement) -> str:
    """What is required, in a few words."""
    values = {"bits": requirement.bits, "contains": requirement.contains, "names": ", ".join(requirement.names)}
    return in_words(Sentence(_LABELS[requirement.kind], values))


def check(assignment: Assignment, happened: Happened) -> tuple[Tick, ...]:
    """Every requirement of the task, judged."""
    return tuple(judge(requirement, happened) for requirement in assignment.requirements)


def judge(requirement: Requirement, happened: Happened) -> Tick:
    """One requirement."""
    state, because = _JUDGES[requirement.kind](requirement, happened)
    return Tick(requirement, state, because)


def missing(ticks: Sequence[Tick]) -> tuple[Tick, ...]:
    """What is required and not shown to be met."""
    return tuple(tick for tick in ticks if tick.requirement.required and not tick.is_met)


Verdict = tuple[State, Sentence]
_NO_FACTS = Sentence(N_("the server's machine cannot be looked at; tell lmdeck its model and flags (memory panel)"))
_NO_SERVER = Sentence(N_("no server has answered yet"))


def _unknown(happened: Happened) -> Verdict:
    return State.UNKNOWN, _NO_FACTS if happened.model else _NO_SERVER


def _weights(requirement: Requirement, happened: Happened) -> Verdict:
    setup = happened.setup
    if setup is None or setup.weight_bits is None:
        return _unknown(happened)
    values = {"format": setup.weight_format, "bits": setup.weight_bits, "wanted": requirement.bits}
    if setup.weight_bits != requirement.bits:
        return State.MISSING, Sentence(N_("{format} with {bits} bits, not {wanted}"), values)
    if setup.told:
        return State.MET, Sentence(N_("{format} with {bits} bits, as you said"), values)
    return State.MET, Sentence(N_("{format} with {bits} bits"), values)


_POLICIES = {0: "0", 4: "int4", 8: "int8", 16: "fp8", 17: "fp8_e5m2", 42: "turbo_quant"}


def _kv_cache(requirement: Requirement, happened: Happened) -> Verdict:
    setup = happened.setup
    if setup is None or setup.quant_policy is None:
        return _unknown(happened)
    policy = _POLICIES.get(setup.quant_policy, str(setup.quant_policy))
    if setup.quant_policy not in requirement.policies:
        wanted = " / ".join(_POLICIES.get(one, str(one)) for one in requirement.policies)
        return State.MISSING, Sentence(N_("quant policy {policy}, not {wanted}"), {"policy": policy, "wanted": wanted})
    if setup.told:
        return State.MET, Sentence(N_("quant policy {policy}, as you said"), {"policy": policy})
    return State.MET, Sentence(N_("quant policy {policy}"), {"policy": policy})


def _model(requirement: Requirement, happened: Happened) -> Verdict:
    names = [name for name in (happened.setup.model if happened.setup else "", happened.model) if name]
    names += [turn.model for turn in happened.turns[-1:]]
    if not names:
        return State.UNKNOWN, Sentence(N_("no model has answered yet"))
    found = next((name for name in names if requirement.contains.lower() in name.lower()), "")
    if found:
        return State.MET, Sentence("{model}", {"model": found})
    return State.MISSING, Sentence(N_("the model is {model}"), {"model": names[0]})


def _memory_split(_requirement: Requirement, happened: Happened) -> Verdict:
    if not happened.cards:
        return State.UNKNOWN, Sentence(N_("no card of the server can be seen"))
    card = happened.cards[0]
    sizes = {"weights": card.weights.bytes, "kv": card.kv_cache.bytes, "other": card.other.bytes}
    if any(size is None for size in sizes.values()):
        return State.MISSING, Sentence(N_("not all three parts are known"))
    values = {name: gib(size) for name, size in sizes.items()}
    return State.MET, Sentence(N_("weights {weights} + kv cache {kv} + other {other} GiB"), values)


def _reply(requirement: Requirement, happened: Happened) -> Verdict:
    cut = False
    for answer in answers_to(requirement.prompt, happened.messages):
        if answer.complete and answer.text.strip():
            return State.MET, Sentence(N_("{count} characters"), {"count": len(answer.text.strip())})
        cut = cut or bool(answer.text.strip())
    if cut:
        return State.MISSING, Sentence(N_("the reply was cut"))
    if requirement.prompt:
        return State.MISSING, Sentence(N_("nobody has answered “{prompt}” yet"), {"prompt": requirement.prompt})
    return State.MISSING, Sentence(N_("there is no reply yet"))


_LONGEST = 20_000  # characters of a message that are searched for a task's question


def answers_to(prompt: str, messages: Sequence[Message]) -> Iterator[Message]:
    """The assistant's messages behind a user's message that holds ``prompt``, white space aside, newest first."""
    wanted = "".join(prompt.split())
    found: list[Message] = []
    answering = not wanted
    for message in messages:
        if message.role == "user":
            answering = wanted in "".join(message.text[:_LONGEST].split())
        elif message.role == "assistant" and answering:
            found.append(message)
    yield from reversed(found)


def _tools(requirement: Requirement, happened: Happened) -> Verdict:
    parts = [part for message in happened.messages for part in message.parts]
    called = {part.call_id: part.name for part in parts if isinstance(part, ToolCallPart)}
    good = {part.call_id for part in parts if isinstance(part, ToolResultPart) and part.ok}
    done = {name for call_id, name in called.items() if call_id in good}
    lacking = [name for name in requirement.names if name not in done]
    if lacking:
        return State.MISSING, Sentence(N_("not called with a result: {names}"), {"names": ", ".join(lacking)})
    count = sum(1 for call_id, name in called.items() if call_id in good and name in requirement.names)
    return State.MET, Sentence(N_("{count} calls with their results"), {"count": count})


def _evidence(_requirement: Requirement, happened: Happened) -> Verdict:
    witness = happened.witness
    if witness is None or not witness.gpu_line:
        return State.UNKNOWN, Sentence(N_("no line of nvidia-smi or studio-smi could be had"))
    return State.MET, Sentence("{tool}: {line}", {"tool": witness.gpu_tool, "line": witness.gpu_line.split("\n")[0]})


def _picture(_requirement: Requirement, happened: Happened) -> Verdict:
    if not happened.pictures:
        return State.MISSING, Sentence(N_("not made yet (F12)"))
    return State.MET, Sentence("{path}", {"path": happened.pictures[-1]})


_JUDGES: Mapping[str, Callable[[Requirement, Happened], Verdict]] = {
    "weights": _weights, "kv-cache": _kv_cache, "model": _model, "memory-split": _memory_split, "reply": _reply,
    "tools": _tools, "evidence": _evidence, "picture": _picture,
}  # fmt: skip
