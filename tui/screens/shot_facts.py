"""What a picture's footer says, and where it is known from: a turn's record, or the server now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tui import __version__
from tui.i18n import _
from tui.i18n.figures import gib
from tui.model.memory import MemoryBreakdown, ServerSetup
from tui.model.server import ServerFacts
from tui.model.turn import TurnRecord
from tui.widgets.literal import one_line

_POLICIES = {0: "fp16/bf16", 4: "int4", 8: "int8", 42: "turboquant"}
_ENGINES = {"turbomind": "TurboMind", "pytorch": "PyTorch"}


@dataclass(frozen=True, slots=True)
class ShotFacts:
    """The footer. What is empty or None is not known and left out. ``date`` is UTC; ``who`` is ``user@host``."""

    model: str = ""
    weight_format: str = ""
    weight_bits: int | None = None
    quant_policy: int | None = None
    ratio: float | None = None
    session_len: int | None = None
    engine: str = ""
    lmdeploy: str = ""
    gpu: str = ""
    date: datetime | None = None
    who: str = ""
    simulated: bool = False
    told: bool = False


def facts_of(
    turn: TurnRecord | None = None,
    cards: Sequence[MemoryBreakdown] = (),
    server: ServerFacts | None = None,
    model: str = "",
    who: str = "",
) -> ShotFacts:
    """What is known of a turn and the cards of its moment; ``server`` and ``model`` where there is no turn."""
    server = (turn.server if turn is not None else None) or server
    witness = next((card.witness for card in cards if card.witness is not None), None)
    setup = (witness.setup if witness is not None else None) or ServerSetup()
    band = server.version_band if server is not None else None
    engine = server.engine if server is not None else "unknown"
    first = cards[0] if cards else None
    return ShotFacts(
        model=(turn.model if turn is not None else model) or setup.model,
        weight_format=setup.weight_format,
        weight_bits=setup.weight_bits,
        quant_policy=setup.quant_policy,
        ratio=setup.ratio,
        session_len=setup.session_len or (server.context_length if server is not None else None),
        engine=setup.engine if engine == "unknown" else engine,
        lmdeploy=setup.version or _band(band),
        gpu=_card(first) if first is not None else "",
        date=turn.started if turn is not None else datetime.now(UTC),
        who=who,
        simulated=setup.simulated or (server is not None and server.simulated),
        told=setup.told,
    )


def _band(band: tuple[str, str] | None) -> str:
    if band is None:
        return ""
    oldest, newest = band
    return oldest if oldest == newest else f"{oldest}–{newest}"


def _card(card: MemoryBreakdown) -> str:
    total = card.total.bytes
    size = "" if total is None else " " + _("{size} GiB").format(size=gib(total))
    return one_line(card.name, 60) + size


def footer_items(facts: ShotFacts) -> Iterator[str]:
    """The facts in words, in the order of the picture."""
    if facts.simulated:
        yield _("simulated server")
    if facts.model:
        yield one_line(facts.model, 80)
    yield from _setup(facts)
    yield from _software(facts)
    if facts.gpu:
        yield facts.gpu
    if facts.date is not None:
        yield f"{facts.date.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    if facts.who:
        yield one_line(facts.who, 60)
    yield f"lmdeck {__version__}"


def _setup(facts: ShotFacts) -> Iterator[str]:
    """How the server was started."""
    if facts.weight_format:
        yield _weights(facts)
    if facts.quant_policy is not None:
        policy = _POLICIES.get(facts.quant_policy, "?")
        yield _("kv cache {name} (quant policy {number})").format(name=policy, number=facts.quant_policy)
    if facts.ratio is not None:
        yield _("cache ratio {ratio}").format(ratio=f"{facts.ratio:g}")
    if facts.session_len:
        yield _("session length {tokens}").format(tokens=facts.session_len)
    if facts.told:
        yield _("as the user says")


def _software(facts: ShotFacts) -> Iterator[str]:
    if facts.lmdeploy:
        yield f"lmdeploy {one_line(facts.lmdeploy, 30)}"
    if facts.engine and facts.engine != "unknown":
        yield _ENGINES.get(facts.engine, one_line(facts.engine, 20))


def _weights(facts: ShotFacts) -> str:
    if facts.weight_bits is None:
        return _("weights {format}").format(format=facts.weight_format)
    return _("weights {format}, {bits} bit").format(format=facts.weight_format, bits=facts.weight_bits)
