"""Whether the view follows the newest text: a small state machine, told what happens, asked what to do.

``FOLLOWING``: every new row moves the view to the end. ``DETACHED``: the user reads further up, nothing moves, what
arrives is counted. ``RETURNING``: the user came back near the end; the next frame follows again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

NEAR = 2  # rows from the end that still count as "at the end"


class Follow(Enum):
    FOLLOWING = "following"
    DETACHED = "detached"
    RETURNING = "returning"


@dataclass
class Following:
    """``news`` counts parts that arrived since the user scrolled away; ``grown`` whether any text did."""

    state: Follow = Follow.FOLLOWING
    news: int = 0
    grown: bool = False

    @property
    def sticks(self) -> bool:
        """Whether the view belongs at the end."""
        return self.state is not Follow.DETACHED

    def scrolled(self, rows_below: int, *, upwards: bool) -> None:
        """The user moved the view; so many rows are below it now. A step up always lets go."""
        if rows_below == 0 or (not upwards and rows_below <= NEAR):
            if self.state is Follow.DETACHED:
                self.state = Follow.RETURNING
        else:
            self.state = Follow.DETACHED

    def arrived(self, parts: int = 0) -> None:
        """Text grew, or so many parts were added."""
        if self.state is Follow.DETACHED:
            self.news += parts
            self.grown = True

    def go_to_end(self) -> None:
        """The user, or a new message of theirs, asked for the end."""
        self.state, self.news, self.grown = Follow.FOLLOWING, 0, False

    def framed(self) -> bool:
        """A frame was drawn; True when this ended a return."""
        if self.state is Follow.RETURNING:
            self.go_to_end()
            return True
        return False
