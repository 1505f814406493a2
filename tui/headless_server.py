"""The server that ``lmdeck ask`` talks to: at an address, or on a machine over ssh, whose questions are asked on the
terminal."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from tui.config.targets import is_far
from tui.model.problem import Problem, ProblemError

if TYPE_CHECKING:
    from tui.headless import AskOptions
    from tui.server.endpoint import Endpoint

_READY_SECONDS = 20.0


async def open_server(options: AskOptions, stack: AsyncExitStack) -> Endpoint:
    """An endpoint that is ready; it and the connection it needs end with ``stack``. Raises ProblemError."""
    from tui.server.address import Address
    from tui.server.endpoint import Endpoint

    if is_far(options.url):
        endpoint = await _far_server(options, stack)
    else:
        endpoint = Endpoint(Address.parse(options.url), options.api_key, options.model)
        stack.push_async_callback(endpoint.aclose)
    if not await endpoint.ready(_READY_SECONDS):
        raise ProblemError(endpoint.link.problem or Problem("ask.not_ready", {"url": options.url}))
    return endpoint


async def _far_server(options: AskOptions, stack: AsyncExitStack) -> Endpoint:
    from tui.hosts.remote import open_remote
    from tui.hosts.serving import Aimer
    from tui.hosts.terminal import ask_on_terminal

    host = await open_remote(options.url, ask_on_terminal, options=options.ssh_options)
    stack.push_async_callback(host.aclose)
    await host.link.up()
    endpoint = await host.endpoint(options.api_key, options.model)
    stack.push_async_callback(endpoint.aclose)
    endpoint.aim = Aimer(host.link.order, host.name, named=host.target.names_server)
    return endpoint
