"""Sentences for problems of the app room."""

from __future__ import annotations

TABLE: dict[str, tuple[str, str]] = {}
