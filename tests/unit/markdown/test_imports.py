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
