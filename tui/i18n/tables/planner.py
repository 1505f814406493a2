"""Sentences for problems of the planner room."""

from __future__ import annotations

TABLE: dict[str, tuple[str, str]] = {}
