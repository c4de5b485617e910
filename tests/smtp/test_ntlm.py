"""Names in NTLM messages, alone and within SPNEGO; responses never come out of here, whatever offsets say."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.smtp import ntlm, sasl
from analyzer.smtp.ntlm import NtlmNames
from analyzer.smtp.sasl import Identity, Malformed
from tests.smtp import tokens

RESPONSE = b"r3sp0ns3-of-the-client--"
TYPE_3 = tokens.authenticate("user", "CORP", "PC", response=RESPONSE)
LM, NT, DOMAIN, USER, WORKSTATION, KEY = 12, 20, 28, 36, 44, 52


END = len(TYPE_3)


def with_field(blob: bytes, at: int, length: int, offset: int) -> bytes:
    return blob[:at] + tokens.field(length, offset) + blob[at + 8 :]


@pytest.mark.parametrize("names_first", [True, False])
@pytest.mark.parametrize("header", [52, 64, 72, 88])
@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize("user", ["user", "usr", "Jürgen", "u"])
def test_a_type_3_message_names_user_domain_and_workstation(
    user: str, unicode: bool, header: int, names_first: bool
) -> None:
    blob = tokens.authenticate(user, "CORP", "PC-1", unicode=unicode, header=header, names_first=names_first)
    assert ntlm.read_names(blob) == NtlmNames(user, "CORP", "PC-1")


def test_names_in_other_scripts_are_read() -> None:
    assert ntlm.read_names(tokens.authenticate("Имя", "Дом")) == NtlmNames("Имя", "Дом", "")
    assert ntlm.read_names(tokens.authenticate("名前", "会社")) == NtlmNames("名前", "会社", "")


def test_a_type_1_message_names_domain_and_workstation_in_the_clients_own_character_set() -> None:
    assert ntlm.read_names(tokens.negotiate(b"CORP", b"PC")) == NtlmNames("", "CORP", "PC")
    assert ntlm.read_names(tokens.negotiate()) == NtlmNames("", "", "")
    assert ntlm.read_names(tokens.negotiate()[:16]) == NtlmNames("", "", "")


def test_a_type_1_message_names_nobody_where_no_flag_says_so() -> None:
    assert ntlm.read_names(tokens.negotiate(b"CORP", b"PC", flags=tokens.OEM)) == NtlmNames("", "", "")


@pytest.mark.parametrize("offset", [0, 8, 32, 5000, 2**32 - 1])
def test_an_empty_field_covers_nothing_wherever_it_points(offset: int) -> None:
    type_1 = with_field(tokens.negotiate(b"CORP", b"PC", flags=0x3001), 16, 0, offset)
    assert ntlm.read_names(type_1) == NtlmNames("", "", "PC")
    assert ntlm.read_names(with_field(TYPE_3, WORKSTATION, 0, offset)) == NtlmNames("user", "CORP", "")


@pytest.mark.parametrize(
    ("at", "length", "offset"), [(16, 4, 0), (16, 4, 20), (24, 2, 31), (16, 4, 4000), (24, 9999, 32)]
)
def test_a_type_1_message_whose_fields_lie_elsewhere_names_nobody(at: int, length: int, offset: int) -> None:
    assert ntlm.read_names(with_field(tokens.negotiate(b"CORP", b"PC"), at, length, offset)) is None


@pytest.mark.parametrize("at", [DOMAIN, USER, WORKSTATION])
@pytest.mark.parametrize(
    ("length", "offset"),
    [(8, 0), (8, 12), (8, 44), (24, 84), (48, 84), (2, 107), (8, END - 1), (8, END), (65535, 64), (8, 2**32 - 4)],
)
def test_a_name_over_the_header_over_a_response_or_outside_is_refused(at: int, length: int, offset: int) -> None:
    assert ntlm.read_names(with_field(TYPE_3, at, length, offset)) is None


def test_a_name_over_the_session_key_is_refused() -> None:
    key_at = struct.unpack_from("<HHI", TYPE_3, USER)[2]
    assert ntlm.read_names(with_field(TYPE_3, KEY, 8, key_at)) is None


@pytest.mark.parametrize("cut", range(len(TYPE_3)))
def test_a_truncated_message_shows_whole_names_or_none(cut: int) -> None:
    names = ntlm.read_names(TYPE_3[:cut])
    assert names in (None, NtlmNames("user", "CORP", "PC"))


@settings(deadline=None)
@given(st.binary(max_size=120), st.integers(0, 4))
def test_any_bytes_after_the_signature_are_names_or_nothing(rest: bytes, kind: int) -> None:
    blob = tokens.SIGNATURE + struct.pack("<I", kind) + rest
    names = ntlm.read_names(blob)
    assert names is None or kind in (1, 3)


@settings(deadline=None)
@given(st.sampled_from([DOMAIN, USER, WORKSTATION]), st.integers(0, 300), st.integers(0, 300))
def test_no_lie_about_a_names_place_shows_the_response(at: int, length: int, offset: int) -> None:
    names = ntlm.read_names(with_field(TYPE_3, at, length, offset))
    for name in names or ():
        for piece in (name.encode("latin-1", "ignore"), name.encode("utf-16-le")):
            assert len(piece) < 2 or piece not in RESPONSE


@pytest.mark.parametrize("blob", [b"", b"NTLMSSP", b"NTLMSSP\0", b"NTLMSSP\0\3\0\0", b"ntlmssp\0\3\0\0\0" + bytes(60)])
def test_what_is_no_ntlm_message_has_no_type(blob: bytes) -> None:
    assert ntlm.message_type(blob) is None
    assert ntlm.read_names(blob) is None


def test_the_servers_challenge_names_nobody() -> None:
    assert ntlm.message_type(tokens.SIGNATURE + struct.pack("<I", 2)) == 2
    assert ntlm.read_names(tokens.SIGNATURE + struct.pack("<I", 2) + bytes(60)) is None


# --- as a SASL mechanism ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("blob", "identity"),
    [
        (tokens.authenticate("user", "CORP", "PC"), Identity("CORP\\user", None, "CORP")),
        (tokens.authenticate("user", "", "PC"), Identity("user", None, "PC")),
        (tokens.authenticate("user@corp.example", "CORP"), Identity("user@corp.example", None, "CORP")),
        (tokens.authenticate("user@corp.example", ""), Identity("user@corp.example")),
        (tokens.authenticate("", "", "PC"), Identity(None, None, "PC")),
        (tokens.negotiate(b"CORP", b"PC"), Identity(None, None, "CORP")),
        (tokens.negotiate(), None),
    ],
)
def test_ntlm_names_domain_and_user(blob: bytes, identity: Identity | None) -> None:
    assert sasl.ntlm_names(blob, 0) == identity


@pytest.mark.parametrize("blob", [b"", b"user", b"\0user\0pass", TYPE_3[:30], with_field(TYPE_3, USER, 24, 76)])
def test_ntlm_of_another_form_names_nobody(blob: bytes) -> None:
    with pytest.raises(Malformed):
        sasl.ntlm_names(blob, 0)


# --- GSSAPI and SPNEGO -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "message",
    [
        tokens.kerberos_token(),
        tokens.negotiation(tokens.KERBEROS, token=tokens.kerberos_token()),
        tokens.negotiation(tokens.KERBEROS, tokens.NTLM, token=tokens.kerberos_token()),
        b"opaque",
    ],
)
def test_a_first_token_without_ntlm_is_kerberos(message: bytes) -> None:
    assert sasl.negotiate(message, 0) == Identity(method="kerberos")


@pytest.mark.parametrize("message", [tokens.negotiation(tokens.NTLM), tokens.negotiation(tokens.KERBEROS, tokens.NTLM)])
def test_a_first_token_that_only_offers_ntlm_leaves_it_open(message: bytes) -> None:
    assert sasl.negotiate(message, 0) == Identity(method="unknown")


def test_ntlm_within_spnego_is_a_password_after_all() -> None:
    begin = tokens.negotiation(tokens.NTLM, token=tokens.negotiate())
    end = tokens.negotiation_goes_on(tokens.authenticate("user", "CORP"))
    assert sasl.negotiate(begin, 0) == Identity(method="challenge")
    assert sasl.negotiate(end, 1) == Identity("CORP\\user", None, "CORP", "challenge")
    assert sasl.negotiate(tokens.authenticate("user", "CORP"), 1) == Identity("CORP\\user", None, "CORP", "challenge")


@pytest.mark.parametrize("token", [TYPE_3[:30], TYPE_3[:70], with_field(TYPE_3, USER, 24, 76), tokens.SIGNATURE])
def test_ntlm_that_cannot_be_read_is_still_no_kerberos(token: bytes) -> None:
    assert sasl.negotiate(tokens.negotiation(tokens.NTLM, token=token), 0) == Identity(method="challenge")


def test_a_later_opaque_token_changes_nothing() -> None:
    assert sasl.negotiate(b"opaque", 1) is None
    assert sasl.negotiate(b"", 0) is None
