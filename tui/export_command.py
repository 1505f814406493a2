"""``lmdeck export CONVERSATION|last``: a kept conversation as a file, without a screen."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

from tui.exit_codes import FAILED, USAGE
from tui.export.document import KINDS, Document, Kind
from tui.i18n import _
from tui.i18n.problems import explain
from tui.model.problem import Problem, ProblemError

if TYPE_CHECKING:
    from tui.model.message import ConversationInfo
    from tui.store.store import Store


def export_command(words: Sequence[str], out: TextIO, err: TextIO) -> int:
    """Do what the words behind ``lmdeck export`` say; returns the exit code: 0 written, 1 failed, 2 wrong usage.

    Exits through SystemExit(2) for a wrong command line, as argparse does."""
    options = _parser().parse_args(list(words))
    target: Path | None = options.out
    kind = _kind(options.format, target)
    try:
        document = asyncio.run(read_document(options.conversation, options.store, hide_server=options.hide_server))
        if target is None or str(target) == "-":
            from tui.export.writing import render

            said = render(document, kind, blog=options.blog).text
        else:
            from tui.export.writing import write

            path = write(document, kind, target, blog=options.blog, replace=options.force)
            said = _("Written: {path}").format(path=path) + "\n"
    except ProblemError as error:
        return refuse(err, "export", error.problem)
    except OSError as error:
        return refuse(err, "export", not_written(target, error))
    out.write(said)
    return 0


def _kind(wanted: str | None, target: Path | None) -> Kind:
    """The form asked for, else the one that the file's name says, else Markdown."""
    if wanted is not None:
        return cast("Kind", wanted)
    suffix = target.suffix.lower().lstrip(".") if target is not None else ""
    forms: dict[str, Kind] = {"json": "json", "html": "html", "htm": "html"}
    return forms.get(suffix, "md")


def not_written(target: Path | None, error: OSError) -> Problem:
    """Why a file was not written."""
    if isinstance(error, FileExistsError):
        return Problem("export.exists", {"path": str(error.filename or target or "")})
    return Problem("app.not_exported", {"reason": error.strerror or type(error).__name__})


def refuse(err: TextIO, command: str, problem: Problem) -> int:
    """Say a problem on the terminal; returns the exit code."""
    from tui.export.clean import clean

    err.write(f"lmdeck {command}: {clean(explain(problem).text)}\n")
    return USAGE if problem.code in ("export.unknown", "export.ambiguous", "export.exists") else FAILED


@dataclass(frozen=True, slots=True)
class Kept:
    """A conversation of the store with what stands in it."""

    info: ConversationInfo
    document: Document


async def read_document(wanted: str, store: Path | None = None, *, hide_server: bool = False) -> Document:
    """A conversation by its id, by the beginning of its id, by its title, or ``last``. Raises ProblemError."""
    return (await read_kept(wanted, store, hide_server=hide_server)).document


async def read_kept(wanted: str, store: Path | None = None, *, hide_server: bool = False) -> Kept:
    """The same with the store's own entry. Raises ProblemError: ``export.unknown``, ``export.ambiguous``, the
    store's."""
    from tui.store.files import default_path
    from tui.store.store import Store

    path = store or _settings_path() or default_path()
    if not path.exists():
        raise ProblemError(Problem("export.unknown", {"name": wanted}))
    opened = await Store.open(path)
    try:
        info = await find_conversation(opened, wanted)
        messages = await opened.branch(info.id, info.tip)
        turns = await opened.turns(info.id)
    finally:
        await opened.close()
    return Kept(info, Document(info.title, tuple(messages), tuple(turns), info.id, hide_server))


def _settings_path() -> Path | None:
    """The file that the settings name, None for the usual one."""
    from tui.config.settings_load import quick_settings

    folder = quick_settings().history_folder
    return Path(folder).expanduser() / "conversations.sqlite3" if folder else None


async def find_conversation(store: Store, wanted: str) -> ConversationInfo:
    """The conversation that is meant; among several with the same title the newest. Raises ProblemError."""
    recent = await store.conversations(limit=1000)
    if wanted in ("", "last"):
        found = recent[:1]
    else:
        found = [info for info in recent if wanted in (info.id, info.title)][:1]
        found = found or [info for info in recent if info.id.startswith(wanted)]
    if len(found) > 1:
        raise ProblemError(Problem("export.ambiguous", {"name": wanted, "count": len(found)}))
    if not recent:
        raise ProblemError(Problem("export.none"))
    if not found:
        raise ProblemError(Problem("export.unknown", {"name": wanted}))
    return found[0]


def add_conversation(parser: argparse.ArgumentParser) -> None:
    """Which kept conversation a command is about."""
    parser.add_argument(
        "conversation", nargs="?", default="last", metavar="CONVERSATION",
        help=_("its id, the beginning of its id, its title, or last (default)"),
    )  # fmt: skip


def add_store(parser: argparse.ArgumentParser) -> None:
    """Where the conversations are kept."""
    parser.add_argument("--store", type=Path, metavar="FILE", help=_("the file that holds the conversations"))


def add_blog(parser: argparse.ArgumentParser) -> None:
    """Whether the page is for pasting."""
    parser.add_argument(
        "--blog",
        action="store_true",
        help=_("only what blog editors keep when it is pasted (CSDN, Zhihu): nothing folded"),
    )


def add_conversation_options(parser: argparse.ArgumentParser) -> None:
    """What every command takes that writes about a kept conversation."""
    add_store(parser)
    parser.add_argument(
        "--hide-server",
        action="store_true",
        help=_("leave out the server's address (it may name a user and a machine)"),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lmdeck export",
        description=_("Write a conversation of the history as Markdown, JSON or a self-contained HTML page."),
        epilog=_("exit codes: 0 written; 1 failed; 2 wrong usage, no such conversation, or the file exists"),
    )
    add_conversation(parser)
    parser.add_argument("--format", choices=KINDS, help=_("default: as the file's name says, else md"))
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help=_("where to write; without it, or with -: standard output")
    )
    add_blog(parser)
    parser.add_argument("--force", action="store_true", help=_("replace the file if it exists"))
    add_conversation_options(parser)
    return parser


def main_export(words: list[str]) -> int:
    """For the command table."""
    return export_command(words, sys.stdout, sys.stderr)
