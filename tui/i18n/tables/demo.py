"""Sentences for problems of the demo room."""

from __future__ import annotations

from tui.i18n import N_

TABLE: dict[str, tuple[str, str]] = {
    "demo.not-started": (
        N_("The simulated server did not start: {detail}."),
        N_("Try again; if a port was asked for, choose another one, or none so that the system chooses."),
    ),
    "demo.gpu-unreachable": (
        N_("The simulated GPU at {url} does not answer."),
        N_("The simulated server has probably ended; start it again with lmdeck demo."),
    ),
}
