"""What span ports, offloading network cards, short snapshots and late starts do to a session."""

from __future__ import annotations

from typing import Any

from scapy.compat import raw
from scapy.layers.inet import IP, TCP
from scapy.packet import Raw

from scripts.capturegen.products import HIDDEN, Capture
from scripts.capturegen.seeds import ETHERNET, Frame, Seed

_SECOND = 10**9
_OLD_SNAPLEN = 68
_SEQUENCE_SPACE = 2**32


def _payload(frame: Frame) -> bytes:
    return bytes(IP(frame.packet)[TCP].payload)


def _rebuilt(frame: Frame, **tcp: Any) -> Frame:
    """``frame`` with other TCP fields and right checksums; ``payload`` replaces its payload."""
    packet = IP(frame.packet)
    payload = tcp.pop("payload", bytes(packet[TCP].payload))
    segment = packet[TCP]
    segment.remove_payload()
    for name, value in tcp.items():
        setattr(segment, name, value)
    packet.len = packet.chksum = segment.chksum = None
    return frame.with_data(frame.data[:ETHERNET] + raw(packet / Raw(payload) if payload else packet))


def _first(seed: Seed, start: bytes) -> int:
    """Index of the first frame whose payload begins with ``start``."""
    return next(index for index, frame in enumerate(seed.frames) if _payload(frame).startswith(start))


def _shifted(seed: Seed, client: int, server: int, sport: int | None = None) -> list[Frame]:
    """All frames with the client's and server's sequence numbers moved by so much, modulo 2**32."""
    moved = []
    for frame in seed.frames:
        own, other = (client, server) if seed.side(frame) == "client" else (server, client)
        segment = IP(frame.packet)[TCP]
        fields: dict[str, Any] = {"seq": (segment.seq + own) % _SEQUENCE_SPACE}
        if "A" in str(segment.flags):
            fields["ack"] = (segment.ack + other) % _SEQUENCE_SPACE
        if sport is not None:
            fields["sport" if seed.side(frame) == "client" else "dport"] = sport
        moved.append(_rebuilt(frame, **fields))
    return moved


def _wrapping_sequence(seed: Seed) -> list[Frame]:
    """Both directions pass 2**32 in the middle of the dialogue."""
    starts: dict[str, int] = {}
    for frame in seed.frames:
        starts.setdefault(seed.side(frame), IP(frame.packet)[TCP].seq)
    return _shifted(seed, _SEQUENCE_SPACE - 60 - starts["client"], _SEQUENCE_SPACE - 200 - starts["server"])


def _span_duplicates(seed: Seed) -> list[Frame]:
    """Every frame twice, the second time behind a router: other MAC addresses, one hop fewer."""
    frames = []
    for frame in seed.frames:
        packet = IP(frame.packet)
        packet.ttl -= 1
        packet.chksum = None
        other = bytes.fromhex("000c425e1001") + bytes.fromhex("00005e005301") + frame.data[12:14]
        frames += [frame, frame.with_data(other + raw(packet)).later(1000)]
    return frames


def _swapped(seed: Seed) -> list[Frame]:
    """Neighbouring segments of one direction in the wrong order, wherever two stand together."""
    frames = list(seed.frames)
    index = 3
    while index + 1 < len(frames):
        one, two = frames[index], frames[index + 1]
        if seed.side(one) == seed.side(two) and _payload(one) and _payload(two):
            frames[index], frames[index + 1] = Frame(one.time, two.data), Frame(two.time, one.data)
            index += 1
        index += 1
    return frames


def _split(seed: Seed, size: int, overlap: int, *, differing: bool = False) -> list[Frame]:
    """Every payload in pieces of ``size`` bytes, each beginning ``overlap`` bytes before the end of the one before.

    ``differing``: the bytes sent again are others than at first; a receiver keeps those it has.
    """
    frames = []
    for frame in seed.frames:
        payload = _payload(frame)
        if len(payload) <= size:
            frames.append(frame)
            continue
        segment = IP(frame.packet)[TCP]
        for at in range(0, len(payload), size):
            begin = max(0, at - overlap)
            sequence = (segment.seq + begin) % _SEQUENCE_SPACE
            flags = "PA" if at + size >= len(payload) else "A"
            again = b"X" * (at - begin) if differing else payload[begin:at]
            frames.append(_rebuilt(frame, seq=sequence, flags=flags, payload=again + payload[at : at + size]).later(at))
    return frames


def _split_reversed(seed: Seed) -> list[Frame]:
    """As :func:`_split`, the pieces of one segment in reverse order."""
    frames: list[Frame] = []
    for frame in seed.frames:
        pieces = _split(Seed([frame], seed.label), 8, 0)
        times = [piece.time for piece in pieces]
        frames += [Frame(time, piece.data) for time, piece in zip(times, reversed(pieces), strict=True)]
    return frames


def _retransmitted(seed: Seed) -> list[Frame]:
    """Every segment with payload once more, after the next frame."""
    frames: list[Frame] = []
    again: Frame | None = None
    for frame in seed.frames:
        frames.append(frame)
        if again is not None:
            frames.append(Frame(frame.time + 1000, again.data))
        again = frame if _payload(frame) else None
    return frames


def _offloaded(seed: Seed) -> list[Frame]:
    """Neighbouring segments as one, as receive offload hands them up; large ones with an IP length of zero."""
    frames: list[Frame] = []
    for frame in seed.frames:
        last = frames[-1] if frames else None
        if last is not None and _payload(last) and _payload(frame) and seed.side(last) == seed.side(frame):
            merged = _rebuilt(last, payload=_payload(last) + _payload(frame))
            flags = IP(frame.packet)[TCP].flags
            frames[-1] = _rebuilt(merged, flags=flags)
        elif (
            last is not None
            and _payload(last)
            and not _payload(frame)
            and seed.side(last) != seed.side(frame)
            and "F" not in str(IP(frame.packet)[TCP].flags)
        ):
            continue  # the acknowledgements between them
        else:
            frames.append(frame)
    return [_without_length(frame) if len(frame.data) > 1514 else frame for frame in frames]


def _without_length(frame: Frame) -> Frame:
    packet = IP(frame.packet)
    packet.len = 0
    packet.chksum = None
    return frame.with_data(frame.data[:ETHERNET] + raw(packet))


def _partial_checksums(seed: Seed) -> list[Frame]:
    """The client's TCP checksums not yet filled in, as when the sending machine itself records."""
    return [_bad_checksum(frame) if seed.side(frame) == "client" else frame for frame in seed.frames]


def _bad_checksum(frame: Frame) -> Frame:
    packet = IP(frame.packet)
    packet[TCP].chksum = 0xBEEF
    return frame.with_data(frame.data[:ETHERNET] + raw(packet))


def _keep_alives(seed: Seed) -> list[Frame]:
    """Before every third client segment a keep-alive: one old byte before the next sequence number."""
    frames: list[Frame] = []
    for number, frame in enumerate(seed.frames):
        segment = IP(frame.packet)[TCP]
        if number > 3 and number % 3 == 0 and seed.side(frame) == "client" and _payload(frame):
            probe = _rebuilt(frame, seq=(segment.seq - 1) % _SEQUENCE_SPACE, flags="A", payload=b"\0")
            frames.append(Frame(frame.time - 1000, probe.data))
        frames.append(frame)
    return frames


def captures(seed: Seed, large: Seed) -> list[Capture]:
    """``seed``: a LOGIN session in the clear; ``large``: one with a message of many segments."""
    auth, mail = _first(seed, b"AUTH LOGIN"), _first(seed, b"MAIL FROM")
    text = _first(large, b"DATA") + 4
    client_only = {"outcome": "unknown", "auth_code": None}
    attempt = seed.label["auth_attempts"][0]
    reused = _shifted(seed, 1_000_003, 2_000_003)
    minute = 60 * _SECOND
    half = len(large.frames) - 6
    return [
        Capture(
            "start-missing",
            seed,
            seed.frames[auth:],
            changes={"ehlo_name": None, "start": seed.frames[auth].time / _SECOND},
        ),
        Capture(
            "start-after-auth",
            seed,
            seed.frames[mail:],
            changes=HIDDEN | {"ehlo_name": None, "start": seed.frames[mail].time / _SECOND},
        ),
        Capture(
            "client-side-only",
            seed,
            [f for f in seed.frames if seed.side(f) == "client"],
            changes=client_only | {"auth_attempts": [attempt | {"outcome": "unknown", "code": None}]},
        ),
        Capture(
            "server-side-only",
            seed,
            [f for f in seed.frames if seed.side(f) == "server"],
            changes=HIDDEN | {"ehlo_name": None, "start": seed.frames[1].time / _SECOND},
        ),
        Capture("gap-in-auth", seed, [f for i, f in enumerate(seed.frames) if i != auth], changes=HIDDEN),
        Capture("gap-in-message", large, large.frames[:text] + large.frames[half:]),
        Capture("end-missing", seed, seed.frames[:mail], changes={"messages": 0}),
        Capture("span-duplicates", seed, _span_duplicates(seed)),
        Capture("retransmissions", seed, _retransmitted(seed)),
        Capture("reordered", large, _swapped(large)),
        Capture("tiny-segments", seed, _split(seed, 3, 0)),
        Capture("tiny-segments-reversed", seed, _split_reversed(seed)),
        Capture("overlapping-segments", seed, _split(seed, 10, 4)),
        Capture("overlapping-segments-differ", seed, _split(seed, 10, 4, differing=True)),
        Capture("sequence-wrap", seed, _wrapping_sequence(seed)),
        Capture("keep-alives", seed, _keep_alives(seed)),
        Capture("offloaded-segments", large, _offloaded(large)),
        Capture("partial-checksums", seed, _partial_checksums(seed)),
        Capture(
            "old-snaplen",
            seed,
            [Frame(f.time, f.data[:_OLD_SNAPLEN], len(f.data)) for f in seed.frames],
            changes=HIDDEN | {"ehlo_name": None},
        ),
        Capture(
            "port-reused",
            seed,
            [*seed.frames, *(f.later(minute) for f in reused)],
            sessions=({"start": seed.frames[0].time / _SECOND + 60},),
        ),
    ]
