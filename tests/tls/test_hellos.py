from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.tls.hellos import (
    HELLO_RETRY_REQUEST,
    MAX_LISTS,
    MAX_PROTOCOLS,
    ClientHello,
    ServerHello,
    Traits,
    parse_client_hello,
    parse_server_hello,
)
from analyzer.tls.text import MAX_NAME
from tests.tls.wire import alpn, client_hello, extension, numbers, server_hello, server_name, supported_versions, vector


def offered(body: bytes) -> ClientHello:
    hello = parse_client_hello(body)
    assert hello is not None
    return hello


def chosen(body: bytes) -> ServerHello:
    hello = parse_server_hello(body)
    assert hello is not None
    return hello


def test_client_hello_without_extensions_offers_its_legacy_version() -> None:
    hello = offered(client_hello(version=0x0301, suites=(0x002F, 0x0035), session_id=b"s" * 32))
    traits = Traits(0x0301, (0x0301,), numbers(0x002F, 0x0035))
    assert hello == ClientHello(0x0301, (0x0301,), session_id=b"s" * 32, traits=traits)


def test_client_hello_with_everything() -> None:
    body = client_hello(
        extension(0x2A2A, b""),
        server_name(b"smtp.example.org"),
        extension(10, vector(numbers(0x5A5A, 29), 2)),
        extension(11, vector(b"\0\1\2", 1)),
        alpn(b"\x1a\x1a", b"smtp", b"other"),
        extension(13, vector(numbers(0x0804, 0x0403), 2)),
        extension(35, b"ticket"),
        supported_versions(0x3A3A, 0x0303, 0x0304, 0x7F1C),
        extension(42, b""),
        extension(41, b"identities"),
        suites=(0x4A4A, 0x1301, 0xC02F),
    )
    assert offered(body) == ClientHello(
        legacy_version=0x0303,
        versions=(0x7F1C, 0x0304, 0x0303),
        traits=Traits(
            legacy_version=0x0303,
            versions=(0x7F1C, 0x0304, 0x0303),
            suites=numbers(0x4A4A, 0x1301, 0xC02F),
            extensions=(0x2A2A, 0, 10, 11, 16, 13, 35, 43, 42, 41),
            groups=vector(numbers(0x5A5A, 29), 2),
            point_formats=vector(b"\0\1\2", 1),
            signature_algorithms=vector(numbers(0x0804, 0x0403), 2),
            protocol=b"smtp",
        ),
        sni="smtp.example.org",
        alpn=("smtp", "other"),
        ticket=True,
        psk=True,
        early_data=True,
    )


def test_empty_session_ticket_extension_presents_no_ticket() -> None:
    assert not offered(client_hello(extension(35, b""))).ticket


def test_repeated_extension_counts_once() -> None:
    assert offered(client_hello(server_name(b"first.example"), server_name(b"second.example"))).sni == "first.example"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"mail.example\r\nX: y", "mail.exampleX: y"),
        (b"\x1b[31mred\x7f", "[31mred"),
        ("\u202eevil.example".encode(), "evil.example"),
        ("postkasse.bl\u00e5b\u00e6r.no".encode(), "postkasse.bl\u00e5b\u00e6r.no"),
        (b"\xff\xfe.example", "\ufffd\ufffd.example"),
        (b"a" * 1000, "a" * MAX_NAME),
        (b"\x00\x01", None),
        (b"", None),
    ],
)
def test_server_name_is_safe_to_show(name: bytes, shown: str | None) -> None:
    assert offered(client_hello(server_name(name))).sni == shown


@pytest.mark.parametrize("body", [b"", b"\0", b"\0\x05\x01\0\x02ab", b"\0\0\0"])
def test_server_name_extension_without_a_host_name(body: bytes) -> None:
    assert offered(client_hello(extension(0, body))).sni is None


def test_alpn_names_are_safe_to_show_and_bounded_in_number() -> None:
    hello = offered(client_hello(alpn(b"sm\ntp", *[b"x"] * 1000)))
    assert hello.alpn == ("smtp", *["x"] * (MAX_PROTOCOLS - 1))


@pytest.mark.parametrize(("size", "kept"), [(MAX_LISTS, True), (MAX_LISTS + 2, False)])
def test_lists_are_kept_up_to_a_limit(size: int, kept: bool) -> None:
    extensions = size // 2 - 2  # beside two suites
    for hello in (
        offered(client_hello(suites=range(size // 2))),
        *(offered(client_hello(extension(kind, bytes(size - 6)))) for kind in (10, 11, 13)),
        offered(client_hello(*[extension(0xFE00, b"")] * extensions)),
    ):
        assert (hello.traits is not None) == kept
        assert not hello.malformed


def test_client_hello_cut_anywhere_says_so_and_keeps_what_it_has() -> None:
    whole = client_hello(server_name(b"mx.example"), supported_versions(0x0304))
    for size in range(2, len(whole)):
        hello = offered(whole[:size])
        # Without its extensions block a hello is well-formed, as before TLS 1.2.
        assert hello.malformed or size == len(client_hello())
        assert (hello.traits is None) == hello.malformed
        assert hello.sni in (None, "mx.example")
        assert hello.versions in ((0x0303,), (0x0304,))
    assert parse_client_hello(whole[:1]) is None


def test_client_hello_with_bytes_behind_its_extensions_is_malformed() -> None:
    assert offered(client_hello(server_name(b"mx.example")) + b"\0").malformed


def test_server_hello_below_tls_1_3() -> None:
    assert chosen(server_hello(version=0x0302, suite=0x0035, session_id=b"s" * 32)) == ServerHello(
        version=0x0302, suite=0x0035, psk=False, retry=False, malformed=False
    )


def test_server_hello_tells_whether_records_are_compressed() -> None:
    assert chosen(server_hello(compression=1)).compressed  # DEFLATE: RFC 3749
    assert not chosen(server_hello()).compressed
    assert not chosen(server_hello()[:-1]).compressed  # it breaks off before that


def test_server_hello_of_tls_1_3_names_its_version_in_an_extension() -> None:
    hello = chosen(server_hello(extension(43, numbers(0x0304)), extension(41, numbers(0)), suite=0x1303))
    assert hello == ServerHello(version=0x0304, suite=0x1303, psk=True, retry=False, malformed=False)


def test_hello_retry_request_is_told_by_its_random() -> None:
    assert chosen(server_hello(extension(43, numbers(0x0304)), random=HELLO_RETRY_REQUEST)).retry


def test_server_hello_cut_anywhere_yields_nothing_before_its_suite() -> None:
    whole = server_hello(extension(43, numbers(0x0304)), suite=0x1301, session_id=b"s" * 8)
    suite_ends = 2 + 32 + 1 + 8 + 2
    for size in range(len(whole)):
        hello = parse_server_hello(whole[:size])
        assert (hello is None) == (size < suite_ends)
        assert hello is None or hello.suite == 0x1301


@given(st.binary(max_size=300))
def test_any_bytes_can_be_parsed(body: bytes) -> None:
    parse_client_hello(body)
    parse_server_hello(body)


@given(st.data())
def test_damaged_hello_can_be_parsed(data: st.DataObject) -> None:
    body = bytearray(client_hello(server_name(b"mx.example"), alpn(b"smtp"), supported_versions(0x0304, 0x0303)))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    hello = offered(bytes(body))
    assert hello.sni is None or hello.sni.isprintable()
    assert hello.traits is None or len(hello.traits.suites) <= MAX_LISTS


def test_lying_lengths_do_not_read_beyond_the_hello() -> None:
    body = client_hello()[:-2] + b"\xff\xff" + vector(b"", 2)
    assert offered(body).malformed
