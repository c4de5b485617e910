"""TCP headers: numbers mapped, options by permission, parts of what is replaced left out."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from scapy.layers.inet import TCP
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from analyzer.packets import SUBMISSION_PORTS
from analyzer.scrub.frames import Walker
from analyzer.scrub.plan import Room, StreamPlan, StreamWriter
from analyzer.scrub.segments import rewritten
from analyzer.scrub.spool import Spool
from tests.packets.frames import CLIENT, SERVER, ether
from tests.streams.packets import MODULUS

START, PEER = MODULUS - 20, 5000
"""The client's numbers wrap around within its first line."""

SECRET = b"AUTH PLAIN AHVzZXIAczNjcjN0\r\n"
SHOWN = b"AUTH PLAIN AHVzZXIAeHh4eHh4eHg=\r\n"
HELLO = b"EHLO copier.example\r\n"
LATER = len(SHOWN) - len(SECRET)


@pytest.fixture
def plans() -> Any:
    with Spool() as spool:
        own, peer = StreamWriter(spool, Room(1000)), StreamWriter(spool, Room(1000))
        own.show(HELLO)
        own.replace(len(SECRET), SHOWN)
        own.show(b"QUIT\r\n")
        peer.show(b"220 mail.example\r\n")
        peer.replace(30, b"235 withheld\r\n")
        yield own.finish(START, None), peer.finish(PEER, None), spool


Plans = tuple[StreamPlan, StreamPlan, Spool]


def shown(plans: Plans, at: int, data: bytes = b"", **fields: Any) -> Any:
    """The segment that is shown for one with ``data`` at position ``at`` of the client's stream, or ``None``."""
    from scapy.layers.inet import IP

    settings: dict[str, Any] = {"flags": "A", "ack": PEER, **fields}
    packet = ether() / IP(src=CLIENT, dst=SERVER) / TCP(sport=40000, dport=587, seq=(START + at) % MODULUS, **settings)
    frame = bytes(packet / Raw(data))
    path = Walker(SUBMISSION_PORTS).walk(frame, len(frame), 0, 1)
    assert path is not None
    segment = rewritten(path, *plans)
    return None if segment is None else Ether(segment.data)[TCP]


def test_the_last_part_of_what_is_replaced_carries_all_of_it(plans: Plans) -> None:
    begin = len(HELLO)
    assert shown(plans, begin, SECRET[:12]) is None
    last = shown(plans, begin + 12, SECRET[12:])
    assert (last.seq, bytes(last.payload)) == ((START + begin) % MODULUS, SHOWN)
    whole = shown(plans, begin, SECRET + b"QUIT\r\n")
    assert (whole.seq, bytes(whole.payload)) == ((START + begin) % MODULUS, SHOWN + b"QUIT\r\n")
    part = shown(plans, begin - 3, HELLO[-3:] + SECRET[:12])
    assert bytes(part.payload) == HELLO[-3:]


def test_a_copy_shows_what_the_plan_has_whatever_it_says_itself(plans: Plans) -> None:
    forged = shown(plans, 0, b"s3cr3t s3cr3t s3cr3t!")
    assert bytes(forged.payload) == HELLO


def test_what_follows_moves(plans: Plans) -> None:
    after = len(HELLO) + len(SECRET)
    assert shown(plans, after, b"QUIT\r\n").seq == (START + after + LATER) % MODULUS
    assert shown(plans, after + 6, flags="FA").seq == (START + after + 6 + LATER) % MODULUS
    assert shown(plans, after + 7).seq == (START + after + 7 + LATER) % MODULUS


def test_acknowledgements_move_with_what_they_acknowledge(plans: Plans) -> None:
    assert shown(plans, 0, ack=PEER + 18).ack == PEER + 18
    assert shown(plans, 0, ack=PEER + 48).ack == PEER + 18 + 14
    assert shown(plans, 0, ack=PEER + 30) is None  # of a part of what is replaced
    assert shown(plans, 0, HELLO, ack=PEER + 30).ack == PEER + 18
    assert shown(plans, 0, flags="R", ack=77).ack == 0


def test_edges_of_selective_acknowledgements_move_too(plans: Plans) -> None:
    told = shown(plans, 0, options=[("SAck", (PEER + 18, PEER + 48))])
    assert dict(told.options)["SAck"] == (PEER + 18, PEER + 32)


def test_options_that_could_be_attacked_or_that_nobody_knows_are_not_shown(plans: Plans) -> None:
    options = [("MSS", 1460), ("NOP", None), ("Timestamp", (7, 8)), (19, b"s3cr3t-s3cr3t-s"), (254, b"s3")]
    told = shown(plans, 0, options=options)
    assert b"s3cr3t" not in bytes(told)
    assert [option for option in told.options if option[0] not in ("NOP", "EOL")] == [
        ("MSS", 1460),
        ("Timestamp", (7, 8)),
    ]


@pytest.mark.parametrize("raw", [b"\x05\x00", b"\x05\xff\0\0", b"\x08", b"\xfe\x01\x01\x01"])
def test_damaged_options_are_not_shown(plans: Plans, raw: bytes) -> None:
    frame = bytes(ether(type=0x0800)) + bytes.fromhex("4500002c00010000400600000a0a00670a0a000b")
    frame += struct.pack(">HHIIBBHHH", 40000, 587, START, PEER, 0x60, 0x10, 1, 0, 0) + raw.ljust(4, b"\xaa")
    path = Walker(SUBMISSION_PORTS).walk(frame, len(frame), 0, 1)
    assert path is not None
    segment = rewritten(path, *plans)
    assert segment is not None
    assert set(segment.data[-4:]) <= {0, 1}


def test_a_keep_alive_repeats_one_byte_of_what_is_shown(plans: Plans) -> None:
    end = len(HELLO) + len(SECRET)
    shown(plans, len(HELLO), SECRET)
    probe = shown(plans, end - 1, b"s")
    assert (probe.seq, bytes(probe.payload)) == ((START + end - 1 + LATER) % MODULUS, b"\n")
    empty = shown(plans, end - 1)
    assert (empty.seq, bytes(empty.payload)) == (probe.seq, b"")


def test_bytes_outside_of_what_was_followed_are_not_shown(plans: Plans) -> None:
    assert shown(plans, -6, b"s3cr3t") is None
    assert bytes(shown(plans, -6, b"s3cr3t" + HELLO).payload) == HELLO
    end = len(HELLO) + len(SECRET) + 6
    assert shown(plans, end, b"s3cr3t") is None
    assert bytes(shown(plans, end - 6, b"QUIT\r\ns3cr3t").payload) == b"QUIT\r\n"
    assert bytes(shown(plans, end, b"s3cr3t", flags="FA").payload) == b""


def test_an_urgent_pointer_points_to_the_same_place(plans: Plans) -> None:
    told = shown(plans, 0, HELLO + SECRET + b"QUIT\r\n", flags="AU", urgptr=len(HELLO + SECRET))
    assert told.urgptr == len(HELLO + SHOWN)
