"""Sentences for problems of the server room."""

from __future__ import annotations

TABLE: dict[str, tuple[str, str]] = {}
