"""Conversations as files: Markdown, JSON and self-contained HTML. Everything foreign in them is text, nothing else."""
