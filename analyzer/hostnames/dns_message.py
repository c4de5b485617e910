"""The message that DNS, multicast DNS and NetBIOS share (RFC 1035 section 4, RFC 6762, RFC 1002 section 4.2.1).

Bounded against hostile ones: compression pointers may only point backwards, so no name loops; a name is at most 255
bytes; of a message at most :data:`MOST_RECORDS` records are read. Counts in the header are not believed, bytes are.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

MOST_RECORDS = 64
"""Questions and records read of one message. Answers about hosts have one to a dozen; an announcement by multicast DNS
some 30."""

LONGEST_WIRE_NAME = 255
"""Bytes of a name with its length bytes (RFC 1035 section 3.1)."""

_POINTER = 0xC0


class Malformed(ValueError):
    """The bytes are not what their protocol says they must be."""


class Record(NamedTuple):
    """A question (without data) or resource record.

    Attributes:
        labels: of its name, without the root.
        type: TYPE value. data: offset of RDATA in the message; end: one past it.
    """

    labels: tuple[bytes, ...]
    type: int
    data: int
    end: int


class Message(NamedTuple):
    """A message as far as it was read.

    Attributes:
        flags: the header's second word.
        questions: as asked.
        answers: records of the answer section. further: of the authority and additional sections. All in all at most
            :data:`MOST_RECORDS`.
    """

    flags: int
    questions: list[Record]
    answers: list[Record]
    further: list[Record]

    @property
    def is_response(self) -> bool:
        """The QR bit."""
        return bool(self.flags & 0x8000)

    @property
    def opcode(self) -> int:
        """What is asked for; NetBIOS has its own (RFC 1002 section 4.2.1.1)."""
        return self.flags >> 11 & 15

    @property
    def rcode(self) -> int:
        """0: no error."""
        return self.flags & 15


def read_message(data: bytes) -> Message:
    """Read a message's header, questions and records.

    Raises:
        Malformed: it ends too early, or a name in it is none.
    """
    if len(data) < 12:
        raise Malformed("shorter than a header")
    flags, *counts = struct.unpack_from(">5H", data, 2)
    at, room = 12, MOST_RECORDS
    size = len(data)
    pointed: dict[int, tuple[bytes, ...]] = {}  # most records have the question's name, by a pointer to it
    sections: list[list[Record]] = []
    for section, count in enumerate(counts):
        records: list[Record] = []
        for _ in range(min(count, room)):
            word = data[at] << 8 | data[at + 1] if at + 2 <= size else 0
            if (known := pointed.get(word)) is not None:
                labels, at = known, at + 2
            else:
                labels, at = read_name(data, at)
                if word >= _POINTER << 8:
                    pointed[word] = labels
            if section == 0:
                kind, end = _word(data, at), at + 4
                start = at = end
            else:
                kind, start = _word(data, at), at + 10
                at = end = start + _word(data, at + 8)
            if end > size:
                raise Malformed("a record ends behind the message")
            records.append(Record(labels, kind, start, end))
        room -= len(records)
        sections.append(records)
    questions, answers, authority, additional = sections
    return Message(flags, questions, answers, authority + additional)


def read_name(data: bytes, at: int) -> tuple[tuple[bytes, ...], int]:
    """The labels of the name at ``at``, and where what follows it begins (RFC 1035 section 4.1.4).

    Raises:
        Malformed: it ends too early, is too long, or a pointer does not point backwards.
    """
    labels: list[bytes] = []
    after = None
    room = LONGEST_WIRE_NAME
    lowest = at
    while True:
        if at >= len(data):
            raise Malformed("a name ends behind the message")
        length = data[at]
        if length & _POINTER == _POINTER:
            target = _word(data, at) & 0x3FFF
            after = at + 2 if after is None else after
            if target >= lowest:
                raise Malformed("a pointer does not point backwards")
            at = lowest = target
            continue
        if length & _POINTER:
            raise Malformed("an unknown kind of label")
        room -= length + 1
        if room < 0 or at + 1 + length > len(data):
            raise Malformed("a name is too long")
        if not length:
            return tuple(labels), at + 1 if after is None else after
        labels.append(data[at + 1 : at + 1 + length])
        at += 1 + length


def _word(data: bytes, at: int) -> int:
    if at + 2 > len(data):
        raise Malformed("a field ends behind the message")
    return data[at] << 8 | data[at + 1]
