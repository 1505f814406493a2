"""From what was asked for (command line, a card) and what is set (settings, profile) to what is opened."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tui.app_options import AppOptions
from tui.config.paths import data_folder, private_folder
from tui.config.settings import Settings
from tui.model.problem import Problem, ProblemError
from tui.model.request import Sampling
from tui.screens.cards import is_simulated

if TYPE_CHECKING:
    from tui.config.profiles import Profile
    from tui.model.message import ConversationInfo
    from tui.ssh.target import Target
    from tui.store.store import Store

DEFAULT_URL = "http://127.0.0.1:23333"


@dataclass(frozen=True, slots=True)
class Opening:
    """Everything a workspace needs to know. ``tools`` None: all that there are. ``allow`` and ``never`` are the rules
    for tools, ``profile`` whose rules they are. ``machine`` is the machine behind ssh that the server is on."""

    options: AppOptions
    settings: Settings = field(default_factory=Settings)
    sampling: Sampling = field(default_factory=Sampling)
    tools: frozenset[str] | None = None
    allow: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    profile: str = ""
    machine: Target | None = None


def resolve(options: AppOptions, path: Path | None = None) -> Opening:
    """Fill in what settings and profile say; what was asked for goes first. Reads files and may ask the keyring: call
    it in a thread. Raises ProblemError (an unknown profile, a key that cannot be had)."""
    from tui.config.settings import config_path
    from tui.config.settings_load import quick_settings

    path = path or config_path()
    settings = quick_settings(path)
    profile = _profile(options, settings, path)
    sampling, tools, system = settings.sampling.to_sampling(), settings.tools, settings.system_prompt
    allow, never = settings.allow_tools, settings.never_tools
    if profile is not None:
        allow = settings.allow_tools if profile.allow_tools is None else profile.allow_tools
        never = (*never, *(profile.never_tools or ()))
        sampling = _over(sampling, profile.sampling)
        tools = settings.tools if profile.tools is None else profile.tools
        system = system if profile.system_prompt is None else profile.system_prompt
        key = options.api_key or (found.reveal() if (found := profile.find_key()) else None)
        options = replace(
            options, url=profile.url, ssh=profile.ssh and profile.address, api_key=key,
            model=options.model or profile.model or None,
        )  # fmt: skip
    options = replace(options, system=options.system or system)
    if not _has_server(options) and not options.conversation:
        options = replace(options, url=settings.default_url or DEFAULT_URL)
    if settings.history_folder and options.store is None:
        options = replace(options, store=Path(settings.history_folder).expanduser() / "conversations.sqlite3")
    options = _measured(options, settings)
    if settings.recordings and options.record is None:
        options = replace(options, record=_recording())
    # The default is what is built in: tools of other kinds are then offered as well.
    chosen = None if tools == Settings().tools else frozenset(tools)
    machine = machine_of(options, profile)
    return Opening(options, settings, sampling, chosen, allow, never, profile.name if profile else "", machine)


def machine_of(options: AppOptions, profile: Profile | None = None) -> Target | None:
    """The machine behind ssh that is meant, if one is. Raises ProblemError: what
    :func:`tui.hosts.remote.read_target` says."""
    if not options.ssh:
        return None
    from tui.hosts.remote import read_target

    return read_target(profile if profile is not None and profile.ssh else options.ssh, options.ssh_options)


def machine_again(options: AppOptions, path: Path | None = None) -> Target | None:
    """The machine that a kept conversation brought: its address alone was kept, so the options for ssh are those of the
    profile for the same login, where there is one. Reads files. Raises ProblemError."""
    target = machine_of(options)
    if target is None:
        return None
    from tui.config.profiles import load_profiles
    from tui.config.settings import config_path
    from tui.hosts.remote import target_of

    for profile in load_profiles(path or config_path()).by_name.values():
        with suppress(ProblemError):
            if profile.ssh and (known := target_of(profile)).login == target.login:
                new_host = known.new_host_each_time
                return replace(target, options=known.options, new_host_each_time=new_host)
    return target


def _measured(options: AppOptions, settings: Settings) -> AppOptions:
    """How the card is looked at, where the command line does not say it."""
    total = options.gpu_total or (round(settings.gpu_total * 2**30) if settings.gpu_total else None)
    plain = AppOptions()
    interval = settings.gpu_interval if options.gpu_interval == plain.gpu_interval else options.gpu_interval
    return replace(options, gpu_total=total, gpu_interval=interval)


def _recording() -> str | None:
    """A new file for this session's events; None where no folder for it can be made."""
    folder = data_folder() / "recordings"
    try:
        private_folder(folder)
    except OSError:
        return None
    return str(folder / f"{datetime.now(UTC):%Y%m%d-%H%M%S}.jsonl")


def _has_server(options: AppOptions) -> bool:
    return bool(options.url or options.ssh) or options.demo is not None


def _profile(options: AppOptions, settings: Settings, path: Path) -> Profile | None:
    name = options.profile
    if not name and not _has_server(options) and not options.conversation:
        name = settings.default_profile
    if not name:
        return None
    from tui.config.profiles import load_profiles

    return load_profiles(path).get(name)


def _over(base: Sampling, other: Sampling) -> Sampling:
    """``base`` with everything that ``other`` sets."""
    empty = Sampling()
    names = ("temperature", "top_p", "top_k", "min_p", "repetition_penalty", "max_tokens", "stop", "seed")
    changes = {name: getattr(other, name) for name in names if getattr(other, name) != getattr(empty, name)}
    kwargs = {**base.chat_template_kwargs, **other.chat_template_kwargs}
    return replace(base, **changes, chat_template_kwargs=kwargs)


async def with_conversation(options: AppOptions, store: Store) -> tuple[AppOptions, Problem | None]:
    """The options with the conversation's id in place of ``last``, and its server where no other was named.

    Without such a conversation the usual server is opened with a new one, and the problem says so."""
    info: ConversationInfo | None
    if not options.conversation:
        return options, None
    try:
        if options.conversation == "last":
            recent = await store.conversations(limit=1)
            info = recent[0] if recent else None
        else:
            info = await store.conversation(options.conversation)
    except ProblemError as error:
        return _without(options), error.problem
    if info is None:
        return _without(options), Problem("app.no_last_conversation")
    options = replace(options, conversation=info.id)
    if _has_server(options):
        return options, None
    if info.endpoint.startswith("ssh://"):
        return replace(options, ssh=info.endpoint), None
    if is_simulated(info.model):
        return replace(options, demo={}), None
    return replace(options, url=info.endpoint or DEFAULT_URL), None


def _without(options: AppOptions) -> AppOptions:
    options = replace(options, conversation="")
    return options if _has_server(options) else replace(options, url=DEFAULT_URL)
