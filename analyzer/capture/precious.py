"""Files that a slip of the pen must not cost anybody: recordings, and databases, which is what stores are."""

from __future__ import annotations

from typing import Final

from analyzer.capture.compression import MAGIC_BYTES, codec_of
from analyzer.capture.inputs import is_capture

_SQLITE: Final = b"SQLite format 3\0"
"""How its files begin (sqlite.org/fileformat.html section 1.3.1)."""


def treasure_in(name: str) -> str | None:
    """What the file ``name`` holds that cannot be made anew: a capture, or compressed as captures are, or a database;
    ``None`` where it is something else.

    Raises:
        OSError: it cannot be read.
    """
    with open(name, "rb") as present:
        head = present.read(max(MAGIC_BYTES, len(_SQLITE)))
    if head.startswith(_SQLITE):
        return "a database"
    return "a capture" if is_capture(head) or codec_of(head) is not None else None
