"""A session's notebook: what of a conversation goes to the store, and nothing at all when there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tui.chat.ports import StorePort, new_id
from tui.chat.records import Settings
from tui.chat.writer import Heading, StoreWriter
from tui.model.message import Message
from tui.model.problem import Problem
from tui.model.turn import TurnRecord


class Keeper:
    """Keeps one conversation. Every call returns at once; the writing happens behind it."""

    def __init__(
        self,
        store: StorePort | None,
        conversation_id: str | None,
        heading: Callable[[], Heading],
        message: Callable[[str], Message | None],
        problem: Callable[[Problem], None],
    ) -> None:
        self._local_id = conversation_id or new_id()
        self._heading = heading
        self._settings: Settings | None = None
        self._writer = StoreWriter(store, conversation_id, self._create, message, problem) if store else None

    @property
    def conversation_id(self) -> str:
        """The store's id once the conversation is there, before that one of our own."""
        return (self._writer.conversation_id if self._writer else None) or self._local_id

    def loaded(self, settings: Settings) -> None:
        """These settings are what the store has."""
        self._settings = settings

    def touch(self, message_id: str) -> None:
        """A message is new or changed."""
        if self._writer:
            self._writer.touch(message_id)

    def capture(self) -> None:
        """Another branch will be shown: take what is still to be written of this one."""
        if self._writer:
            self._writer.capture()

    def rename(self, title: str, *, manual: bool) -> None:
        if self._writer:
            self._writer.add(lambda store, conversation: store.rename(conversation, title, manual=manual))

    def hide(self, ids: tuple[str, ...]) -> None:
        """These messages are not shown any more."""
        if self._writer:
            self._writer.add(lambda store, conversation: store.hide(conversation, ids))

    def unhide(self, ids: tuple[str, ...]) -> None:
        """These messages are shown again."""
        if self._writer:
            self._writer.add(lambda store, conversation: store.unhide(conversation, ids))

    def turn(self, record: TurnRecord) -> None:
        """Keep a turn as far as it came."""
        if self._writer:
            self._writer.add(lambda store, conversation: store.put_turn(replace(record, conversation_id=conversation)))

    def settings(self, settings: Settings, model: str) -> None:
        """Keep the settings when they changed since the conversation was created or loaded."""
        if self._writer and self._writer.conversation_id and settings != self._settings:
            self._settings = settings
            encoded = settings.encoded()
            self._writer.add(lambda store, conversation: store.change(conversation, model=model, settings=encoded))

    async def flush(self) -> None:
        """Return when everything is written, or when the store refused it."""
        if self._writer:
            await self._writer.flush()

    async def aclose(self) -> None:
        """Write what waits."""
        if self._writer:
            await self._writer.aclose()

    def _create(self) -> Heading:
        heading = self._heading()
        self._settings = heading.settings
        return heading
