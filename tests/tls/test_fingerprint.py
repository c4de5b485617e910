from __future__ import annotations

from collections.abc import Sequence
from hashlib import md5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.tls.code_points import GREASE
from analyzer.tls.fingerprint import Fingerprint, fingerprint
from analyzer.tls.hellos import parse_client_hello
from tests.tls.wire import alpn, client_hello, extension, numbers, server_name, supported_versions, vector

# Chrome's hello in JA4's definition, in the order of the wire.
SUITES = [
    0x1301,
    0x1302,
    0x1303,
    0xC02B,
    0xC02F,
    0xC02C,
    0xC030,
    0xCCA9,
    0xCCA8,
    0xC013,
    0xC014,
    0x9C,
    0x9D,
    0x2F,
    0x35,
]
EXTENSIONS = [0x1B, 0x0, 0x33, 0x10, 0x4469, 0x17, 0x2D, 0xD, 0x5, 0x23, 0x12, 0x2B, 0xFF01, 0xB, 0xA, 0x15]
SIGNATURES = [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601]
GROUPS = [29, 23, 24]
RAW = (
    "t13d1516h2_002f,0035,009c,009d,1301,1302,1303,c013,c014,c02b,c02c,c02f,c030,cca8,cca9"
    "_0005,000a,000b,000d,0012,0015,0017,001b,0023,002b,002d,0033,4469,ff01"
    "_0403,0804,0401,0503,0805,0501,0806,0601"
)


def hello(
    suites: Sequence[int] = SUITES,
    extensions: Sequence[int] = EXTENSIONS,
    groups: Sequence[int] = GROUPS,
    signatures: Sequence[int] = SIGNATURES,
    versions: Sequence[int] = (0x0304, 0x0303),
    protocols: Sequence[bytes] = (b"h2", b"http/1.1"),
    name: bytes = b"smtp.example.org",
    version: int = 0x0303,
) -> bytes:
    contents = {
        0: server_name(name),
        10: extension(10, vector(numbers(*groups), 2)),
        11: extension(11, b"\1\0"),
        13: extension(13, vector(numbers(*signatures), 2)),
        16: alpn(*protocols),
        43: supported_versions(*versions),
    }
    made = [contents.get(kind) or extension(kind, b"") for kind in extensions]
    return client_hello(*made, suites=suites, version=version)


def fingerprint_of(body: bytes) -> Fingerprint:
    offered = parse_client_hello(body)
    assert offered is not None
    assert offered.traits is not None
    return fingerprint(offered.traits)


def readable_part(body: bytes) -> str:
    return fingerprint_of(body).ja4.split("_")[0]


def test_example_of_ja4s_definition() -> None:
    found = fingerprint_of(hello())
    assert (found.ja4, found.ja4_raw) == ("t13d1516h2_8daaf6152771_e5627efa2ab1", RAW)


def test_ja4_without_signature_algorithms_ends_without_an_underscore() -> None:
    found = fingerprint_of(hello(signatures=()))
    assert found.ja4 == "t13d1516h2_8daaf6152771_6d807ffa2a79"
    assert found.ja4_raw == RAW.rpartition("_")[0]


def test_published_pair_of_both_kinds() -> None:
    found = fingerprint_of(
        hello(
            extensions=[45, 51, 16, 65037, 23, 17613, 0, 11, 10, 43, 65281, 35, 18, 5, 13, 27],
            groups=[4588, 29, 23, 24],
        )
    )
    assert (found.ja3, found.ja4) == ("98487aa16281980e7d1120d399efb6a4", "t13d1516h2_8daaf6152771_d8a2da3f94cd")


@pytest.mark.parametrize(
    ("body", "raw", "hashed"),
    [
        (
            hello(
                suites=[47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4],
                extensions=[0, 10, 11],
                groups=[23, 24, 25],
                version=0x0301,
            ),
            "769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0",
            "ada70206e40642a3e4461f35503241d5",
        ),
        (
            client_hello(suites=[4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99], version=0x0301),
            "769,4-5-10-9-100-98-3-6-19-18-99,,,",
            "de350869b8c85de67a350c8d186f11e6",
        ),
    ],
)
def test_examples_of_ja3s_definition(body: bytes, raw: str, hashed: str) -> None:
    found = fingerprint_of(body)
    assert (found.ja3_raw, found.ja3) == (raw, hashed)


def test_lists_without_entries_are_zeros_in_ja4() -> None:
    found = fingerprint_of(client_hello(suites=[0x0A0A], version=0x0301))
    assert (found.ja4, found.ja4_raw) == ("t10i000000_000000000000_000000000000", "t10i000000__")
    assert found.ja3_raw == "769,,,,"


@pytest.mark.parametrize(
    ("versions", "shown"),
    [
        ((0x0303, 0x0304), "13"),
        ((0x7A7A, 0x0303, 0x0302), "12"),
        ((0x0302,), "11"),
        ((0x0301, 0x0300), "10"),
        ((0x0300,), "s3"),
        ((0x7F1C, 0x0303), "00"),
        ((0x7A7A,), "00"),
        ((), "00"),
    ],
)
def test_version_is_the_highest_offered(versions: Sequence[int], shown: str) -> None:
    assert readable_part(hello(versions=versions))[1:3] == shown


@pytest.mark.parametrize(
    ("version", "shown"), [(0x0303, "12"), (0x0300, "s3"), (0x0002, "s2"), (0x0304, "13"), (1, "00")]
)
def test_version_of_a_hello_without_the_extension_is_its_version_field(version: int, shown: str) -> None:
    assert readable_part(client_hello(version=version))[1:3] == shown


def test_server_name_extension_tells_whether_a_domain_is_asked_for() -> None:
    assert readable_part(hello(name=b""))[3] == "d"
    assert readable_part(hello(extensions=[43]))[3] == "i"


@pytest.mark.parametrize(("count", "shown"), [(9, "09"), (99, "99"), (100, "99"), (350, "99")])
def test_counts_have_two_digits(count: int, shown: str) -> None:
    assert readable_part(client_hello(suites=range(count)))[4:6] == shown
    assert readable_part(client_hello(*[extension(0xFE00 + at, b"") for at in range(count)]))[6:8] == shown


@pytest.mark.parametrize(
    ("protocols", "shown"),
    [
        ([b"h2"], "h2"),
        ([b"http/1.1", b"h2"], "h1"),
        ([b"smtp"], "sp"),
        ([b"Z9"], "Z9"),
        ([b"a"], "aa"),
        ([b"\xab"], "ab"),
        ([b"\xab\xcd"], "ad"),
        ([b"0\xab"], "3b"),
        ([b"01\xab\xcd"], "3d"),
        ([b"0\xab\xcd1"], "01"),
        ([b"-x-"], "2d"),
        (["\u00e9t\u00e9".encode()], "c9"),
        ([b"", b"h2"], "00"),
        ([b"\x1a\x1a", b"h2"], "h2"),
        ([b"\x1a\x1a"], "00"),
        ([], "00"),
    ],
)
def test_protocol_is_told_by_its_ends(protocols: list[bytes], shown: str) -> None:
    assert readable_part(hello(protocols=protocols))[8:] == shown


def test_hello_that_is_malformed_or_too_long_has_no_fingerprint() -> None:
    whole = hello()
    without_extensions = len(client_hello(suites=SUITES))
    for size in range(2, len(whole)):
        offered = parse_client_hello(whole[:size])
        assert offered is not None
        assert (offered.traits is not None) == (size == without_extensions)
    endless = parse_client_hello(hello(suites=range(3000)))
    assert endless is not None
    assert endless.traits is None


GREASES = st.sampled_from(sorted(GREASE))


def strewn(values: list[int]) -> st.SearchStrategy[list[int]]:
    """The values with GREASE between them."""
    return st.lists(st.tuples(st.integers(0, len(values)), GREASES), max_size=4).map(
        lambda more: [
            entry
            for at in range(len(values) + 1)
            for entry in [*(grease for place, grease in more if place == at), *values[at : at + 1]]
        ]
    )


@given(
    strewn(SUITES),
    strewn(EXTENSIONS),
    strewn(GROUPS),
    strewn(SIGNATURES),
    strewn([0x0304, 0x0303]),
    st.lists(GREASES.map(numbers), max_size=2),
)
def test_grease_changes_nothing(
    suites: list[int],
    extensions: list[int],
    groups: list[int],
    signatures: list[int],
    versions: list[int],
    protocols: list[bytes],
) -> None:
    body = hello(suites, extensions, groups, signatures, versions, [*protocols, b"h2"])
    assert fingerprint_of(body) == fingerprint_of(hello())


@given(st.permutations(EXTENSIONS), st.permutations(SUITES))
def test_order_of_extensions_and_suites_shows_in_ja3_alone(extensions: list[int], suites: list[int]) -> None:
    found, usual = fingerprint_of(hello(suites, extensions)), fingerprint_of(hello())
    assert (found.ja4, found.ja4_raw) == (usual.ja4, usual.ja4_raw)
    assert (found.ja3 == usual.ja3) == (extensions == EXTENSIONS and suites == SUITES)


@given(st.permutations(SIGNATURES))
def test_order_of_signature_algorithms_shows_in_ja4(signatures: list[int]) -> None:
    assert (fingerprint_of(hello(signatures=signatures)).ja4 == fingerprint_of(hello()).ja4) == (
        signatures == SIGNATURES
    )


def test_name_random_and_session_change_nothing() -> None:
    body = hello(name=b"another.example")
    assert fingerprint_of(body[:2] + bytes(32) + vector(b"s" * 32, 1) + body[35:]) == fingerprint_of(hello())


@given(
    st.binary(max_size=120).map(lambda body: b"\3\3" + bytes(32) + body)
    | st.tuples(
        st.just(hello()), st.lists(st.tuples(st.integers(0, len(hello()) - 1), st.integers(0, 255)), max_size=4)
    ).map(lambda pair: damaged(*pair))
)
def test_any_hello_has_a_well_formed_fingerprint_or_none(body: bytes) -> None:
    offered = parse_client_hello(body)
    assert offered is not None
    if offered.traits is None:
        return
    found = fingerprint(offered.traits)
    head, suites, rest = found.ja4.split("_")
    assert found.ja4.isascii()
    assert (len(head), len(suites), len(rest)) == (10, 12, 12)
    assert found.ja4_raw.startswith(head + "_")
    assert found.ja3 == md5(found.ja3_raw.encode(), usedforsecurity=False).hexdigest()
    assert found.ja3_raw.count(",") == 4
    assert len(found.ja3_raw) + len(found.ja4_raw) < 30_000


def damaged(body: bytes, changes: list[tuple[int, int]]) -> bytes:
    changed = bytearray(body)
    for at, value in changes:
        changed[at] = value
    return bytes(changed)
