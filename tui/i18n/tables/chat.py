"""Sentences for problems of the chat room: turns, tool calls, sessions, recordings and ``lmdeck ask``."""

from __future__ import annotations

from tui.i18n import N_

_TURNS: dict[str, tuple[str, str]] = {
    "chat.stopped": (N_("You stopped the answer here."), N_("Continue it, or ask something else.")),
    "chat.length": (
        N_("The answer reached its length limit and ends here."),
        N_("Continue it, or raise max tokens: in the sampling settings, or with --max-tokens."),
    ),
    "chat.server_context_full": (
        N_("The model's context is full: the server had no room for an answer."),
        N_("Start a new conversation, or leave the oldest turns out."),
    ),
    "chat.context_full": (
        N_("This conversation fills the model's context: {tokens} of {limit} tokens. The message was not sent."),
        N_("Leave out the oldest turns, start a new conversation, or send it anyway."),
    ),
    "chat.context_near": (
        N_("The model's context is {percent} % full: {tokens} of {limit} tokens."),
        N_("Start a new conversation soon; when it is full you can leave out the oldest turns."),
    ),
    "chat.trimmed": (
        N_("The context is full, so the oldest messages ({count}) were left out of this request."),
        N_("They are still here, but the model does not see them. Start a new conversation to have room again."),
    ),
    "chat.no_tool_parser": (
        N_("This server was started without a tool parser, so lmdeck reads the model's tool calls itself."),
        N_("Nothing needs to be done; to let the server read them, start it with --tool-call-parser {parser}."),
    ),
    "chat.no_tool_parser_unknown": (
        N_("This server was started without a tool parser, so lmdeck reads the model's tool calls itself."),
        N_(
            "Nothing needs to be done; to let the server read them, start it with --tool-call-parser and the name that "
            "fits its model: {parsers}."
        ),
    ),
    "chat.calls_read": (
        N_("The server passed a tool call on as text, so lmdeck read it itself."),
        N_("Nothing needs to be done; to let the server read it, start it with --tool-call-parser {parser}."),
    ),
    "chat.calls_read_unknown": (
        N_("The server passed a tool call on as text, so lmdeck read it itself."),
        N_(
            "Nothing needs to be done; to let the server read it, start it with --tool-call-parser and the name that "
            "fits its model: {parsers}."
        ),
    ),
    "chat.tools_left_out": (
        N_("This server takes no tools at all, so they were left out of this turn's requests."),
        N_("To use tools, start it with a --tool-call-parser that fits its model."),
    ),
    "chat.reasoning_was_answer": (
        N_("The server sent this whole answer as reasoning; it is shown as the answer."),
        N_("Its reasoning parser does not fit this model: start it without --reasoning-parser, or with another one."),
    ),
    "chat.empty_answer": (
        N_("The model answered with nothing."),
        N_("Try again; if tools are on, try without them: servers drop calls of tools they do not know."),
    ),
    "chat.round_limit": (
        N_("The model still wanted to call tools after {limit} rounds, so the turn was ended."),
        N_("Say “go on” to give it more rounds."),
    ),
    "chat.aborted": (
        N_("The server aborted this answer."),
        N_("Somebody may have aborted all its requests. Continue the answer, or ask again."),
    ),
    "chat.server_error": (
        N_("The server reported an internal error and ended the answer."),
        N_("Look into the server's log for the reason (often no room in its kv cache), then ask again."),
    ),
    "chat.parse_error": (
        N_("The server could not parse the model's output and ended the answer."),
        N_("Check that its --tool-call-parser and --reasoning-parser fit the model, then ask again."),
    ),
    "chat.no_model": (
        N_("No model is known for this server yet."),
        N_("Check that the server is up and offers a model, then send the message again."),
    ),
    "chat.internal": (
        N_("lmdeck itself failed while handling this answer ({error}). What had arrived is kept."),
        N_("Ask again; please report it with the recording of this session."),
    ),
    "chat.broken_off": (
        N_("This reply is not whole: lmdeck was ended while it arrived."),
        N_("Let it go on with /continue, or answer again with /retry."),
    ),
    "chat.no_conversation": (
        N_("There is no conversation {id} in the store."),
        N_("Open another one from the history."),
    ),
}

_CALLS: dict[str, tuple[str, str]] = {
    "chat.call_not_json": (
        N_("The arguments that the model wrote for {name} are not a JSON object."),
        N_("The model was told and may try again."),
    ),
    "chat.call_invalid": (
        N_("The arguments for {name} do not fit its schema ({reason})."),
        N_("The model was told and may try again."),
    ),
    "chat.call_unknown": (
        N_("The model called {name}, which is not a tool it was offered. Available: {available}."),
        N_("The model was told and may try again."),
    ),
    "chat.call_refused": (N_("You refused this call of {name}."), N_("The model was told.")),
    "chat.call_refused_because": (N_("This call of {name} was refused: {reason}."), N_("The model was told.")),
    "chat.call_cancelled": (N_("You cancelled this call of {name}."), N_("The model was told.")),
    "chat.call_failed": (N_("{name} failed ({reason})."), N_("The model was told and may try again.")),
    "chat.call_timeout": (
        N_("{name} gave no result within {seconds} seconds and was ended."),
        N_("The model was told and may try again."),
    ),
    "chat.call_stopped": (N_("{name} was stopped with the answer."), ""),
    "chat.call_cut": (
        N_("The answer ended before this call of {name} was complete, so it was not run."),
        N_("Ask again, or raise max tokens."),
    ),
    "chat.call_missing": (N_("{name} was interrupted before it gave a result."), N_("Ask again to run it anew.")),
    "chat.call_over_limit": (N_("{name} was not run: too many rounds of tool calls in one turn."), ""),
}

_RECORDINGS: dict[str, tuple[str, str]] = {
    "recording.unreadable": (
        N_("The recording {path} cannot be read: {reason}."),
        N_("Check the path and that you may read the file."),
    ),
    "recording.not_ours": (
        N_("{path} is not a recording of lmdeck."),
        N_("Give a file that lmdeck recorded (one JSON object a line)."),
    ),
    "recording.newer": (
        N_("{path} was recorded by a newer lmdeck (format {version})."),
        N_("Update lmdeck to replay it."),
    ),
    "recording.exists": (
        N_("{path} exists and is not a recording, so it was left alone."),
        N_("Choose another file to record into."),
    ),
    "recording.failed": (
        N_("The recording {path} cannot be written: {reason}. The chat goes on unrecorded."),
        N_("Free some space or choose another folder, then start recording again."),
    ),
}

_ASK: dict[str, tuple[str, str]] = {
    "ask.unknown_tool": (
        N_("There is no tool called {name}. Available: {available}."),
        N_("Name tools with --tools, separated by commas, or give --tools none."),
    ),
    "ask.unknown_model": (
        N_("The server does not offer the model {model}. It offers: {offered}."),
        N_("Give one of them with --model, or leave --model out."),
    ),
    "ask.not_allowed": (
        N_("The model wanted to call {name}, which was not allowed."),
        N_("Allow it with --allow {name} if you want it to run."),
    ),
    "ask.nothing": (
        N_("There is nothing to ask: the question is empty."),
        N_("Give it as one quoted word, or - to read it from standard input."),
    ),
    "ask.not_ready": (
        N_("The server at {url} did not answer in time."),
        N_("Check that it is up and reachable from here."),
    ),
    "ask.no_answer": (
        N_("The model gave no answer (it ended with: {reason})."),
        N_("The notices above say more; lmdeck ask --events shows everything that happened."),
    ),
    "ask.interrupted": (N_("Interrupted; what had arrived is kept."), ""),
}

TABLE: dict[str, tuple[str, str]] = {**_TURNS, **_CALLS, **_RECORDINGS, **_ASK}
