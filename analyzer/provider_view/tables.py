"""Delimited text as offices export it: any encoding, any delimiter, a title above the header, a BOM before all."""

from __future__ import annotations

import codecs
import csv
import io
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO, TextIO

from analyzer.errors import InputError

LARGEST_FILE = 512 << 20
"""Bytes: the sign-in log's portal exports at most 100,000 rows of some 2 KB."""

MOST_ROWS = 2_000_000
"""Rows that are read; they are added up by account, so that memory does not grow with them."""

HEADER_WITHIN = 20
"""Rows in which the header is looked for: exports have a title, a period or blank lines above it."""

MOST_COLUMNS = 500

LONGEST_ROW = 1 << 20
"""Characters of a row, whose cells are all made before anybody can look at one: 512 MB of ``ab,ab,…`` make 10 GB."""

DELIMITERS = ",;\t|"

_LOOKED_AT = 64 << 10
"""Bytes by which encoding and delimiter are told."""

_ZIP = b"PK\x03\x04"
_GZIP = b"\x1f\x8b"

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark begins with the same bytes
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

Row = list[str]


class Rows:
    """The rows of delimited text; whatever a quotation mark opens must end.

    Args:
        text: of which line ends are as they are (``newline=""``).

    Attributes:
        line: that the next row begins in, from 1 on.
    """

    def __init__(self, text: TextIO, delimiter: str) -> None:
        self._text = text
        self._length = 0
        self._reader = csv.reader(self._lines(), delimiter=delimiter, strict=True)

    @property
    def line(self) -> int:  # noqa: D102 - see the class
        return self._reader.line_num + 1

    def __iter__(self) -> Iterator[Row]:
        return self

    def __next__(self) -> Row:
        """The next row.

        Raises:
            csv.Error: what follows is none, or too long.
        """
        self._length = 0
        return next(self._reader)

    def _lines(self) -> Iterator[str]:
        while line := self._text.readline(LONGEST_ROW + 1):
            self._length += len(line)
            if self._length > LONGEST_ROW:
                raise csv.Error(f"a row of more than {LONGEST_ROW:,} characters")
            yield line


def encoding_of(head: bytes) -> str:
    """By the mark at its start; else by where zeros stand (UTF-16 of mostly ASCII); else UTF-8 where it is, else
    Windows-1252, which is what spreadsheets write where they do not write UTF-8."""
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return encoding
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if even + odd > len(head) // 4:
        return "utf-16-le" if odd > even else "utf-16-be"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # a character may be cut at the end
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


@contextmanager
def opened(name: str) -> Iterator[BinaryIO]:
    """The file, to be read.

    Raises:
        InputError: it cannot be read; or is none that can be read twice, which telling its form needs.
    """
    try:
        if os.path.exists(name) and not os.path.isfile(name):
            raise InputError(name, "no file that can be read twice", "save the export as a file")
        with open(name, "rb") as file:
            yield file
    except OSError as error:
        raise InputError(name, f"it cannot be read ({error.strerror or error})") from None
    except ValueError as error:
        if "null" in str(error):  # what Python says of a name with a NUL
            raise InputError(name, "no file can have such a name") from None
        raise


def head_of(name: str) -> bytes:
    """The first bytes of a file.

    Raises:
        InputError: it cannot be read, or is packed.
    """
    with opened(name) as file:
        head = file.read(_LOOKED_AT)
    refuse_packed(name, head)
    return head


def refuse_packed(name: str, head: bytes) -> None:
    """See that a file is text, as far as its first bytes tell.

    Raises:
        InputError: it is packed.
    """
    if head.startswith(_ZIP):
        raise InputError(name, "it is a workbook or a ZIP archive", "save it as CSV")
    if head.startswith(_GZIP):
        raise InputError(name, "it is compressed with gzip", "unpack it first")


class Table:
    """The rows of a file below its header.

    Args:
        name: the file's.
        is_header: whether a row is the header.

    Attributes:
        header: the row that ``is_header`` knew; ``None`` where there is none in the first rows.
        seen: the first row with more than one cell, for whoever must be told what was seen instead.
    """

    def __init__(self, name: str, is_header: Callable[[Row], bool]) -> None:
        self.name = name
        self._encoding = encoding_of(head_of(name))
        self._delimiter = ","
        self.header: Row | None = None
        self.seen: Row = []
        self._skip = 0
        for delimiter in self._candidates():
            found = self._look(delimiter, is_header)
            if found is not None:
                self._delimiter, self._skip, self.header = delimiter, *found
                break

    def _candidates(self) -> Sequence[str]:
        """Delimiters, the one that the file names (``sep=;``) or has most of first."""
        text = head_of(self.name).decode(self._encoding, "replace").lstrip("\ufeff")
        first = text.partition("\n")[0].strip().lower()
        if first.startswith("sep=") and len(first) == len("sep=;"):
            return [first[-1]]
        return sorted(DELIMITERS, key=lambda delimiter: -text.count(delimiter))

    def _look(self, delimiter: str, is_header: Callable[[Row], bool]) -> tuple[int, Row] | None:
        try:
            for number, row in enumerate(self._rows(delimiter)):
                if number >= HEADER_WITHIN:
                    break
                if is_header(row):
                    return number + 1, row
                if len(row) > len(self.seen):
                    self.seen = row
        except csv.Error:  # another delimiter may do
            return None
        return None

    def __iter__(self) -> Iterator[Row]:
        """The rows below the header that are not blank.

        Raises:
            InputError: the file is not such text, or too long.
        """
        try:
            for number, row in enumerate(self._rows(self._delimiter)):
                if number >= MOST_ROWS + self._skip:
                    raise InputError(self.name, f"more than {MOST_ROWS:,} rows", "export a shorter period")
                if number >= self._skip and any(cell.strip() for cell in row):
                    yield row
        except csv.Error as error:  # a stray quotation mark, most of all
            raise InputError(self.name, f"it is no CSV file ({error})", "export it anew as CSV UTF-8") from None

    def _rows(self, delimiter: str) -> Iterator[Row]:
        with opened(self.name) as file:
            text = io.TextIOWrapper(io.BufferedReader(_Limited(self.name, file)), self._encoding, newline="")
            try:
                for row in Rows(text, delimiter):
                    yield [cell.replace("\0", "").removeprefix("\ufeff") for cell in row[:MOST_COLUMNS]]
            except UnicodeDecodeError:
                raise InputError(
                    self.name, f"part of it is not {self._encoding} text", "export it anew as CSV UTF-8"
                ) from None


class _Limited(io.RawIOBase):
    """A file that ends the run where it is longer than any export."""

    def __init__(self, name: str, file: BinaryIO) -> None:
        self._name, self._file, self._left = name, file, LARGEST_FILE

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        read = self._file.read(len(buffer))
        self._left -= len(read)
        if self._left < 0:
            raise InputError(self._name, f"more than {LARGEST_FILE >> 20} MB", "export a shorter period")
        buffer[: len(read)] = read
        return len(read)
