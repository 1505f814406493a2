"""Options of the HTTP server around the engine (reference §1.1)."""

from __future__ import annotations

from tui.i18n import N_
from tui.lmdeploy.options import Option
from tui.lmdeploy.versions import Version

SERVER_OPTIONS: tuple[Option, ...] = (
    Option("--model-name", "text", about=N_("The id shown by /v1/models; the model path as typed when absent.")),
    Option("--server-name", "text", default="0.0.0.0", about=N_("The address the server listens on.")),  # noqa: S104 (lmdeploy's own default, shown)
    Option("--server-port", "int", default=23333, about=N_("The port the server listens on.")),
    Option(
        "--backend",
        "text",
        default="turbomind",
        choices=(
            "turbomind",
            "pytorch",
        ),
        about=N_("The engine; lmdeploy may fall back to pytorch by itself."),
        memory=N_("The two engines reserve memory by different rules."),
    ),
    Option(
        "--log-level",
        "text",
        default="WARNING",
        choices=(
            "CRITICAL",
            "FATAL",
            "ERROR",
            "WARN",
            "WARNING",
            "INFO",
            "DEBUG",
            "NOTSET",
        ),
        about=N_("How much the server logs; INFO shows exact memory figures."),
    ),
    Option("--api-keys", "list", about=N_("Keys a client must send.")),
    Option("--ssl", "flag", default=False, about=N_("Serve over TLS.")),
    Option("--max-log-len", "int", since=Version(0, 6, 1), about=N_("How much of a prompt is logged.")),
    Option(
        "--disable-fastapi-docs",
        "flag",
        default=False,
        since=Version(0, 6, 2),
        about=N_("Turn the built-in documentation pages off."),
    ),
    Option(
        "--allow-terminate-by-client",
        "flag",
        default=False,
        since=Version(0, 9, 0),
        about=N_("Let a client stop the server."),
    ),
    Option(
        "--enable-abort-handling",
        "flag",
        default=False,
        since=Version(0, 11, 0),
        about=N_("Let a client abort its requests."),
    ),
    Option(
        "--max-concurrent-requests",
        "int",
        since=Version(0, 7, 0),
        about=N_("How many HTTP requests are served at once."),
    ),
    Option("--allow-origins", "list", about=N_("Web pages that may call the server.")),
    Option("--allow-credentials", "flag", default=False, about=N_("Let web pages send cookies.")),
    Option("--allow-methods", "list", about=N_("HTTP methods web pages may use.")),
    Option("--allow-headers", "list", about=N_("HTTP headers web pages may send.")),
    Option(
        "--allowed-media-domains", "list", since=Version(0, 15, 0), about=N_("Hosts that images may be loaded from.")
    ),
    Option("--proxy-url", "text", since=Version(0, 6, 1), about=N_("Register at this proxy.")),
    Option(
        "--trust-remote-code",
        "flag",
        default=False,
        since=Version(0, 13, 0),
        about=N_("Run code that comes with the checkpoint (InternLM2 and 2.5 need it)."),
    ),
    Option("--revision", "text", about=N_("The model's version on the hub.")),
    Option("--download-dir", "text", about=N_("Where downloaded models are kept.")),
    Option("--chat-template", "text", about=N_("A built-in template's name or a JSON file.")),
    Option(
        "--generation-config",
        "text",
        default="auto",
        since=Version(0, 15, 0),
        about=N_("Where sampling defaults come from."),
    ),
    Option(
        "--tool-call-parser", "text", since=Version(0, 7, 2), about=N_("How tool calls are found in the model's text.")
    ),
    Option(
        "--reasoning-parser", "text", since=Version(0, 7, 2), about=N_("How reasoning is found in the model's text.")
    ),
    Option(
        "--adapters",
        "list",
        engines="pytorch",
        about=N_("LoRA adapters, name=path."),
        memory=N_("Each adapter adds its weights."),
    ),
)
