"""Sentences for problems of the server room: addresses, connections, lmdeploy's answers, states of the link."""

from __future__ import annotations

from tui.i18n import N_

TABLE: dict[str, tuple[str, str]] = {
    # Addresses
    "address.empty": (
        N_("No address was given."),
        N_("Type where the server answers, for example http://127.0.0.1:23333."),
    ),
    "address.scheme": (
        N_("An address that begins with {scheme}:// is not one of an lmdeploy server ({text})."),
        N_("Use http:// or https://, for example http://127.0.0.1:23333."),
    ),
    "address.user": (
        N_("The address holds a user name or a password."),
        N_(
            "lmdeploy knows API keys only: leave out everything before the @ and put a key into the environment"
            " variable LMDECK_API_KEY."
        ),
    ),
    "address.host": (
        N_("“{text}” is neither a host name nor an IP address."),
        N_("Use the form host:port, for example 127.0.0.1:23333."),
    ),
    "address.port": (
        N_("{port} is not a port."),
        N_("A port is a number from 1 to 65535; lmdeploy's default is 23333."),
    ),
    # The way to the server
    "server.refused": (
        N_("Nothing listens at {url}."),
        N_(
            "Either lmdeploy is still loading the model (the port opens when it is ready), or it has stopped, or the"
            " port is another one (23333 by default)."
        ),
    ),
    "server.name_not_found": (
        N_("There is no machine called {host}."),
        N_("Check the spelling, and whether a VPN or a tunnel is needed to know that name."),
    ),
    "server.no_route": (
        N_("There is no way from here to {host}."),
        N_("Check the network connection, the VPN or the tunnel."),
    ),
    "server.connect_timeout": (
        N_("{url} does not answer."),
        N_(
            "A firewall may be in between, or the machine is off. On a rented machine only SSH is open: connect with"
            " lmdeck ssh://user@host."
        ),
    ),
    "server.no_reply": (
        N_("{url} accepted the connection but did not answer within {seconds} s."),
        N_("The server may be overloaded or hanging; look at its log. lmdeck keeps trying."),
    ),
    "server.socket_missing": (
        N_("The tunnel's socket {path} does not exist."),
        N_("The tunnel has ended; connect again."),
    ),
    "server.proxy_failed": (
        N_("The proxy set in this environment did not let the request to {url} through ({reason})."),
        N_("Unset HTTP_PROXY and ALL_PROXY, or add the host to NO_PROXY."),
    ),
    "server.hung_up": (
        N_("{url} closed the connection without an answer."),
        N_("The server may have crashed or is just being stopped; look at its log."),
    ),
    "server.not_http": (
        N_("What answers at {url} does not speak HTTP."),
        N_("The port belongs to another program; lmdeploy's default port is 23333."),
    ),
    "server.connection_failed": (
        N_("The connection to {url} failed ({reason})."),
        N_("Check the address and the network, then try again."),
    ),
    "server.tls_needed": (
        N_("The server at {url} speaks HTTPS only."),
        N_("Use {better} instead."),
    ),
    "server.tls_unexpected": (
        N_("The server at {url} does not speak HTTPS."),
        N_("Use {better} instead."),
    ),
    "server.tls_certificate": (
        N_("The certificate of {host} cannot be trusted ({reason})."),
        N_("If it is your own, set SSL_CERT_FILE to its certificate file and start lmdeck again."),
    ),
    "server.tls_failed": (
        N_("No secure connection to {url} came about ({reason})."),
        N_("Check the server's certificate settings, or use http:// through an SSH tunnel."),
    ),
    "server.redirect": (
        N_("{url} sends requests on to {target}; lmdeck does not follow."),
        N_("If that is the server, use its address directly."),
    ),
    # Something else answers
    "server.web_page": (
        N_("A web page answers at {url}, not lmdeploy."),
        N_("Check the port: lmdeploy's default is 23333, its proxy's 8000."),
    ),
    "server.not_lmdeploy": (
        N_("Something answers at {url}, but not as lmdeploy does ({kind}, status {status})."),
        N_("Check the address and the port: lmdeploy's default is 23333, its proxy's 8000."),
    ),
    "server.other_server": (
        N_("This server calls itself {owner}, not lmdeploy."),
        N_("Chatting may work; what lmdeck says about memory and metrics will be missing."),
    ),
    "server.no_such_route": (
        N_("The server at {url} does not know the chat's address."),
        N_("Leave out paths such as /v1 from the address, and check that it is an lmdeploy api_server."),
    ),
    "server.wrong_method": (
        N_("The server at {url} does not accept chat requests at this address."),
        N_("Check the address: it should be that of an lmdeploy api_server."),
    ),
    "server.gateway": (
        N_("A web server before {url} could not reach lmdeploy (status {status})."),
        N_("Check that lmdeploy runs behind it, then try again."),
    ),
    # Keys
    "server.key_missing": (
        N_("The server at {url} wants an API key."),
        N_(
            "Put one of the keys it was started with (--api-keys) into the environment variable LMDECK_API_KEY, or into"
            " another one named with --api-key-env."
        ),
    ),
    "server.key_rejected": (
        N_("The server at {url} does not accept this API key."),
        N_("Give one of the keys it was started with (--api-keys)."),
    ),
    "server.forbidden": (
        N_("The server at {url} refuses access (it says: {message})."),
        N_("Ask whoever runs it; lmdeploy itself never answers this way, something before it does."),
    ),
    "server.too_many": (
        N_("Too many requests at once for {url} (it says: {message})."),
        N_("Wait a moment and send again."),
    ),
    # Models
    "server.model_unknown": (
        N_("The server does not offer the model {model}."),
        N_("It offers: {offered}. Choose one of these; after a restart of the server the name may have changed."),
    ),
    "server.model_unknown_alone": (
        N_("The server does not offer the model {model}."),
        N_("Choose a model that /v1/models lists; lmdeploy's default name is the path it was started with."),
    ),
    "server.no_models": (
        N_("The server at {url} offers no model."),
        N_("An lmdeploy proxy offers models once servers were added to it (api_server --proxy-url)."),
    ),
    # Context
    "server.context_too_long": (
        N_("The conversation has {tokens} tokens; the model's context holds {limit}."),
        N_("Start a new conversation, or edit an earlier message and leave something out."),
    ),
    "server.context_full": (
        N_("The server answered nothing because the context is full."),
        N_("Start a new conversation, or restart the server with a larger --session-len."),
    ),
    # Tools
    "server.no_tool_parser": (
        N_("The server was started without a tool parser, so {model} cannot call tools."),
        N_("Start it again with --tool-call-parser {parser}, or go on without tools."),
    ),
    "server.no_tool_parser_unknown": (
        N_("The server was started without a tool parser, so {model} cannot call tools."),
        N_("Start it again with --tool-call-parser and the name that fits the model ({parsers}), or go on without."),
    ),
    "server.tool_schema": (
        N_("The server does not accept the description of a tool ({message})."),
        N_("Check the tool's parameters, or switch the tool off."),
    ),
    "server.tools_required": (
        N_("A tool call was demanded although no tool was offered."),
        N_("Switch a tool on, or take tool_choice out of the extra fields."),
    ),
    "server.history_arguments": (
        N_("An earlier tool call in this conversation has arguments that are not JSON ({message})."),
        N_("Edit the message before that call, or start a new conversation."),
    ),
    "server.template_tools": (
        N_("The model's chat template failed with this conversation; it may not know tools."),
        N_("Go on without tools; the server's log names the reason."),
    ),
    "server.template": (
        N_("The model's chat template failed with this conversation."),
        N_("Some templates refuse system prompts or two messages of one side in a row; the server's log names why."),
    ),
    # Parameters and parts of requests
    "server.parameter": (
        N_("The server does not accept the value of {name} ({message})."),
        N_("Change it in the sampling settings."),
    ),
    "server.invalid_field": (
        N_("The server does not accept a field of the request ({message})."),
        N_("Check the sampling settings and the extra fields."),
    ),
    "server.bad_request": (
        N_("The server refused the request with status {status} ({message})."),
        N_("Check the sampling settings and the extra fields; the server's log may say more."),
    ),
    "server.no_images": (
        N_("This model understands text only, but the conversation holds a picture."),
        N_("Edit the message and leave the picture out, or use a vision model."),
    ),
    "server.no_logprobs": (
        N_("The server gives no log probabilities ({message})."),
        N_("Take logprobs out of the extra fields, or start the server with --logprobs-mode raw_logprobs."),
    ),
    "server.media_type": (
        N_("The server refused the form of the request ({message})."),
        N_("Something between lmdeck and the server changes requests; connect directly or through a tunnel."),
    ),
    "server.no_messages": (
        N_("The request held no message."),
        N_("Write something first."),
    ),
    "server.session_occupied": (
        N_("The server is still busy with session {session}."),
        N_("Take session_id out of the extra fields, or wait until the other answer has ended."),
    ),
    # The server itself
    "server.asleep": (
        N_("The server is asleep."),
        N_("Wake it: curl -X POST '{url}/wakeup?tags=weights&tags=kv_cache'. With TurboMind it may need a restart."),
    ),
    "server.initializing": (
        N_("The server is still getting ready (it says: {message})."),
        N_("Wait until the engine is up, then try again."),
    ),
    "server.unhealthy": (
        N_("The server says that its engine does not answer (it says: {message})."),
        N_("Look at the server's log; usually only a restart helps."),
    ),
    "server.unavailable": (
        N_("The server cannot answer now (it says: {message})."),
        N_("Wait a moment and send again; look at the server's log if it stays this way."),
    ),
    "server.internal_error": (
        N_("The server made an error of its own (status {status})."),
        N_("Its log names the reason. If the conversation holds tool results, lmdeploy 0.5.3 may not know their form."),
    ),
    "server.engine_failed": (
        N_("The engine gave up while it was answering."),
        N_("Often the KV cache is full: send again, shorten the conversation, or look at the server's log."),
    ),
    "server.stream_error": (
        N_("The server ended the answer with an error ({message})."),
        N_("The server's log may say more; send the message again."),
    ),
    "server.proxy_model": (
        N_("The proxy has no server for this model (it says: {message})."),
        N_("Check with /nodes/status which servers are registered."),
    ),
    "server.proxy_unavailable": (
        N_("The proxy finds its server unavailable (it says: {message})."),
        N_("Check the servers behind the proxy, then send again."),
    ),
    "server.proxy_timeout": (
        N_("The server behind the proxy does not answer; it may have died (it says: {message})."),
        N_("Send again: the proxy may pick another one. It drops dead servers after about 90 s."),
    ),
    "server.proxy_other": (
        N_("The proxy reports error {code} (it says: {message})."),
        N_("Check the servers behind the proxy, then send again."),
    ),
    # Streams
    "server.cut_off": (
        N_("The connection broke in the middle of the answer."),
        N_("What had arrived is kept. Check whether the server still runs, then let it continue."),
    ),
    "server.no_end_mark": (
        N_("The answer is complete, but the server did not mark its end."),
        N_("Something between lmdeck and the server may cut connections."),
    ),
    "server.empty_answer": (
        N_("The server at {url} answered with nothing at all."),
        N_("Look at its log, then send again."),
    ),
    "server.silent": (
        N_("The server has said nothing for {seconds} s since the request."),
        N_("It may be busy with others or with a very long prompt, or it hangs; look at its log and send again."),
    ),
    "server.stalled": (
        N_("The answer stopped: nothing has come for {seconds} s."),
        N_("What had arrived is kept. The engine may hang or the network is down; look at the server's log."),
    ),
    "server.line_too_long": (
        N_("The server sent a line of more than {mebibytes} MiB; lmdeck stopped reading."),
        N_("What had arrived before is kept. This is not a normal answer; look at the server's log."),
    ),
    "server.body_too_long": (
        N_("The server's answer has more than {mebibytes} MiB; lmdeck stopped reading."),
        N_("This is not a normal answer; look at the server's log."),
    ),
    "server.bad_line": (
        N_("A part of the answer could not be read and was left out."),
        N_("Something between lmdeck and the server may damage the stream."),
    ),
    "server.bad_characters": (
        N_("Some characters of the answer were damaged and are shown as �."),
        N_("Something between lmdeck and the server may damage the stream."),
    ),
    "server.probe_silent": (
        N_("The server did not answer {path} in time."),
        "",
    ),
    # States of the link
    "link.idle": (N_("Not connected."), N_("Choose a server.")),
    "link.connecting": (N_("Connecting to {url}."), ""),
    "link.probing": (N_("Connected to {url}; finding out what it can do."), ""),
    "link.healthy": (N_("Connected to {url}, {milliseconds} ms."), ""),
    "link.degraded": (N_("Connected to {url}, with limits."), ""),
    "link.lost": (N_("The connection to {url} is lost."), N_("lmdeck keeps trying.")),
    "link.backoff": (N_("{url} does not answer."), N_("lmdeck keeps trying.")),
}
