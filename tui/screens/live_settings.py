"""The settings while lmdeck runs: the light ones at once, the checked ones a moment later, then what the file says
whenever it changes. Knows no widget."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from tui.config.settings import Settings, config_path
from tui.config.settings_load import Loaded, Reload, SettingsWatch, quick_settings
from tui.model.problem import Problem, ProblemError

Changed = Callable[[Reload], None]
"""Called with the new settings and the names that have another value; an empty list when only the problems changed."""


class LiveSettings:
    """Reading, watching and saving one settings file. Construct it before the first frame, :meth:`load` after it."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or config_path()
        self.on_change: Changed = lambda _reload: None
        self._quick = quick_settings(self.path)
        self._watch: SettingsWatch | None = None
        self._writing = asyncio.Lock()

    @property
    def settings(self) -> Settings:
        """What holds now."""
        return self._quick if self._watch is None else self._watch.loaded.settings

    @property
    def loaded(self) -> Loaded | None:
        """The checked settings with their origins and problems; None before :meth:`load`."""
        return None if self._watch is None else self._watch.loaded

    async def load(self) -> tuple[Problem, ...]:
        """Check the file thoroughly; returns what is wrong with it. Never raises."""
        from tui.config.settings_load import load_settings

        loaded = await asyncio.to_thread(load_settings, self.path)
        self._watch = SettingsWatch(loaded)
        return loaded.problems

    async def poll(self) -> None:
        """Read the file again if it changed (one ``stat``), and tell."""
        watch = self._watch
        if watch is not None and await asyncio.to_thread(watch.file_changed):
            self.on_change(await asyncio.to_thread(watch.reload))

    async def save(self, values: Mapping[str, Any]) -> None:
        """Save settings by dotted name (None: back to the default) and tell what changed. Raises ProblemError."""
        from tui.config.settings_write import save_settings

        await self.write(partial(save_settings, values=values))

    async def save_keys(self, identifier: str, keys: str | None) -> None:
        """Give an action other keys, or (None) its default ones. Raises ProblemError."""
        from tui.config.settings_write import change_file

        await self.write(partial(change_file, changes={("keys", identifier): keys}))

    async def write(self, change: Callable[[Path], None]) -> None:
        """Any other change of the file, done in a thread; one after the other, so that the last one asked for is what
        stays. Raises ProblemError."""
        async with self._writing:
            await asyncio.to_thread(change, self.path)
            await self._again()

    async def _again(self) -> None:
        if self._watch is None:
            await self.load()
        elif await asyncio.to_thread(self._watch.file_changed):
            self.on_change(await asyncio.to_thread(self._watch.reload))


async def save_quietly(live: LiveSettings, values: Mapping[str, Any]) -> Problem | None:
    """Save what the user chose on another screen; what went wrong comes back, the choice holds for this session."""
    try:
        await live.save(values)
    except ProblemError as error:
        return error.problem
    return None
