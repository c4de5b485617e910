"""The fixture that every test with real interfaces uses."""

from tests.capture.live.network import network

__all__ = ["network"]
