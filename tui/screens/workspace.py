"""The real workspace: endpoint, session, store, demo server, GPU source. Everything heavy is imported in here, after
the first frame and off the event loop."""

from __future__ import annotations

from tui.screens.seam import Approver, Start, Workspace


async def open_workspace(start: Start, approve: Approver) -> Workspace:
    """Build what ``start`` names. Raises ProblemError."""
    raise NotImplementedError((start, approve))
