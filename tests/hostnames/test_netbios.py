"""Names that hosts register, answer for, or list, by the NetBIOS name service."""

from __future__ import annotations

import pytest

from analyzer.hostnames import Learned
from analyzer.hostnames.reader import NameReader
from tests.hostnames.messages import TIME, datagram, learned, node_status, registration

UNIQUE, GROUP = 0, 0x8000


@pytest.mark.parametrize("opcode", [5, 8, 9])
@pytest.mark.parametrize("suffix", [0x00, 0x20])
def test_a_registered_name_is_the_hosts(opcode: int, suffix: int) -> None:
    assert learned(registration("ERP-SRV", "10.20.0.41", suffix, opcode=opcode), 137, 137) == [
        Learned("netbios", TIME, address="10.20.0.41", name="ERP-SRV")
    ]


@pytest.mark.parametrize(("suffix", "flags"), [(0x00, GROUP), (0x03, UNIQUE), (0x1D, UNIQUE), (0x1B, UNIQUE)])
def test_names_of_domains_users_and_services_are_not(suffix: int, flags: int) -> None:
    assert learned(registration("OFFICE", "10.20.0.41", suffix, flags), 137, 137) == []


def test_a_node_status_is_about_its_sender() -> None:
    status = node_status(("ERP-SRV", 0x00, UNIQUE), ("OFFICE", 0x00, GROUP), ("ADMIN", 0x03, UNIQUE))
    assert learned(status, 137, 50000, src="10.20.0.41") == [
        Learned("netbios", TIME, address="10.20.0.41", name="ERP-SRV")
    ]


def test_a_node_status_that_claims_too_many_names_tells_none() -> None:
    reader = NameReader()
    assert reader.read(datagram(node_status(("ERP-SRV", 0, UNIQUE), claimed=200), 137, 137)) == []
    assert reader.oddities == {"name-malformed": 1}


def test_a_name_in_no_known_encoding_is_none() -> None:
    damaged = bytearray(registration("ERP-SRV", "10.20.0.41"))
    damaged[14] = ord("z")
    assert learned(bytes(damaged), 137, 137) == []
