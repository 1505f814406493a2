"""What a session asks of its endpoint before it sends something."""

from __future__ import annotations

from tui.chat.ports import EndpointPort
from tui.lmdeploy.dialects import at_least
from tui.model.problem import Problem, ProblemError
from tui.model.server import ServerFacts

_READY_SECONDS = 30.0  # how long a turn waits for an endpoint that is still being probed
_CHOSEN_SECONDS = 1.0  # … when the model was chosen by name and only the dialect is missing


async def find_model(endpoint: EndpointPort) -> str:
    """The model to name in a request, waited for while the endpoint is still being probed. Raises ProblemError."""
    if not endpoint.facts.models:
        await endpoint.ready(_CHOSEN_SECONDS if endpoint.model else _READY_SECONDS)
    if not endpoint.model:
        raise ProblemError(endpoint.link.problem or Problem("chat.no_model"))
    return endpoint.model


def known_model(endpoint: EndpointPort) -> str:
    """The model to name in a request, when nothing more needs to be found out; else empty."""
    return (endpoint.model or "") if endpoint.facts.models else ""


def continues_answers(facts: ServerFacts) -> bool:
    """Whether this server goes on with an assistant message at the end: read in 0.18.0 (reference, §3.1); of releases
    before the rewrite of 0.13 it is not known, so they are asked to continue."""
    return at_least(facts.version_band, "0.13.0") is not False
