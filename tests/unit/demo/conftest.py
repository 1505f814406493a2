"""The demo server's fixtures."""

from tests.support.demo import demo, start_demo

__all__ = ["demo", "start_demo"]
