"""Sentences for problems of the gpu room."""

from __future__ import annotations

TABLE: dict[str, tuple[str, str]] = {}
