from __future__ import annotations

import pytest

from analyzer.tls.code_points import GREASE, alert_name, cipher_name, cipher_suites, version_name


@pytest.mark.parametrize(
    ("version", "name"),
    [(0x0300, "SSLv3"), (0x0301, "1.0"), (0x0302, "1.1"), (0x0303, "1.2"), (0x0304, "1.3"), (0x7F1C, "0x7f1c")],
)
def test_versions_have_the_names_people_use(version: int, name: str) -> None:
    assert version_name(version) == name


def test_unknown_code_points_stay_numbers() -> None:
    assert version_name(5) == "0x0005"
    assert alert_name(99) == "0x63"
    assert cipher_name(0x0A0A) == "0x0a0a"


@pytest.mark.parametrize(
    ("suite", "name"),
    [
        (0x0035, "TLS_RSA_WITH_AES_256_CBC_SHA"),  # RFC 5246 appendix A.5
        (0x1302, "TLS_AES_256_GCM_SHA384"),  # RFC 8446 appendix B.4
        (0xC02F, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),  # RFC 5289
        (0xCCA9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),  # RFC 7905
    ],
)
def test_suites_have_their_registered_names(suite: int, name: str) -> None:
    assert cipher_name(suite) == name


def test_suite_table_agrees_with_the_one_in_scapy() -> None:
    suites = pytest.importorskip("scapy.layers.tls.crypto.suites")
    theirs: dict[int, str] = suites._tls_cipher_suites
    ours = cipher_suites()
    # The registry's names for these differ from the ones in use elsewhere.
    spelled_differently = {0x0026, 0x0029, 0xC0AA, 0xC0AB}
    common = ours.keys() & theirs.keys() - spelled_differently
    assert len(common) > 250
    assert {code: ours[code] for code in common} == {code: theirs[code] for code in common}


def test_suite_table_holds_no_grease_and_no_name_twice() -> None:
    suites = cipher_suites()
    assert not GREASE & suites.keys()
    assert len(set(suites.values())) == len(suites)


def test_grease_is_the_sixteen_values_of_rfc_8701() -> None:
    assert sorted(GREASE)[:2] == [0x0A0A, 0x1A1A]
    assert len(GREASE) == 16
    assert max(GREASE) == 0xFAFA
