"""Fan-out: bounded, and with a merge rule nothing is lost."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from tui.model.broadcast import Broadcast
from tui.model.events import TextDelta


def join(older: object, newer: object) -> object | None:
    if isinstance(older, TextDelta) and isinstance(newer, TextDelta):
        return TextDelta(older.text + newer.text)
    return None


@given(st.lists(st.one_of(st.text(max_size=3), st.integers()), max_size=40), st.integers(1, 5))
def test_with_a_merge_rule_nothing_is_lost(items: list[object], limit: int) -> None:
    broadcast: Broadcast[object] = Broadcast(limit, join)
    subscription = broadcast.subscribe()
    for item in items:
        broadcast.publish(TextDelta(item) if isinstance(item, str) else item)

    def flat(values: list[object]) -> list[object]:
        joined: list[object] = []
        for value in values:
            text = value.text if isinstance(value, TextDelta) else value if isinstance(value, str) else None
            if text is None:
                joined.append(value)
            elif joined and isinstance(joined[-1], str):
                joined[-1] += text
            else:
                joined.append(text)
        return joined

    assert flat(subscription.drain()) == flat(items)


def test_without_one_the_oldest_is_dropped() -> None:
    broadcast: Broadcast[int] = Broadcast(3)
    subscription = broadcast.subscribe()
    for number in range(10):
        broadcast.publish(number)
    assert subscription.drain() == [7, 8, 9]


async def test_iteration_ends_when_closed_and_reads_what_was_queued() -> None:
    broadcast: Broadcast[int] = Broadcast()
    subscription = broadcast.subscribe()
    seen: list[int] = []

    async def consume() -> None:
        seen.extend([item async for item in subscription])

    task = asyncio.create_task(consume())
    await asyncio.sleep(0)
    broadcast.publish(1)
    await asyncio.sleep(0)
    broadcast.publish(2)
    broadcast.close()
    broadcast.publish(3)
    await task
    assert seen == [1, 2]


async def test_a_closed_subscription_receives_nothing_and_disturbs_nobody() -> None:
    broadcast: Broadcast[int] = Broadcast()
    first, second = broadcast.subscribe(), broadcast.subscribe()
    first.close()
    first.close()
    first.push(5)
    broadcast.publish(1)
    assert first.drain() == []
    assert second.drain() == [1]
