"""Interfaces go down, come up, vanish and are made anew; the capture goes on and says how they are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import analyzer
from analyzer.capture.live import LiveCapture
from tests.capture.live.network import FAR, NEAR, Namespace, Reader, contents, has_networks, reading
from tests.support.root import needs_root, uncovered

pytestmark = [needs_root, has_networks]
THROUGH = pytest.mark.parametrize("ring", [True, False], ids=["ring", "libpcap"])


def numbered(number: int) -> bytes:
    return bytes.fromhex("020000000002 020000000001 1234") + number.to_bytes(2, "big") * 30


def states(reader: Reader) -> list[str]:
    return [counters.state for counters in reader.capture.counters()]


def received(reader: Reader) -> list[int]:
    return [int.from_bytes(frame.content[14:16], "big") for frame in reader.frames]


@THROUGH
def test_an_interface_that_goes_down_and_comes_up_is_read_again(network: Namespace, ring: bool) -> None:
    with reading(network, LiveCapture([NEAR], "ether proto 0x1234", ring=ring)) as reader:
        for number in range(2):
            network.send([numbered(number)])
            reader.until(lambda: len(reader.frames) == number + 1)  # noqa: B023 - runs at once
            network.ip("link", "set", NEAR, "down")
            reader.until(lambda: states(reader) == ["down"])
            network.ip("link", "set", NEAR, "up")
            reader.until(lambda: states(reader) == ["up"] and reader.capture.counters()[0].problem is None)
            reader.step()
        network.send([numbered(2)])
        reader.finish()
        (counters,) = reader.capture.counters()
    assert received(reader) == [0, 1, 2]
    assert (counters.received, counters.dropped) == (3, 0)


@THROUGH
def test_an_interface_that_is_down_at_first_is_read_when_it_comes_up(network: Namespace, ring: bool) -> None:
    network.ip("link", "set", NEAR, "down")
    with reading(network, LiveCapture([NEAR], "ether proto 0x1234", ring=ring)) as reader:
        assert states(reader) == ["down"]
        network.ip("link", "set", NEAR, "up")
        reader.until(lambda: states(reader) == ["up"])
        network.send([numbered(7)])
        reader.finish()
    assert received(reader) == [7]


def test_no_carrier_counts_as_down(network: Namespace) -> None:
    network.ip("link", "set", FAR, "down")
    with reading(network, LiveCapture([NEAR], "ether proto 0x1234")) as reader:
        reader.until(lambda: states(reader) == ["down"])  # the kernel takes a moment to pass it on to the other end


@THROUGH
def test_an_interface_that_vanished_is_read_again_once_it_was_made_anew(network: Namespace, ring: bool) -> None:
    network.add_pair(1)
    with reading(network, LiveCapture([NEAR, "near1"], "ether proto 0x1234", ring=ring)) as reader:
        network.send([numbered(0)])
        reader.until(lambda: reader.frames)
        network.ip("link", "del", NEAR)
        reader.until(lambda: states(reader) == ["gone", "up"])
        network.send([numbered(1)], "far1")
        reader.until(lambda: len(reader.frames) == 2)
        network.add_pair()
        reader.until(lambda: states(reader) == ["up", "up"])
        network.send([numbered(2)])
        reader.finish()
        counters = reader.capture.counters()
    assert received(reader) == [0, 1, 2]
    assert reader.sources == [0, 1, 0]
    assert [each.received for each in counters] == [2, 1]
    assert [each.problem for each in counters] == [None, None]


def test_what_came_before_an_interface_was_replaced_is_not_lost(network: Namespace) -> None:
    with reading(network, LiveCapture([NEAR], "ether proto 0x1234")) as reader:
        for number in range(3):
            network.send([numbered(number)])
            network.ip("link", "del", NEAR)
            network.add_pair()
            reader.until(lambda: len(reader.frames) == number + 1)  # noqa: B023 - runs at once
            for _ in range(2):  # long enough for the next look at the interface, not for the last one to be closed
                reader.step()
        network.send([numbered(3)])
        reader.finish()
        (counters,) = reader.capture.counters()
    assert received(reader) == [0, 1, 2, 3]
    assert counters.received == 4


def test_drops_before_an_interface_was_replaced_still_count(network: Namespace) -> None:
    with reading(network, LiveCapture([NEAR], "ether proto 0x1234", buffer=1)) as reader:
        network.send(numbered(number % 9) * 20 for number in range(2000))
        network.ip("link", "del", NEAR)
        network.add_pair()
        for _ in range(10):
            reader.step()
        network.send([numbered(1)])
        reader.finish()
        (counters,) = reader.capture.counters()
    assert counters.dropped > 0
    assert counters.received + counters.dropped == 2001


def test_without_privileges_a_replaced_interface_is_told_once_and_the_others_go_on(network: Namespace) -> None:
    network.add_pair(1)
    process = network.start(
        [sys.executable, "-c", UNPRIVILEGED],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=uncovered(),
        cwd=Path(analyzer.__file__).parent.parent,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        assert process.stdout.readline() == "nobody\n"
        network.ip("link", "del", NEAR)
        network.add_pair()
        assert process.stdout.readline().startswith(
            "cannot be opened again: near0: capturing needs the capability CAP_NET_RAW"
        )
        network.send([numbered(3)])
        network.send([numbered(4)], "far1")
        assert process.stdout.readline() == "frame 1 up up 0 1\n"
        rest, _ = process.communicate(timeout=10)
    finally:
        process.kill()
        process.wait()
    assert rest == ""
    assert process.returncode == 0


UNPRIVILEGED = """
from analyzer.capture.live import LiveCapture, drop_privileges
with LiveCapture(["near0", "near1"], "ether proto 0x1234") as capture:
    print(drop_privileges(), flush=True)
    told = None
    for batch in capture.batches():
        first, second = capture.counters()
        if first.problem != told:
            told = first.problem
            print(told.removeprefix("it "), flush=True)
        if len(batch):
            print("frame", batch.source[0], first.state, second.state, first.received, second.received, flush=True)
            capture.stop()
"""


def test_a_replaced_interface_of_another_kind_is_read_as_what_it_is_now(network: Namespace) -> None:
    with reading(network, LiveCapture([NEAR], "ip or ether proto 0x1234")) as reader:
        network.send([numbered(0)])
        reader.until(lambda: reader.frames)
        network.ip("link", "del", NEAR)
        reader.until(lambda: states(reader) == ["gone"])
        packet = bytes.fromhex("45000014000100004006000001020304 01020305".replace(" ", ""))
        with network.tun(NEAR) as write:
            reader.until(lambda: states(reader) == ["up"])
            write(packet)
            reader.finish()
    assert contents(reader.frames)[1:] == [(packet, len(packet))]
    assert [frame.link_type for frame in reader.frames] == [1, 101]
