"""The app's side of the settings: worn at start, checked a moment later, followed while lmdeck runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from textual import work
from textual.app import App
from textual.css.query import NoMatches
from textual.screen import ModalScreen

from tui.config.terminal import over_ssh
from tui.config.themes import shipped_folder, theme_files
from tui.i18n import _, current_language, preferred_language, set_language
from tui.model.problem import Problem, ProblemError
from tui.screens.live_settings import LiveSettings, save_quietly
from tui.widgets.theming import check_theme, read_theme

if TYPE_CHECKING:
    from tui.config.settings import Settings
    from tui.config.settings_load import Reload
    from tui.config.terminal import Terminal
    from tui.screens.chat import ChatScreen

DEFAULT_THEME = "lmdeck-dark"
_LOOK_SECONDS = 3.0


@runtime_checkable
class _Retranslatable(Protocol):
    def retranslate(self) -> None: ...


class SettingsSide(App[None]):
    """Mixed into the app. ``fixed`` are settings that the command line decided; the file does not change them."""

    _terminal: Terminal

    def __init__(self) -> None:
        super().__init__()
        self.live = LiveSettings()
        self.fixed: frozenset[str] = frozenset()
        self.keys_of_user: Mapping[str, str] = {}
        self.register_theme(read_theme(shipped_folder() / f"{DEFAULT_THEME}.toml"))

    @property
    def chat(self) -> ChatScreen:
        raise NotImplementedError

    # at start

    def wear_first(self) -> None:
        """What the first frame needs: language, theme, animations. Costs a file or two, never fails."""
        settings = self.live.settings
        self._set_language(settings)
        self._calm(settings)
        if settings.theme != DEFAULT_THEME:
            for path in theme_files():
                if path.stem == settings.theme:
                    self._take_theme(path.stem, str(path))
        self._begin_with(settings.theme if settings.theme in self.available_themes else DEFAULT_THEME)

    def _begin_with(self, name: str) -> None:
        """The theme before the app runs. Assigning ``theme`` would have Textual parse every style a second time before
        the first frame, since that is how it follows a change."""
        self.set_reactive(App.theme, name)
        theme = self.current_theme
        self.stylesheet.set_variables(self.get_css_variables())
        self.update_classes(
            {f"-theme-{theme.name}": True, "-dark-mode": theme.dark, "-light-mode": not theme.dark}, update=False
        )
        self._refresh_truecolor_filter(self.ansi_theme)

    def _take_theme(self, name: str, place: str) -> None:
        """Register the chosen theme early; whatever is wrong with it is said when all are loaded."""
        from pathlib import Path

        try:
            theme = read_theme(Path(place))
            check_theme(theme, Path(place), self.stylesheet)
        except ProblemError:
            return
        if theme.name == name:
            self.register_theme(theme)

    def _wear(self, name: str) -> bool:
        if name in self.available_themes:
            self.theme = name
            return True
        return False

    def load_themes(self) -> None:
        """Register all theme files; what is wrong with one is said, and the others still work."""
        for path in theme_files():
            try:
                theme = read_theme(path)
                if path.parent != shipped_folder():
                    check_theme(theme, path, self.stylesheet)
            except ProblemError as error:
                self.chat.tell(error.problem)
            else:
                self.register_theme(theme)

    @work(group="settings")
    async def follow_settings(self) -> None:
        """Check the file thoroughly, say what is wrong with it, then look every few seconds whether it changed."""
        self.live.on_change = self._changed_while_open
        problems = await self.live.load()
        with suppress(NoMatches):  # the app was closed meanwhile
            for problem in problems:
                self.chat.tell(problem)
            self.apply(self.live.settings)
            if not self._wear(self.live.settings.theme):
                self.chat.tell(Problem("app.theme_unknown", {"name": self.live.settings.theme}))
            self._use_keys(say=True)
            self.set_interval(_LOOK_SECONDS, self.live.poll)

    # while it runs

    def _changed_while_open(self, reload: Reload) -> None:
        with suppress(NoMatches):  # a change that is noticed while the app closes concerns nobody
            self._changed(reload)

    def _changed(self, reload: Reload) -> None:
        for problem in reload.loaded.problems if not reload.changed else ():
            self.chat.tell(problem)
        if "theme" in reload.changed:
            self._wear(reload.loaded.settings.theme)
        before = current_language()
        self._set_language(reload.loaded.settings)
        if current_language() != before:
            self.retranslate_all()
        if "keys" in reload.changed:
            self._use_keys(say=False)
        self.apply(reload.loaded.settings)

    def apply(self, settings: Settings) -> None:
        """Everything that holds at once and is cheap to set again."""
        self._calm(settings)
        self.set_class(settings.borders == "ascii" or settings.ambiguous_width == 2, "-ascii")
        self.wide_ambiguous = settings.ambiguous_width == 2
        self.chat.follow_settings(settings)

    def _calm(self, settings: Settings) -> None:
        self.animation_level = "none" if over_ssh(os.environ) else settings.animations

    def _use_keys(self, *, say: bool) -> None:
        """The user's keys, checked; what is wrong with them is said once."""
        from tui.config.actions import DEFAULT_KEYS, apart
        from tui.config.keymap import check_keymap

        loaded = self.live.loaded
        if loaded is None:
            return
        keymap = check_keymap(loaded.keys, DEFAULT_KEYS, file=loaded.file, apart=apart)
        for problem in keymap.problems if say else ():
            self.chat.tell(problem)
        self.keys_of_user = keymap.keys
        self.set_keymap(dict(keymap.keys))
        self.chat.show_keys(keymap.keys)

    # language, theme

    def _set_language(self, settings: Settings) -> None:
        if "language" not in self.fixed:
            set_language(preferred_language() if settings.language == "auto" else settings.language)

    def retranslate_all(self) -> None:
        for screen in self.screen_stack:
            for node in (screen, *screen.query("*")):
                if isinstance(node, _Retranslatable):
                    with suppress(NoMatches):  # a screen that is just being closed has lost its children
                        node.retranslate()

    def action_switch_language(self) -> None:
        """The other language, now and from now on."""
        language = "en" if current_language() == "zh-CN" else "zh-CN"
        set_language(language)
        self.retranslate_all()
        self.run_worker(self.keep({"language": language}), group="language")

    async def keep(self, values: Mapping[str, object]) -> None:
        """Save what was chosen; where that is impossible it holds until lmdeck ends, and that is said."""
        if (problem := await save_quietly(self.live, values)) is not None:
            with suppress(NoMatches):
                self.chat.tell(problem)

    @work(group="dialog")
    async def action_choose_theme(self) -> None:
        from tui.screens.theme_pick import ThemePickScreen

        names = sorted(self.available_themes, key=lambda name: (not name.startswith("lmdeck"), name))
        chosen = await self.push_screen_wait(ThemePickScreen(names, self.theme))
        if chosen is not None:
            self.theme = names[chosen]
            await self.keep({"theme": names[chosen]})

    def action_preferences(self) -> None:
        from tui.screens.preferences import PreferencesScreen

        if not isinstance(self.screen, PreferencesScreen):
            self.push_screen(PreferencesScreen(self.live, eats=self._terminal.eats))

    # what is said, and copying

    def hint(self, text: str) -> None:
        """A short sentence where the user looks: in the chat's key line, or over the screen that covers the chat."""
        if self.screen is self.chat or isinstance(self.screen, ModalScreen):
            self.chat.hint(text)
        else:
            self.notify(text, timeout=4, markup=False)

    def say_copied(self, text: str) -> None:
        """Copy, and say no more than is known."""
        from tui.widgets.clipboard import MANY

        self.copy_to_clipboard(text)
        count = f"{len(text):,}"
        if len(text.encode("utf-8", "replace")) > MANY:
            self.chat.hint(
                _("Sent {count} characters: many terminals take fewer. /export writes a file.").format(count=count)
            )
        else:
            self.hint(_("Sent to the terminal's clipboard: {count} characters.").format(count=count))
