"""Recorded sessions of real servers and clients, where they are present, against their labels."""

from __future__ import annotations

import io
from collections import defaultdict
from ipaddress import ip_address
from typing import Any

import dpkt
import pytest
import zstandard

from analyzer.tls import CLIENT, SERVER, TlsTracker, looks_like_tls
from analyzer.tls.code_points import cipher_suites
from tests.support.material import LAB, lab_labels, needs_lab
from tests.tls.wire import Turn

pytestmark = needs_lab

Flow = tuple[bytes, int, bytes, int]
Segment = tuple[float, int, int, bytes]

VANISHES = "drop-after-tls"
"""Clients that vanish right after their Finished. In TLS 1.3 only what the server says next inside TLS shows that
it accepted; where it says nothing, keys alone could tell, and ``None`` is the right answer."""


def tcp_segments(file: str) -> dict[Flow, list[Segment]]:
    """Time, sequence number, flags and payload of every segment, by flow."""
    with (LAB / file).open("rb") as stream:
        capture = io.BytesIO(zstandard.ZstdDecompressor().stream_reader(stream).read())
    flows: dict[Flow, list[Segment]] = defaultdict(list)
    for time, frame in dpkt.pcap.Reader(capture):
        packet = dpkt.ethernet.Ethernet(frame).data
        if isinstance(packet, (dpkt.ip.IP, dpkt.ip6.IP6)) and isinstance(packet.data, dpkt.tcp.TCP):
            tcp = packet.data
            flows[packet.src, tcp.sport, packet.dst, tcp.dport].append((time, tcp.seq, tcp.flags, bytes(tcp.data)))
    return flows


def conversation(flows: dict[Flow, list[Segment]], label: dict[str, Any]) -> tuple[list[Turn], bool]:
    """In-order payload of the labelled connection, and whether its end was seen. The lab lost nothing."""
    client, server = (ip_address(label[key]).packed for key in ("client_ip", "server_ip"))
    ends = (
        (client, label["client_port"], server, label["port"]),
        (server, label["port"], client, label["client_port"]),
    )
    segments = sorted(
        (time, side, sequence, flags, payload)
        for side in (CLIENT, SERVER)
        for time, sequence, flags, payload in flows[ends[side]]
    )
    expected: dict[int, int] = {}
    pieces: list[Turn] = []
    closed: set[tuple[int, int]] = set()
    for time, side, sequence, flags, payload in segments:
        if time < label["start"] - 0.0005:
            continue
        if flags & dpkt.tcp.TH_SYN:
            if side == CLIENT and expected and sequence + 1 != expected[CLIENT]:
                break  # the port was used again
            expected[side] = sequence + 1
            continue
        closed |= {(side, flag) for flag in (dpkt.tcp.TH_FIN, dpkt.tcp.TH_RST) if flags & flag}
        seen = (expected[side] - sequence) % (1 << 32)
        if seen < len(payload):  # else repeated
            pieces.append((side, payload[seen:]))
            expected[side] = (sequence + len(payload)) % (1 << 32)
    fins = {side for side, flag in closed if flag == dpkt.tcp.TH_FIN}
    return pieces, len(fins) == 2 or len(closed) > len(fins)  # a reset ends both directions


def tls_part(pieces: list[Turn]) -> list[Turn]:
    """What the connection carried from the client's first TLS record on."""
    for index, (side, piece) in enumerate(pieces):
        line_end = piece.rfind(b"\n") + 1 if not looks_like_tls(piece) else 0
        if side == CLIENT and looks_like_tls(piece[line_end:]):
            return [(side, piece[line_end:]), *pieces[index + 1 :]]
    return []


def iana_name(openssl_name: str) -> str:
    """``ECDHE-RSA-AES256-SHA`` → ``TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA``; TLS 1.3 names are the same."""
    if openssl_name in cipher_suites().values():
        return openssl_name
    exchange, signature, *rest = openssl_name.split("-")
    cipher = "_".join(rest).replace("AES128", "AES_128").replace("AES256", "AES_256")
    cipher = cipher.replace("POLY1305", "POLY1305_SHA256")
    if "GCM" not in cipher and "POLY1305" not in cipher:
        cipher = cipher.replace("_SHA", "_CBC_SHA")
    return f"TLS_{exchange}_{signature}_WITH_{cipher}"


@pytest.mark.parametrize("file", ["aiosmtpd.pcap.zst", "dovecot.pcap.zst", "exim.pcap.zst", "postfix.pcap.zst"])
def test_labels_of_recorded_sessions_agree(file: str) -> None:
    flows = tcp_segments(file)
    labels = [label for label in lab_labels() if label["file"] == file]
    assert len(labels) > 100
    unknown = []
    for label in labels:
        pieces, complete = conversation(flows, label)
        pieces = tls_part(pieces)
        assert bool(pieces) == (label["tls"] != "none"), label["id"]
        if not pieces:
            continue
        tracker = TlsTracker()
        for side, piece in pieces:
            tracker.feed(side, piece, 0)
        session = tracker.finish(complete=complete)
        assert session.version == label["tls_version"], label["id"]
        assert session.cipher == (label["cipher"] and iana_name(label["cipher"])), label["id"]
        assert session.established in (None, label["handshake_complete"]), label["id"]
        assert (session.alert == "unknown_ca") == (label["script"] == "hs-badca"), label["id"]
        if session.established is None:
            unknown.append(label)
    assert all(label["script"] == VANISHES and label["tls_version"] == "1.3" for label in unknown)
    assert len(unknown) <= 1
