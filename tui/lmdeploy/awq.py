"""``lmdeploy lite auto_awq``: its options by release, the size of what it makes, and its printed progress.

Source: reference §1.5 (0.18.0 with history back to 0.5.3).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tui.i18n import N_
from tui.lmdeploy.log import Lines
from tui.lmdeploy.options import Option
from tui.lmdeploy.versions import BASELINE, Version
from tui.model.checkpoint import Checkpoint, ModelConfig
from tui.model.launch import QuantiseStage
from tui.model.problem import Problem, ProblemError

NEW_DATASETS = Version(0, 12, 0)
SEARCH_IS_A_FLAG = Version(0, 6, 3)
_OLD_SETS = ("ptb", "c4", "wikitext2", "pileval")
_NEW_SETS = ("wikitext2", "c4", "pileval", "gsm8k", "neuralmagic_calibration", "open-platypus", "openwebtext")

AWQ_OPTIONS: tuple[Option, ...] = (
    Option("--work-dir", "text", default="./work_dir", about=N_("Where the quantised model goes.")),
    Option("--calib-dataset", "text", about=N_("The texts that calibrate; they are downloaded.")),
    Option("--calib-samples", "int", default=128, about=N_("How many texts calibrate.")),
    Option("--calib-seqlen", "int", default=2048, about=N_("Tokens of each text.")),
    Option("--batch-size", "int", default=1, about=N_("Texts at once; more is faster and needs more memory.")),
    Option("--w-bits", "int", default=4, about=N_("Bits of a weight.")),
    Option("--w-group-size", "int", default=128, about=N_("Weights that share a scale.")),
    Option("--w-sym", "flag", default=False, about=N_("Symmetric quantisation.")),
    Option("--search-scale", "flag", default=False, about=N_("Search the best scales: better, and many times slower.")),
    Option("--dtype", "text", default="auto", since=Version(0, 6, 1), about=N_("The type of what is not quantised.")),
    Option("--device", "text", default="cuda", choices=("cuda", "npu"), about=N_("The kind of accelerator.")),
    Option("--revision", "text", about=N_("The model's version on the hub.")),
    Option("--download-dir", "text", about=N_("Where downloaded models are kept.")),
    Option(
        "--trust-remote-code",
        "flag",
        default=False,
        since=Version(0, 13, 0),
        about=N_("Run the checkpoint's own code."),
    ),
)


def datasets(release: Version) -> tuple[str, ...]:
    """The calibration sets a release offers; the first that can still be downloaded is the one to use."""
    return _NEW_SETS if release >= NEW_DATASETS else _OLD_SETS


def usual_dataset(release: Version) -> str:
    """The set to calibrate with when none is named: lmdeploy's own default, except ptb, which is gone from the hub."""
    return next(name for name in datasets(release) if name in ("wikitext2", "pileval"))


@dataclass(frozen=True, slots=True)
class AwqWords:
    """A checked command line: the model, the words to pass on, the options by name and what was changed."""

    model: str
    words: tuple[str, ...]
    options: dict[str, str] = field(default_factory=dict[str, str])
    notices: tuple[Problem, ...] = ()


def read_awq(words: Sequence[str], release: Version | None) -> AwqWords:
    """Check what follows ``lite auto_awq`` for a release. A value behind --search-scale is dropped where it is a flag
    (the course writes ``--search-scale False``; until 0.6.2 even "False" turned the search on).

    Raises ProblemError: quantise.no-model, serve.unknown-flag, serve.flag-since, serve.no-value, serve.not-a-number,
    quantise.dataset, quantise.ptb, quantise.bits, serve.positive."""
    known = {option.flag: option for option in AWQ_OPTIONS}
    newest = release or BASELINE
    model, kept, options = "", list[str](), dict[str, str]()
    notices: list[Problem] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        flag, equals, inline = word.partition("=")
        option = known.get("--" + flag[2:].replace("_", "-")) if word.startswith("--") else None
        if option is None:
            if word.startswith("-") or model:
                code = "serve.unknown-flag" if word.startswith("-") else "serve.stray-word"
                raise ProblemError(Problem(code, {"flag": word, "word": word, "model": model}))
            model = word
        elif not option.known_to(newest):
            data = {"flag": option.flag, "version": str(newest), "since": str(option.since)}
            raise ProblemError(
                Problem(f"serve.lacks{option.flag}" if "trust" in option.flag else "serve.flag-since", data)
            )
        elif option.flag == "--search-scale":
            value = inline if equals else rest.pop(0) if rest and rest[0].lower() in ("true", "false") else "true"
            kept += _search(value, newest, options, notices)
        elif option.kind == "flag":
            kept.append(option.flag)
            options[option.name] = "true"
        else:
            value = inline if equals else rest.pop(0) if rest and not rest[0].startswith("--") else ""
            _check_value(option, value)
            kept += [option.flag, value]
            options[option.name] = value
    if not model:
        raise ProblemError(Problem("quantise.no-model"))
    return AwqWords(model, tuple(_with_dataset(kept, options, newest)), options, tuple(notices))


def _search(value: str, release: Version, options: dict[str, str], notices: list[Problem]) -> list[str]:
    if value.lower() == "false":
        notices.append(Problem("quantise.search-scale", {"version": str(release)}))
        return []
    options["search_scale"] = "true"
    return ["--search-scale"] if release >= SEARCH_IS_A_FLAG else ["--search-scale", "True"]


def _check_value(option: Option, value: str) -> None:
    if not value:
        raise ProblemError(Problem("serve.no-value", {"flag": option.flag}))
    if option.kind == "int":
        if not (value.isascii() and value.isdigit()):
            raise ProblemError(Problem("serve.not-a-number", {"flag": option.flag, "value": value}))
        if int(value) < 1 and option.flag != "--calib-samples":
            raise ProblemError(Problem("serve.positive", {"flag": option.flag, "value": value}))
    if option.flag == "--w-bits" and value != "4":
        raise ProblemError(Problem("quantise.bits", {"bits": value}))


def _with_dataset(words: list[str], options: dict[str, str], release: Version) -> list[str]:
    """With a set that this release has and that can still be downloaded."""
    named = options.get("calib_dataset")
    if named is None:
        options["calib_dataset"] = usual_dataset(release)
        return [*words, "--calib-dataset", options["calib_dataset"]]
    offered = datasets(release)
    if named == "ptb":
        raise ProblemError(Problem("quantise.ptb", {"version": str(release), "instead": usual_dataset(release)}))
    if named not in offered:
        data = {"name": named, "version": str(release), "offered": ", ".join(offered)}
        raise ProblemError(Problem("quantise.dataset", data))
    return words


def quantised(config: ModelConfig, checkpoint: Checkpoint, group: int = 128) -> tuple[ModelConfig, Checkpoint]:
    """What auto_awq makes of a 16-bit checkpoint: linear layers packed to 4 bits with a 16-bit scale and a 4-bit zero
    for each group; embedding, output head and norms stay as they are."""
    whole = checkpoint.embedding + checkpoint.replicated + checkpoint.vision
    elements = max(checkpoint.total - whole, 0) // config.element_bytes
    groups = elements // group
    packed = elements // 2 + groups * 2 + groups // 2
    small = replace(
        checkpoint,
        total=packed + whole,
        weight_format="awq",
        packed=packed,
        packed_elements=elements,
        groups=groups,
        by_dtype={},
        exact=False,
    )
    return replace(config, dtype="float16", quant_method="awq", quant_bits=4, group_size=group), small


_CALIBRATED = re.compile(r"^(\S+), samples: \d+, max gpu memory: (\d+(?:\.\d+)?) GB")
_SMOOTHED = re.compile(r"^(\S+) smooth weight done\.?(?: max gpu memory: (\d+(?:\.\d+)?) GB)?")
_PACKED = re.compile(r"^(\S+) weight (?:packed|skipped)\.")
_MOVED = re.compile(r"^Move (\S+) to (?:CPU|GPU)\.")
_LAYER = re.compile(r"\.(\d+)(?:\.|$)")

# Shares of the wall time: calibration and smoothing dominate, packing is quick (reference §1.5, inferred there); the
# search hides twenty steps behind every smoothed layer.
_SHARES = {
    False: {"placing": 0.06, "data": 0.04, "calibrating": 0.40, "smoothing": 0.36, "packing": 0.10, "saving": 0.04},
    True: {"placing": 0.02, "data": 0.01, "calibrating": 0.12, "smoothing": 0.80, "packing": 0.04, "saving": 0.01},
}
_ORDER = list(QuantiseStage)


@dataclass(slots=True)
class AwqReader:
    """Reads the printed progress. ``layers`` is the number of decoder layers, 0 when it is not known; ``search`` says
    whether scales are searched."""

    layers: int = 0
    search: bool = False
    stage: QuantiseStage = QuantiseStage.LOADING
    memory: int | None = None
    _lines: Lines = field(default_factory=Lines)
    _seen: dict[QuantiseStage, set[str]] = field(default_factory=dict[QuantiseStage, set[str]])
    _fraction: float = 0.0

    def feed(self, text: str) -> tuple[str, ...]:
        """Take a piece of output; returns the lines it completed."""
        return self._read(self._lines.feed(text))

    def finish(self) -> tuple[str, ...]:
        return self._read(self._lines.finish())

    def _read(self, lines: tuple[str, ...]) -> tuple[str, ...]:
        for line in lines:
            self._line(line)
        return lines

    @property
    def waiting(self) -> str:
        """The unfinished last line: a prompt stands there."""
        return self._lines.waiting

    @property
    def counts(self) -> tuple[int, int]:
        """How much of the present stage is done, of how much; 0 of 0 where it counts nothing."""
        if self.stage not in self._seen or not self.layers:
            return 0, 0
        done = len(self._seen[self.stage])
        if self.stage is QuantiseStage.PACKING:
            return done, max(self._linears() * self.layers, done)
        of = self.layers + 4 if self.stage is QuantiseStage.PLACING else self.layers
        return min(done, of), of

    @property
    def fraction(self) -> float:
        """How much of the whole is done; never goes back."""
        if self.stage is QuantiseStage.DONE:
            return 1.0
        shares = _SHARES[self.search]
        before = sum(
            share for name, share in shares.items() if _ORDER.index(QuantiseStage(name)) < _ORDER.index(self.stage)
        )
        done, of = self.counts
        inside = shares.get(self.stage.value, 0.0) * (done / of if of else 0.0)
        self._fraction = max(self._fraction, min(before + inside, 0.99))
        return self._fraction

    def _linears(self) -> int:
        """Linear layers in one decoder layer, from the names seen: all of the first layer come first."""
        names = {_LAYER.sub(".#.", name, count=1) for name in self._seen.get(QuantiseStage.PACKING, ())}
        return len(names)

    def _line(self, line: str) -> None:
        if match := _CALIBRATED.match(line):
            self._count(QuantiseStage.CALIBRATING, match[1], match[2])
        elif match := _SMOOTHED.match(line):
            self._count(QuantiseStage.SMOOTHING, match[1], match[2])
        elif match := _PACKED.match(line):
            self._count(QuantiseStage.PACKING, match[1], None)
            done, of = self.counts
            if of and done == of and self._layer(match[1]) == self.layers - 1:
                self._enter(QuantiseStage.SAVING)
        elif match := _MOVED.match(line):
            self._count(QuantiseStage.PLACING, match[1], None)
        elif line.startswith("Loading calibrate dataset"):
            self._enter(QuantiseStage.DATA)

    def _layer(self, name: str) -> int:
        match = _LAYER.search(name)
        return int(match[1]) if match else -1

    def _count(self, stage: QuantiseStage, name: str, memory: str | None) -> None:
        self._enter(stage)
        self._seen.setdefault(stage, set()).add(name)
        if memory is not None:
            self.memory = round(float(memory) * (1 << 30))  # printed as GB, meant as GiB (reference, units)

    def _enter(self, stage: QuantiseStage) -> None:
        if _ORDER.index(stage) > _ORDER.index(self.stage):
            self.stage = stage
