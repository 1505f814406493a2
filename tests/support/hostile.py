"""Text that tries to be something else: markup, escape codes, controls, direction marks, half characters, sheer size.

``MARK`` stands in harmless form in each piece, so that a test can see that the piece was shown at all.
"""

from __future__ import annotations

MARK = "HOSTILE"
TITLE_ATTACK = "\x1b]0;STOLEN TITLE\x07"
CLIPBOARD_ATTACK = "\x1b]52;c;U1RPTEVO\x07"

HOSTILE: tuple[str, ...] = (
    f"{MARK} [/x] [/INST] [bold] [INFO] [rank0] list[int]",
    f"{MARK} [@click=app.quit]click me[/] [link='https://e.example']x[/link] [reverse]r",
    f"{MARK} {TITLE_ATTACK} {CLIPBOARD_ATTACK} \x1b[2J\x1b[31mred \x1bP$q\x1b\\ \x1b]8;;http://e.example\x1b\\link",
    f"{MARK} \x9b2J \x9d0;STOLEN TITLE\x9c \x90x\x9c c1",
    f"{MARK} bell\x07 back\x08space null\x00 vt\x0bff\x0c cr\roverwritten del\x7f",
    f"{MARK} \u202eevil\u202c \u2066isolated\u2069 rtl",
    f"{MARK} \ud83d lone \ude00 \ud83d\ude00 pair",
    f"{MARK} \u2028line\u2029para\x85nel",
    f"{MARK} | a [/x] | b |\n|---|---|\n| [/y] | [@click=app.bell]z[/] |",
    f"{MARK} <https://e.example/%1b]0;STOLEN TITLE%1b\\> <http://e.example/%9b31m>",
    f"{MARK} $variable ${{HOME}} {{placeholder}} %s %(x)s \\ \\[ trailing\\",
    f"{MARK} 👨‍👩‍👧 🇨🇳 ❤️ e\u0301 zalgo: a{chr(0x300) * 60}",
    f"{MARK} " + "长" * 3_000,
    f"{MARK} " + "x" * 3_000,
)

BIG: tuple[str, ...] = (f"{MARK} " + "a" * 1_000_000, f"{MARK} " + "词" * 300_000, f"{MARK}\n" * 20_000)
