"""What hosts tell of themselves by the NetBIOS name service (RFC 1001, RFC 1002 section 4.2)."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.hostnames.dns_message import Malformed, Message, Record, read_message
from analyzer.hostnames.learned import Learned, host_address, host_name

_QUERY, _REGISTRATION, _REFRESH, _REFRESH_TOO = 0, 5, 8, 9  # RFC 1002 section 4.2.1.1; the last is in use, too
_NB, _NBSTAT = 0x20, 0x21
_GROUP = 0x8000
_WORKSTATION, _FILE_SERVER = 0x00, 0x20
_HOST_SUFFIXES = (_WORKSTATION, _FILE_SERVER)
"""The sixteenth byte of a name says what it is for: these two are the host's own, others are services, users,
domains."""

_ENTRY = 18  # of a node status: name, suffix, flags


def read_names(data: bytes, time: int, sender: str | None) -> Iterator[Learned]:
    """Names that are registered, answered for, or listed in a node status.

    Args:
        data: UDP payload.
        time: of the packet.
        sender: its source address, which a node status is about.

    Raises:
        Malformed: the message is none.
    """
    message = read_message(data)
    if message.is_response:
        if message.rcode == 0 and message.opcode == _QUERY:
            yield from _answered(data, message, time, sender)
    elif message.opcode in (_REGISTRATION, _REFRESH, _REFRESH_TOO):
        yield from _of_addresses(data, message.further, time)


def _answered(data: bytes, message: Message, time: int, sender: str | None) -> Iterator[Learned]:
    yield from _of_addresses(data, message.answers, time)
    for record in message.answers:
        if record.type != _NBSTAT or record.end == record.data:
            continue
        for number in range(data[record.data]):
            entry = data[record.data + 1 + number * _ENTRY :][:_ENTRY]
            if len(entry) < _ENTRY or record.data + 1 + (number + 1) * _ENTRY > record.end:
                raise Malformed("a node status has fewer names than it says")
            flags = entry[16] << 8 | entry[17]
            name = host_name(entry[:15].rstrip(b" \0"))
            if name is not None and sender is not None and entry[15] in _HOST_SUFFIXES and not flags & _GROUP:
                yield Learned("netbios", time, address=sender, name=name)


def _of_addresses(data: bytes, records: list[Record], time: int) -> Iterator[Learned]:
    for record in records:
        if record.type != _NB or record.end - record.data < 6:
            continue
        flags = data[record.data] << 8 | data[record.data + 1]
        name = _decoded(record.labels)
        address = host_address(data[record.data + 2 : record.data + 6])
        if name is not None and address is not None and not flags & _GROUP:
            yield Learned("netbios", time, address=address, name=name)


def _decoded(labels: tuple[bytes, ...]) -> str | None:
    """The host's name in its first-level encoding, a letter for each half byte (RFC 1001 section 14.1)."""
    if not labels or len(labels[0]) != 32 or not all(0x41 <= letter <= 0x50 for letter in labels[0]):
        return None
    halves = [letter - 0x41 for letter in labels[0]]
    name = bytes(high << 4 | low for high, low in zip(halves[::2], halves[1::2], strict=True))
    return host_name(name[:15].rstrip(b" \0")) if name[15] in _HOST_SUFFIXES else None
