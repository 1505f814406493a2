"""Which paths a release has: /openapi.json shows them, and only they answer (reference §2)."""

from __future__ import annotations

from tui.demo.dialects import version_key
from tui.demo.history import Json

# (method, path, first release, first release without it)
_PATHS: tuple[tuple[str, str, str, str], ...] = (
    ("get", "/v1/models", "0.5.3", ""),
    ("get", "/health", "0.5.3", ""),
    ("get", "/terminate", "0.9.0", ""),
    ("post", "/v1/chat/completions_qos", "0.5.3", "0.6.0"),
    ("post", "/v1/chat/completions", "0.5.3", ""),
    ("post", "/v1/completions_qos", "0.5.3", "0.6.0"),
    ("post", "/v1/completions", "0.5.3", ""),
    ("post", "/v1/chat/interactive_qos", "0.5.3", "0.6.0"),
    ("post", "/v1/chat/interactive", "0.5.3", "0.16.0"),
    ("post", "/v1/responses", "0.14.0", ""),
    ("post", "/v1/messages", "0.13.0", ""),
    ("post", "/v1/messages/count_tokens", "0.13.0", ""),
    ("get", "/anthropic/v1/models", "0.13.0", ""),
    ("post", "/v1/embeddings", "0.5.3", ""),
    ("post", "/v1/encode", "0.5.3", ""),
    ("post", "/generate", "0.10.2", ""),
    ("post", "/pooling", "0.9.1", ""),
    ("post", "/get_ppl", "0.14.0", ""),
    ("post", "/abort_request", "0.11.0", ""),
    ("post", "/sleep", "0.10.0", ""),
    ("post", "/wakeup", "0.10.0", ""),
    ("get", "/is_sleeping", "0.11.0", ""),
    ("post", "/update_weights", "0.9.0", ""),
    ("get", "/update_weights_from_ipc", "0.18", ""),
    ("post", "/update_weights_from_ipc", "0.18", ""),
    ("post", "/init_weights_update_group", "0.14.0", ""),
    ("post", "/update_weights_from_distributed", "0.14.0", ""),
    ("post", "/destroy_weights_update_group", "0.14.0", ""),
    ("get", "/distserve/engine_info", "0.9.0", ""),
    ("post", "/distserve/p2p_initialize", "0.9.0", ""),
    ("post", "/distserve/p2p_connect", "0.9.0", ""),
    ("post", "/distserve/p2p_drop_connect", "0.9.0", ""),
    ("post", "/distserve/free_cache", "0.9.0", ""),
)


def paths(version: str) -> list[tuple[str, str]]:
    """(METHOD, path) of a release."""
    key = version_key(version)
    return [
        (method.upper(), path)
        for method, path, first, gone in _PATHS
        if version_key(first) <= key and not (gone and version_key(gone) <= key)
    ]


def document(version: str) -> Json:
    """/openapi.json; ``info.version`` is FastAPI's default, as on a real server."""
    listed: Json = {}
    for method, path in paths(version):
        name = path.strip("/").replace("/", "_")
        listed.setdefault(path, {})[method.lower()] = {
            "summary": name.replace("_", " ").title(),
            "operationId": f"{name}_{method.lower()}",
            "responses": {
                "200": {"description": "Successful Response", "content": {"application/json": {"schema": {}}}}
            },
        }
    return {"openapi": "3.1.0", "info": {"title": "FastAPI", "version": "0.1.0"}, "paths": listed}


SWAGGER = """
    <!DOCTYPE html>
    <html>
    <head>
    <meta name="viewport" content="width=device-width, initial-scale=1.0">
    <link type="text/css" rel="stylesheet" href="https://cdn.jsdelivr.net/npm/swagger-ui-dist@5/swagger-ui.css">
    <link rel="shortcut icon" href="https://fastapi.tiangolo.com/img/favicon.png">
    <title>FastAPI - Swagger UI</title>
    </head>
    <body>
    <div id="swagger-ui">
    </div>
    <script src="https://cdn.jsdelivr.net/npm/swagger-ui-dist@5/swagger-ui-bundle.js"></script>
    <!-- `SwaggerUIBundle` is now available on the page -->
    <script>
    const ui = SwaggerUIBundle({
        url: '/openapi.json',
    "dom_id": "#swagger-ui",
"layout": "BaseLayout",
"deepLinking": true,
"showExtensions": true,
"showCommonExtensions": true,
oauth2RedirectUrl: window.location.origin + '/docs/oauth2-redirect',
    presets: [
        SwaggerUIBundle.presets.apis,
        SwaggerUIBundle.SwaggerUIStandalonePreset
        ],
    })
    </script>
    </body>
    </html>
    """
