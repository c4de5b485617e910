from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.smtp.limits import MAX_NAME
from analyzer.verify.rows import FIELDS, VERBS, Command, Fingerprints, Row, RowParser

CANARY = "CANARYsecret"
TCP: dict[str, list[str]] = {
    "frame_number": ["7"],
    "frame_protocols": ["eth:ethertype:ip:tcp:smtp"],
    "tcp_stream": ["3"],
    "ip_src": ["10.0.0.1"],
    "ip_dst": ["10.0.0.2"],
    "tcp_srcport": ["40000"],
    "tcp_dstport": ["587"],
}


def parse(**layers: list[str]) -> Row | None:
    return RowParser(Fingerprints()).parse(line(**layers))


def line(**layers: Any) -> bytes:
    return json.dumps({"timestamp": "1795466935123", "layers": {**TCP, **layers}}).encode()


def row(**layers: list[str]) -> Row:
    found = parse(**layers)
    assert found is not None
    return found


def test_a_packet_has_its_connection_number_time_and_ends() -> None:
    found = row(smtp_response_code=["220"])
    assert (found.stream, found.frame, found.time) == (3, 7, 1_795_466_935_123_000_000)
    assert (found.source, found.target) == (("10.0.0.1", 40000), ("10.0.0.2", 587))
    assert found.codes == (220,)


def test_no_field_that_holds_nothing_but_credentials_is_asked_for() -> None:
    assert not {"smtp.auth.password", "smtp.auth.username_password", "smtp.message", "smtp.req.parameter"} & set(FIELDS)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (f"AUTH PLAIN {CANARY}\r\n", Command("AUTH", "PLAIN")),
        (f"auth  login {CANARY}\r\n", Command("AUTH", "LOGIN")),
        (f"AUTH {CANARY}\r\n", Command("AUTH")),
        ("AUTH CANARY\r\n", Command("AUTH")),
        ("AUTH\r\n", Command("AUTH")),
        (f"{CANARY}\r\n", Command("")),
        (f"{CANARY} AUTH PLAIN\r\n", Command("")),
        ("MAIL FROM:<CANARY@example.com>\r\n", Command("MAIL")),
        ("starttls\r\n", Command("STARTTLS")),
        ("", Command("")),
    ],
)
def test_of_a_command_line_a_known_verb_and_mechanism_are_kept(said: str, kept: Command) -> None:
    found = row(smtp_command_line=[said])
    assert found.commands == (kept,)
    assert "CANARY" not in repr(found)


@given(st.text())
def test_whatever_a_line_holds_only_words_of_ours_survive(said: str) -> None:
    (command,) = row(smtp_command_line=[said]).commands
    assert command.verb in VERBS | {""}
    assert command.mechanism is None or command.mechanism == said.split()[1].upper()


def test_pipelined_commands_and_several_replies_keep_their_order() -> None:
    assert [c.verb for c in row(smtp_command_line=["RSET\r\n", "AUTH LOGIN\r\n"]).commands] == ["RSET", "AUTH"]
    assert row(smtp_response_code=["250", "235"]).codes == (250, 235)


def test_user_names_are_comparable_within_a_run_and_nowhere_else() -> None:
    one, other = Fingerprints(), Fingerprints()
    assert one.of("scan@example.com") == one.of("scan@example.com ") != one.of("scan@example.org")
    assert one.of("scan@example.com") != other.of("scan@example.com")
    assert one.of("x" * MAX_NAME) == one.of("x" * (MAX_NAME + 1))


@pytest.mark.parametrize("name", ["", "  ", "*", "=", "m\ufffdller", "\x08\x03@", "a\x1b[2J"])
def test_what_tshark_shows_in_place_of_a_user_name_is_none(name: str) -> None:
    assert row(smtp_auth_username=[name]).user is None


def test_a_user_name_is_kept_as_a_fingerprint_and_ntlm_names_have_their_domain() -> None:
    parser = RowParser(Fingerprints())
    plain = parser.parse(line(smtp_auth_username=[CANARY]))
    windows = parser.parse(line(ntlmssp_auth_username=["erp"], ntlmssp_auth_domain=["CORP"]))
    alone = parser.parse(line(ntlmssp_auth_username=["erp"], ntlmssp_auth_domain=["NULL"]))
    assert plain is not None
    assert windows is not None
    assert alone is not None
    assert plain.user == parser.fingerprints.of(CANARY)
    assert windows.user == parser.fingerprints.of("CORP\\erp")
    assert alone.user == parser.fingerprints.of("erp")
    assert CANARY not in repr(plain)


def test_the_innermost_address_counts_in_a_tunnel() -> None:
    inside = row(
        frame_protocols=["eth:ethertype:ipv6:gre:ip:ip:tcp:smtp"],
        ip_src=["192.0.2.1", "10.1.1.1"],
        ip_dst=["192.0.2.2", "10.1.1.2"],
        ipv6_src=["2001:db8::1"],
        ipv6_dst=["2001:db8::2"],
    )
    assert (inside.source[0], inside.target[0]) == ("10.1.1.1", "10.1.1.2")
    outside = row(
        frame_protocols=["eth:ethertype:ip:ipv6:tcp:smtp"], ipv6_src=["2001:db8:0::1"], ipv6_dst=["2001:DB8::2"]
    )
    assert (outside.source[0], outside.target[0]) == ("2001:db8::1", "2001:db8::2")


def test_a_server_hello_says_version_and_cipher_a_client_hello_the_name() -> None:
    tls12 = row(tls_handshake_type=["2", "11"], tls_handshake_version=["0x0303"], tls_handshake_ciphersuite=["0xc02f"])
    assert (tls12.hello, tls12.version, tls12.cipher) == (2, "1.2", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")
    tls13 = row(
        tls_handshake_type=["2"],
        tls_handshake_version=["0x0303"],
        tls_handshake_ciphersuite=["4866"],
        tls_handshake_extensions_supported_version=["0x0304"],
    )
    assert (tls13.version, tls13.cipher) == ("1.3", "TLS_AES_256_GCM_SHA384")
    client = row(tls_handshake_type=["1"], tls_handshake_extensions_server_name=["mail.example.com"])
    assert (client.hello, client.sni, client.version) == (1, "mail.example.com", None)


def test_what_tshark_decrypted_is_not_kept() -> None:
    found = row(
        frame_protocols=["eth:ethertype:ip:tcp:tls:smtp"],
        smtp_command_line=[f"AUTH PLAIN {CANARY}\r\n"],
        smtp_auth_username=["scan"],
        smtp_response_code=["235"],
    )
    assert found.decrypted
    assert (found.commands, found.codes, found.user) == ((), (), None)
    assert not found.unfit


def test_a_packet_in_which_nothing_was_decoded_is_told_from_one_with_unusual_content() -> None:
    assert row().unfit
    assert row(smtp_command_line=["\x16\x03\x01"]).unfit
    assert not row(smtp_auth_username=["\x08"]).unfit
    assert not row(smtp_command_line=["QUIT\r\n"]).unfit
    assert not row(tls_handshake_type=["1"]).unfit


@pytest.mark.parametrize("text", [b"", b"\n", b'{"index":{"_index":"packets-2026-11-23"}}'])
def test_lines_between_the_packets_are_passed_over(text: bytes) -> None:
    parser = RowParser(Fingerprints())
    assert parser.parse(text) is None
    assert parser.unreadable == 0


@pytest.mark.parametrize(
    "text",
    [
        b"oops",
        b"[1]",
        b"null",
        b'{"layers": 3}',
        b'{"layers": {}}',
        line(tcp_stream=[]),
        line(ip_src=["x"]),
        b"[" * 99999,
    ],
)
def test_a_line_that_makes_no_sense_is_counted(text: bytes) -> None:
    parser = RowParser(Fingerprints())
    assert parser.parse(text) is None
    assert parser.unreadable == 1


@given(st.binary(max_size=200))
def test_no_line_raises(noise: bytes) -> None:
    RowParser(Fingerprints()).parse(noise)
    good = line(smtp_command_line=["EHLO x\r\n"])
    RowParser(Fingerprints()).parse(good[: len(noise)] + noise + good[len(noise) :])


def test_bytes_that_are_no_text_and_raw_control_characters_do_not_spoil_a_line() -> None:
    text = line(smtp_command_line=["EHLO %\r\n"]).replace(b"%", b"\xff\x07")
    found = RowParser(Fingerprints()).parse(text)
    assert found is not None
    assert found.commands == (Command("EHLO"),)
