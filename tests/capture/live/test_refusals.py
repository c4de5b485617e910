"""What cannot be captured is refused in one clear line that says what to do."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import patch

import pytest

import analyzer
from analyzer.capture.live import Interface, LiveCapture, interface, interfaces, libpcap
from analyzer.capture.live.filters import CaptureFilter
from analyzer.capture.live.ring import PacketRing
from analyzer.errors import UsageError
from tests.capture.live.network import NEAR, Namespace, has_networks
from tests.support.root import needs_root, uncovered

THROUGH = pytest.mark.parametrize("ring", [True, False], ids=["ring", "libpcap"])


def refusal(*names: str, filter: CaptureFilter | str = "tcp port 25", ring: bool = True, buffer: int = 1 << 20) -> str:
    with pytest.raises(UsageError) as refused, LiveCapture(names, filter, ring=ring, buffer=buffer):
        pass
    message = str(refused.value)
    assert message.isprintable()
    return message


@needs_root
@has_networks
@THROUGH
def test_an_unknown_interface_is_refused_with_those_that_exist(network: Namespace, ring: bool) -> None:
    network.ip("link", "set", "far0", "down")
    with network.entered():
        while any(each.up for each in interfaces() if each.name == NEAR):  # the kernel notices a little later
            time.sleep(0.01)
        message = refusal("eth7", ring=ring)
        names = sorted(each.name for each in interfaces())
    assert message.startswith("there is no interface eth7; there are: lo (up), ")
    assert "near0 (down)" in message
    assert "far0 (down)" in message
    assert names == ["far0", "lo", NEAR]


@pytest.mark.parametrize("name", ["", "e" * 16, "eth0\x1b[2J\n", "eth0/../lo", "\udcff"])
def test_names_that_no_interface_can_have_are_refused_too(name: str) -> None:
    assert refusal(name).startswith("there is no interface ")


def test_no_interface_is_refused() -> None:
    assert refusal().startswith("no interface was named; there are: ")


@needs_root
@has_networks
def test_any_is_refused_where_none_is_up(network: Namespace) -> None:
    for name in (NEAR, "far0", "lo"):
        network.ip("link", "set", name, "down")
    with network.entered():
        assert refusal("any").startswith("no interface is up; there are: ")


@needs_root
@has_networks
@THROUGH
def test_a_filter_that_the_compiler_refuses_is_refused_with_its_words(network: Namespace, ring: bool) -> None:
    with network.entered():
        message = refusal(NEAR, filter="tcp prot 25", ring=ring)
    assert message == f"the filter cannot be used on {NEAR}: can't parse filter expression: syntax error"


@needs_root
@has_networks
def test_a_filter_too_long_for_the_kernel_is_refused(network: Namespace) -> None:
    with network.entered():
        near = interface.find(NEAR)
        assert near is not None
        with pytest.raises(
            UsageError, match=r"^the filter is too long for the kernel \(5000 instructions\); name fewer"
        ):
            PacketRing(near, libpcap.REJECT * 5000, buffer=1 << 20, promiscuous=False)


@needs_root
@has_networks
def test_a_filter_about_vlan_tags_needs_the_interface_up(network: Namespace) -> None:
    network.ip("link", "set", NEAR, "down")
    with network.entered():
        message = refusal(NEAR, filter=CaptureFilter("tcp", "vlan 5"))
    assert message.startswith("the filter cannot be used on near0: ")
    assert "not up" in message


@needs_root
@has_networks
def test_a_buffer_larger_than_memory_is_refused(network: Namespace) -> None:
    with network.entered():
        message = refusal(NEAR, buffer=1 << 44)
    assert message.startswith("near0: there is no memory for a buffer of ")


@needs_root
@has_networks
@THROUGH
def test_without_permission_it_says_which_capability_is_missing_and_how_to_grant_it(
    network: Namespace, ring: bool
) -> None:
    program = f"""
import os
from analyzer.capture.live import LiveCapture
from analyzer.capture.live.ring import PacketRing
from analyzer.errors import UsageError
from analyzer.capture.live.libpcap import bindings
bindings()
os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    LiveCapture(["{NEAR}"], "tcp", ring={ring}).open()
except UsageError as refused:
    print(refused)
"""
    process = network.start(
        [sys.executable, "-c", program],
        env=uncovered(),
        stdout=subprocess.PIPE,
        cwd=Path(analyzer.__file__).parent.parent,
    )
    message, _ = process.communicate(timeout=30)
    assert message.startswith("near0: capturing needs the capability CAP_NET_RAW; run this with sudo, or grant it: ")
    assert f"sudo setcap cap_net_raw+ep {Path(sys.executable).resolve()}" in message
    assert "AmbientCapabilities=CAP_NET_RAW" in message


def test_an_interface_of_a_kind_that_cannot_be_read_is_refused() -> None:
    monitor = Interface("wlan0mon", 7, True, 803)  # ARPHRD_IEEE80211_RADIOTAP
    with patch.object(interface, "find", lambda name: monitor):
        message = refusal("wlan0mon")
    assert message.startswith("wlan0mon: frames of this kind of interface (hardware type 803) cannot be read")


def test_without_libpcap_it_says_what_to_install() -> None:
    with patch.dict(sys.modules), patch("ctypes.util.find_library", lambda name: None):
        sys.modules.pop("scapy.libs.winpcapy", None)
        import scapy.libs

        if hasattr(scapy.libs, "winpcapy"):
            del scapy.libs.winpcapy
        with pytest.raises(UsageError, match=r"libpcap.* is not installed; install it: apt install libpcap0\.8"):
            libpcap.bindings()


@needs_root
@has_networks
def test_when_one_of_several_is_refused_none_stays_open(network: Namespace) -> None:
    before = open_descriptors()
    with network.entered():
        refusal(NEAR, "lo", filter=CaptureFilter("tcp", "vlan and nonsense"))
        refusal(NEAR, "lo", "eth7")
    assert open_descriptors() == before


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
