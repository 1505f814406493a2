"""Commands typed behind /: what they are called, what may follow, what they do. All of them have another way too."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tui.i18n import N_, _
from tui.widgets.literal import one_line

if TYPE_CHECKING:
    from tui.screens.chat import ChatScreen


@dataclass(frozen=True, slots=True)
class Slash:
    """A command. ``argument`` is what follows it, as shown; ``action`` the one that a command alone stands for."""

    name: str
    help: str
    argument: str = ""
    action: str = ""


SLASH: tuple[Slash, ...] = (
    Slash("model", N_("Send the next messages to this model."), N_("NAME"), "screen.choose_model"),
    Slash("system", N_("Tell the model this first, from the next message on."), N_("TEXT"), "screen.settings"),
    Slash("sampling", N_("Set or unset (NAME=) sampling parameters."), N_("top_p=0.8 …"), "screen.settings"),
    Slash("think", N_("Let the model think first, or not (models that know enable_thinking)."), N_("on|off")),
    Slash("tools", N_("Offer these tools to the model."), N_("all|none|NAMES"), "screen.tools"),
    Slash("history", N_("Find conversations with these words."), N_("WORDS"), "screen.conversations"),
    Slash("rename", N_("Give the conversation this title."), N_("TITLE"), "screen.rename"),
    Slash("export", N_("Write the conversation into a file here."), N_("md|json|html [FILE]"), "screen.export('md')"),
    Slash("shot", N_("Take a picture of the conversation with the memory panel."), action="screen.shot"),
    Slash("homework", N_("Walk through the course's tasks."), N_("TASKS"), "screen.homework"),
    Slash("report", N_("Write a report about the conversation."), N_("FILE"), "screen.report"),
    Slash("file", N_("Attach a file's text, or a picture, to the message."), N_("PATH")),
    Slash("theme", N_("Wear this theme."), N_("NAME"), "app.choose_theme"),
    Slash("language", N_("The language of the screen."), N_("en|zh"), "app.switch_language"),
    Slash("forward", N_("Open a port of the machine on 127.0.0.1."), N_("PORT"), "app.forward_port"),
    Slash("connections", N_("The machines over ssh."), action="app.connections"),
    Slash("fleet", N_("Every server on every connected machine."), action="app.fleet"),
    Slash("reconnect", N_("Connect again at once."), action="app.reconnect"),
    Slash("disconnect", N_("End the ssh connection."), action="app.disconnect"),
    Slash("new", N_("Start a new conversation."), action="screen.new_conversation"),
    Slash("fork", N_("Fork the conversation here."), action="screen.fork"),
    Slash("versions", N_("Choose among versions."), action="screen.versions"),
    Slash("delete", N_("Delete the selected message."), action="screen.delete_message"),
    Slash("undelete", N_("Bring back what was deleted."), action="screen.undelete_message"),
    Slash("retry", N_("Answer again."), action="screen.regenerate"),
    Slash("continue", N_("Go on with an answer that was cut."), action="screen.resume"),
    Slash("copy", N_("Copy the last message."), action="screen.copy_message"),
    Slash("editor", N_("Write in an editor."), action="screen.editor"),
    Slash("connect", N_("Connect elsewhere."), action="app.connect"),
    Slash("serve", N_("Start a server with this model."), N_("MODEL …"), "app.launch"),
    Slash("servers", N_("The servers of this machine."), action="app.servers"),
    Slash("switch", N_("Another model on this server."), action="app.switch_server"),
    Slash("quantize", N_("Quantise a model to 4 bits."), N_("MODEL …"), "app.quantise"),
    Slash("nodes", N_("The nodes of this proxy."), action="app.nodes"),
    Slash("settings", N_("Open the settings."), action="app.preferences"),
    Slash("server", N_("About the server."), action="screen.server_facts"),
    Slash("help", N_("Show the help."), action="app.help"),
    Slash("quit", N_("Leave lmdeck."), action="app.leave"),
)  # fmt: skip
BY_NAME: Mapping[str, Slash] = {one.name: one for one in SLASH}


def parse(text: str) -> tuple[str, str] | None:
    """Name and argument of a message that is a command; None for everything else, an unknown name too: then it is
    meant for the model. Chinese input methods write ／."""
    stripped = text.strip()
    if not stripped.startswith(("/", "／")) or "\n" in stripped:
        return None
    name, _blank, argument = stripped[1:].partition(" ")
    return (name.lower(), argument.strip()) if name.lower() in BY_NAME else None


def arguments_of(name: str, models: Sequence[str], tools: Sequence[str], themes: Sequence[str]) -> tuple[str, ...]:
    """What may stand behind a command, for completion."""
    from tui.screens.sampling import FIELD_NAMES

    known: Mapping[str, Sequence[str]] = {
        "model": models,
        "think": ("on", "off"),
        "tools": ("all", "none", *tools),
        "export": ("md", "json", "html"),
        "theme": themes,
        "language": ("en", "zh"),
        "sampling": tuple(f"{field}=" for field in FIELD_NAMES),
    }
    return tuple(known.get(name, ()))


async def obey(screen: ChatScreen, name: str, argument: str) -> None:
    """Do what a command says; without its argument, what it stands for alone."""
    command = BY_NAME[name]
    verb = _VERBS.get(name)
    if verb is None or not argument:
        if command.action:
            await screen.app.run_action(command.action, default_namespace=screen)
        else:
            text = _("/{name} needs something behind it: {argument}")
            screen.hint(text.format(name=name, argument=_(command.argument)))
        return
    said = await verb(screen, argument)
    if said:
        screen.hint(said)


async def _model(screen: ChatScreen, argument: str) -> str:
    workspace = screen.workspace
    link = workspace.link if workspace is not None else None
    names = link.facts.models if link is not None else ()
    found = [one for one in names if one == argument] or [one for one in names if argument.lower() in one.lower()]
    if link is None or len(found) != 1:
        return _("This server has no single model of that name: {names}").format(names=", ".join(names) or "–")
    link.choose_model(found[0])
    return _("The next message goes to {model}.").format(model=found[0])


async def _system(screen: ChatScreen, argument: str) -> str:
    session = screen.session
    if session is None:
        return _("There is no conversation to do this with yet.")
    session.system = argument
    return _("Used from the next message on.")


async def _sampling(screen: ChatScreen, argument: str) -> str:
    from tui.screens.sampling import FIELD_NAMES, read_field

    session = screen.session
    if session is None:
        return _("There is no conversation to do this with yet.")
    sampling = session.sampling
    for word in argument.replace("＝", "=").split():
        field, _equals, value = word.partition("=")
        try:
            if field not in FIELD_NAMES:
                raise ValueError(field)
            sampling = read_field(sampling, field, value)
        except ValueError:
            return _("{word} is no sampling parameter with a value that it can have.").format(word=word)
    session.sampling = sampling
    return _("Used from the next message on.")


async def _think(screen: ChatScreen, argument: str) -> str:
    session = screen.session
    if session is None:
        return _("There is no conversation to do this with yet.")
    if argument.lower() not in ("on", "off"):
        return _("/think takes on or off.")
    wanted = argument.lower() == "on"
    kwargs = {**session.sampling.chat_template_kwargs, "enable_thinking": wanted}
    session.sampling = replace(session.sampling, chat_template_kwargs=kwargs)
    if wanted:
        return _("The model is asked to think first, if its template knows that.")
    return _("The model is asked not to think first, if its template knows that.")


async def _tools(screen: ChatScreen, argument: str) -> str:
    session, workspace = screen.session, screen.workspace
    if session is None or workspace is None:
        return _("There is no conversation to do this with yet.")
    known = {spec.name for spec in workspace.tools}
    words = {word for word in argument.replace(",", " ").replace("，", " ").split() if word}
    if words == {"all"}:
        session.tools_enabled = None
        return _("All tools are offered to the model.")
    if words == {"none"}:
        session.tools_enabled = frozenset()
        return _("No tools are offered to the model.")
    if not words <= known:
        return _("There is no tool of that name; there are: {names}").format(names=", ".join(sorted(known)))
    session.tools_enabled = frozenset(words)
    return _("Used from the next message on.")


async def _history(screen: ChatScreen, argument: str) -> str:
    screen.find_conversations(argument)  # its own worker
    return ""


async def _rename(screen: ChatScreen, argument: str) -> str:
    if screen.session is None:
        return _("There is no conversation to do this with yet.")
    await screen.session.rename(argument)
    return _("The conversation is called “{title}” now.").format(title=argument)


async def _export(screen: ChatScreen, argument: str) -> str:
    from tui.screens.export import read_target

    found = read_target(argument)
    if found is None:
        return _("/export takes md, json or html, and the file's name behind it.")
    screen.action_export(*found)  # its own worker
    return ""


async def _homework(screen: ChatScreen, argument: str) -> str:
    screen.action_homework(",".join(argument.replace(",", " ").split()))  # its own worker
    return ""


async def _report(screen: ChatScreen, argument: str) -> str:
    screen.action_report(argument.strip("\"'"))  # its own worker
    return ""


async def _file(screen: ChatScreen, argument: str) -> str:
    from tui.screens.attach import mention

    path = argument.strip("\"'")
    if not await asyncio.to_thread(lambda: os.path.isfile(os.path.expanduser(path))):
        return _("There is no file {path}.").format(path=one_line(path, 200))
    screen.composer.insert(mention(path) + " ")
    screen.composer.focus()
    return ""


async def _serve(screen: ChatScreen, argument: str) -> str:
    if screen.launch_plan is not None:
        screen.launch_plan(_shell_words(argument))
    return ""


async def _quantize(screen: ChatScreen, argument: str) -> str:
    from tui.screens.launching import LaunchSide

    if isinstance(screen.app, LaunchSide):
        screen.app.quantise_words(_shell_words(argument))
    return ""


def _shell_words(argument: str) -> list[str]:
    import shlex

    try:
        return shlex.split(argument)
    except ValueError:  # a quote that stays open
        return argument.split()


async def _forward(screen: ChatScreen, argument: str) -> str:
    from tui.screens.machine_actions import MachineActions

    return await screen.app.forward_words(argument) if isinstance(screen.app, MachineActions) else ""


async def _theme(screen: ChatScreen, argument: str) -> str:
    if argument not in screen.app.available_themes:
        names = ", ".join(sorted(screen.app.available_themes))
        return _("There is no theme of that name; there are: {names}").format(names=names)
    screen.app.theme = argument
    await screen.keep_setting("theme", argument)
    return ""


async def _language(screen: ChatScreen, argument: str) -> str:
    from tui.i18n import current_language

    named = argument.lower().partition("_")[0].partition("-")[0]
    wanted = {"zh": "zh-CN", "中文": "zh-CN", "chinese": "zh-CN", "en": "en", "english": "en", "英文": "en"}.get(named)
    if wanted is None:
        return _("/language takes en or zh.")
    if wanted != current_language():
        await screen.app.run_action("app.switch_language")
    return ""


_VERBS: Mapping[str, Callable[[ChatScreen, str], Awaitable[str]]] = {
    "model": _model, "system": _system, "sampling": _sampling, "think": _think, "tools": _tools, "history": _history,
    "serve": _serve, "quantize": _quantize, "rename": _rename, "export": _export,
    "homework": _homework, "report": _report, "file": _file, "theme": _theme, "language": _language,
    "forward": _forward,
}  # fmt: skip
