"""How much of a text is parsed, for tests that count work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tui.markdown.document import Document


@contextmanager
def counted_parses() -> Iterator[list[int]]:
    """The characters of each piece that documents parse meanwhile."""
    sizes: list[int] = []
    parse = Document.parse

    def note(self: Document, part: str) -> Any:
        sizes.append(len(part))
        return parse(self, part)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Document, "parse", note)
        yield sizes
