"""An app's way to the terminal: frames are written by a :class:`FrameWriter`, not by Textual's compositor updates."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from rich.console import Console, RenderableType
from textual._compositor import Compositor, CompositorUpdate
from textual.app import App
from textual.geometry import Offset, Region

from tui.widgets.frames import FrameWriter
from tui.widgets.narrow import NARROW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.driver import Driver
    from textual.filter import LineFilter
    from textual.screen import Screen
    from textual.strip import Strip
    from textual.widget import Widget


class _Encoded(CompositorUpdate):
    """An update that was turned into bytes already."""

    def __init__(self, sequence: str) -> None:
        self._sequence = sequence

    def render_segments(self, console: Console) -> str:  # noqa: ARG002 (the interface's signature)
        return self._sequence


class EconomicalDisplay(App[None]):
    """Mixed into the app: writes only what changed. Overrides one private method of Textual, ``App._display``,
    and reads its compositor's map.

    LMDECK_PLAIN_FRAMES=1 leaves everything to Textual, for terminals that cannot scroll a region."""

    def __init__(self) -> None:
        super().__init__()
        # GNU screen erases with the default background, whatever colour is set.
        self._frames = FrameWriter(erase_to_end="STY" not in os.environ)
        self._frames_shown_at: Offset | None = None
        self._plain_frames = os.environ.get("LMDECK_PLAIN_FRAMES") == "1"
        self._suspended = False

    def get_driver_class(self) -> type[Driver]:
        usual = super().get_driver_class()
        if usual.__name__ != "LinuxDriver":
            return usual
        from tui.widgets.patient_driver import PatientDriver

        return PatientDriver

    @property
    def wide_ambiguous(self) -> bool:
        """Whether the terminal draws characters of ambiguous width in two cells. The transcript counts them so;
        everywhere else they become ASCII."""
        return self._frames.wide_ambiguous

    @wide_ambiguous.setter
    def wide_ambiguous(self, wide: bool) -> None:
        if wide == self._frames.wide_ambiguous:
            return
        self._frames.wide_ambiguous = wide
        self._frames.invalidate()
        for screen in self.screen_stack:
            for widget in screen.walk_children(with_self=True):
                widget.refresh()

    def get_line_filters(self) -> Sequence[LineFilter]:
        filters = super().get_line_filters()
        return [*filters, NARROW] if self.wide_ambiguous else filters

    def repaint_terminal(self) -> None:
        """Write the whole screen again: after something else has written to the terminal."""
        self._frames.invalidate()
        self.refresh()

    @contextmanager
    def suspend(self) -> Generator[None]:
        """Give the terminal away. Frames made meanwhile are dropped: Textual would queue thirty of them and then stop
        the loop until somebody takes them, which nobody does."""
        self._suspended = True
        try:
            with super().suspend():
                yield
        finally:
            self._suspended = False
            self.repaint_terminal()

    def paint_rows(self, widget: Widget, first: int, strips: Sequence[Strip]) -> bool:
        """Write rows of a widget, from its row ``first`` on and from its left edge on, past the compositor, which
        would draw everything that lies behind them as well. False when that cannot be done now: refresh instead."""
        screen, driver = self.screen, self._driver
        if self._plain_frames or self._suspended or driver is None or driver.is_inline:
            return False
        if self.is_headless or self._batch_count:
            return False
        if widget.screen is not screen or screen._layout_required or not strips:  # pyright: ignore[reportPrivateUsage]
            return False
        place = self._uncovered(screen._compositor, widget, first, strips)  # pyright: ignore[reportPrivateUsage]
        if place is None or not (self._running and not self._closed):
            return False
        sequence = self._frames.rows(*place, strips, self.console)
        if sequence is None:
            return False
        if sequence:
            super()._display(screen, cast("RenderableType", _Encoded(sequence)))
        return True

    @staticmethod
    def _uncovered(
        compositor: Compositor, widget: Widget, first: int, strips: Sequence[Strip]
    ) -> tuple[int, int] | None:
        """Where the rows stand on the screen, if all of them are there and nothing lies over them."""
        shown = compositor.visible_widgets.get(widget)
        if shown is None:
            return None
        region, clip = shown
        rows = Region(region.x, region.y + first, max(strip.cell_length for strip in strips), len(strips))
        if not clip.contains_region(rows) or not region.contains_region(rows):
            return None
        layers = compositor.layers_visible
        for y in range(rows.y, rows.bottom):
            for other, covered, _ in layers[y]:
                if other is widget:
                    break
                if covered.overlaps(rows):
                    return None
        return rows.x, rows.y

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        driver = self._driver
        if self._suspended:
            self.post_display_hook()
            return
        ready = self._running and not self._closed and not self._batch_count and not self.is_headless
        if self._plain_frames or not ready or driver is None or driver.is_inline or renderable is None:
            super()._display(screen, renderable)
            return
        if isinstance(renderable, CompositorUpdate):
            sequence = self._frames.encode(renderable, self.console, *self.size)
            cursor = self.screen.outer_size.clamp_offset(self.cursor_position)
            if sequence is not None:
                if not sequence and cursor == self._frames_shown_at:
                    self.post_display_hook()
                    return
                self._frames_shown_at = cursor
                # Textual takes any CompositorUpdate here, though the annotation does not say so.
                renderable = cast("RenderableType", _Encoded(sequence))
        super()._display(screen, renderable)
