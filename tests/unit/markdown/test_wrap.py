"""The rules of breaking lines."""

from __future__ import annotations
