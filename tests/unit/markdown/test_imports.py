"""Parsing, blocks, wrapping and tables know nothing of Textual."""

from __future__ import annotations

import subprocess
import sys


def test_the_plain_modules_do_not_load_textual() -> None:
    code = (
        "import sys, tui.markdown.reply, tui.markdown.paragraph\n"
        "assert not [name for name in sys.modules if name.split('.')[0] in ('textual', 'pygments')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=50)


def test_large_patterns_are_not_compiled_by_importing() -> None:
    code = (
        "import re\n"
        "sizes = []\n"
        "compiled = re._compiler.compile\n"
        "def watched(pattern, flags=0):\n"
        "    sizes.append(len(pattern))\n"
        "    return compiled(pattern, flags)\n"
        "import tui.i18n, tui.markdown.ink, urllib.parse, markdown_it\n"
        "re._compiler.compile = watched\n"
        "import tui.markdown.reply, tui.markdown.paragraph\n"
        "assert sizes and max(sizes) < 150, sorted(sizes)\n"
        "from tui.markdown.wrap import wrap\n"
        "wrap('量化 ' * 30, 20)\n"
        "assert max(sizes) > 150\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=50)
