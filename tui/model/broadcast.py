"""Fan-out of one stream to several consumers, each with a bounded queue of its own."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Subscription(Generic[T]):
    """One consumer's queue. Iterate over it; it ends when it or the broadcast is closed."""

    def __init__(self, limit: int, merge: Callable[[T, T], T | None] | None, on_close: Callable[[], None]) -> None:
        self._items: deque[T] = deque()
        self._limit = limit
        self._merge = merge
        self._wake = asyncio.Event()
        self._closed = False
        self._on_close = on_close

    def push(self, item: T) -> None:
        """Queue an item. Past the limit it is merged into the newest one if they merge, else the oldest is dropped."""
        if self._closed:
            return
        if len(self._items) >= self._limit:
            merged = self._merge(self._items[-1], item) if self._merge else None
            if merged is not None:
                self._items[-1] = merged
                return
            if self._merge is None:
                self._items.popleft()
        self._items.append(item)
        self._wake.set()

    def drain(self) -> list[T]:
        """Everything queued right now, oldest first; the queue is empty afterwards."""
        items = list(self._items)
        self._items.clear()
        self._wake.clear()
        return items

    def close(self) -> None:
        """End the iteration once what is queued was read."""
        if not self._closed:
            self._closed = True
            self._on_close()
        self._wake.set()

    async def __aiter__(self) -> AsyncIterator[T]:
        while True:
            while self._items:
                yield self._items.popleft()
            if self._closed:
                return
            self._wake.clear()
            await self._wake.wait()


class Broadcast(Generic[T]):
    """Sends every published item to all subscribers.

    Without ``merge`` a slow subscriber loses its oldest items (samples). With ``merge`` nothing is ever lost: past the
    limit neighbouring items are merged where ``merge(older, newer)`` returns one, and kept where it returns None.
    """

    def __init__(self, limit: int = 256, merge: Callable[[T, T], T | None] | None = None) -> None:
        self._limit = limit
        self._merge = merge
        self._subscriptions: list[Subscription[T]] = []

    def subscribe(self) -> Subscription[T]:
        """A new subscription that receives what is published from now on."""

        def forget() -> None:
            if subscription in self._subscriptions:
                self._subscriptions.remove(subscription)

        subscription: Subscription[T] = Subscription(self._limit, self._merge, forget)
        self._subscriptions.append(subscription)
        return subscription

    def publish(self, item: T) -> None:
        for subscription in list(self._subscriptions):
            subscription.push(item)

    def close(self) -> None:
        """End all subscriptions."""
        for subscription in list(self._subscriptions):
            subscription.close()
