"""The store's half about conversations as a whole: the list and what one does with its entries."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tui.model.message import ConversationInfo
from tui.model.problem import Problem, ProblemError
from tui.model.search import SearchHit
from tui.store import conversations, hidden, messages, search
from tui.store.purge import deleted_before, purge

if TYPE_CHECKING:
    from sqlite3 import Connection

    from tui.store.worker import Worker


class Catalogue:
    """Conversations as entries of a list. ``Store`` adds what is inside them."""

    _writer: Worker
    _reader: Worker

    async def create_conversation(
        self, *, title: str = "", endpoint: str = "", model: str = "", settings: Mapping[str, object] | None = None
    ) -> ConversationInfo:
        """A new, empty conversation. ``settings`` is any JSON data."""
        return await self._writer.run(
            lambda connection: conversations.create(
                connection, title=title, endpoint=endpoint, model=model, settings=settings
            )
        )

    async def conversations(
        self, limit: int = 200, offset: int = 0, *, deleted: bool = False
    ) -> list[ConversationInfo]:
        """The most recently used first. With ``deleted``: those that can be restored, the last deleted first."""
        return await self._reader.run(lambda connection: conversations.latest(connection, limit, offset, deleted))

    async def conversation(self, conversation_id: str) -> ConversationInfo | None:
        """One conversation, a deleted one too; None when there is no such."""
        return await self._reader.run(lambda connection: conversations.get(connection, conversation_id))

    async def rename(self, conversation_id: str, title: str, *, manual: bool) -> bool:
        """Set the title. An automatic one never overwrites one that the user chose: then False."""
        return await self._writer.run(
            lambda connection: conversations.rename(connection, conversation_id, title, manual)
        )

    async def change(
        self,
        conversation_id: str,
        *,
        model: str | None = None,
        endpoint: str | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> None:
        """Note another model, endpoint or settings (replaced as a whole); None leaves one as it is."""
        changes: dict[str, str] = {}
        if model is not None:
            changes["model"] = conversations.clean(model)
        if endpoint is not None:
            changes["endpoint"] = conversations.clean(endpoint)
        if settings is not None:
            changes["settings"] = json.dumps(dict(settings))
        await self._writer.run(lambda connection: conversations.change(connection, conversation_id, changes))

    async def set_tip(self, conversation_id: str, message_id: str) -> None:
        """Show another branch from now on: the one that ends at this message. New messages become the tip by
        themselves."""

        def work(connection: Connection) -> None:
            _require_member(connection, conversation_id, message_id)
            conversations.change(connection, conversation_id, {"tip": message_id})

        await self._writer.run(work)

    async def delete(self, conversation_id: str) -> None:
        """Take a conversation out of the list and the search; :meth:`restore` undoes it."""
        await self._writer.run(lambda connection: conversations.set_deleted(connection, conversation_id, deleted=True))

    async def restore(self, conversation_id: str) -> None:
        """Undo :meth:`delete`."""
        await self._writer.run(lambda connection: conversations.set_deleted(connection, conversation_id, deleted=False))

    async def hide(self, conversation_id: str, ids: Sequence[str]) -> None:
        """Take messages out of a conversation's branches, versions and the search. They stay in the tree, with their
        parents, hashes and what follows them: :meth:`unhide` undoes it."""
        await self._writer.run(lambda connection: hidden.hide(connection, conversation_id, ids))

    async def unhide(self, conversation_id: str, ids: Sequence[str]) -> None:
        """Undo :meth:`hide`."""
        await self._writer.run(lambda connection: hidden.unhide(connection, conversation_id, ids))

    async def hidden(self, conversation_id: str) -> list[tuple[str, ...]]:
        """The ids of hidden messages, those that were hidden together in one tuple; the oldest first."""
        return await self._reader.run(lambda connection: hidden.deeds(connection, conversation_id))

    async def purge(self, before: datetime | None = None) -> int:
        """Remove for good what was deleted before a time (default: everything that is deleted now). Messages shared
        with a fork that still exists stay. Returns how many conversations went."""
        border = before or datetime.now(UTC)
        gone = 0
        # One transaction each: another process may want to write meanwhile.
        for identity in await self._writer.run(lambda connection: deleted_before(connection, border)):
            gone += await self._writer.run(lambda connection, identity=identity: purge(connection, identity))
        return gone

    async def search(self, query: str, limit: int = 50) -> list[SearchHit]:
        """Conversations that hold all words of the query in one message, or in the title; the most recently used
        first. Words match from their beginning (``quant`` finds ``quantised``), Chinese anywhere. Found is what was
        said and what tools were given and answered, once a message is complete, within a second or so."""
        return await self._reader.run(lambda connection: search.find(connection, query, limit))

    async def fork(self, conversation_id: str, message_id: str, *, title: str | None = None) -> ConversationInfo:
        """A new conversation that shares everything up to a message and goes its own way after it."""

        def work(connection: Connection) -> ConversationInfo:
            _require_member(connection, conversation_id, message_id)
            path = [key for key, _ in messages.path(connection, message_id)]
            made = conversations.fork(connection, conversation_id, path, message_id, title)
            hidden.copy(connection, conversation_id, made.id)
            return made

        return await self._writer.run(work)


def _require_member(connection: Connection, conversation_id: str, message_id: str) -> None:
    conversations.key_of(connection, conversation_id)
    if not conversations.is_member(connection, conversation_id, message_id):
        raise ProblemError(Problem("store.unknown_message", {"id": message_id}))
