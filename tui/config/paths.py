"""Where lmdeck keeps its files. The environment variables win, so that tests and unusual machines can move them."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def data_folder() -> Path:
    """Conversations and recordings: LMDECK_DATA_DIR, else the platform's user data folder. Not created here."""
    return Path(os.environ.get("LMDECK_DATA_DIR") or platformdirs.user_data_dir("lmdeck", appauthor=False))


def config_folder() -> Path:
    """Settings, profiles, user themes: LMDECK_CONFIG_DIR, else the platform's user config folder. Not created here."""
    return Path(os.environ.get("LMDECK_CONFIG_DIR") or platformdirs.user_config_dir("lmdeck", appauthor=False))


def state_folder() -> Path:
    """Logs and crash reports: LMDECK_STATE_DIR, else the platform's user state folder. Not created here."""
    return Path(os.environ.get("LMDECK_STATE_DIR") or platformdirs.user_state_dir("lmdeck", appauthor=False))


def private_folder(folder: Path) -> Path:
    """Create a folder readable by its owner only and return it. Raises OSError where that is not possible."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
