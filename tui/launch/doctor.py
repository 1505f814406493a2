"""The doctor: why a start (or a quantisation) failed, as a card with what to do next.

Every known failure is told from the log's own lines, the exit status and what was prepared; the first rule that fits
decides. What no rule knows still becomes a card, with the last lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from tui.i18n import N_, _
from tui.launch.show import STAGE_NAMES
from tui.launch.wish import Prepared
from tui.lmdeploy.log import LogFacts
from tui.lmdeploy.parsers import tool_parser_for
from tui.model.launch import Diagnosis, LaunchStage, NextStep
from tui.model.plan import Sentence
from tui.model.problem import Problem, Value
from tui.planner.planning import largest_ratio

_MIRROR = {"HF_ENDPOINT": "https://hf-mirror.com"}
_SPARE = 256 << 20
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_KILLED = (137, 9)
_SEGFAULTS = (139, 135)
_HARMLESS = re.compile(r" - (?:INFO|DEBUG) - |\[TM\]\[(?:INFO|DEBUG|TRACE)\]|^INFO: ")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the doctor gets to see: the log's facts and last lines, the exit status, what was prepared, and a question
    the program still waits with."""

    facts: LogFacts = field(default_factory=LogFacts)
    lines: tuple[str, ...] = ()
    code: int | None = None
    prepared: Prepared | None = None
    question: str = ""

    @property
    def environment(self) -> Mapping[str, str]:
        return self.prepared.environment if self.prepared else {}

    def data(self, **more: Value) -> dict[str, Value]:
        """The values every sentence may use."""
        prepared = self.prepared
        return {
            "model": prepared.model if prepared else "",
            "version": str(prepared.release) if prepared else "",
            "port": str(prepared.port) if prepared else "",
            **more,
        }


@dataclass(frozen=True, slots=True)
class _Rule:
    """A failure: how its lines look, its code, and what makes the buttons."""

    code: str
    pattern: re.Pattern[str]
    steps: Callable[[Evidence, re.Match[str]], tuple[NextStep, ...]]
    values: Callable[[Evidence, re.Match[str]], dict[str, Value]] = lambda _evidence, _match: {}


LOG = NextStep("log", Sentence(N_("Open the log")))
CHECK = NextStep("environment", Sentence(N_("Check lmdeploy's environment")))


def diagnose(evidence: Evidence) -> Diagnosis:
    """The card for something that ended without being wanted to. Never raises."""
    for rule in _RULES:
        for at, line in enumerate(evidence.lines):
            match = None if _HARMLESS.search(line) else rule.pattern.search(line)
            if match:
                problem = Problem(rule.code, evidence.data(**rule.values(evidence, match)), line)
                return Diagnosis(problem, (*rule.steps(evidence, match), LOG), _around(evidence.lines, at))
    return _unknown(evidence)


def notice(evidence: Evidence, silent: float) -> Iterator[Diagnosis]:
    """What should be known though the start goes on. ``silent`` are the seconds nothing was heard for; 0: not long."""
    facts = evidence.facts
    if facts.fallback:
        problem = Problem("launch.fallback", evidence.data(reason=facts.fallback))
        yield Diagnosis(problem, _pytorch_steps(evidence), (facts.fallback,), fatal=False)
    wanted = evidence.prepared.command.count("session_len", 0) if evidence.prepared else 0
    shortened = next((line for line in evidence.lines if "`session_len` truncated to" in line), "")
    if shortened and facts.session_len:
        data = evidence.data(tokens=facts.session_len, wanted=wanted or "–")
        yield Diagnosis(
            Problem("launch.context-cut", data, shortened), _ratio_steps(evidence, raise_it=True), fatal=False
        )
    if silent:
        data = evidence.data(seconds=round(silent), stage=_(STAGE_NAMES[facts.stage]))
        yield Diagnosis(
            Problem("launch.silent", data), (NextStep("wait", Sentence(N_("Keep waiting"))), LOG), fatal=False
        )


def _around(lines: tuple[str, ...], at: int) -> tuple[str, ...]:
    return lines[max(at - 2, 0) : at + 4]


def _unknown(evidence: Evidence) -> Diagnosis:
    last = tuple(line for line in evidence.lines if line.strip())[-8:]
    if evidence.facts.stage in (LaunchStage.STOPPING,) or evidence.code in (130, 143):
        return Diagnosis(Problem("launch.stopped", evidence.data()), (LOG,), last)
    if evidence.code in _KILLED:
        return Diagnosis(Problem("launch.killed", evidence.data()), (LOG,), last)
    if evidence.code in _SEGFAULTS:
        return Diagnosis(Problem("launch.crashed", evidence.data(signal=evidence.code - 128)), (CHECK, LOG), last)
    where = _(STAGE_NAMES[evidence.facts.stage])
    error = next((line for line in reversed(last) if re.match(r"\w*(Error|Exception)\b", line)), "")
    data = evidence.data(stage=where, code=evidence.code if evidence.code is not None else "?", line=error or "–")
    code = "launch.failed" if error else "launch.failed-silently"
    return Diagnosis(Problem(code, data), (CHECK, LOG), last)


# ── buttons ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _flags(label: str, *flags: str, **values: Value) -> NextStep:
    return NextStep("flags", Sentence(label, values), flags)


def _ratio_steps(evidence: Evidence, *, raise_it: bool = False) -> tuple[NextStep, ...]:
    """The largest ratio that fits, from the planner; half the present one when nothing can be planned."""
    prepared = evidence.prepared
    if prepared is None:
        return ()
    question, ratio = prepared.question, None
    if question is not None:
        leave = max(prepared.plan.margin if prepared.plan else 0, _SPARE)
        ratio = largest_ratio(question, leave)
        if ratio is None:
            return (NextStep("model", Sentence(N_("Choose a smaller model or its w4a16 variant"))),)
    now = prepared.command.ratio
    if raise_it:
        return (_ratio(ratio),) if ratio and ratio > now else ()
    if ratio is None or ratio >= now:
        ratio = round(min(now, 0.9) / 2, 2)
    return (_ratio(ratio),)


def _ratio(ratio: float) -> NextStep:
    return _flags(
        N_("Start with --cache-max-entry-count {ratio}"),
        "--cache-max-entry-count",
        f"{ratio:.2f}",
        ratio=f"{ratio:.2f}",
    )


def _smaller(evidence: Evidence, _match: re.Match[str]) -> tuple[NextStep, ...]:
    return _ratio_steps(evidence)


def _out_of_memory(evidence: Evidence, match: re.Match[str]) -> tuple[NextStep, ...]:
    """Before the weights are in, a smaller kv cache alone hardly helps: somebody else holds the card."""
    smaller = _smaller(evidence, match)
    if evidence.facts.stage in (LaunchStage.STARTING, LaunchStage.CONTEXT, LaunchStage.WEIGHTS):
        return (*smaller, NextStep("stop-other", Sentence(N_("See who holds the card"))))
    return (*smaller, _flags(N_("Start with fewer requests at once"), "--max-batch-size", "64"))


def _next_port(evidence: Evidence, _match: re.Match[str]) -> tuple[NextStep, ...]:
    if evidence.prepared is None:
        return ()
    port = str(evidence.prepared.port + 1)
    return (NextStep("port", Sentence(N_("Start on port {port}"), {"port": port}), ("--server-port", port)),)


def _pytorch_steps(evidence: Evidence) -> tuple[NextStep, ...]:
    if evidence.prepared is None or evidence.prepared.command.text("backend") == "pytorch":
        return ()
    return (_flags(N_("Ask for the PyTorch engine, so that the plan fits"), "--backend", "pytorch"),)


def _trust(_evidence: Evidence, _match: re.Match[str]) -> tuple[NextStep, ...]:
    return (_flags(N_("Trust the checkpoint's own code and start again"), "--trust-remote-code"),)


def _parser(evidence: Evidence, _match: re.Match[str]) -> tuple[NextStep, ...]:
    parser = tool_parser_for(evidence.prepared.model) if evidence.prepared else None
    if parser is None:
        return ()
    label = N_("Start with --tool-call-parser {parser}")
    return (_flags(label, "--tool-call-parser", parser.name, parser=parser.name),)


def _drop(_evidence: Evidence, match: re.Match[str]) -> tuple[NextStep, ...]:
    flags = tuple(word for word in match["what"].split() if word.startswith("--"))
    if not flags:
        return ()
    return (NextStep("drop", Sentence(N_("Start without {flags}"), {"flags": " ".join(flags)}), flags),)


def _mirror(evidence: Evidence, _match: re.Match[str]) -> tuple[NextStep, ...]:
    steps: list[NextStep] = []
    if "HF_ENDPOINT" not in evidence.environment:
        steps.append(NextStep("variables", Sentence(N_("Use the mirror hf-mirror.com")), variables=_MIRROR))
    modelscope = {"LMDEPLOY_USE_MODELSCOPE": "True"}
    steps.append(NextStep("variables", Sentence(N_("Download from ModelScope")), variables=modelscope))
    return tuple(steps)


def _no_proxy(evidence: Evidence, _match: re.Match[str]) -> tuple[NextStep, ...]:
    local = "localhost,127.0.0.1,::1"
    now = evidence.environment.get("no_proxy", "")
    value = f"{now},{local}" if now else local
    label = Sentence(N_("Start with no_proxy for this machine"))
    return (NextStep("variables", label, variables={"no_proxy": value, "NO_PROXY": value}),)


def _wikitext(_evidence: Evidence, _match: re.Match[str]) -> tuple[NextStep, ...]:
    return (_flags(N_("Calibrate with wikitext2"), "--calib-dataset", "wikitext2"),)


def _answers(_evidence: Evidence, _match: re.Match[str]) -> tuple[NextStep, ...]:
    return (
        NextStep("answer", Sentence(N_("Answer yes: run the code that comes with the data")), ("y",)),
        NextStep("answer", Sentence(N_("Answer no")), ("n",)),
    )


def _environment(_evidence: Evidence, _match: re.Match[str]) -> tuple[NextStep, ...]:
    return (CHECK,)


def _nothing(_evidence: Evidence, _match: re.Match[str]) -> tuple[NextStep, ...]:
    return ()


def _model(_evidence: Evidence, _match: re.Match[str]) -> tuple[NextStep, ...]:
    return (NextStep("model", Sentence(N_("Choose another model"))),)


def proxied(environment: Mapping[str, str]) -> str:
    """The name of a proxy variable that also catches this machine's own addresses, "" when none does."""
    direct = environment.get("no_proxy", "") + "," + environment.get("NO_PROXY", "")
    if "127.0.0.1" in direct or "localhost" in direct or "*" in direct.split(","):
        return ""
    names = [name for name in environment if name.lower() in _PROXIES and environment[name]]
    return names[0] if names else ""


def _rule(
    code: str,
    pattern: str,
    steps: Callable[[Evidence, re.Match[str]], tuple[NextStep, ...]] = _nothing,
    values: Callable[[Evidence, re.Match[str]], dict[str, Value]] = lambda _evidence, _match: {},
) -> _Rule:
    return _Rule(f"launch.{code}", re.compile(pattern, re.IGNORECASE), steps, values)


def _named(*names: str) -> Callable[[Evidence, re.Match[str]], dict[str, Value]]:
    return lambda _evidence, match: {name: (match[name] or "")[:200] for name in names}


def _proxy_name(evidence: Evidence, _match: re.Match[str]) -> dict[str, Value]:
    return {"variable": proxied(evidence.environment) or "http_proxy"}


# The most specific first. Sources: reference §6.2, §9 and lmdeploy's issues named there; the oom line is recorded.
_RULES: tuple[_Rule, ...] = (
    _rule("unknown-flag", r"error: unrecognized arguments: (?P<what>.+)", _drop, _named("what")),
    _rule(
        "bad-flag",
        r"error: (?P<what>argument .+|.*invalid choice.+|the following arguments.+)",
        _nothing,
        _named("what"),
    ),
    _rule("port-taken", r"\[Errno 98\]|address already in use|error while attempting to bind on address", _next_port),
    _rule("script-data", r"Dataset scripts are no longer supported|trust_remote_code=True.*dataset", _wikitext),
    _rule("ptb", r"ptb_text_only|invalid choice: '?ptb|Couldn't find.*\bptb\b", _wikitext),
    _rule("question", r"Do you wish to run the custom code|custom code\? *\[y/N\]|\[y/N\]", _answers),
    _rule(
        "remote-code",
        r"trust_remote_code=True|requires you to execute the (?:configuration|modeling|model) file",
        _trust,
    ),
    _rule("no-kv-memory", r"No enough gpu memory|status 6\b|CUDA runtime error: .*block", _smaller),
    _rule(
        "out-of-memory",
        r"out of memory|OutOfMemoryError|CUDA_ERROR_OUT_OF_MEMORY|cublasCreate.*ALLOC_FAILED",
        _out_of_memory,
    ),
    _rule("driver-old", r"driver version is insufficient|NVIDIA driver on your system is too old", _environment),
    _rule("driver-mismatch", r"Driver/library version mismatch|forward compatibility was attempted", _environment),
    _rule(
        "no-driver",
        r"No CUDA GPUs are available|Found no NVIDIA driver|no CUDA-capable device|libcuda\.so\.1: cannot open"
        r"|Torch not compiled with CUDA|CUDA is not available",
        _environment,
    ),
    _rule("disk", r"No space left on device|Disk quota exceeded"),
    _rule(
        "incomplete",
        r"MetadataIncompleteBuffer|InvalidHeaderDeserialization|HeaderTooLarge|Error while deserializing header",
        _model,
    ),
    _rule(
        "incomplete",
        r"No such file or directory: '?(?P<file>[^']*\.safetensors)|UnpicklingError|header too large",
        _model,
    ),
    _rule(
        "no-model-here",
        r"(?:Can't find|cannot find|no file named) .*(?:config|tokenizer|pytorch_model|\.json|model file)",
        _model,
    ),
    _rule("proxy", r"ProxyError|Tunnel connection failed|Cannot connect to proxy", _no_proxy, _proxy_name),
    _rule(
        "hub",
        r"LocalEntryNotFoundError|Max retries exceeded|couldn't connect to|OfflineModeIsEnabled|ConnectTimeout"
        r"|ReadTimeout|Name or service not known|Temporary failure in name resolution|ConnectionError",
        _mirror,
    ),
    _rule(
        "hub-missing",
        r"RepositoryNotFoundError|Repository Not Found|GatedRepoError|401 Client Error|HFValidationError",
        _model,
    ),
    _rule(
        "engine-refused",
        r"unsupported model arch|is not supported|Unrecognized configuration class|model type `(?P<what>[^`]*)` but",
    ),
    _rule("wrong-parser", r"--tool-call-parser|tool parser .* not found|invalid tool call parser", _parser),
    _rule(
        "broken-environment",
        r"(?P<what>(?:ModuleNotFoundError|ImportError|undefined symbol|cannot open shared object)[^\n]*)",
        _environment,
        _named("what"),
    ),
    _rule(
        "broken-environment",
        r"(?P<what>unexpected keyword argument 'proxies'|NumPy 1\.x cannot be run in.*)",
        _environment,
        _named("what"),
    ),
    _rule("warm-up", r"(?P<what>warm-?up.*(?:fail|error)[^\n]*)", _smaller, _named("what")),
)
