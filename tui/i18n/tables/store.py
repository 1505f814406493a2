"""Sentences for problems of the store room."""

from __future__ import annotations

TABLE: dict[str, tuple[str, str]] = {}
