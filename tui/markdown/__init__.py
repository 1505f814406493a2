"""Markdown text → blocks → rows for a width → strips: incremental, right in Chinese, safe.

Everything but ``palette``, ``strips`` and ``view`` is plain Python without Textual:

``clean``     the gate for foreign text
``cells``     widths in terminal cells, grapheme clusters
``wrap``      where a line may break
``ink``       runs, links, rows, pages
``parser``    markdown-it with our rules (mathematics, footnotes)
``inline``    inline tokens → runs
``latex``     mathematics → readable Unicode
``elements``  paragraphs, code, rules, gaps → rows
``table``     tables → rows
``blocks``    block tokens → elements
``document``  text that grows → blocks, only the end rendered again
``layout``    a document's rows for one width
``copying``   selections → text
``search``    finding text in rows
``highlight`` code → runs, in slices of a few milliseconds
"""
