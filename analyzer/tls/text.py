"""Names from the wire, made safe to show."""

from __future__ import annotations

from typing import Final

MAX_NAME: Final = 255
"""Longest name of a host, protocol or subject that is kept, in bytes or characters: a DNS name cannot be longer
(RFC 1035 section 2.3.4)."""


def printable(name: str) -> str:
    """The name without control, format or line-breaking characters, bounded."""
    text = name[:MAX_NAME]
    return text if text.isprintable() else "".join(filter(str.isprintable, text))


def decoded(name: bytes) -> str:
    """The same from bytes that should be UTF-8."""
    return printable(name[:MAX_NAME].decode("utf-8", "replace"))
