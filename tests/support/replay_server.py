"""Recordings of real servers (tests/data/recordings), served again over HTTP scene by scene."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from tests.support.raw_server import Exchange, Handler

FOLDER = Path(__file__).parent.parent / "data" / "recordings"
RECORDINGS = sorted(path.stem for path in FOLDER.glob("*.json"))


@cache
def recording(name: str) -> dict[str, Any]:
    """Scene → {method, path, request, status, headers, chunks: [[seconds, text], …]}."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def body_of(scene: dict[str, Any]) -> bytes:
    return "".join(text for _, text in scene["chunks"]).encode()


def play(scene: dict[str, Any]) -> Handler:
    """A handler that answers as recorded, chunk by chunk, without the pauses."""
    headers = {name.lower(): value for name, value in scene["headers"].items()}

    async def handler(exchange: Exchange) -> None:
        content_type = headers.get("content-type", "")
        if "content-length" in headers:
            await exchange.reply(body_of(scene), scene["status"], content_type)
        else:
            await exchange.stream(*(text.encode() for _, text in scene["chunks"]), content_type=content_type)

    return handler


def routes(name: str, chat: str | None = None) -> dict[str, Any]:
    """All GET routes of a recording as first seen, and one scene for the chat. Scenes called ``empty_…`` (a proxy
    before servers were added) keep to themselves."""
    scenes = recording(name)
    found: dict[str, Any] = {}
    empty = (chat or "").startswith("empty")
    for key, scene in scenes.items():
        if scene["method"] == "GET" and scene["status"] != 401 and key.startswith("empty") == empty:
            found.setdefault(scene["path"], play(scene))
    if chat is not None:
        found["/v1/chat/completions"] = play(scenes[chat])
    return found
