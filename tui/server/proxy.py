"""Talking to ``lmdeploy serve proxy`` about its nodes (its routes ``/nodes/…``; lmdeploy 0.6.1 and newer)."""

from __future__ import annotations

from tui.model.problem import Problem, ProblemError
from tui.server.address import Address
from tui.server.client import ServerClient
from tui.server.errors import Asked, problem_of_reply
from tui.server.transport import Reply

STATUS, REMOVE, HEALTH = "/nodes/status", "/nodes/remove", "/health"


class Proxy:
    """A proxy behind a client that somebody else owns."""

    def __init__(self, client: ServerClient) -> None:
        self._client = client

    async def status(self) -> str:
        """The text of GET /nodes/status. Raises ProblemError."""
        return _text(await self._client.fetch("GET", STATUS), self._client.address)

    async def remove(self, url: str) -> str:
        """What the proxy says about taking a node out of its list. Raises ProblemError."""
        reply = await self._client.fetch("POST", REMOVE, json={"url": url})
        return _text(reply, self._client.address).strip().strip('"')

    async def ask(self, url: str, within: float) -> float:
        """Ask a node itself whether it is alive; seconds until its answer. Raises ProblemError."""
        client = ServerClient(Address.parse(url), None)
        try:
            reply = await client.fetch("GET", HEALTH, within=within)
            _text(reply, client.address)
        finally:
            await client.aclose()
        return reply.seconds


def _text(reply: Reply, address: Address) -> str:
    if reply.status != 200:
        asked = Asked(address.shown)
        problem: Problem = problem_of_reply(reply.status, reply.content_type, reply.body, "", asked)
        raise ProblemError(problem)
    return reply.text
