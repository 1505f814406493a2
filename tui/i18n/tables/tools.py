"""Sentences for problems of the tools room: Python files, MCP servers, schemas, results, approval."""

from __future__ import annotations

from tui.i18n import N_

_EDIT = N_("Correct the file; it is read again with the next message.")
_TOLD = N_("The model was told and may try again.")

_FILES: dict[str, tuple[str, str]] = {
    "tools.file_import": (
        N_("{where} needs something that cannot be imported ({reason})."),
        N_("Install it into the environment that lmdeck runs in, or correct the file; its tools are off until then."),
    ),
    "tools.file_syntax": (N_("{where} is not valid Python ({reason})."), _EDIT),
    "tools.file_raised": (N_("{where} failed while it was being imported ({reason})."), _EDIT),
    "tools.file_memory": (
        N_("{where} needs more memory to be imported than tools may have."),
        N_("Raise tool_memory in the settings, or import less."),
    ),
    "tools.file_slow": (
        N_("{where} was not imported within {seconds} seconds, so its tools are off."),
        N_("Move slow work from the top of the file into a function."),
    ),
    "tools.file_ended": (
        N_("The process that imports {where} ended by itself, so its tools are off."),
        N_("Look at what the file does when it is imported; the tools screen shows what it printed."),
    ),
    "tools.bad_signature": (
        N_("{where}: {name} cannot be a tool: {reason}."),
        N_("Give every argument a name and a type that JSON has, or begin the function's name with an underscore."),
    ),
    "tools.folder": (N_("The tools folder {folder} cannot be read: {reason}."), N_("Check who may read it.")),
    "tools.folder_full": (
        N_("Some files in {folder} were left out: more than {limit} of them, or larger than 1 MiB."),
        N_("Move what is no tool somewhere else."),
    ),
}

_CALLS: dict[str, tuple[str, str]] = {
    "tools.raised": (N_("{name} failed at {where} ({reason})."), _TOLD),
    "tools.memory": (
        N_("{name} needed more memory than tools may have and was ended."),
        N_("Raise tool_memory in the settings if it really needs it."),
    ),
    "tools.result_too_large": (
        N_("The result of {name} is too large to be used."),
        N_("Let the function return less, or write it to a file."),
    ),
    "tools.process_ended": (
        N_("The process of {name} ended before it gave a result."),
        N_("The call's details show what it printed last."),
    ),
    "tools.gone": (
        N_("{name} is not there any more."),
        N_("Ask again: the model gets the list of tools as it is now."),
    ),
    "tools.result_cut": (
        N_("The result of {name} has {size} characters; the model got {limit} of them."),
        N_("You see all of it in the call's details; tool_result_limit in the settings sets the limit."),
    ),
    "tools.never": (
        N_("{name} is set never to run, so this call was refused."),
        N_("Change that in the tools screen."),
    ),
}

_SCHEMAS: dict[str, tuple[str, str]] = {
    "tools.schema_corrected": (
        N_("The schema of {name} uses type names that JSON Schema does not have; corrected: {what}."),
        N_("Nothing needs to be done; other programs may want them corrected at their source."),
    ),
    "tools.bad_schema": (
        N_("{name} is not offered to the model because its schema is unusable: {reason}."),
        N_("Correct the schema where the tool comes from."),
    ),
    "tools.renamed": (
        N_("The tool {name} of {source} is called {used} here."),
        N_("Another tool has that name already, or servers do not take all of its characters."),
    ),
}

_MCP: dict[str, tuple[str, str]] = {
    "tools.mcp_missing": (
        N_("MCP servers are set up, but the package mcp is not installed."),
        N_("Install lmdeck[mcp]."),
    ),
    "tools.mcp_start": (
        N_("The MCP server {name} could not be started ({reason})."),
        N_("Check its command or address in the settings; the tools screen shows what it printed."),
    ),
    "tools.mcp_silent": (
        N_("The MCP server {name} did not come up within {seconds} seconds."),
        N_("Restart it in the tools screen, or raise its start_timeout."),
    ),
    "tools.mcp_ended": (
        N_("The MCP server {name} ended by itself."),
        N_("It is started again with the next message; the tools screen shows what it printed."),
    ),
    "tools.mcp_keeps_ending": (
        N_("The MCP server {name} has ended {count} times in a row and is left off."),
        N_("Restart it in the tools screen when its cause is gone."),
    ),
    "tools.mcp_flood": (
        N_("The MCP server {name} sent messages without end and was stopped."),
        N_("Restart it in the tools screen."),
    ),
    "tools.mcp_off": (N_("The MCP server {name} is not running."), N_("Restart it in the tools screen.")),
    "tools.mcp_error": (N_("{name} failed ({reason})."), _TOLD),
}

TABLE: dict[str, tuple[str, str]] = {**_FILES, **_CALLS, **_SCHEMAS, **_MCP}
