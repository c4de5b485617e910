from __future__ import annotations

import io
from ipaddress import IPv6Address

import dpkt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.capture import open_captures
from analyzer.decryption import wire
from tests.capture.reading import frames_of


def frames(*blocks: bytes) -> tuple[list[bytes], list[bytes]]:
    """What our own reader finds in the stream: frames and keys."""
    keys: list[bytes] = []
    stream = io.BytesIO(wire.BEGINNING + b"".join(blocks))
    with open_captures(["-"], stdin=stream, on_keys=keys.append) as captures:
        found = [frame for batch in captures.batches() for frame in frames_of(batch)]
        assert not captures.damage
        assert not captures.oddities
    assert all(frame.link_type == 101 for frame in found)
    return [frame.content for frame in found], keys


@given(
    st.integers(1, 1 << 40),
    st.sampled_from([wire.CLIENT, wire.SERVER]),
    st.integers(0, 1 << 34),
    st.binary(min_size=1, max_size=300),
)
def test_a_packet_is_ipv6_and_tcp_from_an_address_that_says_whose_it_is(
    number: int, side: int, sequence: int, payload: bytes
) -> None:
    (frame,), _ = frames(wire.packet(number, side, sequence, 7, payload))
    ip = dpkt.ip6.IP6(frame)
    assert wire.whose(str(IPv6Address(ip.src))) == (number, side)
    assert wire.whose(str(IPv6Address(ip.dst))) == (number, 1 - side)
    assert (ip.data.seq, ip.data.ack) == ((sequence + 1) % 2**32, 8)
    assert (ip.data.dport == wire.TLS_PORT, ip.data.sport == wire.TLS_PORT) == (side == 0, side == 1)
    assert bytes(ip.data.data) == payload


def test_the_longest_packet_is_one_that_ipv6_can_have() -> None:
    (frame,), _ = frames(wire.packet(1, 0, 0, 0, b"x" * wire.MAX_PAYLOAD))
    assert len(dpkt.ip6.IP6(frame).data.data) == wire.MAX_PAYLOAD


def test_a_sign_is_an_empty_packet_to_a_port_of_its_own_whoever_sends_it() -> None:
    found, _ = frames(wire.sign(5, 1, wire.GAP), wire.sign(5, 0, wire.END))
    signs = [dpkt.ip6.IP6(frame) for frame in found]
    assert [(wire.whose(str(IPv6Address(s.src))), s.data.dport, bytes(s.data.data)) for s in signs] == [
        ((5, 1), wire.GAP, b""),
        ((5, 0), wire.END, b""),
    ]
    assert len({wire.GAP, wire.END, wire.TLS_PORT}) == 3


def test_keys_come_ahead_of_what_they_open() -> None:
    found, keys = frames(wire.secrets(b"CLIENT_RANDOM 00 11\n"), wire.packet(1, 0, 0, 0, b"x"))
    assert keys == [b"CLIENT_RANDOM 00 11\n"]
    assert len(found) == 1


@pytest.mark.parametrize("address", ["::1", "fd00:534d:5450:2::1", "10.0.0.1", "", "fd00:534d:544f::1"])
def test_an_address_that_is_none_of_ours_belongs_to_nobody(address: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever its words
        wire.whose(address)
