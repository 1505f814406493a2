"""``lmdeck shot CONVERSATION|last --out FILE``: a picture of a kept conversation, without a screen."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from tui.i18n import _, set_language
from tui.model.problem import Problem, ProblemError

_USAGE_CODES = frozenset({"shot.bad_suffix", "shot.bad_theme", "shot.bad_turns", "export.unknown", "export.ambiguous"})


def main_shot(words: list[str]) -> int:
    return shot_command(words, sys.stdout, sys.stderr)


def shot_command(words: Sequence[str], out: TextIO, err: TextIO) -> int:
    """Do what the words behind ``lmdeck shot`` say; returns the exit code: 0 written, 1 failed, 2 wrong usage.

    Exits through SystemExit(2) for a wrong command line, as argparse does."""
    from tui.export_command import read_document

    options = _parser().parse_args(list(words))
    if options.lang:
        set_language(options.lang)
    try:
        _check(options.out)
        document = asyncio.run(read_document(options.conversation, options.store))
        # The screen's modules take a while to load: not before something is there to be drawn.
        from tui.screens.shot_content import kept_content, user_at_host
        from tui.screens.shot_picture import ShotLook, compose
        from tui.screens.shot_words import missing_text
        from tui.shot.saving import save

        content = kept_content(document, options.turns, who="" if options.hide_user else user_at_host())
        look = ShotLook(
            options.width,
            options.theme,
            options.scale,
            options.system_fonts,
            panel=not options.no_panel,
            footer=not options.no_footer,
            thoughts=options.thoughts,
            details=not options.no_details,
        )
        written = save(
            compose(content, look),
            options.out,
            scale=options.scale,
            system_fonts=options.system_fonts,
            outlines=options.outlines,
            title=document.title,
        )
    except ProblemError as error:
        return _refuse(err, error.problem)
    for path in written.paths:
        out.write(_("Written: {path}").format(path=path) + "\n")
    if not content.cards and not options.no_panel:
        err.write(_("No memory figures were kept with these turns, so the picture has no memory panel.") + "\n")
    if said := missing_text(written.missing, system_fonts=options.system_fonts):
        err.write(said + "\n")
    return 0


def _check(path: Path) -> None:
    if path.suffix.lower() not in (".png", ".svg"):
        raise ProblemError(Problem("shot.bad_suffix", {"path": str(path)}))


def _refuse(err: TextIO, problem: Problem) -> int:
    from tui.export.clean import clean
    from tui.i18n.problems import explain

    err.write(f"lmdeck shot: {clean(explain(problem).text)}\n")
    return 2 if problem.code in _USAGE_CODES else 1


def _parser() -> argparse.ArgumentParser:
    from tui.export_command import add_conversation, add_store
    from tui.screens.shot_colours import PRINT_THEME

    parser = argparse.ArgumentParser(
        prog="lmdeck shot",
        description=_("Draw a kept conversation with its memory figures as a PNG or SVG picture."),
        epilog=_("exit codes: 0 written; 1 failed; 2 wrong usage, or no such conversation"),
    )
    add_conversation(parser)
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help=_("the picture: x.png or x.svg; it is replaced")
    )
    parser.add_argument("--turns", default="all", metavar="N|N-M|last", help=_("which turns; default: all of them"))
    parser.add_argument("--width", type=cells, default=120, metavar="N", help=_("cells, 40 to 400; default: 120"))
    parser.add_argument(
        "--theme", default=PRINT_THEME, metavar="NAME", help=_("default: {name}").format(name=PRINT_THEME)
    )
    parser.add_argument("--lang", choices=("en", "zh-CN"), help=_("the language of labels; default: lmdeck's own"))
    parser.add_argument("--scale", type=int, choices=(1, 2), default=2, help=_("1 or 2 (default): pixels of a PNG"))
    parser.add_argument(
        "--system-fonts", action="store_true", help=_("use this machine's fonts for what lmdeck's own lacks")
    )
    parser.add_argument(
        "--outlines", action="store_true", help=_("SVG: draw letters as shapes, so that no viewer needs a font")
    )
    parser.add_argument("--no-panel", action="store_true", help=_("leave out the memory panel"))
    parser.add_argument("--no-footer", action="store_true", help=_("leave out model, settings, versions and date"))
    parser.add_argument("--no-details", action="store_true", help=_("tool calls on one line each"))
    parser.add_argument("--thoughts", action="store_true", help=_("show what the model thought"))
    parser.add_argument("--hide-user", action="store_true", help=_("leave out user and host"))
    add_store(parser)
    return parser


def cells(text: str) -> int:
    """A picture's width. Raises ValueError; argparse names this function then."""
    width = int(text)
    if not 40 <= width <= 400:
        raise ValueError(text)
    return width
