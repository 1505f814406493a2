"""Every setting lmdeck has, declared once (see :mod:`tui.config.settings_options`)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tui.config import paths
from tui.config.settings_options import option, section
from tui.i18n import N_

if TYPE_CHECKING:
    from tui.model.sampling import Sampling

LOOK = N_("Language and look")
INPUT = N_("Keyboard, mouse and terminal")
CHAT = N_("Conversation")
SERVER = N_("Server")
TOOLS = N_("Tools")
MEMORY = N_("Memory")
MODELS = N_("Models and lmdeploy")
SAMPLING = N_("Sampling")

FILE_NAME = "config.toml"
ADDRESSES = ("default_url",)
"""Settings that are addresses, where people may put a password by mistake."""


def config_path() -> Path:
    """The settings file, with the tables ``[keys]`` and ``[profiles.NAME]``. It need not exist."""
    return paths.config_folder() / FILE_NAME


@dataclass(frozen=True, slots=True)
class SamplingSettings:
    """The table ``[sampling]``, also that of a profile. What is not set is not sent."""

    temperature: float | None = option(
        None, N_("How much chance decides: 0 always takes the likeliest token."), group=SAMPLING, minimum=0, maximum=2
    )
    top_p: float | None = option(
        None,
        N_("Only the likeliest tokens that together reach this probability."),
        group=SAMPLING,
        minimum=0,
        maximum=1,
    )
    top_k: int | None = option(
        None, N_("Only this many of the likeliest tokens; 0 sets no limit."), group=SAMPLING, minimum=0, maximum=10**6
    )
    min_p: float | None = option(
        None, N_("Only tokens at least this likely, relative to the likeliest."), group=SAMPLING, minimum=0, maximum=1
    )
    repetition_penalty: float | None = option(
        None, N_("Above 1, tokens that were used become less likely."), group=SAMPLING, minimum=0.01, maximum=10
    )
    max_tokens: int | None = option(None, N_("The longest reply, in tokens."), group=SAMPLING, minimum=1, maximum=10**8)
    seed: int | None = option(
        None, N_("The same seed repeats the same choices."), group=SAMPLING, minimum=0, maximum=2**63 - 1
    )
    stop: tuple[str, ...] = option((), N_("Texts that end a reply."), group=SAMPLING)

    def to_sampling(self) -> Sampling:
        """The same as a request's sampling parameters."""
        from tui.model.sampling import Sampling

        return Sampling(
            temperature=self.temperature,
            top_p=self.top_p,
            top_k=self.top_k,
            min_p=self.min_p,
            repetition_penalty=self.repetition_penalty,
            max_tokens=self.max_tokens,
            seed=self.seed,
            stop=self.stop,
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings with a value each. Empty texts and lists mean "lmdeck decides"."""

    language: Literal["auto", "en", "zh-CN"] = option(
        "auto", N_("The language of the screen; auto follows the system."), group=LOOK
    )
    theme: str = option("lmdeck-dark", N_("The colours: a theme that comes with lmdeck or one of yours."), group=LOOK)
    borders: Literal["unicode", "ascii"] = option(
        "unicode", N_("How frames are drawn; ascii for terminals without line-drawing characters."), group=LOOK
    )
    colour_depth: Literal["auto", "truecolor", "256", "16", "none"] = option(
        "auto", N_("How many colours the terminal gets; takes effect at the next start."), group=LOOK
    )
    animations: Literal["none", "basic", "full"] = option(
        "none", N_("Moving effects of the screen; none over SSH in any case."), group=LOOK
    )
    panel_shown: bool = option(
        default=True, explanation=N_("Show the memory panel beside the conversation."), group=LOOK
    )
    panel_side: Literal["right", "left"] = option("right", N_("The side the memory panel is on."), group=LOOK)
    frames_local: int = option(
        12, N_("How often a growing reply is drawn, times a second."), group=LOOK, minimum=1, maximum=60
    )
    frames_ssh: int = option(
        6, N_("The same when lmdeck itself runs in an SSH session."), group=LOOK, minimum=1, maximum=60
    )

    keyboard_protocol: Literal["auto", "on", "off"] = option(
        "auto", N_("The extended keyboard protocol, for keys such as Shift+Enter."), group=INPUT
    )
    ambiguous_width: Literal[1, 2] = option(
        1, N_("Cells taken by characters of ambiguous width; 2 where a Chinese font draws them wide."), group=INPUT
    )
    mouse: bool = option(
        default=True, explanation=N_("React to the mouse; off leaves it to the terminal or tmux."), group=INPUT
    )
    copy_on_select: bool = option(
        default=False, explanation=N_("Copy text as soon as it is selected with the mouse."), group=INPUT
    )
    large_paste: int = option(
        20_000,
        N_("A paste of more characters than this becomes an attachment."),
        group=INPUT,
        minimum=1_000,
        maximum=1_000_000,
    )
    confirm_quit: Literal["busy", "always", "never"] = option(
        "busy", N_("When to ask before quitting; busy means while a reply is being written."), group=INPUT
    )

    reasoning_folded: bool = option(
        default=True, explanation=N_("Fold what the model thought before it answered."), group=CHAT
    )
    system_prompt: str = option("", N_("The system prompt of new conversations."), group=CHAT)
    save_conversations: bool = option(default=True, explanation=N_("Keep conversations on this machine."), group=CHAT)
    history_folder: str = option("", N_("Where conversations are kept; empty for the usual data folder."), group=CHAT)
    recordings: bool = option(
        default=False, explanation=N_("Record every session's events to a file that can be replayed."), group=CHAT
    )

    default_url: str = option("", N_("The server to use when lmdeck is started without one."), group=SERVER)
    default_profile: str = option(
        "", N_("The profile to use when lmdeck is started without one; goes before the server."), group=SERVER
    )
    stall_notice: float = option(
        15.0, N_("Seconds of silence during a reply until lmdeck says so."), group=SERVER, minimum=1, maximum=3600
    )
    stall_limit: float = option(
        300.0,
        N_("Seconds of silence until a reply is given up, its text kept; 0 waits for ever."),
        group=SERVER,
        minimum=0,
        maximum=86_400,
    )

    tools: tuple[str, ...] = option(("add", "mul"), N_("The tools offered to the model."), group=TOOLS)
    round_limit: int = option(
        10, N_("How many times in one turn the model may call tools."), group=TOOLS, minimum=1, maximum=1_000
    )

    allow_tools: tuple[str, ...] = option((), N_("Tools that may run without asking."), group=TOOLS)
    never_tools: tuple[str, ...] = option((), N_("Tools that never run, even if the model calls them."), group=TOOLS)
    tool_timeout: float = option(30.0, N_("Seconds a Python tool may take."), group=TOOLS, minimum=0.1, maximum=86_400)
    tool_memory: float = option(
        4.0, N_("Memory a Python tool may use, in GiB of address space."), group=TOOLS, minimum=0.25, maximum=4096
    )
    tool_result_limit: int = option(
        20_000,
        N_("The longest result the model gets, in characters; you see all of it."),
        group=TOOLS,
        minimum=500,
        maximum=10_000_000,
    )

    gpu_interval: float = option(
        1.0, N_("Seconds between two looks at the GPU."), group=MEMORY, minimum=0.1, maximum=3600
    )
    gpu_total: float | None = option(
        None,
        N_("The card's memory in GiB, for virtual cards whose driver shows the whole card."),
        group=MEMORY,
        minimum=0.25,
        maximum=4096,
    )

    model_roots: tuple[str, ...] = option((), N_("Folders in which to look for checkpoints."), group=MODELS)
    lmdeploy_path: str = option(
        "", N_("The lmdeploy command, or the environment it is in; empty to look for it."), group=MODELS
    )

    sampling: SamplingSettings = section(SamplingSettings)  # noqa: RUF009 (gives a dataclass field)

    def frames_per_second(self, *, over_ssh: bool) -> int:
        """How often to draw here."""
        return self.frames_ssh if over_ssh else self.frames_local
