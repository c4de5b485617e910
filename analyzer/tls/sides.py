"""The sides of a connection, as every call takes them."""

from __future__ import annotations

from typing import Final

CLIENT: Final = 0
SERVER: Final = 1
