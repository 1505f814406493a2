"""What all tests of the whole app share."""

from __future__ import annotations

import pytest

# anyio 4.16 forgets a connection that is given up while it is being made, which happens to the probe of a server when
# its screen closes on a busy machine: the garbage collector closes it, as its socket or as its transport.
_LEFT_BY_ANYIO = (
    "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning",
    "ignore:Exception ignored in. <function _SelectorTransport:pytest.PytestUnraisableExceptionWarning",
)
_OVER_HTTP = {f"test_{name}" for name in ("homework", "newcomer", "nodes_screen", "opening", "real_server")}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name == "app" and item.path.stem in _OVER_HTTP:
            for warning in _LEFT_BY_ANYIO:
                item.add_marker(pytest.mark.filterwarnings(warning))
