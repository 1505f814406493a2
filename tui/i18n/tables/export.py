"""Sentences for problems of exports, reports, assignments and of fetching files."""

from __future__ import annotations

from tui.i18n import N_

TABLE: dict[str, tuple[str, str]] = {
    "export.none": (
        N_("No conversation is kept here yet."),
        N_("Have one first: lmdeck URL, or lmdeck demo. --store names another file."),
    ),
    "export.unknown": (
        N_("There is no conversation “{name}” in the history."),
        N_("Give its id or title as the history (F8) shows it, or last."),
    ),
    "export.ambiguous": (
        N_("{count} conversations begin with “{name}”."),
        N_("Write more of the id."),
    ),
    "export.taken": (
        N_("{path} exists already and was not touched."),
        N_("Give another name behind /export."),
    ),
    "export.exists": (
        N_("{path} exists already."),
        N_("Choose another name, or add --force to replace it."),
    ),
    "homework.unreadable": (
        N_("The assignment {file} cannot be read ({reason})."),
        N_("Correct its rights, or remove it."),
    ),
    "homework.toml": (
        N_("The assignment {file} is no TOML: {reason}."),
        N_("Correct that line."),
    ),
    "homework.unknown": (
        N_("{file}, line {line}: there is no key {key} here."),
        N_("Remove it, or correct its spelling."),
    ),
    "homework.wrong": (
        N_("{file}, line {line}: {key} has no value that it can have."),
        N_("The guide of the assignments says what it takes."),
    ),
    "homework.missing": (
        N_("{file}, line {line}: {key} is missing."),
        N_("Add it."),
    ),
    "homework.kind": (
        N_("{file}, line {line}: {value} is no kind that there is."),
        N_("The guide of the assignments lists them."),
    ),
    "homework.no_such": (
        N_("There is no assignment {name}."),
        N_("There are: {names}."),
    ),
    "homework.none": (
        N_("There is no assignment to walk through: {names}."),
        N_("lmdeck homework --list shows those that there are."),
    ),
    "homework.not_kept": (
        N_("How far you are cannot be kept ({reason})."),
        N_("Go on; the next start begins from what the server and the conversation show."),
    ),
    "homework.no_report": (
        N_("The report could not be written ({reason})."),
        N_("Check that your home folder can be written to and is not full."),
    ),
    "export.empty": (
        N_("Nothing was said in the conversation {name}."),
        N_("Choose another one: the history (F8) lists them."),
    ),
    "pull.no_host": (
        N_("Which machine? These profiles go over ssh: {names}."),
        N_("Name one: lmdeck pull ssh://root@host:port, or a profile."),
    ),
    "pull.no_folder": (
        N_("There is no folder {folder} in the home over there."),
        N_("Make a picture there first (F12), or name another folder with --folder."),
    ),
    "pull.not_listed": (
        N_("The folder {folder} over there could not be listed."),
        N_("Python is needed there; without it: scp -r HOST:lmdeck-pictures ."),
    ),
    "pull.not_written": (
        N_("The files could not be written to {path} ({reason})."),
        N_("Name another folder with --to."),
    ),
}
