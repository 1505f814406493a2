"""Sentences for problems of the chat room."""

from __future__ import annotations

TABLE: dict[str, tuple[str, str]] = {}
