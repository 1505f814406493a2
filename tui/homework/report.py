"""The report: what was started and how, the plan against the measurement, the pictures, the conversation, the timings.

Everything in it is taken from what is kept: the turns with their splits, the runs, the files of the pictures."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tui.export.clean import one_line
from tui.export.document import Document, last_split
from tui.export.figures import card_title, moment, occupancy, split_parts, turn_figures
from tui.homework.checking import Tick, label
from tui.homework.evidence import evidence_rows, witness_of
from tui.homework.pages import (
    Block,
    Check,
    Checks,
    Heading,
    Page,
    Paragraph,
    Picture,
    Preformatted,
    Section,
    Table,
    Talk,
    has_content,
)
from tui.i18n import _
from tui.i18n.figures import seconds, source_name, with_unit
from tui.lmdeploy.keys import without_keys
from tui.model.memory import MemoryBreakdown, ServerSetup
from tui.model.plan import Run
from tui.model.turn import TurnRecord

_MEDIA = {".png": "image/png", ".svg": "image/svg+xml"}
_LARGEST_PICTURE = 32 << 20
_SAME_START = 120.0  # seconds between a server's start as its process says it and as the run was kept


@dataclass(frozen=True, slots=True)
class Chapter:
    """One task, or one conversation, of a report. ``run`` is the start of its server, ``runs`` all that are worth
    comparing with it. ``name`` stands in the marks of its sections."""

    name: str
    title: str
    document: Document
    about: str = ""
    ticks: tuple[Tick, ...] = ()
    pictures: tuple[Picture, ...] = ()
    run: Run | None = None
    runs: tuple[Run, ...] = ()


def read_pictures(paths: Iterable[str]) -> tuple[Picture, ...]:
    """The pictures that are still there; of one that was drawn as PNG and SVG the PNG. Reads files."""
    found: dict[str, Picture] = {}
    for name in paths:
        path = Path(name)
        media_type = _MEDIA.get(path.suffix.lower())
        try:
            if media_type is None or path.stat().st_size > _LARGEST_PICTURE:
                continue
            picture = Picture(path.stem, media_type, path.read_bytes())
        except OSError:
            continue
        key = str(path.with_suffix(""))
        if key not in found or media_type == "image/png":
            found[key] = picture
    return tuple(found.values())


def run_of(cards: Sequence[MemoryBreakdown], runs: Sequence[Run]) -> Run | None:
    """The run that a split belongs to: the same start of the same model; None when it was not kept."""
    witness = witness_of(cards)
    setup = witness.setup if witness is not None else None
    if setup is None or setup.started is None:
        return None
    began = setup.started
    near = [run for run in runs if abs(run.started - began) <= _SAME_START]
    return min(near, key=lambda run: abs(run.started - began), default=None)


def report(title: str, chapters: Sequence[Chapter]) -> Page:
    """The page. A section that would say nothing is left out."""
    sections = [_section(chapter, name, blocks) for chapter in chapters for name, blocks in _parts(chapter)]
    return Page(title, tuple(section for section in sections if has_content(section.blocks)))


def _section(chapter: Chapter, name: str, blocks: Iterable[Block]) -> Section:
    return Section(f"{chapter.name}.{name}", tuple(blocks))


def _parts(chapter: Chapter) -> Iterator[tuple[str, Iterator[Block]]]:
    yield "task", _task(chapter)
    yield "server", _server(chapter)
    yield "memory", _memory(chapter)
    yield "plan", _plan(chapter)
    yield "pictures", _pictures(chapter)
    yield "conversation", _conversation(chapter)
    yield "timings", _timings(chapter)


def _task(chapter: Chapter) -> Iterator[Block]:
    yield Heading(chapter.title)
    if chapter.about:
        yield Paragraph(chapter.about)
    if _is_simulated(chapter):
        yield Paragraph(_("Simulated: lmdeck's own demo server answered; these figures show the form, not a model."))
    if chapter.ticks:
        yield Checks(tuple(Check(tick.is_met, label(tick.requirement), tick.reason) for tick in chapter.ticks))


def _is_simulated(chapter: Chapter) -> bool:
    return any(turn.server is not None and turn.server.simulated for turn in chapter.document.turns)


def _server(chapter: Chapter) -> Iterator[Block]:
    yield Heading(_("How the server was started"))
    witness = witness_of(last_split(chapter.document))
    setup = witness.setup if witness is not None else None
    words = setup.command if setup is not None else ()
    if not words and chapter.run is not None:
        words = _words_of(chapter.run)
    if words:
        yield Preformatted(shlex.join(words))
    if setup is not None:
        yield Table((_("what"), _("value")), tuple(_setup_rows(setup, chapter)))


def _words_of(run: Run) -> tuple[str, ...]:
    """The command line of a kept start, without its keys; some are kept with the model's name, some without."""
    flags = run.flags if run.flags and not run.flags[0].startswith("-") else (run.model, *run.flags)
    return ("lmdeploy", "serve", "api_server", *without_keys(flags))


def _setup_rows(setup: ServerSetup, chapter: Chapter) -> Iterator[tuple[str, str]]:
    cards = last_split(chapter.document)
    engine = {"turbomind": "TurboMind", "pytorch": "PyTorch"}.get(setup.engine, setup.engine)
    rows: list[tuple[str, object]] = [
        (_("model"), setup.model),
        (_("weights"), setup.weight_format and _with_bits(setup)),
        (_("quant policy of the kv cache"), setup.quant_policy),
        (_("share of the free memory for the kv cache"), setup.ratio),
        (_("session length"), setup.session_len and f"{setup.session_len:,}"),
        (_("engine"), " ".join(word for word in (engine, setup.version) if word)),
        (_("tensor parallel"), setup.tp if setup.tp > 1 else None),
        (_("card"), card_title(cards[0]) if cards else None),
        (_("told by the user, not seen"), _("yes") if setup.told else None),
    ]
    yield from ((name, str(value)) for name, value in rows if value not in (None, ""))


def _with_bits(setup: ServerSetup) -> str:
    if setup.weight_bits is None:
        return setup.weight_format
    return _("{format}, {bits} bits").format(format=setup.weight_format, bits=setup.weight_bits)


def _memory(chapter: Chapter) -> Iterator[Block]:
    yield Heading(_("Where the memory went"))
    cards = last_split(chapter.document)
    for card in cards:
        rows = [(name, with_unit(figure.bytes), source_name(figure.source)) for name, figure in split_parts(card)]
        yield Table((card_title(card), _("size"), _("source")), tuple(rows))
        if used := occupancy(card):
            yield Paragraph(_("kv cache: {used}").format(used=used))
        if card.time:
            yield Paragraph(_("Sampled: {time}").format(time=moment(datetime.fromtimestamp(card.time, UTC))))
    evidence = evidence_rows(cards)
    if evidence:
        yield Paragraph(_("What others said at the time, as it came:"))
        yield Preformatted("\n".join(f"# {row.label}\n{row.text}" for row in evidence))


def _plan(chapter: Chapter) -> Iterator[Block]:
    yield Heading(_("The plan and the measurement"))
    run = chapter.run
    if run is not None:
        rows = [
            _compared(_("kv cache"), run.predicted_kv, run.kv_cache),
            _compared(_("the server in all"), run.predicted_total, run.total),
        ]
        known = tuple(row for row in rows if row is not None)
        if known:
            yield Table((_("part"), _("planned"), _("measured"), _("difference")), known)
    if len(chapter.runs) > 1:
        yield Paragraph(_("All starts of this model that were kept:"))
        headings = (_("model"), _("ratio"), _("kv policy"), _("weights"), _("kv cache"), _("total"), _("tokens"))
        yield Table(headings, tuple(_run_row(one) for one in chapter.runs))


def _compared(name: str, planned: int | None, measured: int | None) -> tuple[str, ...] | None:
    if planned is None or measured is None:
        return None
    off = (measured - planned) / 2**30
    percent = f" ({(measured - planned) / planned * 100:+.1f} %)" if planned else ""
    return name, with_unit(planned), with_unit(measured), f"{off:+.2f} GiB{percent}"


def _run_row(run: Run) -> tuple[str, ...]:
    tokens = "–" if run.tokens is None else f"{run.tokens:,}"
    sizes = (_size(run.weights), _size(run.kv_cache), _size(run.total))
    return (one_line(run.model), f"{run.ratio:g}", str(run.quant_policy), *sizes, tokens)


def _size(size: int | None) -> str:
    return "–" if size is None else with_unit(size)


def _pictures(chapter: Chapter) -> Iterator[Block]:
    yield Heading(_("Pictures"))
    yield from chapter.pictures


def _conversation(chapter: Chapter) -> Iterator[Block]:
    yield Heading(_("The conversation"))
    if chapter.document.messages:
        yield Talk(chapter.document)


def _timings(chapter: Chapter) -> Iterator[Block]:
    yield Heading(_("Timings"))
    turns = [turn for turn in chapter.document.turns if turn.timings is not None]
    if turns:
        headings = (_("begun"), _("first token"), _("tokens/s"), _("tokens"), _("in all"), _("end"))
        yield Table(headings, tuple(_timing_row(turn) for turn in turns))


def _timing_row(turn: TurnRecord) -> tuple[str, ...]:
    timings = turn.timings
    assert timings is not None  # noqa: S101 (the caller looked)
    rate = timings.tokens_per_second
    return (
        moment(turn.started),
        "–" if timings.first_token is None else seconds(timings.first_token),
        "–" if rate is None else f"{rate:.0f}",
        turn_figures(turn)[0] if turn.usage else "–",
        seconds(timings.total),
        turn.finish_reason,
    )


def is_same_model(one: Run, other: Run) -> bool:
    """Whether two runs served sizes of one model: their names are the same up to the quantisation's suffix."""
    return _stem(one.model) == _stem(other.model)


def _stem(model: str) -> str:
    name = model.rstrip("/").rpartition("/")[2].lower()
    for suffix in ("-4bit", "-w4a16", "-awq", "-gptq"):
        name = name.replace(suffix, "")
    return name
