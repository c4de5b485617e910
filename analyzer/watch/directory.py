"""A directory of captures as it is at one moment: which files it holds, and which of them one writer wrote in turn."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from analyzer.capture import inert
from analyzer.capture.names import natural_key
from analyzer.errors import InputError

MOST_FILES = 200_000
"""Files of a directory that are followed, those that are found first: some 500 bytes of memory each. A ring of a year,
one file each three minutes, has fewer."""

COMPRESSED = (".gz", ".zst", ".xz", ".bz2", ".lz4")
"""What a compressor adds to a name."""

_NUMBERS = re.compile(r"(?<![a-z])[0-9]+|[0-9]{4,}|[0-9]+$", re.IGNORECASE)
"""Where a rotation counts or tells the time: after a separator, in four digits or more, or at the end. The 0 of
``eth0-20261124.pcap`` belongs to a name; two interfaces' files are not of one writer."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, as it was when we looked.

    Attributes:
        name: its path from the directory on, made safe to print.
        path: to open it by.
        device, inode: what it is, whatever its name.
        size: bytes.
        modified, changed: of its content, and of that or its name or its rights; nanoseconds since 1970-01-01 UTC.

    Two entries are equal where nothing happened to the file between the two looks.
    """

    name: str
    path: str
    device: int
    inode: int
    size: int
    modified: int
    changed: int

    @property
    def compressed(self) -> bool:
        """Whether its name says that it is compressed."""
        return self.name.lower().endswith(COMPRESSED)

    @property
    def series(self) -> str:
        """The same for all files that a rotating writer makes in turn, compressed or not."""
        name = self.name.lower()
        for ending in COMPRESSED:
            name = name.removesuffix(ending)
        return _NUMBERS.sub("", name)

    def follows(self, other: Entry) -> bool:
        """Whether it was written after ``other``, a file of the same series."""
        if self.modified != other.modified:
            return self.modified > other.modified
        return natural_key(self.name) > natural_key(other.name)


def look(path: str, name: str) -> Entry | None:
    """The file at ``path``; ``None`` where there is none (any more), or something that is no regular file."""
    try:
        facts = os.stat(path)
    except OSError:  # rotated away just now, or a link that leads nowhere
        return None
    if not stat.S_ISREG(facts.st_mode):
        return None
    return Entry(name, path, facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)


@dataclass(frozen=True, slots=True)
class Listing:
    """What a directory holds.

    Attributes:
        entries: its files, those in directories below it included.
        unlisted: files beyond :data:`MOST_FILES`.
    """

    entries: tuple[Entry, ...]
    unlisted: int = 0


def listing(directory: str, pattern: str | None = None, most: int = MOST_FILES) -> Listing:
    """The files in ``directory``, and below it; links to files are followed, links to directories are not.

    Names that begin with a dot are left out: so do the names of what is still being copied (rsync), and of our own
    kind's leftovers.

    Args:
        directory: its path.
        pattern: a glob pattern that the file's name matches; its path from the directory on, where there is a slash
            in the pattern. ``None``: any.
        most: see :data:`MOST_FILES`.

    Raises:
        InputError: it cannot be read. What is below it, and cannot, is left out.
    """
    entries: list[Entry] = []
    unlisted = 0
    above = len(os.path.join(directory, ""))
    for path in _files(directory):
        below = path[above:]
        if pattern is not None and not fnmatchcase(below if "/" in pattern else os.path.basename(path), pattern):
            continue
        if len(entries) == most:
            unlisted += 1
        elif (entry := look(path, inert(below))) is not None:
            entries.append(entry)
    return Listing(tuple(entries), unlisted)


def _files(directory: str) -> Iterator[str]:
    def note(error: OSError) -> None:
        if error.filename == directory:
            raise InputError(inert(directory), _problem(error), "name the directory that captures are written to")

    for folder, subfolders, names in os.walk(directory, onerror=note):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        yield from (os.path.join(folder, name) for name in sorted(names) if not name.startswith("."))


def _problem(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such directory"
    if isinstance(error, NotADirectoryError):
        return "it is no directory"
    return f"it cannot be read ({error.strerror or type(error).__name__})"
