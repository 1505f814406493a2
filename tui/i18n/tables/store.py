"""Sentences for problems of the store room."""

from __future__ import annotations

from tui.i18n import N_

TABLE: dict[str, tuple[str, str]] = {
    "store.disk_full": (
        N_("The disk or your quota is full: {path} cannot be written."),
        N_("Free some space; lmdeck goes on and saves again with the next message."),
    ),
    "store.disk_error": (
        N_("The disk refused to write {path}."),
        N_("Check your quota and the disk; until it works again this conversation is kept in memory only."),
    ),
    "store.read_only": (
        N_("Conversations cannot be saved: you may not write to {path}."),
        N_("Change its permissions, or set LMDECK_DATA_DIR to a folder that you may write to."),
    ),
    "store.cannot_open": (
        N_("Conversations cannot be saved: {path} cannot be opened."),
        N_("Check that its folder exists and is a folder, or set LMDECK_DATA_DIR to another one."),
    ),
    "store.locked": (
        N_("Another program has kept {path} locked for too long."),
        N_("Close the other program, or wait for it; then try again."),
    ),
    "store.damaged": (
        N_("The file with your conversations is damaged: {path}."),
        N_("Start lmdeck again: it checks the file, keeps a broken one under a new name and starts a fresh one."),
    ),
    "store.broken": (
        N_("The file with your conversations was broken. It was kept as {kept}, and a new one was started."),
        N_("The .recover command of sqlite3 may rescue conversations from it."),
    ),
    "store.newer": (
        N_("{path} was written by a newer lmdeck: its format is version {found}, this lmdeck knows up to {known}."),
        N_("Upgrade lmdeck, or set LMDECK_DATA_DIR to another folder; this conversation is kept in memory only."),
    ),
    "store.not_ours": (
        N_("{path} is a database of another program."),
        N_("Move it away, or set LMDECK_DATA_DIR to another folder."),
    ),
    "store.write_lost": (
        N_("What was saved last cannot be found in {path}."),
        N_("The disk may be over its quota, or the file was replaced. Export what matters, then start lmdeck again."),
    ),
    "store.too_big": (
        N_("A message is too big to be saved (the limit is about 1 GB)."),
        "",
    ),
    "store.failed": (
        N_("Conversations could not be saved or read: {path}."),
        N_("Start lmdeck again; if it stays like this, report the details."),
    ),
    "store.closed": (
        N_("The conversations were closed already."),
        N_("Start lmdeck again."),
    ),
    "store.no_search": (
        N_("The text of messages cannot be searched: this Python's SQLite was built without FTS5. Titles can."),
        N_("Install lmdeck with another Python, for example by uv."),
    ),
    "store.unknown_conversation": (
        N_("There is no conversation {id} (any more)."),
        N_("Choose another one from the history."),
    ),
    "store.unknown_message": (
        N_("The message {id} is not part of this conversation."),
        N_("Open the conversation again from the history."),
    ),
    "store.sealed": (
        N_("The message {id} is complete and cannot be changed."),
        N_("Edit it or generate it again: that makes a new version beside it."),
    ),
    "store.unreadable_part": (
        N_("A part of this message cannot be shown: this lmdeck does not know what {kind} is."),
        N_("A newer lmdeck may have written it; upgrade to see it."),
    ),
    "store.unreadable_turn": (
        N_("The record of the turn {id} cannot be read."),
        N_("A newer lmdeck may have written it; upgrade to see it."),
    ),
}
