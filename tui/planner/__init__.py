"""Answers before a launch: where memory would go, and what fits."""
