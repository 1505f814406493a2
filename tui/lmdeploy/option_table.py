"""All options of ``lmdeploy serve api_server``."""

from __future__ import annotations

from tui.lmdeploy.option_table_engine import ENGINE_OPTIONS
from tui.lmdeploy.option_table_pytorch import PYTORCH_OPTIONS
from tui.lmdeploy.option_table_server import SERVER_OPTIONS
from tui.lmdeploy.options import Option

OPTIONS: tuple[Option, ...] = (*SERVER_OPTIONS, *ENGINE_OPTIONS, *PYTORCH_OPTIONS)


def option(flag: str) -> Option | None:
    """The option of a flag (``--tp``), or None."""
    return next((entry for entry in OPTIONS if entry.flag == flag), None)
