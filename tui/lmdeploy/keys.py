"""Command lines without the secrets in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def without_keys(words: Iterable[str]) -> Iterator[str]:
    """The words with ``…`` in place of every value of ``--api-keys``, in all its spellings."""
    hiding = False
    for word in words:
        name, equals, _value = word.partition("=")
        if word.startswith("--"):
            hiding = name.replace("_", "-") == "--api-keys"
            yield f"{name}=…" if hiding and equals else word
        else:
            yield "…" if hiding else word
