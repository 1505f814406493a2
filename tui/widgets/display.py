"""An app's way to the terminal: frames are written by a :class:`FrameWriter`, not by Textual's compositor updates."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, cast

from rich.console import Console, RenderableType
from textual._compositor import CompositorUpdate
from textual.app import App
from textual.geometry import Offset

from tui.widgets.frames import FrameWriter

if TYPE_CHECKING:
    from textual.screen import Screen


class _Encoded(CompositorUpdate):
    """An update that was turned into bytes already."""

    def __init__(self, sequence: str) -> None:
        self._sequence = sequence

    def render_segments(self, console: Console) -> str:  # noqa: ARG002 (the interface's signature)
        return self._sequence


class EconomicalDisplay(App[None]):
    """Mixed into the app: writes only what changed. Overrides one private method of Textual, ``App._display``.

    LMDECK_PLAIN_FRAMES=1 leaves everything to Textual, for terminals that cannot scroll a region."""

    def __init__(self) -> None:
        super().__init__()
        # GNU screen erases with the default background, whatever colour is set.
        self._frames = FrameWriter(erase_to_end="STY" not in os.environ)
        self._frames_shown_at: Offset | None = None
        self._plain_frames = os.environ.get("LMDECK_PLAIN_FRAMES") == "1"

    def repaint_terminal(self) -> None:
        """Write the whole screen again: after something else has written to the terminal."""
        self._frames.invalidate()
        self.refresh()

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        driver = self._driver
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
