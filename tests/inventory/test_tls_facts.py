"""What the unencrypted part of TLS adds to a session, from packets on."""

from __future__ import annotations

from pathlib import Path

from analyzer.inventory.session import Session
from tests.support.scans import sessions_of
from tests.tls import wire
from tests.tls.certificates import certificate, chain
from tests.verify.dialogues import Line, Pcap

NAMES = ("mail.example.org", "smtp.office365.com")


def session_with(folder: Path, der: bytes, *hello: bytes, before: tuple[Line, ...] = ()) -> Session:
    shown = wire.record(22, wire.message(11, chain(der)))
    path = folder / "one.pcap"
    turns: list[Line] = [
        *before,
        ("C", wire.record(22, wire.message(1, wire.client_hello(*hello)))),
        ("S", wire.SERVER_HELLO_12 + shown + wire.SERVER_HELLO_DONE),
        ("C", wire.CCS + wire.FINISHED_12),
        ("S", wire.CCS + wire.FINISHED_12),
    ]
    path.write_bytes(Pcap().add(turns, server_port=587 if before else 465).bytes())
    (session,) = sessions_of(path)
    return session


def test_session_has_what_the_hello_and_the_certificate_tell(tmp_path: Path) -> None:
    session = session_with(tmp_path, certificate("mx", names=NAMES), wire.alpn(b"smtp"))
    assert (session.tls_alpn, session.tls_client_versions) == (("smtp",), ("1.2",))
    assert (session.tls_ja3_raw, session.tls_ja4_raw) == ("771,4865-49199,16,,", "t12i0201sp_1301,c02f_")
    assert (session.tls_ja3, session.tls_ja4) == (
        "361b5573bf5e601ff48f26f08b28093e",
        "t12i0201sp_c1929292aa6b_000000000000",
    )
    assert session.tls_certificate is not None
    assert (session.tls_certificate.subject, session.tls_certificate.names) == ("mx", NAMES)
    assert session.tls_resumed is False


def test_provider_is_told_by_the_certificate_where_nobody_names_the_server(tmp_path: Path) -> None:
    assert session_with(tmp_path, certificate("mx", names=NAMES)).provider == "exchange-online"
    assert session_with(tmp_path, certificate("smtp.gmail.com")).provider == "gmail"
    assert session_with(tmp_path, certificate("smtp.gmail.com", names=("mail.example.org",))).provider is None


def test_name_the_client_asked_for_and_greeting_come_before_the_certificate(tmp_path: Path) -> None:
    der = certificate("mx", names=NAMES)
    assert session_with(tmp_path, der, wire.server_name(b"smtp.gmail.com")).provider == "gmail"
    greeted: tuple[Line, ...] = (
        ("S", b"220 smtp.gmail.com ESMTP ready\r\n"),
        ("C", b"EHLO copier\r\n"),
        ("S", b"250-smtp.gmail.com\r\n250 STARTTLS\r\n"),
        ("C", b"STARTTLS\r\n"),
        ("S", b"220 go\r\n"),
    )
    session = session_with(tmp_path, der, before=greeted)
    assert (session.tls_mode, session.provider) == ("starttls", "gmail")


def test_certificate_that_cannot_be_read_is_an_oddity(tmp_path: Path) -> None:
    session = session_with(tmp_path, b"\x30\x03abc")
    assert (session.tls_certificate, session.oddities) == (None, {"tls-certificate-malformed": 1})
