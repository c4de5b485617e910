from __future__ import annotations

import warnings
from datetime import UTC, datetime
from ipaddress import ip_address

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from analyzer.tls.certificate import MAX_CERTIFICATE, MAX_NAMES, Certificate, parse_certificate
from analyzer.tls.text import MAX_NAME
from tests.tls.certificates import FROM, UNTIL, certificate, chain
from tests.tls.wire import vector

MAIL = certificate("mail.example.org", names=("mail.example.org", "*.mail.example.org"))
SECOND = 10**9


def shown(der: bytes) -> Certificate:
    found = parse_certificate(chain(der))
    assert found is not None
    return found


def test_certificate_tells_names_and_dates() -> None:
    assert shown(MAIL) == Certificate(
        subject="mail.example.org",
        names=("mail.example.org", "*.mail.example.org"),
        not_before=int(FROM.timestamp()) * SECOND,
        not_after=int(UNTIL.timestamp()) * SECOND,
    )


def test_only_the_first_certificate_is_read() -> None:
    first, second = certificate("first"), certificate("second")
    assert parse_certificate(chain(first, second)) == shown(first)
    assert parse_certificate(chain(first, second)[: 6 + len(first)]) == shown(first)
    assert parse_certificate(chain(first, b"\xff")) == shown(first)


def test_self_issued_certificate() -> None:
    assert shown(certificate("copier", issuer=None)).self_issued
    assert not shown(MAIL).self_issued


@pytest.mark.parametrize(
    ("common_names", "subject"),
    [
        ((), None),
        (("mail", "deepest"), "deepest"),
        (("mail\r\nX: y\u202e",), "mailX: y"),
        (("\u00e9t\u00e9",), "\u00e9t\u00e9"),
    ],
)
def test_subject_is_the_last_common_name_and_safe_to_show(common_names: tuple[str, ...], subject: str | None) -> None:
    assert shown(certificate(*common_names)).subject == subject


def test_names_are_safe_to_show_and_bounded() -> None:
    names = shown(certificate("mx", names=("a\nb", "\x1b", "x" * 1000, "a\nb"))).names
    assert names == ("ab", "x" * MAX_NAME)
    assert len(shown(certificate("mx", names=tuple(f"{at}.example" for at in range(500)))).names) == MAX_NAMES


def test_names_that_are_no_dns_names_are_left_out() -> None:
    others = (
        x509.IPAddress(ip_address("192.0.2.1")),
        x509.RFC822Name("admin@example.org"),
        x509.UniformResourceIdentifier("https://example.org/"),
        x509.OtherName(x509.ObjectIdentifier("1.2.3"), b"\x05\0"),
    )
    assert shown(certificate("mx", names=("mx.example",), others=others)).names == ("mx.example",)


def test_common_name_is_a_host_only_where_there_are_no_dns_names() -> None:
    assert shown(certificate("mx")).hosts == ("mx",)
    assert shown(certificate("Mail Server", names=("mx.example",))).hosts == ("mx.example",)
    assert shown(certificate()).hosts == ()


@pytest.mark.parametrize(
    ("since", "until"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)),
        (datetime(1950, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_dates_far_away(since: datetime, until: datetime) -> None:
    found = shown(certificate("mx", since=since, until=until))
    assert found.not_before == int(since.timestamp()) * SECOND
    assert found.not_after == int(until.timestamp()) * SECOND


def test_odd_certificates_warn_nobody() -> None:
    serial = b"\x02\x02\x03\xe8"
    odd = {
        "negative serial number": MAIL.replace(serial, b"\x02\x02\x83\xe8"),
        "serial number 0": MAIL.replace(serial, b"\x02\x02\x00\x00"),
        "country of seven letters": MAIL.replace(
            b"\x06\x03U\x04\n\x0c\x07Example", b"\x06\x03U\x04\x06\x0c\x07Example"
        ),
        "version 2": MAIL.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x01"),
        "version 9": MAIL.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x09"),
        "parameters of the signature": MAIL.replace(b"\x06\x03+ep", b"\x06\x01*\x05\0"),
    }
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = {name: parse_certificate(chain(der)) for name, der in odd.items()}
    assert not said
    assert all(der != MAIL for der in odd.values())
    for name in ("negative serial number", "country of seven letters"):
        assert found[name] == shown(MAIL)


STAPLED = certificate(
    "mail.example.org", names=("mx.example",), extensions=(x509.TLSFeature([x509.TLSFeatureType.status_request]),)
)


@pytest.mark.parametrize(
    ("whole", "part", "broken"),
    [
        (MAIL, b"\x82\x10mail.example.org", b"\x82\x10mail.example.\xff\xff\xff"),
        (STAPLED, b"\x30\x03\x02\x01\x05", b"\x30\x03\x02\x01\x63"),  # a feature that nobody knows
    ],
)
def test_certificate_whose_extensions_cannot_be_read_keeps_the_rest(whole: bytes, part: bytes, broken: bytes) -> None:
    assert not shown(whole).malformed
    assert part in whole
    found = shown(whole.replace(part, broken))
    assert (found.malformed, found.names, found.subject) == (True, (), "mail.example.org")
    assert found.not_after == shown(whole).not_after


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0\0\0",
        chain(b""),
        chain(b"\0"),
        chain(MAIL)[:-1],
        chain(MAIL + b"\0"),
        chain(MAIL[:-1]),
        chain(MAIL.replace(b"\x0c\x07Example", b"\x03\x07\0xample")),  # bits where text belongs
        vector(b"\xff\xff\xff" + MAIL, 3),
        chain(b"\x30\x84\xff\xff\xff\xff" + bytes(1000)),
        chain(certificate("mx", names=("x" * MAX_CERTIFICATE,))),
    ],
)
def test_what_is_no_certificate_gives_nothing(body: bytes) -> None:
    assert parse_certificate(body) is None


def test_certificate_cut_anywhere_gives_nothing() -> None:
    assert not any(parse_certificate(chain(MAIL[:size])) for size in range(len(MAIL)))


@given(st.binary(max_size=300))
def test_any_bytes_can_be_read(body: bytes) -> None:
    parse_certificate(body)
    parse_certificate(chain(body))


@given(st.lists(st.tuples(st.integers(0, len(STAPLED) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_damaged_certificate_can_be_read(changes: list[tuple[int, int]]) -> None:
    der = bytearray(STAPLED)
    for at, value in changes:
        der[at] = value
    found = parse_certificate(chain(bytes(der)))
    assert found is None or all(text.isprintable() for text in (found.subject or "", *found.names))
