"""What answers of DNS servers, and hosts that answer by multicast DNS, tell of addresses (RFC 1035, 3596, 6762)."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

from analyzer.hostnames.dns_message import Message, read_message, read_name
from analyzer.hostnames.learned import Learned, Source, host_address, host_name

A, CNAME, PTR, AAAA = 1, 5, 12, 28
_SIZES = {A: 4, AAAA: 16}

LONGEST_CHAIN = 16
"""Aliases followed from an address back to the name that was asked for; resolvers stop at about as many."""


def read_answers(data: bytes, time: int, source: Source) -> Iterator[Learned]:
    """Addresses and their names in a response.

    An address is called what was asked for, not what its alias led to: ``smtp.office365.com`` says more than the host
    of a load balancer.

    Raises:
        Malformed: the message is none.
    """
    if len(data) >= 4 and not _is_answer(data):
        return  # and most are questions or refusals
    message = read_message(data)
    asked_as = _aliases(data, message)
    records = message.answers + (message.further if source == "mdns" else [])
    for record in records:
        if record.end - record.data == _SIZES.get(record.type):
            address = host_address(data[record.data : record.end])
            labels = _asked_for(record.labels, asked_as) if asked_as else record.labels
        elif record.type == PTR:
            address = reversed_address(record.labels)
            labels, _ = read_name(data, record.data) if address is not None else ((), 0)
        else:
            continue
        name = host_name(b".".join(labels))
        if address is not None and name is not None:
            yield Learned(source, time, address=address, name=name)


def _is_answer(data: bytes) -> bool:
    """A response to a standard query, without error, by the header's second word."""
    return data[2] & 0xF8 == 0x80 and not data[3] & 0x0F


def _aliases(data: bytes, message: Message) -> dict[tuple[bytes, ...], tuple[bytes, ...]]:
    """What each canonical name is an alias's target of."""
    found = {}
    for record in message.answers:
        if record.type == CNAME:
            found[_folded(read_name(data, record.data)[0])] = record.labels
    return found


def _asked_for(labels: tuple[bytes, ...], asked_as: dict[tuple[bytes, ...], tuple[bytes, ...]]) -> tuple[bytes, ...]:
    for _ in range(LONGEST_CHAIN):
        alias_of = asked_as.get(_folded(labels))
        if alias_of is None:
            break
        labels = alias_of
    return labels


def _folded(labels: tuple[bytes, ...]) -> tuple[bytes, ...]:
    return tuple(label.lower() for label in labels)  # RFC 4343


def reversed_address(labels: tuple[bytes, ...]) -> str | None:
    """The address that a name in ``in-addr.arpa`` or ``ip6.arpa`` is about (RFC 1035 section 3.5, RFC 3596 section
    2.5)."""
    *digits, zone, top = (label.lower() for label in labels) if len(labels) > 2 else (b"", b"")
    if top != b"arpa":
        return None
    digits.reverse()
    try:
        if zone == b"in-addr" and len(digits) == 4:
            return host_address(IPv4Address(b".".join(digits).decode("ascii")).packed)
        if zone == b"ip6" and len(digits) == 32 and all(len(digit) == 1 for digit in digits):
            nibbles = b"".join(digits).decode("ascii")
            groups = ":".join(nibbles[at : at + 4] for at in range(0, 32, 4))
            return host_address(IPv6Address(groups).packed)
    except ValueError:  # of both: UnicodeDecodeError and AddressValueError
        return None
    return None
