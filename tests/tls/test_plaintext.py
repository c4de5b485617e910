"""How much plaintext is in a record, against encryption that is counted out byte by byte."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.tls.code_points import cipher_suites
from analyzer.tls.plaintext import Seal, seal_of

SSL_3_0, TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3 = range(0x0300, 0x0305)

NUMBERS = {name: number for number, name in cipher_suites().items()}

Encryption = Callable[[int], int]
"""Payload of the record with so many bytes of plaintext."""


def aead(*, tag: int, nonce: int = 0, content_type: int = 0) -> Encryption:
    return lambda plaintext: nonce + plaintext + content_type + tag


def filled(length: int, block: int) -> int:
    """``length``, padding until the block is full, and the byte that says how much: RFC 5246 section 6.2.3.2."""
    length += 1
    while length % block:
        length += 1
    return length


def mac_then_encrypt(*, mac: int, block: int, vector: int) -> Encryption:
    return lambda plaintext: vector + filled(plaintext + mac, block)


def encrypt_then_mac(*, mac: int, block: int, vector: int) -> Encryption:
    """RFC 7366 section 3."""
    return lambda plaintext: vector + filled(plaintext, block) + mac


AUTHENTICATED: list[tuple[int, str, Encryption]] = [
    (TLS_1_3, "TLS_AES_128_GCM_SHA256", aead(tag=16, content_type=1)),
    (TLS_1_3, "TLS_AES_256_GCM_SHA384", aead(tag=16, content_type=1)),
    (TLS_1_3, "TLS_CHACHA20_POLY1305_SHA256", aead(tag=16, content_type=1)),
    (TLS_1_3, "TLS_AES_128_CCM_SHA256", aead(tag=16, content_type=1)),
    (TLS_1_3, "TLS_AES_128_CCM_8_SHA256", aead(tag=8, content_type=1)),
    (TLS_1_3, "TLS_SM4_GCM_SM3", aead(tag=16, content_type=1)),
    (TLS_1_2, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", aead(tag=16, nonce=8)),
    (TLS_1_2, "TLS_RSA_WITH_AES_256_GCM_SHA384", aead(tag=16, nonce=8)),
    (TLS_1_2, "TLS_ECDHE_RSA_WITH_ARIA_128_GCM_SHA256", aead(tag=16, nonce=8)),
    (TLS_1_2, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM", aead(tag=16, nonce=8)),
    (TLS_1_2, "TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8", aead(tag=8, nonce=8)),
    (TLS_1_2, "TLS_ECDHE_PSK_WITH_AES_128_CCM_8_SHA256", aead(tag=8, nonce=8)),
    (TLS_1_2, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", aead(tag=16)),
    (TLS_1_2, "TLS_RSA_WITH_RC4_128_SHA", aead(tag=20)),
    (TLS_1_0, "TLS_RSA_WITH_RC4_128_MD5", aead(tag=16)),
    (TLS_1_2, "TLS_RSA_WITH_NULL_SHA", aead(tag=20)),
    (TLS_1_2, "TLS_RSA_WITH_NULL_SHA256", aead(tag=32)),
]
"""AEAD and stream ciphers: nothing is filled up."""

IN_BLOCKS: list[tuple[int, str, int, int, int]] = [
    # version, suite, bytes of MAC, of a block, of the explicit vector
    (TLS_1_2, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", 20, 16, 16),
    (TLS_1_2, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", 32, 16, 16),
    (TLS_1_2, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", 48, 16, 16),
    (TLS_1_2, "TLS_RSA_WITH_CAMELLIA_128_CBC_SHA256", 32, 16, 16),
    (TLS_1_1, "TLS_RSA_WITH_AES_256_CBC_SHA", 20, 16, 16),
    (TLS_1_0, "TLS_RSA_WITH_AES_256_CBC_SHA", 20, 16, 0),
    (TLS_1_2, "TLS_RSA_WITH_3DES_EDE_CBC_SHA", 20, 8, 8),
    (TLS_1_0, "TLS_RSA_WITH_3DES_EDE_CBC_SHA", 20, 8, 0),
    (TLS_1_0, "TLS_RSA_WITH_DES_CBC_SHA", 20, 8, 0),
    (TLS_1_0, "TLS_RSA_EXPORT_WITH_RC2_CBC_40_MD5", 16, 8, 0),
]


def seal(version: int, suite: str) -> Seal:
    found = seal_of(version, NUMBERS[suite])
    assert found is not None
    return found


@given(st.sampled_from(AUTHENTICATED), st.integers(0, 1 << 14))
def test_without_padding_the_length_is_exact(case: tuple[int, str, Encryption], plaintext: int) -> None:
    version, suite, encrypted = case
    length = encrypted(plaintext)
    assert seal(version, suite).bounds(length) == (plaintext, plaintext)
    assert seal(version, suite).could_be(length, plaintext)
    assert not seal(version, suite).could_be(length, plaintext + 1)
    assert not seal(version, suite).could_be(length + 1, plaintext)


@given(st.sampled_from(IN_BLOCKS), st.booleans(), st.integers(0, 1 << 14))
def test_with_padding_the_length_leaves_all_that_fills_the_same_blocks(
    case: tuple[int, str, int, int, int], mac_first: bool, plaintext: int
) -> None:
    version, suite, mac, block, vector = case
    encrypted = (mac_then_encrypt if mac_first else encrypt_then_mac)(mac=mac, block=block, vector=vector)
    length = encrypted(plaintext)
    alike = [other for other in range(max(0, plaintext - block), plaintext + block) if encrypted(other) == length]
    assert seal(version, suite).bounds(length) == (alike[0], alike[-1])
    assert all(seal(version, suite).could_be(length, other) for other in alike)
    assert not seal(version, suite).could_be(length, alike[-1] + 1)


def test_a_record_too_short_for_its_suite_holds_nothing() -> None:
    for version, suite, _ in AUTHENTICATED:
        assert seal(version, suite).bounds(3) == (0, 0)
    for version, suite, *_ in IN_BLOCKS:
        assert seal(version, suite).bounds(3) == (0, 0)


@pytest.mark.parametrize(
    ("version", "suite", "finished"),
    [
        (TLS_1_3, "TLS_AES_128_GCM_SHA256", 4 + 32),
        (TLS_1_3, "TLS_AES_256_GCM_SHA384", 4 + 48),
        (TLS_1_3, "TLS_SM4_GCM_SM3", 4 + 32),
        (TLS_1_2, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", 4 + 12),
        (TLS_1_0, "TLS_RSA_WITH_AES_256_CBC_SHA", 4 + 12),
    ],
)
def test_a_finished_is_as_long_as_the_hash_makes_it(version: int, suite: str, finished: int) -> None:
    assert seal(version, suite).finished == finished


@pytest.mark.parametrize("version", [TLS_1_0, TLS_1_2, TLS_1_3])
@pytest.mark.parametrize(
    "suite",
    [
        "TLS_NULL_WITH_NULL_NULL",
        "TLS_GOSTR341112_256_WITH_KUZNYECHIK_CTR_OMAC",
        "TLS_SHA256_SHA256",  # signs and hides nothing: RFC 9150
        "TLS_FALLBACK_SCSV",
    ],
)
def test_a_suite_whose_records_nobody_described_has_no_seal(version: int, suite: str) -> None:
    assert seal_of(version, NUMBERS[suite]) is None


@pytest.mark.parametrize("version", [SSL_3_0, TLS_1_0, TLS_1_2, TLS_1_3, 0x7F1C])
def test_a_number_that_is_no_suite_has_no_seal(version: int) -> None:
    assert 0x0A0A not in cipher_suites()  # GREASE: RFC 8701
    assert seal_of(version, 0x0A0A) is None


def test_a_suite_belongs_to_its_versions() -> None:
    assert seal_of(TLS_1_3, NUMBERS["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]) is None
    assert seal_of(TLS_1_2, NUMBERS["TLS_AES_128_GCM_SHA256"]) is None


def test_every_registered_suite_is_known_but_those_of_other_constructions() -> None:
    unknown = {name for name in NUMBERS if not any(seal_of(v, NUMBERS[name]) for v in (TLS_1_2, TLS_1_3))}
    assert {name for name in unknown if "GOST" not in name} == {
        "TLS_NULL_WITH_NULL_NULL",
        "TLS_EMPTY_RENEGOTIATION_INFO_SCSV",
        "TLS_FALLBACK_SCSV",
        "TLS_SHA256_SHA256",
        "TLS_SHA384_SHA384",
    }
