"""What the corpus looks like on a page of 48 cells: rows of text, compared with stored files.

``LMDECK_UPDATE_GOLDEN=1 python -m pytest tests/unit/markdown/test_golden_rows.py`` writes them anew; look at the
difference then.
"""

from __future__ import annotations

import pytest

from tests.support.golden import check_golden
from tests.unit.markdown.documents import DATA, corpus, texts

# Replies as models write them, one in each language, with every kind of block.
REPLIES = {path.stem: path.read_text("utf-8") for path in sorted((DATA / "replies").glob("*.md"))}


@pytest.mark.parametrize("name", corpus())
def test_the_corpus(name: str) -> None:
    check_golden(f"markdown/{name}", texts(corpus()[name], 48))


@pytest.mark.parametrize("width", [36, 76])
@pytest.mark.parametrize("name", REPLIES)
def test_whole_replies(name: str, width: int) -> None:
    check_golden(f"markdown/reply-{name}-{width}", texts(REPLIES[name], width))
