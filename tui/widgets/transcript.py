"""The conversation on screen: part views in order, following the newest text until the user scrolls away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from textual.containers import VerticalScroll
from textual.geometry import Size
from textual.message import Message
from textual.widget import Widget

if TYPE_CHECKING:
    from tui.widgets.parts import PartView

_NEAR = 2  # rows from the end that still count as "at the end"


class Transcript(VerticalScroll, can_focus=False):
    """Holds :class:`PartView` children. The focus stays in the composer; keys scroll it from outside."""

    @dataclass
    class FollowChanged(Message):
        """``following`` is False while the user reads further up; ``news`` counts parts that arrived since."""

        following: bool
        news: int

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.following = True
        self._news = 0
        self._selected: str | None = None

    # content

    def part_views(self) -> list[PartView]:
        """All parts in order; the transcript holds nothing else."""
        return cast("list[PartView]", list(self.children))

    def add(self, view: PartView) -> None:
        """Append a part; the view follows if it was at the end."""
        if not self.is_attached:
            return  # the app is ending
        self.mount(view)
        if not self.following:
            self._news += 1
            self.post_message(self.FollowChanged(following=False, news=self._news))

    async def replace(self, views: Sequence[Widget]) -> None:
        """Show other parts instead, from the end. What lmdeck said outside any message stays."""
        with self.app.batch_update():
            await self.remove_children([view for view in self.part_views() if view.message_id])
            await self.mount_all(views)
        self._selected = None
        self.follow()

    # following

    def follow(self) -> None:
        """Go to the end and stay there."""
        self.following = True
        self._news = 0
        self._hold()
        self.post_message(self.FollowChanged(following=True, news=0))

    def _hold(self) -> None:
        # Textual anchors short content to the bottom edge; hold on only when there is something to scroll.
        if self.virtual_size.height > self.size.height:
            self.anchor()
        elif self.is_anchored:
            self.anchor(anchor=False)

    def watch_virtual_size(self, old: Size, new: Size) -> None:
        if self.following and old.height != new.height:
            self._hold()

    def on_resize(self) -> None:
        if self.following:
            self.call_after_refresh(self._hold)

    def on_mouse_scroll_up(self) -> None:
        self.call_after_refresh(self.settle, near=0)

    def on_mouse_scroll_down(self) -> None:
        self.call_after_refresh(self.settle)

    def settle(self, near: int = _NEAR) -> None:
        """After the user scrolled: follow again within ``near`` rows of the end, hold still anywhere else."""
        at_end = self.max_scroll_y - self.scroll_target_y <= near
        if at_end and not self.following:
            self.follow()
        elif not at_end:
            self.release_anchor()
            if self.following:
                self.following = False
                self.post_message(self.FollowChanged(following=False, news=self._news))

    def move_view(self, where: str) -> None:
        """Scroll by a page (``page_up``, ``page_down``) or to an end (``home``, ``end``)."""
        if where == "end":
            self.follow()
            return
        target = {
            "page_up": self.scroll_y - max(1, self.size.height - 2),
            "page_down": self.scroll_y + max(1, self.size.height - 2),
            "home": 0,
        }[where]
        self.scroll_to(y=target, animate=False, immediate=True)
        self.settle()

    # walking through messages

    @property
    def selected(self) -> str | None:
        """The id of the message that the user walked to."""
        return self._selected

    def message_ids(self) -> list[str]:
        """Messages on screen in order, each once."""
        return list(dict.fromkeys(view.message_id for view in self.part_views() if view.SAID))

    def walk(self, step: int) -> None:
        """Select the message ``step`` further (−1: above); past the last one nothing is selected."""
        ids = self.message_ids()
        if not ids:
            return
        place = ids.index(self._selected) if self._selected in ids else len(ids)
        target = place + step
        self.select(ids[max(0, target)] if target < len(ids) else None)

    def select(self, message_id: str | None) -> None:
        """Mark a message as selected and bring it into view; None goes back to the end."""
        self._selected = message_id
        first: PartView | None = None
        for view in self.part_views():
            chosen = message_id is not None and view.message_id == message_id
            view.set_class(chosen, "-selected")
            first = view if chosen and first is None else first
        if first is None:
            self.follow()
        else:
            self.scroll_to_widget(first, animate=False, top=True, immediate=True)
            self.settle()

    # folding

    def fold_parts(self) -> None:
        """Unfold what folds in the selected message (or everywhere) if anything is folded, else fold it all."""
        views = [view for view in self.part_views() if view.FOLDS]
        if self._selected is not None:
            views = [view for view in views if view.message_id == self._selected] or views
        opened = any(not view.open for view in views)
        for view in views:
            view.set_open(opened=opened)

    def retranslate(self) -> None:
        for view in self.part_views():
            view.retranslate()
