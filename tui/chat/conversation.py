"""What a session holds of its conversation: the open branch, what was deleted from it, its title, who listens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tui.chat.assemble import Assembly
from tui.chat.keeper import Keeper
from tui.chat.merge import merge_events
from tui.chat.ports import StorePort
from tui.chat.records import Settings
from tui.chat.writer import Heading
from tui.model.broadcast import Broadcast, Subscription
from tui.model.events import BranchChanged, MessagesDeleted, Notice, SessionEvent, TitleChanged, TurnFigures
from tui.model.message import Message
from tui.model.problem import Problem, ProblemError


class Conversation:
    """The reading half of a session, and what it shares with the store. The turns are ``tui.session.Session``'s.

    Deleting hides: the tree of messages only grows. A deleted message keeps its place and stays the parent of what
    followed it; what is said later hangs at the end of the branch, deleted or not. Whoever reads – the screen, the
    request to the server – leaves deleted messages out, so that the nearest one before them that is left takes their
    place. That is why :meth:`Session.undelete` brings everything back where it was."""

    def __init__(self, store: StorePort | None, conversation_id: str | None) -> None:
        self.title = ""
        self.title_is_manual = False
        self._store = store
        self._assembly = Assembly()
        self._deeds: list[tuple[str, ...]] = []
        self._keeper = Keeper(store, conversation_id, self._heading, self._assembly.message, self._store_failed)
        self._events: Broadcast[SessionEvent] = Broadcast(merge=merge_events)

    @property
    def conversation_id(self) -> str:
        """The store's id once the conversation is there, before that one of our own."""
        return self._keeper.conversation_id

    @property
    def messages(self) -> tuple[Message, ...]:
        """The visible branch, oldest first, the message being written included, without what was deleted."""
        return self._assembly.messages

    @property
    def turns(self) -> Mapping[str, TurnFigures]:
        """The figures of the turns that messages come from, by ``Message.turn``."""
        return self._assembly.turns

    def subscribe(self) -> Subscription[SessionEvent]:
        """All events from now on. Nothing is lost: neighbouring deltas are merged when the consumer is slow."""
        return self._events.subscribe()

    async def rename(self, title: str) -> None:
        """Give the conversation a title that no automatic one replaces."""
        self._set_title(title, manual=True)

    async def flush(self) -> None:
        """Return when what there is has been written, or when the store refused it."""
        await self._keeper.flush()

    # For the session.

    async def _read(self, tip: str | None) -> Settings:
        """Read the conversation from the store and show its open branch, or the one that ends at ``tip``; how it is
        held. Raises ProblemError (the store's, or ``chat.no_conversation``)."""
        store = self._store
        info = await store.conversation(self.conversation_id) if store else None
        if info is None or store is None:
            raise ProblemError(Problem("chat.no_conversation", {"id": self.conversation_id}))
        messages = await store.branch(info.id, tip or info.tip, all_of_it=True)
        deeds = await store.hidden(info.id)
        figures = await store.figures(info.id)
        if tip:
            await store.set_tip(info.id, tip)
        self.title, self.title_is_manual = info.title, info.title_is_manual
        settings = Settings.of(info.settings)
        self._keeper.loaded(settings)
        self._deeds = deeds
        self._assembly.deleted = {message_id for deed in deeds for message_id in deed}
        self._assembly.turns.update(figures)
        self._show(messages)
        return settings

    def _show(self, messages: Sequence[Message]) -> None:
        """Make another branch the visible one."""
        self._keeper.capture()
        self._assembly.replace(messages)
        self._publish(BranchChanged(self.conversation_id, self._assembly.shown_tip))

    def _hide(self, ids: tuple[str, ...]) -> None:
        event = MessagesDeleted(ids)
        self._assembly.apply(event)
        self._deeds.append(ids)
        self._keeper.hide(ids)
        self._publish(event)

    def _unhide(self) -> tuple[str, ...]:
        """Undo the last deletion of which something is on this branch; the ids that are back."""
        here = {message.id for message in self._assembly.branch()}
        place = next((at for at in reversed(range(len(self._deeds))) if here.intersection(self._deeds[at])), None)
        if place is None:
            return ()
        ids = self._deeds.pop(place)
        self._assembly.deleted.difference_update(ids)
        self._keeper.unhide(ids)
        back = tuple(one for one in ids if one in here)
        self._publish(BranchChanged(self.conversation_id, self._assembly.shown_tip, back))
        return back

    def _set_title(self, title: str, *, manual: bool) -> None:
        if not title or (self.title_is_manual and not manual):
            return
        self.title, self.title_is_manual = title, manual
        self._keeper.rename(title, manual=manual)
        self._publish(TitleChanged(title))

    def _publish(self, event: SessionEvent) -> None:
        self._events.publish(event)

    def _heading(self) -> Heading:
        raise NotImplementedError

    def _store_failed(self, problem: Problem) -> None:
        self._publish(Notice(problem))


def with_answers(messages: Sequence[Message], message_id: str) -> tuple[str, ...]:
    """What goes when a message is deleted: with a user's everything that answers it (an answer without its question
    would be refused by many chat templates), with an assistant's the results of its calls. Raises KeyError."""
    place = next((at for at, message in enumerate(messages) if message.id == message_id), None)
    if place is None:
        raise KeyError(message_id)
    ends = ("user", "system") if messages[place].role == "user" else ("user", "system", "assistant")
    end = next((at for at in range(place + 1, len(messages)) if messages[at].role in ends), len(messages))
    return tuple(message.id for message in messages[place:end])
