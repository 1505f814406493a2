"""F12: the picture before it is written. What is in it and how it looks is chosen with single keys."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from tui.i18n import _, ngettext
from tui.i18n.problems import explain
from tui.model.problem import Problem, ProblemError
from tui.screens.shot_picture import ShotLook, compose
from tui.screens.shot_words import missing_text
from tui.shot.delivery import clip_for, fetch_lines, give, pictures_folder
from tui.shot.saving import Written, free_stem, page, save
from tui.widgets.grid_view import GridView
from tui.widgets.literal import literal, one_line

if TYPE_CHECKING:
    from tui.screens.shot_picture import ShotContent
    from tui.shot.cells import Grid

WIDTHS = (80, 100, 120, 160)


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user chose: how many turns up to the ``last`` one (counted from 1), and the look. ``now``: memory as it
    is now instead of as it was then."""

    count: int
    last: int
    now: bool = False
    hide_user: bool = False
    look: ShotLook = field(default_factory=ShotLook)


Chooser = Callable[[Choice], "ShotContent"]


class ShotScreen(Screen[None]):
    """``content`` gives what is in the picture for a choice; ``turns`` is how many there are; ``themes`` are walked
    through with t. Enter writes the picture and says where it is."""

    CSS_PATH = "../styles/shot.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False, id="shot.leave"),
        Binding("enter", "save", show=False, id="shot.save", priority=True),
        Binding("plus,equals_sign", "more(1)", show=False, id="shot.more"),
        Binding("minus", "more(-1)", show=False, id="shot.fewer"),
        Binding("left_square_bracket", "move(-1)", show=False, id="shot.earlier"),
        Binding("right_square_bracket", "move(1)", show=False, id="shot.later"),
        Binding("a", "all", show=False, id="shot.all"),
        Binding("w", "width", show=False, id="shot.width"),
        Binding("t", "theme", show=False, id="shot.theme"),
        Binding("m", "moment", show=False, id="shot.moment"),
        Binding("u", "user", show=False, id="shot.user"),
        Binding("p", "look('panel')", show=False, id="shot.panel"),
        Binding("f", "look('footer')", show=False, id="shot.footer"),
        Binding("d", "look('details')", show=False, id="shot.details"),
        Binding("h", "look('thoughts')", show=False, id="shot.thoughts"),
        Binding("g", "look('system_fonts')", show=False, id="shot.fonts"),
        Binding("o", "look('outlines')", show=False, id="shot.outlines"),
        Binding("s", "scale", show=False, id="shot.scale"),
        Binding("c", "copy_line", show=False, id="shot.copy"),
    ]

    def __init__(self, content: Chooser, choice: Choice, turns: int, themes: tuple[str, ...]) -> None:
        super().__init__()
        self._content, self.choice, self._turns, self._themes = content, choice, turns, themes
        self.pages: tuple[Grid, ...] = ()
        self._drawn = choice.look
        """How the pages were laid out: the choice may be ahead of them."""
        self.title_of_file = ""
        self.line = ""
        """The command that fetches the picture from here, once it is written."""
        self.written: tuple[Path, ...] = ()
        """The PNG files, once they are."""
        self._saving = asyncio.Lock()

    def compose(self) -> ComposeResult:
        yield Static("", id="shot-about", markup=False)
        yield GridView(id="shot-picture")
        yield Static("", id="shot-said", markup=False)
        yield Static(Content(_keys()), id="shot-keys", markup=False)

    def on_mount(self) -> None:
        self.query_one("#shot-said", Static).display = False
        self.query_one(GridView).focus()
        self._draw()

    # drawing

    @work(group="shot-draw", exclusive=True)
    async def _draw(self) -> None:
        """Lay the picture out anew and show it."""
        choice = self.choice
        try:
            content = self._content(choice)
            pages = await asyncio.to_thread(compose, content, choice.look)
        except ProblemError as error:
            self._say(explain(error.problem).text)
            return
        if not self.is_attached:
            return  # closed in the meantime
        self.pages, self._drawn = pages, choice.look
        self.title_of_file = content.title
        self.query_one(GridView).show(self.pages)
        self.query_one("#shot-about", Static).update(Content(self._about()))

    def _about(self) -> str:
        """What is chosen, in a line."""
        choice, look = self.choice, self.choice.look
        first = choice.last - choice.count + 1
        if choice.count == 1:
            turns = _("turn {number} of {count}").format(number=choice.last, count=self._turns)
        else:
            turns = _("turns {first} to {last} of {count}").format(first=first, last=choice.last, count=self._turns)
        width, height = self.pages[0].size
        size = _("{width} × {height} pixels").format(width=width * look.scale, height=height * look.scale)
        count = len(self.pages)
        pages = ngettext("{count} picture", "{count} pictures", count).format(count=count)
        moment = _("memory now") if choice.now else _("memory of the turn")
        return " · ".join([turns, pages, size, look.theme, moment])

    def _say(self, text: str) -> None:
        if self.is_attached:
            said = self.query_one("#shot-said", Static)
            said.display = bool(text)
            said.update(literal(text))

    # choosing

    def _choose(self, choice: Choice) -> None:
        if choice != self.choice:
            self.choice = choice
            self._say("")
            self._draw()

    def action_more(self, step: int) -> None:
        """One turn more or less, at the beginning."""
        self._choose(replace(self.choice, count=min(max(self.choice.count + step, 1), self.choice.last)))

    def action_move(self, step: int) -> None:
        """The same number of turns, earlier or later."""
        last = min(max(self.choice.last + step, self.choice.count), self._turns)
        self._choose(replace(self.choice, last=last))

    def action_all(self) -> None:
        """All turns; again: only the last one."""
        every = self.choice.count == self._turns
        self._choose(replace(self.choice, count=1 if every else self._turns, last=self._turns))

    def action_moment(self) -> None:
        self._choose(replace(self.choice, now=not self.choice.now))

    def action_user(self) -> None:
        self._choose(replace(self.choice, hide_user=not self.choice.hide_user))

    def action_look(self, name: str) -> None:
        look = self.choice.look
        self._choose(replace(self.choice, look=replace(look, **{name: not getattr(look, name)})))

    def action_scale(self) -> None:
        self._choose(replace(self.choice, look=replace(self.choice.look, scale=3 - self.choice.look.scale)))

    def action_width(self) -> None:
        width = self.choice.look.width
        following = next((one for one in WIDTHS if one > width), WIDTHS[0])
        self._choose(replace(self.choice, look=replace(self.choice.look, width=following)))

    def action_theme(self) -> None:
        look, themes = self.choice.look, self._themes
        place = themes.index(look.theme) if look.theme in themes else -1
        self._choose(replace(self.choice, look=replace(look, theme=themes[(place + 1) % len(themes)])))

    def action_leave(self) -> None:
        self.dismiss(None)

    # writing

    @work(group="shot-save")
    async def action_save(self) -> None:
        """Write PNG and SVG, bring the picture where it is needed, and say what is known of it."""
        if self._saving.locked() or not self.pages:
            return
        async with self._saving:
            self._say(_("The picture is being drawn …"))
            pages, look, title = self.pages, self._drawn, self.title_of_file
            try:
                written, svg = await asyncio.to_thread(_write, pages, look, title)
            except ProblemError as error:
                self._say(explain(error.problem).text)
                return
            sentences = [_("Written: {path}").format(path=path) for path in (*written.paths, *svg.paths)]
            sentences.append(await self._bring(written.paths))
            sentences.append(missing_text(written.missing, system_fonts=look.system_fonts))
            self._say("\n".join(sentence for sentence in sentences if sentence))
            self.written = written.paths

    async def _bring(self, paths: tuple[Path, ...]) -> str:
        """To the clipboard, or the line that fetches it; the sentence about it."""
        clip = clip_for(paths[0], os.environ)
        if clip is not None:
            if not await give(clip):
                return _("{program} could not put the picture on the clipboard.").format(program=clip.name)
            return _("{program} took the first picture for the clipboard.").format(program=clip.name)
        if any(name in os.environ for name in ("SSH_CONNECTION", "SSH_TTY")):
            self.line, other = fetch_lines(paths[0])
            how = _("To fetch it, on your own machine (HOST: what you wrote behind ssh; c copies the first line):")
            return f"{how}\n  {self.line}\n  {other}"
        return _("No program that puts pictures on the clipboard was found (wl-copy, xclip).")

    def action_copy_line(self) -> None:
        if self.line:
            self.app.copy_to_clipboard(self.line)
            self._say(_("Sent to the terminal's clipboard: {line}").format(line=self.line))


def _write(pages: tuple[Grid, ...], look: ShotLook, title: str) -> tuple[Written, Written]:
    """PNG and SVG of all pages in the pictures' folder. Raises ProblemError."""
    try:
        folder = pictures_folder()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ProblemError(Problem("shot.not_written", {"path": error.filename or "~", "reason": reason})) from error
    stem = free_stem(folder, one_line(title, 60) or "lmdeck")
    png = save(pages, page(stem, ".png"), scale=look.scale, system_fonts=look.system_fonts, title=title)
    return png, save(pages, page(stem, ".svg"), system_fonts=look.system_fonts, outlines=look.outlines, title=title)


def _keys() -> str:
    keys = (
        ("Enter", _("writes it")),
        ("+ −", _("turns")),
        ("[ ]", _("earlier, later")),
        ("a", _("all turns")),
        ("w", _("width")),
        ("t", _("theme")),
        ("s", _("scale")),
        ("p", _("memory panel")),
        ("m", _("memory now or then")),
        ("d", _("details of calls")),
        ("h", _("thoughts")),
        ("f", _("footer")),
        ("u", _("user and host")),
        ("g", _("system fonts")),
        ("o", _("SVG without fonts")),
        ("Esc", _("closes")),
    )
    return " · ".join(f"{key} {text}" for key, text in keys)
