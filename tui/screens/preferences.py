"""F7: every setting with its explanation, the keys, the profiles. What is chosen here holds at once and is saved."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import OptionList, Static, Tab, Tabs
from textual.widgets.option_list import Option

from tui.config.action import Place
from tui.config.settings import Settings
from tui.config.settings_options import options_of, value_of
from tui.i18n import N_, _
from tui.i18n.problems import explain
from tui.model.problem import Problem, ProblemError
from tui.screens import preference_rows as rows
from tui.screens.bindings import bindings_for
from tui.widgets.keyline import PlaceLine
from tui.widgets.literal import literal, one_line

if TYPE_CHECKING:
    from tui.config.profiles import Profile
    from tui.screens.live_settings import LiveSettings

_TABS = (("settings", N_("Settings")), ("keys", N_("Keys")), ("profiles", N_("Profiles")))


class PreferencesScreen(Screen[None]):
    """``live`` is the settings file; the app applies what changes."""

    CSS_PATH = "../styles/preferences.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_for(Place.SETTINGS),
        Binding("escape", "back", show=False, id="settings.back"),
        Binding("left", "turn(-1)", show=False),
        Binding("right", "turn(1)", show=False),
    ]

    def __init__(self, live: LiveSettings, *, eats: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self._live, self._eats = live, eats
        self._rows: list[rows.PreferenceRow] = []

    def compose(self) -> ComposeResult:
        yield Tabs(*(Tab(Content(_(label)), id=f"tab-{name}") for name, label in _TABS), id="tabs")
        yield OptionList(id="entries")
        yield Static(id="settings-note", markup=False)
        yield Static(id="about", markup=False)
        lead = N_("↑ ↓ choose · ← → page · Enter change · Esc back")
        yield PlaceLine(Place.SETTINGS, lead, eats=self._eats, id="settings-keys")

    async def on_mount(self) -> None:
        self.query_one("#tabs", Tabs).can_focus = False
        self.query_one("#entries", OptionList).focus()
        if self._live.loaded is None:
            await self._live.load()
        self.show()

    def retranslate(self) -> None:
        for name, label in _TABS:
            self.query_one(f"#tab-{name}", Tab).label = Content(_(label))
        self.show()

    @property
    def page(self) -> str:
        """settings, keys or profiles."""
        active = self.query_one("#tabs", Tabs).active
        return active.removeprefix("tab-") or "settings"

    # what is shown

    def show(self) -> None:
        """Show the present page again, the same line chosen."""
        loaded = self._live.loaded
        if loaded is None:
            return
        make = {"settings": rows.setting_rows, "keys": rows.key_rows, "profiles": rows.profile_rows}[self.page]
        options = self.query_one("#entries", OptionList)
        before = options.highlighted_option.id if options.highlighted_option else None
        self._rows = make(loaded)
        lines: list[Option | None] = []
        group = ""
        for row in self._rows:
            if row.group != group:
                group = row.group
                lines.append(Option(Content.styled(group, "bold $text-accent"), disabled=True))
            lines.append(Option(self._drawn(row), id=row.id))
        options.set_options(lines)
        ids = [row.id for row in self._rows]
        chosen = before if before in ids else ids[0] if ids else None
        options.highlighted = options.get_option_index(chosen) if chosen else None
        if chosen is None:
            self._say(_("There is no profile yet. Ctrl+N makes one: a server with a name, opened by “lmdeck NAME”."))

    def _drawn(self, row: rows.PreferenceRow) -> Content:
        name = Content.styled(one_line(row.name, 60), "bold" if row.changed else "")
        line = Content("  ") + name + Content(" " * max(2, 30 - cell_len(row.name)))
        line += literal(one_line(row.value, 120), "$text-accent" if row.changed else "")
        return line + (Content.styled("  !", "bold $text-warning") if row.warning else Content(""))

    @on(OptionList.OptionHighlighted, "#entries")
    def _moved(self) -> None:
        row = self.chosen
        if row is not None:
            self._say(f"{row.warning}\n{row.about}" if row.warning and row.warning not in row.about else row.about)

    def _say(self, text: str) -> None:
        self.query_one("#about", Static).update(literal(text))

    @property
    def chosen(self) -> rows.PreferenceRow | None:
        """The row under the cursor."""
        option = self.query_one("#entries", OptionList).highlighted_option
        return next((row for row in self._rows if option is not None and row.id == option.id), None)

    @on(Tabs.TabActivated)
    def _turned(self) -> None:
        self.show()

    def action_turn(self, step: int) -> None:
        tabs = self.query_one("#tabs", Tabs)
        names = [f"tab-{name}" for name, _label in _TABS]
        tabs.active = names[(names.index(f"tab-{self.page}") + step) % len(names)]

    def action_back(self) -> None:
        self.dismiss(None)

    # changing

    @on(OptionList.OptionSelected, "#entries")
    def _selected(self) -> None:
        row = self.chosen
        if row is not None:
            self.change(row)

    @work(group="change", exclusive=True)
    async def change(self, row: rows.PreferenceRow) -> None:
        """Let the user change what a row shows."""
        self._note("")
        await {"settings": self._change_setting, "keys": self._change_keys, "profiles": self._change_profile}[
            self.page
        ](row.id)

    async def _do(self, change: Awaitable[None]) -> bool:
        """Save something; what the disk or the file refuses is said."""
        try:
            await change
        except ProblemError as error:
            self._refused(error.problem)
            return False
        self.show()
        return True

    def _refused(self, problem: Problem) -> None:
        self._note(explain(problem).text)

    def _note(self, text: str) -> None:
        """What came of a change; it stays until the next one."""
        self.query_one("#settings-note", Static).update(literal(text))

    async def _change_setting(self, name: str) -> None:
        loaded = self._live.loaded
        if loaded is None:
            return
        one = options_of(Settings)[name]
        now = value_of(loaded.settings, name)
        if loaded.origins.get(name) == "environment":
            text = _("{variable} is set in the environment and goes before the file.")
            self._note(text.format(variable=one.variable))
        elif name == "theme":
            await self._change_theme(str(now))
        elif one.kind == "switch":
            await self._do(self._live.save({name: not now}))
        elif one.kind == "choice":
            from tui.screens.pick import PickScreen

            place = one.choices.index(now)
            choices = [str(choice) for choice in one.choices]
            chosen = await self.app.push_screen_wait(PickScreen(_(one.explanation), choices, place))
            if chosen is not None:
                await self._do(self._live.save({name: one.choices[chosen]}))
        else:
            await self._ask_value(name, rows.shown_value(one, now) if now not in (None, "", ()) else "")

    async def _ask_value(self, name: str, text: str) -> None:
        from tui.screens.ask import AskScreen

        one = options_of(Settings)[name]
        loaded = self._live.loaded
        if one.kind == "text" and loaded is not None:
            text = value_of(loaded.settings, name)
        check = partial(_fault_of, name)
        hint = _("Empty: the default. Several are separated by commas.") if one.kind == "list" else _(one.explanation)
        answer = await self.app.push_screen_wait(AskScreen(name, text, hint=hint, check=check))
        if answer is not None:
            value, _fault = rows.typed_value(one, answer)
            await self._do(self._live.save({name: value}))

    async def _change_theme(self, now: str) -> None:
        from tui.screens.theme_pick import ThemePickScreen

        names = sorted(self.app.available_themes, key=lambda name: (not name.startswith("lmdeck"), name))
        chosen = await self.app.push_screen_wait(ThemePickScreen(names, now))
        if chosen is not None:
            await self._do(self._live.save({"theme": names[chosen]}))

    async def _change_keys(self, identifier: str) -> None:
        from tui.config.actions import BY_ID, display_key
        from tui.screens.key_capture import KeyCaptureScreen

        key = await self.app.push_screen_wait(KeyCaptureScreen(BY_ID[identifier].label))
        loaded = self._live.loaded
        if key is None or loaded is None:
            return
        if fault := rows.key_fault(loaded, identifier, key):
            self._note(fault)
            return
        loser = rows.taken_from(loaded, identifier, key)
        if await self._do(self._live.save_keys(identifier, key)) and loser:
            text = _("{key} was taken from “{action}”.")
            self._note(text.format(key=display_key(key), action=loser))

    async def _change_profile(self, name: str) -> None:
        loaded = self._live.loaded
        profile = next((one for one in rows.profiles_of(loaded) if one.name == name), None) if loaded else None
        if profile is None:
            return
        from tui.screens.pick import PickScreen

        choices = [_("Change its fields"), _("Put its API key into the keyring"), _("Remove the key from the keyring")]
        chosen = await self.app.push_screen_wait(PickScreen(name, choices))
        if chosen == 0:
            await self._edit_profile(profile)
        elif chosen == 1:
            await self._keep_key(profile)
        elif chosen == 2:
            from tui.config.secrets import forget_key

            await self._in_keyring(lambda: forget_key(profile.account))

    async def _edit_profile(self, profile: Profile | None) -> None:
        from tui.config.profiles import save_profile
        from tui.screens.profile_form import ProfileForm

        made = await self.app.push_screen_wait(ProfileForm(profile, profile_fault))
        if made is not None:
            await self._do(self._live.write(lambda path: save_profile(path, made)))

    async def _keep_key(self, profile: Profile) -> None:
        from tui.config.secrets import KeySource, Secret, keep_key
        from tui.screens.ask import AskScreen

        question = _("API key of {name}").format(name=profile.name)
        text = await self.app.push_screen_wait(AskScreen(question, secret=True))
        if not text or not text.strip():
            return
        key = Secret(text.strip())
        if await self._in_keyring(lambda: keep_key(profile.account, key)):
            from tui.config.profiles import save_profile

            kept = replace(profile, api_key=KeySource("keyring"))
            await self._do(self._live.write(lambda path: save_profile(path, kept)))

    async def _in_keyring(self, verb: Callable[[], object]) -> bool:
        try:
            await asyncio.to_thread(verb)
        except ProblemError as error:
            self._refused(error.problem)
            return False
        self._note(_("Done."))
        return True

    @work(group="change", exclusive=True)
    async def action_reset(self) -> None:
        """The chosen line goes out of the file: the default holds again, or the profile is gone."""
        self._note("")
        row = self.chosen
        if row is None:
            return
        if self.page == "settings":
            await self._do(self._live.save({row.id: None}))
        elif self.page == "keys":
            await self._do(self._live.save_keys(row.id, None))
        else:
            from tui.config.profiles import remove_profile
            from tui.screens.confirm import ConfirmScreen

            question = _("Remove the profile {name}? Its key in the keyring stays.").format(name=row.id)
            if await self.app.push_screen_wait(ConfirmScreen(question)):
                await self._do(self._live.write(lambda path: remove_profile(path, row.id)))

    @work(group="change", exclusive=True)
    async def action_add(self) -> None:
        self.query_one("#tabs", Tabs).active = "tab-profiles"
        await self._edit_profile(None)


def _fault_of(name: str, text: str) -> str:
    return rows.typed_value(options_of(Settings)[name], text)[1]


def profile_fault(profile: Profile) -> str:
    """What is wrong with a profile, as a sentence; empty when it can be saved."""
    from pathlib import Path

    from tui.config.profiles import read_profiles
    from tui.config.settings_file import ConfigFile

    found = read_profiles(ConfigFile(Path(profile.name), data={"profiles": {profile.name: profile.to_table()}}))
    return explain(found.problems[0]).sentence if found.problems else ""
