"""Which family each SASL mechanism belongs to."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.smtp.mechanisms import UNNAMED, Mechanism, is_mechanism_name, mechanism
from analyzer.smtp.records import Method

FAMILIES: dict[Method, list[bytes]] = {
    "basic": [b"PLAIN", b"LOGIN"],
    "challenge": [
        *(b"CRAM-MD5", b"DIGEST-MD5", b"NTLM", b"SCRAM-SHA-1", b"SCRAM-SHA-1-PLUS", b"SCRAM-SHA-256"),
        *(b"SCRAM-SHA-256-PLUS", b"SCRAM-SHA-512", b"SCRAM-SHA3-512-PLUS"),
    ],
    "oauth": [b"XOAUTH2", b"OAUTHBEARER"],
    "certificate": [b"EXTERNAL"],
    "kerberos": [b"GSSAPI", b"GS2-KRB5", b"GS2-KRB5-PLUS", b"GS2-IAKERB"],
    "anonymous": [b"ANONYMOUS"],
}
LISTED = [(name, method) for method, names in FAMILIES.items() for name in names]


@pytest.mark.parametrize(("name", "method"), LISTED)
def test_each_mechanism_belongs_to_its_family_in_any_case(name: bytes, method: Method) -> None:
    found = mechanism(name)
    assert (found.name, found.method) == (name.decode(), method)
    assert mechanism(name.lower()) == mechanism(name.title()) == found


@pytest.mark.parametrize("name", [name for name, method in LISTED if method != "anonymous"])
def test_names_are_read_under_each_mechanism_but_anonymous(name: bytes) -> None:
    assert mechanism(name).decode is not None


def test_the_trace_of_an_anonymous_login_is_not_read() -> None:
    assert mechanism(b"ANONYMOUS").decode is None


@pytest.mark.parametrize("name", [b"GSS-SPNEGO", b"NEGOTIATE"])
def test_what_may_be_kerberos_or_ntlm_is_neither_before_its_first_token(name: bytes) -> None:
    assert mechanism(name).method == "unknown"
    assert mechanism(name).decode is not None


@pytest.mark.parametrize("name", [b"OTP", b"X-UNHEARD-OF", b"EXCHANGEAUTH", b"PLAIN-CLIENTTOKEN", b"LOGINX", b"SCRAM"])
def test_an_unknown_mechanism_is_unknown_and_keeps_its_name_if_the_server_offers_it(name: bytes) -> None:
    offered = ("PLAIN", name.decode())
    assert mechanism(name, offered) == mechanism(name.lower(), offered) == Mechanism(name.decode(), "unknown")
    assert mechanism(name) is mechanism(name, ("PLAIN",)) is UNNAMED, "it may be a secret in the mechanism's place"


@pytest.mark.parametrize(
    "word",
    [
        b"czNjcjN0LWM0bjRyeQ==",
        b"AHVzZXIAczNjcjN0",
        b"s3cr3t-c4n4ry",
        b"secret",
        b"Passw0rd",
        b"user@example.com",
        b"X" * 21,
        b"PLAIN:",
        b"\xff",
        b"",
    ],
)
def test_what_stands_in_the_mechanisms_place_and_is_none_is_not_shown(word: bytes) -> None:
    assert mechanism(word) is UNNAMED


@settings(deadline=None)
@given(st.binary(max_size=30))
def test_a_name_that_is_shown_is_one_that_rfc_4422_allows(name: bytes) -> None:
    found = mechanism(name, (name.decode("latin-1").upper(),))
    assert found.name is None or is_mechanism_name(found.name.encode())


def test_server_offers_are_held_to_the_same_form() -> None:
    assert is_mechanism_name(b"SCRAM-SHA-256-PLUS")
    assert not is_mechanism_name(b"plain")
    assert not is_mechanism_name(b"PLAIN LOGIN")
    assert not is_mechanism_name(b"")
