"""What the user names, expanded to the inputs that are to be read: files, directories, globs, standard input."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, cast

from analyzer.capture import pcap, pcapng
from analyzer.capture.byte_source import ByteSource, RawSource
from analyzer.capture.compression import MAGIC_BYTES, Codec, DecompressedSource, codec_of
from analyzer.capture.names import inert, natural_key
from analyzer.errors import InputError

STANDARD_INPUT = "-"
_CAPTURE_MAGIC_BYTES = 4


@dataclass(frozen=True, slots=True)
class Input:
    """One thing to read.

    Attributes:
        name: as the user gave it, made safe to print.
        path: where it is; ``None`` for a stream.
        stream: an open stream, for standard input.
        size: bytes on disk, ``None`` where that means nothing (a pipe).
    """

    name: str
    path: str | None
    stream: BinaryIO | None = None
    size: int | None = None

    @property
    def reopenable(self) -> bool:
        """Whether it can be closed after a look and opened again at its start."""
        return self.size is not None

    def open(self) -> RawSource:
        """Raises ``InputError`` where it cannot be opened."""
        if self.stream is not None:
            return RawSource(self.stream, live=True)
        assert self.path is not None  # noqa: S101  one of the two is there
        try:
            stream = cast(BinaryIO, open(self.path, "rb", buffering=0))  # noqa: SIM115  closed by the reader
        except (OSError, ValueError) as error:
            raise _unusable(self.name, error) from None
        if not self.reopenable and stream.isatty():
            stream.close()
            raise _terminal(self.name)
        return RawSource(stream, live=not self.reopenable)


def expand(paths: Sequence[str], stdin: BinaryIO | None = None) -> tuple[list[Input], list[InputError]]:
    """Every input that ``paths`` stand for, each once, and what could not be used.

    Args:
        paths: files, directories (searched recursively), glob patterns, or ``-``.
        stdin: what ``-`` reads; the process's standard input where it is ``None``.
    """
    inputs: list[Input] = []
    failures: list[InputError] = []
    seen: set[tuple[int, int] | str] = set()
    for path in paths:
        try:
            if path != STANDARD_INPUT:
                inputs.extend(_from_path(path, seen, failures))
            elif STANDARD_INPUT not in seen:
                seen.add(STANDARD_INPUT)
                inputs.append(_standard_input(stdin))
        except InputError as failure:
            failures.append(failure)
    return inputs, failures


def plain_bytes(raw: RawSource) -> tuple[ByteSource, Codec | None]:
    """The bytes behind whatever compression ``raw`` begins with."""
    codec = codec_of(raw.peek(MAGIC_BYTES))
    return (raw, None) if codec is None else (DecompressedSource(raw, codec), codec)


def is_capture(head: bytes) -> bool:
    """Whether a file that begins with ``head`` is in a format that is read here."""
    return head[:4] in pcap.MAGICS or head[:4] == pcapng.MAGIC


def _from_path(path: str, seen: set[tuple[int, int] | str], failures: list[InputError]) -> Iterator[Input]:
    try:
        facts = os.stat(path)
    except (OSError, ValueError) as error:
        if isinstance(error, FileNotFoundError) and any(c in path for c in "*?["):
            yield from _from_glob(path, seen, failures)
            return
        raise _unusable(inert(path), error) from None
    if stat.S_ISDIR(facts.st_mode):
        yield from _from_directory(path, seen, failures)
    elif _is_new(facts, seen):
        size = facts.st_size if stat.S_ISREG(facts.st_mode) else None
        yield Input(inert(path), path, size=size)


def _from_glob(pattern: str, seen: set[tuple[int, int] | str], failures: list[InputError]) -> Iterator[Input]:
    import glob

    matches = sorted(glob.glob(pattern, recursive=True), key=natural_key)
    if not matches:
        raise InputError(inert(pattern), "no file matches this pattern", "check the folder and the spelling")
    for match in matches:
        try:
            yield from _from_path(match, seen, failures)
        except InputError as failure:
            failures.append(failure)


def _from_directory(path: str, seen: set[tuple[int, int] | str], failures: list[InputError]) -> Iterator[Input]:
    """Captures below ``path``, by their content; other files are none of our business."""
    found = 0
    problems: list[InputError] = []

    def note(error: OSError) -> None:
        problems.append(_unusable(inert(os.fspath(error.filename)), error))

    for folder, subfolders, names in os.walk(path, onerror=note):
        subfolders.sort(key=natural_key)
        for name in sorted(names, key=natural_key):
            full = os.path.join(folder, name)
            try:
                facts = os.stat(full)
                if not stat.S_ISREG(facts.st_mode) or not _holds_capture(full):
                    continue
            except FileNotFoundError:  # a dangling link, or a file rotated away just now
                continue
            except OSError as error:
                problems.append(_unusable(inert(full), error))
                continue
            found += 1
            if _is_new(facts, seen):
                yield Input(inert(full), full, size=facts.st_size)
    failures.extend(problems)
    if not found and not problems:
        raise InputError(inert(path), "this directory holds no capture", "give one with pcap or pcapng files")


def _holds_capture(path: str) -> bool:
    """Whether a file is a capture, plain or compressed, or compressed data so broken that nobody can tell."""
    with open(path, "rb", buffering=0) as stream:
        source, codec = plain_bytes(RawSource(cast(BinaryIO, stream)))
        head = bytearray(_CAPTURE_MAGIC_BYTES)
        filled = 0
        while filled < len(head) and (count := source.readinto(memoryview(head)[filled:])):
            filled += count
        if codec is not None and source.fault is not None and filled < len(head):
            return True
        return is_capture(bytes(head))


def _standard_input(stdin: BinaryIO | None) -> Input:
    if stdin is None:
        if sys.stdin is None:  # closed by whoever started us
            raise InputError("standard input", "it is closed", "pipe a capture into it, or name a file")
        stdin = sys.stdin.buffer
    if stdin.isatty():
        raise _terminal("standard input")
    return Input("standard input", None, stream=stdin)


def _is_new(facts: os.stat_result, seen: set[tuple[int, int] | str]) -> bool:
    """Whether this very file was not given before: under another name, through a link, or twice."""
    identity = (facts.st_dev, facts.st_ino)
    if identity in seen:
        return False
    seen.add(identity)
    return True


def _terminal(name: str) -> InputError:
    return InputError(name, "it is a terminal, not a capture", "pipe one in: tcpdump -U -w - | smtpauth scan -")


def _unusable(name: str, error: OSError | ValueError) -> InputError:
    if isinstance(error, FileNotFoundError):
        return InputError(name or "''", "no such file or directory", "check the spelling")
    if isinstance(error, PermissionError):
        return InputError(name, "permission denied", "run as a user who may read it")
    if isinstance(error, OSError):
        return InputError(name, f"it cannot be opened ({error.strerror or type(error).__name__})")
    return InputError(name, "no file can have such a name", "check the spelling")
