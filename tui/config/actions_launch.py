"""The actions around lmdeploy itself: starting servers, those that run, quantising, a proxy's nodes, logs."""

from __future__ import annotations

from tui.config.action import Action, Footer, Group, Place
from tui.i18n import N_

# Alone in its place's key line: no menu entry, because the chat's menu cannot run it.
_ALWAYS = Footer.ALWAYS

LAUNCH_ACTIONS: tuple[Action, ...] = (
    Action(
        "server.launch",
        N_("Start a server"),
        N_("Start lmdeploy with a model, here or on the machine that is connected; its memory is predicted first."),
        "app.launch",
        Group.SERVER,
        "f6,ctrl+l",
        Place.CHAT,
        Footer.IDLE,
    ),
    Action(
        "server.list",
        N_("Servers"),
        N_("The lmdeploy servers of this machine: memory, uptime, owner; open, stop, read their logs."),
        "app.servers",
        Group.SERVER,
        "",
        Place.CHAT,
    ),
    Action(
        "server.switch",
        N_("Another model on this server"),
        N_("Stop our server, see its memory come back, start another model there and go on with the conversation."),
        "app.switch_server",
        Group.SERVER,
        "",
        Place.CHAT,
    ),
    Action(
        "server.tool_parser",
        N_("Restart with a tool parser"),
        N_("Start our server again with the --tool-call-parser that fits its model; the conversation goes on."),
        "app.tool_parser",
        Group.SERVER,
        "",
        Place.CHAT,
    ),
    Action(
        "server.quantize",
        N_("Quantise a model"),
        N_("Make a 4-bit model with lmdeploy lite auto_awq, with its progress and what it gains."),
        "app.quantise",
        Group.SERVER,
        "",
        Place.CHAT,
    ),
    Action(
        "server.nodes",
        N_("Nodes of the proxy"),
        N_("The servers behind an lmdeploy proxy: what they work on, how fast they are, which do not answer."),
        "app.nodes",
        Group.SERVER,
        "",
        Place.CHAT,
    ),
    Action(
        "launch.start", N_("Start"), N_("Start what is written."), "screen.start", Group.SERVER, "f6,ctrl+l",
        Place.LAUNCH, _ALWAYS, in_menu=False,
    ),
    Action(
        "launch.model", N_("Models"), N_("The model folders of the machine, and whether they fit."),
        "screen.pick_model", Group.SERVER, "f2", Place.LAUNCH, _ALWAYS, in_menu=False,
    ),
    Action(
        "launch.option", N_("Options"), N_("Every option that this lmdeploy knows, with what it does."),
        "screen.add_option", Group.SERVER, "f3", Place.LAUNCH, _ALWAYS, in_menu=False,
    ),
    Action(
        "launch.log", N_("Log"), N_("What the server writes."), "screen.log", Group.SERVER, "f4", Place.LAUNCH,
        _ALWAYS, in_menu=False,
    ),
    Action(
        "launch.servers", N_("Servers"), N_("The servers of this machine."), "screen.servers", Group.SERVER,
        "f5,ctrl+r", Place.LAUNCH, _ALWAYS, in_menu=False,
    ),
    Action(
        "launch.copy", N_("Copy"), N_("Copy the command line."), "screen.copy", Group.SERVER, "f9", Place.LAUNCH,
        _ALWAYS, in_menu=False,
    ),
    Action(
        "servers.stop", N_("Stop or remove"),
        N_("Stop the chosen server; of one that has ended, remove its log and notes."),
        "screen.stop", Group.SERVER, "delete,ctrl+d", Place.SERVERS, _ALWAYS, in_menu=False,
    ),
    Action(
        "servers.log", N_("Log"), N_("What the chosen one writes, or wrote."), "screen.log", Group.SERVER, "f4",
        Place.SERVERS, _ALWAYS, in_menu=False,
    ),
    Action(
        "servers.switch", N_("Other model"), N_("Stop the chosen server and start another model in its place."),
        "screen.switch", Group.SERVER, "f2", Place.SERVERS, _ALWAYS, in_menu=False,
    ),
    Action(
        "servers.start", N_("Start one"), N_("Start another server."), "screen.start", Group.SERVER, "f6,ctrl+l",
        Place.SERVERS, _ALWAYS, in_menu=False,
    ),
    Action(
        "quantise.start", N_("Start"), N_("Start the quantisation."), "screen.start", Group.SERVER, "f6,ctrl+l",
        Place.QUANTISE, _ALWAYS, in_menu=False,
    ),
    Action(
        "quantise.model", N_("Models"), N_("The model folders of the machine."), "screen.pick_model", Group.SERVER,
        "f2", Place.QUANTISE, _ALWAYS, in_menu=False,
    ),
    Action(
        "quantise.log", N_("Log"), N_("What the quantisation writes."), "screen.log", Group.SERVER, "f4",
        Place.QUANTISE, _ALWAYS, in_menu=False,
    ),
    Action(
        "quantise.copy", N_("Copy"), N_("Copy the command line."), "screen.copy", Group.SERVER, "f9",
        Place.QUANTISE, _ALWAYS, in_menu=False,
    ),
    Action(
        "nodes.remove", N_("Remove"), N_("Take the chosen node out of the proxy's list."), "screen.remove",
        Group.SERVER, "delete,ctrl+d", Place.NODES, _ALWAYS, in_menu=False,
    ),
    Action(
        "logs.find", N_("Filter"), N_("Only the lines with these words."), "screen.find", Group.SCREEN, "f3,ctrl+f",
        Place.LOGS, _ALWAYS, in_menu=False,
    ),
    Action(
        "logs.search", N_("Next"), N_("Go to the next line with the words, without hiding the others."),
        "screen.search", Group.SCREEN, "f5,ctrl+r", Place.LOGS, _ALWAYS, in_menu=False,
    ),
    Action(
        "logs.follow", N_("Follow"), N_("Stay at the end of the log, or stop doing so."), "screen.follow",
        Group.SCREEN, "f4", Place.LOGS, _ALWAYS, in_menu=False,
    ),
    Action(
        "logs.copy", N_("Copy"), N_("Copy the lines that are shown."), "screen.copy", Group.SCREEN, "f9", Place.LOGS,
        _ALWAYS, in_menu=False,
    ),
)  # fmt: skip
