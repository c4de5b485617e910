"""No explanation of any recorded session shows a secret, in the clear, inferred or decrypted; nor how long it is."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path

import pytest

from analyzer.cli import main
from analyzer.explanation.account import Account
from analyzer.inventory.session import Session
from analyzer.report.explanation import explanation_record
from analyzer.report.redact import Redactor
from tests.explanation.telling import every_account, told
from tests.support.material import REPOSITORY
from tests.support.tools import needs_tshark
from tests.test_secrets import _assert_silent
from tests.tls import wire
from tests.verify.dialogues import Line, Pcap, b64, bye, hello

CAPTURES = REPOSITORY / "captures"


def assert_all_silent(accounts: Iterable[tuple[Session, Account]]) -> int:
    count = 0
    for session, account in accounts:
        count += 1
        for redactor in (None, Redactor(b"key")):
            _assert_silent(told(session, account, redactor=redactor).encode())
            _assert_silent(json.dumps(explanation_record(session, account, redactor)).encode())
        _assert_silent(repr(account).encode())
    return count


@pytest.mark.parametrize("folder", ["mechanisms", "office", "generated", "tls"])
def test_no_explanation_shows_a_secret(folder: str) -> None:
    assert assert_all_silent(every_account(CAPTURES / folder))


@needs_tshark
@pytest.mark.parametrize(("folder", "keys"), [("mechanisms", "keys.log"), ("office", "keys.log")])
def test_no_explanation_shows_a_secret_that_was_decrypted(folder: str, keys: str) -> None:
    accounts = list(every_account(CAPTURES / folder, keys=CAPTURES / keys))
    assert any(entry.kind == "auth" for _, account in accounts for entry in account.inside or ())
    assert_all_silent(accounts)


def test_names_that_are_to_be_left_out_are_nowhere_in_any_explanation() -> None:
    redactor = Redactor(b"key")
    for session, account in every_account(CAPTURES / "office"):
        names = {attempt.username for attempt in session.auth if attempt.username}
        text = told(session, account, redactor=redactor)
        assert not [name for name in names if "@" in name and name in text]


# --- lengths ----------------------------------------------------------------------------------------


def clear_login(password: bytes) -> list[Line]:
    return [
        *hello(),
        ("C", b"AUTH LOGIN\r\n"),
        ("S", b"334 VXNlcm5hbWU6\r\n"),
        ("C", b64(b"scan@example.com") + b"\r\n"),
        ("S", b"334 UGFzc3dvcmQ6\r\n"),
        ("C", b64(password) + b"\r\n"),
        ("S", b"535 5.7.8 authentication failed\r\n"),
        ("C", b"AUTH PLAIN " + b64(b"\0scan@example.com\0" + password) + b"\r\n"),
        ("S", b"235 2.7.0 ok\r\n"),
        ("C", b"MAIL FROM:<scan@example.com>\r\n"),
        ("S", b"250 ok\r\n"),
        *bye(),
    ]


def sealed(said: int) -> bytes:
    """So many bytes in a record of TLS 1.3 (RFC 8446 section 5.2): a byte for the type, 16 for the tag."""
    return wire.data(said + 17)


def tls_login(password: bytes) -> list[Line]:
    """LOGIN inside TLS 1.3 as it looks from outside."""
    response = len(b64encode(password)) + 2
    lines: list[Line] = [
        ("C", wire.CLIENT_HELLO_13),
        ("S", wire.SERVER_HELLO_13 + wire.data(900) + wire.data(53)),
        ("C", wire.CCS + wire.data(53)),
    ]
    turns = ((0, 62), (22, 190), (12, 18), (26, 18), (response, 31), (33, 14), (31, 14), (6, 37), (2900, 41), (6, 15))
    for said, heard in turns:
        if said:
            lines.append(("C", sealed(said)))
        lines.append(("S", sealed(heard)))
    return lines


@pytest.mark.parametrize("format", ["table", "json"])
@pytest.mark.parametrize("login", [clear_login, tls_login])
def test_passwords_of_any_length_give_the_same_explanation(
    login: object, format: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(login)
    seen = set()
    for size in (6, 8, 11, 14, 17, 22, 28):
        path = Pcap().add(login(b"x" * size), server_port=465).write(tmp_path / "one.pcap")
        assert main(["explain", str(path), "--session", "10.0.0.1", "--format", format]) == 0
        seen.add(capsys.readouterr().out)
    assert len(seen) == 1
    assert "AUTH LOGIN" in seen.pop()
