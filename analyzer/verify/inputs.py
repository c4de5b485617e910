"""Giving an input to both sides: tshark wants a file, and reads no compression for sure but gzip."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from analyzer.capture.byte_source import ByteSource
from analyzer.capture.inputs import Input, plain_bytes
from analyzer.errors import UsageError

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Readable:
    """Where each side finds an input."""

    ours: str
    theirs: str


@contextmanager
def readable(given: Input) -> Iterator[Readable]:
    """The input as files, for as long as the context lasts.

    A pipe is stored first, since both sides must read it. What is compressed otherwise than by gzip is decompressed
    for tshark, because that depends on how tshark was built. Such files lie in a private folder, deleted at the end.

    Raises:
        InputError: it cannot be opened.
        UsageError: there is no room to store it.
    """
    with tempfile.TemporaryDirectory(prefix="smtpauth-") as name:
        folder = Path(name)
        ours = given.path if given.path is not None and given.reopenable else None
        if ours is None:
            ours = str(folder / "stored")
            with closing(given.open()) as raw:
                _store(raw, folder / "stored")
        theirs = Path(ours).absolute()
        with closing(Input(given.name, ours, size=0).open()) as raw:
            source, codec = plain_bytes(raw)
            if codec is not None and codec.name != "gzip":
                theirs = folder / "decompressed"
                _store(source, theirs)  # what is broken ends there; our own side says so
        yield Readable(ours, str(theirs))


def _store(source: ByteSource, path: Path) -> None:
    block = memoryview(bytearray(_BLOCK))
    try:
        with path.open("xb") as out:
            while count := source.readinto(block):
                out.write(block[:count])
    except OSError as error:
        raise UsageError(f"no room to prepare the input for tshark in {path.parent} ({error.strerror})") from None
