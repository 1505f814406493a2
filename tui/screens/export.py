"""Writing the open conversation into a file, from the chat."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tui.export.document import Document, Kind
from tui.export.files import free_path
from tui.export.writing import render, write
from tui.i18n import _
from tui.model.problem import Problem, ProblemError

if TYPE_CHECKING:
    from tui.screens.chat_actions import ChatActions
    from tui.screens.seam import Workspace

_FORMS: Mapping[str, Kind] = {"md": "md", "markdown": "md", "json": "json", "html": "html", "htm": "html"}


async def open_document(workspace: Workspace) -> Document:
    """The visible branch with the turns that are kept of it. Raises ProblemError where the store cannot be read."""
    reading = workspace.reading
    title = str(getattr(reading, "title", "")) or "conversation"
    conversation = str(getattr(reading, "conversation_id", ""))
    turns = await workspace.kept.turns(conversation) if workspace.kept is not None and conversation else []
    return Document(title, reading.messages, tuple(turns), conversation)


def read_target(words: str) -> tuple[Kind, str] | None:
    """``md``, ``html report.html``, ``report.json`` → the form and the path ("" for one made of the title); None for a
    form that there is not."""
    first, _blank, rest = words.strip().partition(" ")
    if first.lower() in _FORMS:
        return _FORMS[first.lower()], rest.strip().strip("\"'")
    path = words.strip().strip("\"'")
    suffix = Path(path).suffix.lower().lstrip(".")
    return (_FORMS[suffix], path) if suffix in _FORMS else None


async def export_conversation(screen: ChatActions, kind: str, target: str = "") -> None:
    """Write the visible branch: to ``target``, else into the working folder, else into the home, never over anything.
    Where nothing can be written the text goes to the clipboard."""
    workspace = screen.workspace
    if workspace is None or not workspace.reading.messages:
        screen.hint(_("There is nothing to write yet."))
        return
    form = _FORMS.get(kind, "md")
    try:
        document = await open_document(workspace)
    except ProblemError as error:
        screen.tell(error.problem)
        return
    try:
        path = await asyncio.to_thread(_write, document, form, target)
    except FileExistsError as error:
        screen.tell(Problem("export.taken", {"path": str(error.filename or target)}))
    except OSError as error:
        screen.tell(Problem("app.not_exported", {"reason": error.strerror or type(error).__name__}))
        if not target:
            screen.copy_text(render(document, form).text)
    else:
        screen.hint(_("Written: {path}").format(path=path))


def _write(document: Document, kind: Kind, target: str) -> Path:
    if target:
        return write(document, kind, Path(target).expanduser())
    problem: OSError | None = None
    for folder in _folders():
        try:
            return write(document, kind, free_path(folder, document.title, kind))
        except OSError as error:
            problem = problem or error
    raise problem or FileNotFoundError(2, "no folder")


def _folders() -> Iterable[Path]:
    """Where a file without a path may go, the first one that can be written."""
    yield Path.cwd()
    home = Path.home()
    if home != Path.cwd():
        yield home
