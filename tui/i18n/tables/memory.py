"""Sentences of the memory monitor: what cannot be known about a server's memory, and what to do about it."""

from __future__ import annotations

from tui.i18n import N_

TABLE: dict[str, tuple[str, str]] = {
    "memory.remote": (
        N_("The server runs on another machine, and a card cannot be seen over HTTP."),
        N_("Name its model and its card, and lmdeck calculates the split."),
    ),
    "memory.no-process": (
        N_("No lmdeploy process was found behind port {port} of this machine: a container or a tunnel may be between."),
        N_("Name the model, and weights and kv cache can be told apart."),
    ),
    "memory.model-unknown": (
        N_("The files of the model {model} were not found on this machine."),
        N_("Name the model's folder, and weights and kv cache can be told apart."),
    ),
    "memory.impossible": (
        N_("With these flags the model would not fit on a card of {size} GiB."),
        N_("Correct the model, its flags or the card's size."),
    ),
    "memory.no-metrics": (
        N_("The server offers no metrics, so it cannot be seen how full the kv cache is."),
        N_("Start it with metrics enabled."),
    ),
}
