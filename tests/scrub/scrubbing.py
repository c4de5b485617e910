"""SMTP dialogues as frames on the wire, scrubbed, and what is made of the result."""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from analyzer.capture.frames import FrameBatch
from analyzer.inventory.session import Session
from analyzer.packets.segments import SYN
from analyzer.pipeline import Analysis
from analyzer.scrub import Plans, Policy, Scrubbed, Scrubber, Spool, Survey
from analyzer.streams import CLIENT, SERVER
from tests.smtp import canaries
from tests.streams.dialogues import Dialogue, merged
from tests.streams.packets import CLIENT_END, SERVER_END, Packet, Script, timed

Turns = Sequence[tuple[int, bytes]]

ETHERNET = bytes.fromhex("0050560a0b0c0017c80102030800")
OPTIONS = b"\1\1\x08\x0a" + bytes(8)  # timestamps


def connection(turns: Turns, isns: tuple[int, int] = (1000, 5000), *, close: bool = True) -> Dialogue:
    """The segments in which two ends would say ``turns``, one for each."""
    tape = Script(isns).open().say(*turns)
    if close:
        tape.close()
    said = tuple(b"".join(data for side, data in turns if side == of) for of in (CLIENT, SERVER))
    return Dialogue(tuple(tape.packets), merged(turns), (said[0], said[1]), isns, (CLIENT_END, SERVER_END), close)


def frame(packet: Packet) -> bytes:
    """Ethernet, IPv4 and TCP with correct checksums; cut where the packet is."""
    ends = bytes(map(int, ".".join((packet.src.ip, packet.dst.ip)).split(".")))
    header = struct.pack(
        ">HHIIBBHHH", packet.src.port, packet.dst.port, packet.seq, packet.ack, 0x80, packet.flags, 501, 0, 0
    )
    segment = bytearray(header + OPTIONS + packet.data)
    length = 20 + len(OPTIONS) + packet.length
    segment[16:18] = checksum(ends + struct.pack(">HH", 6, len(segment)) + segment)
    ip = bytearray(struct.pack(">BBHHHBBH", 0x45, 0, 20 + length, 7, 0x4000, 64, 6, 0) + ends)
    ip[10:12] = checksum(bytes(ip))
    return ETHERNET + bytes(ip) + bytes(segment)


def checksum(data: bytes) -> bytes:
    """RFC 1071, word by word."""
    total = sum(struct.unpack(f">{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack(">H", ~total & 0xFFFF)


def batch_of(frames: Iterable[Scrubbed]) -> FrameBatch:
    whole = list(frames)
    captured = np.array([len(frame.data) for frame in whole], np.int64)
    return FrameBatch(
        np.frombuffer(b"".join(frame.data for frame in whole), np.uint8),
        np.cumsum(captured) - captured,
        captured,
        np.array([frame.wire for frame in whole], np.int64),
        np.array([frame.time for frame in whole], np.int64),
        np.array([frame.link_type for frame in whole], np.uint16),
        np.zeros(len(whole), np.int32),
    )


def on_the_wire(packets: Iterable[Packet]) -> list[Scrubbed]:
    """Frames of packets, which get times where they have none."""
    shown = []
    for packet in timed(packets):
        data = frame(packet)
        shown.append(Scrubbed(packet.time, 1, data, len(data) + packet.length - len(packet.data)))
    return shown


def scrub(frames: Sequence[Scrubbed], policy: Policy | None = None) -> list[Scrubbed]:
    """The frames as they may be shown."""
    if not frames:
        return []
    with Spool() as spool:
        plans = Plans()
        survey = Survey(policy or Policy(), spool, plans)
        survey.feed(batch_of(frames))
        survey.finish()
        return list(Scrubber(plans, spool).scrub(batch_of(frames)))


def scrubbed(turns: Turns, policy: Policy | None = None) -> list[Scrubbed]:
    """A whole connection as it may be shown."""
    return scrub(on_the_wire(connection(turns).packets), policy)


def sessions(frames: Sequence[Scrubbed]) -> list[Session]:
    """What the analysis makes of ``frames``."""
    found: list[Session] = []
    analysis = Analysis(["capture"], found.append)
    if frames:
        analysis.feed(batch_of(frames))
    analysis.finish()
    of_mail = [session for session in found if session.is_smtp or session.tls_mode != "none"]
    return sorted(of_mail, key=lambda session: session.start)


_MAY_DIFFER = {"oddities", "source", "end", "mail_program"}
"""What a scrubbed capture need not keep: peculiarities of lines and segments that are not shown, and what message text
says."""


def verdict(session: Session, *, without: Iterable[str] = ()) -> dict[str, Any]:
    """Everything that a session record says, but for ``without``."""
    values = {field.name: getattr(session, field.name) for field in dataclasses.fields(session)}
    return {name: value for name, value in values.items() if name not in _MAY_DIFFER | set(without)}


class Segment(NamedTuple):
    """A TCP segment in an Ethernet frame."""

    sport: int
    dport: int
    seq: int
    ack: int
    flags: int
    data: bytes


def segment_of(shown: Scrubbed) -> Segment:
    sport, dport, seq, ack, offset, flags = struct.unpack_from(">HHIIBB", shown.data, 34)
    return Segment(sport, dport, seq, ack, flags, shown.data[34 + (offset >> 4) * 4 :])


def said(frames: Sequence[Scrubbed], side: int) -> bytes:
    """What a side says in frames of one connection that begins with SYN, lacks nothing and whose copies agree."""
    port = SERVER_END.port if side == SERVER else CLIENT_END.port
    of_side = [segment for segment in map(segment_of, frames) if segment.sport == port]
    first = next(segment.seq for segment in of_side if segment.flags & SYN) + 1
    stream: dict[int, int] = {}
    for segment in of_side:
        for at, byte in enumerate(segment.data, (segment.seq - first) % 2**32):
            assert stream.setdefault(at, byte) == byte, "copies agree"
    assert sorted(stream) == [*range(len(stream))], "there is no hole"
    return bytes(stream[at] for at in range(len(stream)))


def assert_silent(frames: Iterable[Scrubbed], secret: str) -> None:
    """No frame, and no two in a row, show ``secret`` in any form."""
    assert not canaries.shows(b"".join(shown.data for shown in frames), secret)
    assert not canaries.shows(b"".join(shown.data[66:] for shown in frames), secret)
