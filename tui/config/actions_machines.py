"""The actions about machines over ssh: their list, the fleet, the connection of the open server."""

from __future__ import annotations

from tui.config.action import Action, Footer, Group, Place
from tui.i18n import N_

MACHINE_ACTIONS: tuple[Action, ...] = (
    Action(
        "machines.connections",
        N_("Connections"),
        N_("The machines over ssh: where each connection stands, its servers, its cards, its ports."),
        "app.connections",
        Group.SERVER,
        "f10,alt+c",
        Place.APP,
    ),
    Action(
        "machines.fleet",
        N_("Fleet"),
        N_("Every server on every connected machine: memory and load, live. Enter opens the chat there."),
        "app.fleet",
        Group.SERVER,
        "alt+f",
        Place.APP,
    ),
    Action(
        "machines.reconnect",
        N_("Reconnect now"),
        N_("Connect again at once, without waiting for the next attempt."),
        "app.reconnect",
        Group.SERVER,
        "alt+r",
        Place.APP,
    ),
    Action(
        "machines.disconnect",
        N_("Disconnect the machine"),
        N_("End the ssh connection of the open server; what runs there goes on."),
        "app.disconnect",
        Group.SERVER,
        "",
        Place.APP,
    ),
    Action(
        "machines.forward",
        N_("Forward a port"),
        N_("Open a port of the machine on 127.0.0.1, for a browser or your own scripts; list and close them."),
        "app.forward_port",
        Group.SERVER,
        "",
        Place.APP,
    ),
    Action(
        "connections.reconnect",
        N_("Reconnect"),
        N_("Connect the chosen machine, or connect it again at once."),
        "screen.reconnect",
        Group.SERVER,
        "ctrl+r,f5",
        Place.CONNECTIONS,
        Footer.ALWAYS,
    ),
    Action(
        "connections.disconnect",
        N_("Disconnect"),
        N_("End the connection to the chosen machine; what runs there goes on."),
        "screen.disconnect",
        Group.SERVER,
        "ctrl+d,delete",
        Place.CONNECTIONS,
        Footer.ALWAYS,
    ),
    Action(
        "connections.forward",
        N_("Forward a port"),
        N_("Open a port of the chosen machine on 127.0.0.1."),
        "screen.forward",
        Group.SERVER,
        "f4",
        Place.CONNECTIONS,
        Footer.ALWAYS,
    ),
    Action(
        "connections.add",
        N_("Another machine"),
        N_("Connect a machine by its address, or by a pasted ssh line."),
        "screen.add",
        Group.SERVER,
        "ctrl+n,insert",
        Place.CONNECTIONS,
        Footer.ALWAYS,
    ),
)
