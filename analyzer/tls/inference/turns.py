"""From the records of a TLS connection to the turns of the dialogue inside: who said how many bytes, in which order.

TLS 1.2 and below mark application data on the outside. TLS 1.3 hides most of its handshake in records of the same
type (RFC 8446 section 5.1), so the boundary is found by what can stand there (section 2): of the server, everything
before the client's Finished; of the client, an optional Certificate and CertificateVerify and then a Finished whose
length follows from the suite's hash. Session tickets come behind that, ahead of the server's first words or its
second ones, and cannot be told from them; all readings are kept, and the grammar weighs them.

Where lengths do not say how much was said (padding, 0-RTT, an unknown suite), the answer is a reason and no turns.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import gcd
from typing import Final, NamedTuple, overload

from analyzer.tls.code_points import TLS_1_3
from analyzer.tls.plaintext import TLS_1_0, Seal, seal_of
from analyzer.tls.sides import CLIENT, SERVER

MAX_RECORDS: Final = 256
"""Application-data records that are kept of a connection. Logging in and the first message take a few dozen, and a
mailer that writes every line of a message as a record of its own stays within it until the login is long over."""

MAX_RUN: Final = 24
"""Records of one turn that are kept. Handshakes and replies have fewer; a message may have a record for every line, and
how long it is does not matter."""

_SIDE_BIT: Final = 15
_LENGTH_MASK: Final = (1 << _SIDE_BIT) - 1

_EMPTY_CERTIFICATE: Final = 4 + 1 + 3
"""A Certificate message without certificates (RFC 8446 section 4.4.2): the client was asked and has none."""
_CERTIFICATE: Final = 200
"""Bytes from which a record can hold a certificate; the smallest in use, on elliptic curves, have about 300."""
_CERTIFICATE_VERIFY: Final = 4 + 2 + 2 + 64
"""Bytes of the shortest CertificateVerify (RFC 8446 section 4.4.3), with an Ed25519 signature. An EHLO that follows a
whole flight at once is rarely as long as that and a Finished together."""
_FLIGHT: Final = 4
"""Records among which the client's Finished is looked for: Certificate, CertificateVerify, Finished, and one more."""
_JSSE_PADDING: Final = 16
"""Zero bytes that Java's TLS adds to every record it sends."""
_CLOSE_NOTIFY: Final = 2  # an alert, RFC 8446 section 6
_QUIT: Final = len("QUIT\r\n")
_KEY_UPDATE: Final = 4 + 1  # RFC 8446 section 4.6.3
_TICKET: Final = 40
"""Bytes from which a record can be a NewSessionTicket: fields, a nonce, and a ticket of at least 16 bytes."""
_MAX_TICKETS: Final = 4
_BLOCK: Final = 16
"""Two records are enough to see padding to blocks of this size, or to multiples of it."""
_LONG, _VERY_LONG = 512, 4096
"""Turns of the client from the first length on are told apart roughly, from the second on not at all: no line but
tokens and Kerberos tickets is that long, and they are told from others by what remains of their length modulo 4."""
_LEAST_BLOCK: Final = 8
"""Nobody pads to smaller ones, and of a handful of lengths all are multiples of a small number now and then."""
_PADDED: Final = 1000.0
"""Odds against chance from which a common divisor of all lengths is taken for padding to blocks."""

Bounds = tuple[int, int]
"""Least and greatest number of bytes."""


class Exchange(NamedTuple):
    """What the client said, and the server's answer.

    Attributes:
        client: bytes of the client's turn; ``None`` where the server spoke first.
        server: readings of the server's turn, in bytes: behind 0, 1, … session tickets. Empty: it said nothing.
        pieces: records of the client's turn.
    """

    client: Bounds | None
    server: tuple[Bounds, ...]
    pieces: int = 1


class Dialogue(Sequence[Exchange]):
    """What was said inside, as far as lengths tell: the exchanges in order, made as they are asked for.

    Attributes:
        client_certificate: the client showed a certificate; ``None`` where the handshake hides that.
    """

    __slots__ = ("_first", "_opening", "_slack", "_split", "_tickets", "_turns", "client_certificate")

    def __init__(
        self,
        turns: list[_Turn],
        slack: int,
        *,
        client_first: bool,
        tickets: bool,
        split: bool,
        client_certificate: bool | None,
    ) -> None:
        self._turns = turns
        self._slack = slack
        self._split = split
        self._tickets = 2 if tickets else 0  # that may still come
        self.client_certificate = client_certificate
        self._first = 0  # turn of the client's first words
        self._opening = not client_first and bool(turns)
        if turns and turns[0][0] == SERVER:
            self._first = 1
            if client_first:  # nothing else can stand there
                if not tickets or min(turns[0][1]) < _TICKET:
                    raise Unreadable("server-spoke-first")
                self._tickets -= len(turns[0][1])

    def __len__(self) -> int:
        return self._opening + (len(self._turns) - self._first + 1) // 2

    @overload
    def __getitem__(self, number: int) -> Exchange: ...

    @overload
    def __getitem__(self, number: slice) -> list[Exchange]: ...

    def __getitem__(self, number: int | slice) -> Exchange | list[Exchange]:
        if isinstance(number, slice):
            return [self[nth] for nth in range(*number.indices(len(self)))]
        if self._opening:
            if number == 0:
                if not self._first:
                    return Exchange(None, ())
                return Exchange(None, _readings(self._turns[0][1], self._slack, tickets=self._tickets > 0))
            number -= 1
        at = self._first + 2 * number
        slack, turns = self._slack, self._turns
        pieces = turns[at][1]
        server: tuple[Bounds, ...] = ()
        if at + 1 < len(turns):
            answer = turns[at + 1][1]
            if number == 0 and self._tickets > 0:
                server = _readings(answer, slack, tickets=True)
            else:
                server = (_bounds(answer, slack),)
        client = _bounds(pieces, slack)
        if client[1] >= _LONG:
            client = _rounded(client)
        return Exchange(client, server, (len(pieces) + 1) // 2 if self._split else len(pieces))


@dataclass(slots=True)
class RecordLog:
    """The encrypted records of a connection, as they came.

    Attributes:
        sizes: side (highest bit) and payload length of every application-data record, up to :data:`MAX_RECORDS`
            and :data:`MAX_RUN` of each turn.
        finished: payload length of each side's encrypted handshake records before TLS 1.3; the first of them holds
            the Finished.
        overflow: there were more turns.
    """

    sizes: array[int] = field(default_factory=lambda: array("H"))
    finished: tuple[list[int], list[int]] = field(default_factory=lambda: ([], []))
    overflow: bool = False
    _run: int = 0  # records of the turn so far, negative for the client's

    def application_data(self, side: int, length: int) -> None:
        """Note one record."""
        step = 1 if side else -1
        self._run = self._run + step if self._run * step > 0 else step
        if -MAX_RUN <= self._run <= MAX_RUN:
            if len(self.sizes) < MAX_RECORDS:
                self.sizes.append(side << _SIDE_BIT | length)
            else:
                self.overflow = True

    def handshake(self, side: int, length: int) -> None:
        """Note one encrypted handshake record."""
        if len(self.finished[side]) < 2:
            self.finished[side].append(length)


class Unreadable(Exception):
    """The lengths do not show what was said; the argument is the reason, one kebab-case word."""


def dialogue_of(log: RecordLog, version: int, suite: int, *, client_first: bool) -> Dialogue:
    """The dialogue inside.

    Args:
        version: negotiated version.
        suite: negotiated cipher suite.
        client_first: the client speaks first inside TLS, as after STARTTLS (RFC 3207 section 4.2).

    Raises:
        Unreadable: the lengths do not show it.
    """
    seal = seal_of(version, suite)
    if seal is None:
        raise Unreadable("cipher-suite-unknown")
    certificate = None
    if version >= TLS_1_3:
        turns, certificate = _behind_handshake(log, seal)
    else:
        _check_finished(log, seal)
        turns = _grouped(log.sizes, (seal.extra, seal.extra))
    # A first byte apart, against an attack on CBC in TLS 1.0.
    split = version <= TLS_1_0 and seal.slack > 0
    return Dialogue(
        turns,
        seal.slack,
        client_first=client_first,
        tickets=version >= TLS_1_3,
        split=split,
        client_certificate=certificate,
    )


_Turn = tuple[int, list[int]]
"""Side, and of each record the most bytes of plaintext that it may hold."""

_Piece = tuple[int, int]
"""Position and length of a record."""


def _check_finished(log: RecordLog, seal: Seal) -> None:
    for side in (CLIENT, SERVER):
        if not log.finished[side] or not seal.could_be(log.finished[side][0], seal.finished):
            raise Unreadable("padding")
        if len(log.finished[side]) > 1:
            raise Unreadable("renegotiation")


def _behind_handshake(log: RecordLog, seal: Seal) -> tuple[list[_Turn], bool]:
    """What the application said in TLS 1.3, and whether the client showed a certificate."""
    sizes = log.sizes
    of_client: list[_Piece] = []
    for at, packed in enumerate(sizes):
        if not packed >> _SIDE_BIT:
            of_client.append((at, packed))
            if len(of_client) == _FLIGHT:
                break
    boundary, pad = _client_finished(of_client, seal)
    server_pad = 0
    flight = next((packed & _LENGTH_MASK for packed in sizes[boundary::-1] if packed >> _SIDE_BIT), 0)
    if flight == seal.extra + seal.finished + _JSSE_PADDING:
        server_pad = _JSSE_PADDING
    shorter = (seal.extra + pad, seal.extra + server_pad)
    rest = sizes[boundary + 1 :]
    if not log.overflow:
        rest = _without_close_notify(rest, (shorter[CLIENT] + _CLOSE_NOTIFY, shorter[SERVER] + _CLOSE_NOTIFY))
    _check_padding(rest, seal.extra)
    update = seal.extra + pad + _KEY_UPDATE
    if update in rest:  # of the client, no line of which is that long
        updates = (update, (seal.extra + server_pad + _KEY_UPDATE) | 1 << _SIDE_BIT)
        rest = array("H", [packed for packed in rest if packed not in updates])
    turns = _grouped(rest, shorter)
    spoken = next((records for side, records in reversed(turns) if side == CLIENT), [])
    if spoken[-2:] == [_QUIT, _CLOSE_NOTIFY]:  # it did not wait for the answer
        del spoken[-1]
    return turns, of_client[0][1] >= _CERTIFICATE


def _client_finished(flight: list[_Piece], seal: Seal) -> tuple[int, int]:
    """Index of the record with the client's Finished, and the constant padding that it shows."""
    finished = seal.extra + seal.finished
    for pad in (0, _JSSE_PADDING):
        for nth, (at, length) in enumerate(flight):
            if length in (finished + pad, finished + pad + _EMPTY_CERTIFICATE) and _may_precede(flight[:nth], seal):
                return at, pad
    if not flight:
        raise Unreadable("nothing-said")
    at, length = flight[0]
    if len(flight) > 1 and flight[1][0] == at + 1 and length >= _CERTIFICATE + seal.extra:
        behind, proof = flight[1]
        if proof >= finished + _CERTIFICATE_VERIFY:
            return behind, 0  # a Certificate, then the rest in one record
    if length >= _CERTIFICATE + finished:
        return at, 0  # the whole flight in one record, as some stacks write it
    raise Unreadable("padding")


def _may_precede(before: list[_Piece], seal: Seal) -> bool:
    """Whether these records can stand before the client's Finished: a Certificate, then a CertificateVerify."""
    if len(before) > 2:
        return False
    if not before:
        return True
    first = before[0][1] - seal.extra
    if len(before) == 2:
        return first >= _CERTIFICATE
    return first in (_EMPTY_CERTIFICATE, _EMPTY_CERTIFICATE + _JSSE_PADDING)


def _check_padding(sizes: array[int], extra: int) -> None:
    """Refuse lengths that all are multiples of a block: RFC 8446 section 5.4 leaves padding to the sender."""
    for side in (CLIENT, SERVER):
        divisor = count = 0
        for packed in sizes:
            if packed >> _SIDE_BIT == side:
                count += 1
                divisor = gcd(divisor, (packed & _LENGTH_MASK) - extra + 1)  # the content type is padded, too
                if divisor == 1:
                    break
        if divisor >= _LEAST_BLOCK and divisor ** (count - 1) >= _PADDED:
            raise Unreadable("padding")
        if divisor and divisor % _BLOCK == 0 and count > 1:  # of one length, too: short lines fill one block each
            raise Unreadable("padding")


def _without_close_notify(sizes: array[int], alerts: tuple[int, int]) -> array[int]:
    """Take away what ends the connection and not the dialogue: the last record of each side, if it can be an alert.

    Args:
        alerts: length of each side's record with an alert.
    """
    end = len(sizes)
    behind: list[int] = []
    while end:
        packed = sizes[end - 1]
        side = packed >> _SIDE_BIT
        if packed & _LENGTH_MASK != alerts[side] or (side == CLIENT and behind):
            if side == SERVER:
                break  # what the client said before that was answered
            behind.append(packed)
        end -= 1
    return sizes[:end] + array("H", reversed(behind))


def _grouped(sizes: array[int], shorter: tuple[int, int]) -> list[_Turn]:
    """Turns of records; ``shorter``: bytes by which a side's plaintext is shorter than its records."""
    turns: list[_Turn] = []
    speaker = -1
    records: list[int] = []
    for packed in sizes:
        side = packed >> _SIDE_BIT
        size = (packed & _LENGTH_MASK) - shorter[side]
        if size < 0:
            size = 0
        if side == speaker:
            records.append(size)
        else:
            records = [size]
            turns.append((side, records))
            speaker = side
    return turns


def _readings(records: list[int], slack: int, *, tickets: bool) -> tuple[Bounds, ...]:
    """What the server may have said: all of it, or what follows the first one, two, … records, if those can be
    session tickets."""
    all_of_it = _bounds(records, slack)
    if not tickets or len(records) == 1:
        return (all_of_it,)
    found = [all_of_it]
    for count in range(1, min(len(records) - 1, _MAX_TICKETS) + 1):
        if records[count - 1] < _TICKET:
            break
        found.append(_bounds(records[count:], slack))
    return tuple(found)


def _bounds(records: list[int], slack: int) -> Bounds:
    """Of all records together."""
    most = records[0] if len(records) == 1 else sum(records)
    if not slack:
        return most, most
    return sum([max(0, record - slack) for record in records]), most


def _rounded(bounds: Bounds) -> Bounds:
    """What is long, in round numbers that leave the same remainder.

    How long a message or a token is says nothing more; but what was inferred for one holds for all of them then.
    """
    least, most = bounds
    if most >= _VERY_LONG:
        rounded = _VERY_LONG
    else:
        step = 1 << (most.bit_length() - 3)  # four steps from one power of two to the next
        rounded = most - most % step
    rounded += most % 4
    return rounded - (most - least), rounded
