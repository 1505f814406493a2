"""Sentences for problems of the config room. ``{where}`` is ``file:line`` or the name of an environment variable."""

from __future__ import annotations

from tui.i18n import N_

_EDIT = N_("Until it is corrected, it is not used.")
_KEYS = N_("Choose another key; until then the default one holds.")
_PROFILE = N_("Correct it; until then the profile cannot be used.")

TABLE: dict[str, tuple[str, str]] = {
    # The file
    "config.unreadable": (
        N_("{path} cannot be read, so lmdeck starts with its defaults."),
        N_("Look at the file's owner and permissions."),
    ),
    "config.not_a_file": (
        N_("{path} is not an ordinary file, so lmdeck starts with its defaults."),
        N_("Move it away, or set LMDECK_CONFIG_DIR to another folder."),
    ),
    "config.too_large": (
        N_("{path} is larger than {limit} KiB, which no settings file is, so lmdeck did not read it."),
        N_("Move it away and start again."),
    ),
    "config.not_utf8": (
        N_("{where}: the file is not UTF-8 text from here on, so none of it is used."),
        N_("Save it as UTF-8 in your editor."),
    ),
    "config.broken_toml": (
        N_("{where}: this is not valid TOML, so nothing of the file is used."),
        N_("Correct the line; texts need quotes, and each key its own line."),
    ),
    "config.read_only": (
        N_("{path} may not be written here, so the change was not saved."),
        N_("Check the permissions, or set LMDECK_CONFIG_DIR to a folder of yours."),
    ),
    "config.disk_full": (
        N_("The disk is full: {path} is unchanged and the change was not saved."),
        N_("Free some space and try again."),
    ),
    "config.cannot_write": (
        N_("{path} cannot be written, so the change was not saved."),
        N_("Look at what is in its place."),
    ),
    "config.busy": (
        N_("Another program keeps writing {path}, so the change was not saved."),
        N_("Try again when it is done."),
    ),
    "config.not_written": (
        N_("{path} could not be changed without disturbing something else in it, so it was left as it is."),
        N_("Make the change in an editor."),
    ),
    "config.no_table": (
        N_("{where}: {name} is a single value, so nothing can be set below it."),
        N_("Remove that line or make it a table."),
    ),
    # Values
    "config.not_switch": (N_("{where}: {name} must be true or false."), _EDIT),
    "config.not_whole": (N_("{where}: {name} must be a whole number."), _EDIT),
    "config.not_number": (N_("{where}: {name} must be a number."), _EDIT),
    "config.not_text": (N_("{where}: {name} must be a text in quotes."), _EDIT),
    "config.not_list": (N_('{where}: {name} must be a list of texts, such as ["a", "b"].'), _EDIT),
    "config.not_table": (N_("{where}: {name} must be a table, with its own line [{name}]."), _EDIT),
    "config.not_choice": (N_("{where}: {name} must be one of these: {choices}."), _EDIT),
    "config.out_of_range": (N_("{where}: {name} must be between {minimum} and {maximum}."), _EDIT),
    "config.unknown_key": (
        N_("{where}: lmdeck has no setting called {name}."),
        N_("`lmdeck config show` lists them all."),
    ),
    "config.unknown_key_like": (
        N_("{where}: lmdeck has no setting called {name}."),
        N_("Did you mean {suggestion}?"),
    ),
    "config.wrong_place": (
        N_("{where}: {name} stands in the table [{table}], where it means nothing."),
        N_("Move it to the top of the file, above the first table."),
    ),
    "config.unknown_variable": (
        N_("The environment variable {name} means nothing to lmdeck."),
        N_("Did you mean {suggestion}?"),
    ),
    "config.unknown_setting": (
        N_("lmdeck has no setting called {name}."),
        N_("`lmdeck config show` lists them all."),
    ),
    "config.unknown_setting_like": (N_("lmdeck has no setting called {name}."), N_("Did you mean {suggestion}?")),
    "config.overridden": (
        N_("It is saved, but the environment variable {variable} is set and wins."),
        N_("Unset it to use what is saved."),
    ),
    # Secrets
    "config.secret_in_url": (
        N_("{where}: the address holds a password or a key, which does not belong into this file; it is not used."),
        N_('Take it out of the address; a profile names its key by api_key = "env:NAME" or "keyring".'),
    ),
    "config.secret_in_file": (
        N_("{where}: API keys do not belong into this file, so the profile {name} is not used."),
        N_('Write api_key = "env:NAME" (the variable in capitals), or "keyring" and use `lmdeck profile key {name}`.'),
    ),
    "config.key_variable_empty": (
        N_("The API key should be in the environment variable {variable}, which is not set."),
        N_("Set it before you start lmdeck."),
    ),
    "config.key_missing": (
        N_("The keyring has no API key for {account}."),
        N_("Store it with `lmdeck profile key NAME`; a changed address needs its key again."),
    ),
    "config.keyring_absent": (
        N_("The package keyring is not installed, so API keys cannot be kept in the system's keyring."),
        N_('Install lmdeck[keyring], or use api_key = "env:NAME".'),
    ),
    "config.keyring_broken": (
        N_("The system's keyring does not work here."),
        N_('Machines without a desktop seldom have one; use api_key = "env:NAME".'),
    ),
    # Keys
    "config.keys_unknown": (
        N_("{where}: there is no action called {name}."),
        N_("`lmdeck config keys` lists them all."),
    ),
    "config.keys_unknown_like": (N_("{where}: there is no action called {name}."), N_("Did you mean {suggestion}?")),
    "config.keys_not_text": (
        N_("{where}: the keys for {name} must be a text or a list of texts."),
        N_('Write it like "ctrl+g" or ["ctrl+g", "f10"].'),
    ),
    "config.keys_empty": (N_("{where}: no key is given for {name}."), _KEYS),
    "config.keys_no_key": (
        N_("{where}: {key} is not a key lmdeck knows."),
        N_("Write it like ctrl+g, alt+left, f10 or question_mark."),
    ),
    "config.keys_reserved": (N_("{where}: most terminals send {key} as {other}, so it cannot be told apart."), _KEYS),
    "config.keys_always": (N_("{where}: {key} is the way out of lmdeck and keeps its meaning."), _KEYS),
    "config.keys_typed": (
        N_("{where}: {key} alone is needed for typing."),
        N_("Add Ctrl or Alt, or use a function key."),
    ),
    "config.keys_conflict": (N_("{where}: {key} is already the key for {other}, so {name} does not get it."), _KEYS),
    "config.keys_taken": (N_("{where}: {key} is now the key for {name} and no longer one for {other}."), ""),
    "config.keys_taken_last": (
        N_("{where}: {key} is the only key for {other}; where both are active, {name} has it."),
        N_("Give {other} a key as well; the menu reaches it in any case."),
    ),
    # Profiles
    "config.no_profile": (N_("There is no profile called {name}."), N_("`lmdeck profile list` shows them.")),
    "config.no_profile_like": (N_("There is no profile called {name}."), N_("Did you mean {suggestion}?")),
    "config.mcp_name": (
        N_("{where}: an MCP server cannot be called {name}."),
        N_("Use up to 32 letters, digits, dashes and underscores; begin with a letter or a digit."),
    ),
    "config.mcp_no_place": (
        N_("{where}: the MCP server {name} has neither a command nor a url."),
        N_('Give it one, such as command = ["npx", "-y", "name"].'),
    ),
    "config.mcp_two_places": (
        N_("{where}: the MCP server {name} has both a command and a url, and only one can hold."),
        N_("Remove one."),
    ),
    "config.profile_name": (
        N_("{where}: a profile cannot be called {name}."),
        N_("Use up to 64 letters, digits, dots, dashes and underscores; begin with a letter or a digit."),
    ),
    "config.profile_no_place": (
        N_("{where}: the profile {name} does not say where the server is."),
        N_("Give it a url or an ssh entry."),
    ),
    "config.profile_two_places": (
        N_("{where}: the profile {name} has both url and ssh, and only one can hold."),
        N_("Remove one; what listens behind ssh is ssh_server."),
    ),
    "config.profile_bad_host": (N_("{where}: {key} of the profile {name} is not the name of a machine."), _PROFILE),
    "config.profile_exists": (
        N_("There is a profile called {name} already, so nothing was imported."),
        N_("Add --replace to overwrite it."),
    ),
    "config.import_nothing": (
        N_("{path} has no profiles in it."),
        N_("`lmdeck profile export` writes such a file."),
    ),
    "config.import_dropped": (
        N_("{name} was not taken over: keys and ssh options are not accepted from other people's files."),
        N_("Set it yourself if you need it."),
    ),
}
