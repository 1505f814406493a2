"""The Textual app: owns the screens, global keys, themes, the output filter, signals and the crash handler."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import Iterable, Sequence
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from tui.app_options import AppOptions
from tui.config.terminal import Terminal, guarded_stderr, mend_environment

# Imports make a great many objects that stay: looking through them for garbage again and again takes 40 ms.
gc.disable()

# Textual reads its environment variables while it is imported: this line has to stand above its first import.
TERMINAL = mend_environment()

from textual.app import SystemCommand  # noqa: E402
from textual.filter import LineFilter  # noqa: E402
from textual.screen import Screen  # noqa: E402
from textual.widgets import Input, TextArea  # noqa: E402

from tui.config.actions import ACTIONS, Place  # noqa: E402
from tui.config.paths import state_folder  # noqa: E402
from tui.i18n import _, preferred_language, set_language  # noqa: E402
from tui.screens.bindings import bindings_for, works_on  # noqa: E402
from tui.screens.chat import ChatScreen  # noqa: E402
from tui.screens.crashing import TellsCrashes  # noqa: E402
from tui.screens.tool_parser import ToolParserSide  # noqa: E402
from tui.widgets.clipboard import TerminalClipboard  # noqa: E402
from tui.widgets.display import EconomicalDisplay  # noqa: E402
from tui.widgets.input_method import name_alt_keys, raise_sequence_limit  # noqa: E402
from tui.widgets.output_filter import NoControls  # noqa: E402
from tui.widgets.theming import OWN_VARIABLES  # noqa: E402

gc.freeze()
gc.enable()

if TYPE_CHECKING:
    from tui.screens.seam import WorkspaceFactory

_TWICE_SECONDS = 2.0


class LmdeckApp(ToolParserSide, TellsCrashes, TerminalClipboard, EconomicalDisplay):
    """``factory`` builds what is behind the chat screen (by default what ``options`` name); it is called after the
    first frame."""

    CSS_PATH = "styles/app.tcss"
    BINDINGS = bindings_for(Place.APP)
    TITLE = "lmdeck"
    FILTER: ClassVar[LineFilter] = NoControls()

    def __init__(
        self, factory: WorkspaceFactory | None = None, options: AppOptions | None = None, *,
        terminal: Terminal = TERMINAL,
    ) -> None:  # fmt: skip
        super().__init__()
        self._options = options or AppOptions()
        self.secrets = (self._options.api_key,) if self._options.api_key else ()
        if self._options.language:
            self.fixed = frozenset({"language"})
        self._factory = factory or self.opener(self._options)
        self._terminal = terminal
        self._chat: ChatScreen | None = None
        self._interrupted = float("-inf")
        self.wear_first()

    def get_default_screen(self) -> Screen[None]:
        opens = not (self._options.connect or self._options.launch)
        self._chat = ChatScreen(self._factory if opens else None, self._terminal)
        return self._chat

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(OWN_VARIABLES)

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*super().get_line_filters(), self.FILTER]

    @property
    def chat(self) -> ChatScreen:
        """The chat screen, which is always at the bottom of the stack."""
        if self._chat is None:
            raise RuntimeError("the app is not running")
        return self._chat

    async def on_mount(self) -> None:
        if sys.platform != "win32":
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGHUP):
                loop.add_signal_handler(number, partial(self.exit, None, 128 + number))
        if self._options.connect:
            self.first_start()
        elif self._options.launch:
            self.action_launch()
        if self._options.homework:
            self.chat.action_homework(self._options.homework)
        self.call_after_refresh(self._first_frame_shown)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a key is being captured it does nothing else, not even what it always does."""
        return not getattr(self.screen_stack and self.screen, "CAPTURES_KEYS", False) and super().check_action(
            action, parameters
        )

    def _first_frame_shown(self) -> None:
        """What need not be there for the first frame; what is there by now will stay and is not collected again."""
        gc.freeze()
        gc.enable()
        self.load_themes()
        self.follow_settings()

    async def on_unmount(self) -> None:
        if self._chat is not None:
            await self._chat.close()

    # palette, help

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        for action in ACTIONS:
            if action.in_menu and works_on(action, screen):
                yield SystemCommand(action.label, action.description, partial(self._run_later, action.run))

    def _run_later(self, action: str) -> None:
        self.call_later(self.run_action, action)

    def action_command_palette(self) -> None:
        from textual.command import CommandPalette

        if not isinstance(self.screen, CommandPalette):
            self.push_screen(CommandPalette(placeholder=_("Find an action …"), id="--command-palette"))

    def action_help(self) -> None:
        from tui.screens.help import TOPICS, HelpScreen

        if not isinstance(self.screen, HelpScreen):
            screen = type(self.screen).__name__
            focused = type(self.focused).__name__ if self.focused is not None else ""
            self.push_screen(HelpScreen(screen if screen in TOPICS else focused, self._terminal, self.keys_of_user))

    # leaving

    def action_interrupt(self) -> None:
        """Copy what is selected; with nothing selected, the second time within two seconds leaves."""
        text = self._selected_text()
        if text:
            self.say_copied(text)
            return
        now = monotonic()
        if now - self._interrupted <= _TWICE_SECONDS:
            self.action_leave()
        else:
            self._interrupted = now
            self.hint(_("Press Ctrl+C again to quit."))

    def _selected_text(self) -> str:
        focused = self.focused
        if isinstance(focused, (TextArea, Input)) and focused.selected_text:
            return focused.selected_text
        return self.screen.get_selected_text() or ""

    def action_leave(self) -> None:
        """Quit; ask first while a reply runs."""
        self.run_worker(self._leave(), group="leave", exclusive=True)

    async def _leave(self) -> None:
        from tui.screens.confirm import ConfirmScreen

        asks = {"always": True, "never": False, "busy": self.chat.busy}[self.live.settings.confirm_quit]
        if asks and not isinstance(self.screen, ConfirmScreen):
            question = _("Quit lmdeck?")
            if self.chat.busy:
                question = _("A reply is running. Quit anyway? What has arrived is kept.")
            if not await self.push_screen_wait(ConfirmScreen(question)):
                return
        self.exit()

    def action_help_quit(self) -> None:
        """Textual's own answer to Ctrl+C; ours is ``action_interrupt``."""
        self.action_interrupt()


def run_app(options: AppOptions, *, factory: WorkspaceFactory | None = None) -> int:
    """Run the app until the user leaves; returns the exit code. ``factory`` replaces the workspace (tests)."""
    set_language(options.language or preferred_language())
    raise_sequence_limit()
    name_alt_keys()
    app = LmdeckApp(factory, options)
    with guarded_stderr(state_folder() / "stderr.log"):
        gc.disable()  # until the first frame
        try:
            app.run(mouse=options.mouse)
        finally:
            gc.enable()
    if app.crash is not None:
        from tui.i18n.problems import explain

        sys.stderr.write(f"{explain(app.crash).text}\n{app.crash.detail}")
    return app.return_code or 0
