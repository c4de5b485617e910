"""A report by mail: what the message is, and that a real program takes it to a real server."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from hypothesis import given
from hypothesis import strategies as st

from analyzer.delivery import mail
from analyzer.delivery.mail import LONGEST_SUBJECT, MOST_RECIPIENTS, compose, hand_over, recipient, sendmail_command
from analyzer.errors import UsageError

MONDAY = datetime(2026, 11, 23, 6, tzinfo=UTC)
PAGE = "<!doctype html><title>x</title><p>" + "Käse " * 500

needs_msmtp = pytest.mark.skipif(shutil.which("msmtp") is None, reason="msmtp is not installed")


def parsed(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def composed(subject: str, text: str = "Text.\n", *to: str) -> EmailMessage:
    return parsed(compose(to or ["it@example.com"], subject, text, PAGE, name="week.html", date=MONDAY))


def test_the_text_is_shown_and_the_page_is_attached() -> None:
    message = composed("3 devices still use a password.", "Zürich\n.\nend\n", "it@example.com", "boss@example.com")
    assert message["Subject"] == "3 devices still use a password."
    assert message["To"] == "it@example.com, boss@example.com"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"] == "Mon, 23 Nov 2026 06:00:00 +0000"
    assert message["From"] is None
    text, preformatted = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert preformatted is not None
    assert text.get_content() == "Zürich\n.\nend\n"
    assert ">Zürich\n.\nend\n</pre>" in preformatted.get_content()
    (page,) = message.iter_attachments()
    assert (page.get_content_type(), page.get_filename()) == ("text/html", "week.html")
    assert page.get_content().rstrip("\n") == PAGE


def test_what_looks_like_markup_in_the_text_is_text() -> None:
    shown = composed("s", "<script>alert(1)</script> & more\n").get_body(("html",))
    assert shown is not None
    assert "<script" not in shown.get_content()
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in shown.get_content()


def test_the_sender_stands_in_the_head_where_it_is_given() -> None:
    raw = compose(["it@example.com"], "s", "t", PAGE, name="week.html", sender="report@example.com", date=MONDAY)
    assert parsed(raw)["From"] == "report@example.com"


def test_lines_are_short_enough_and_end_as_on_this_machine() -> None:
    raw = compose(["it@example.com"], "s" * 300, "x" * 5000, PAGE, name="week.html", date=MONDAY)
    assert b"\r" not in raw
    assert max(map(len, raw.split(b"\n"))) <= 998  # RFC 5322 section 2.1.1


@given(st.text(max_size=400))
def test_no_subject_becomes_another_field_or_part(subject: str) -> None:
    message = composed(subject)
    assert set(message.keys()) == {"To", "Subject", "Date", "Auto-Submitted", "MIME-Version", "Content-Type"}
    assert len(list(message.iter_parts())) == 2
    assert len(message["Subject"]) <= LONGEST_SUBJECT
    assert str(message["Subject"]).isprintable()


@pytest.mark.parametrize(
    "subject",
    [
        "x\r\nBcc: e@example.net",
        "x\nBcc: e@example.net\n\nbody",
        "x\x85Bcc: e@example.net",
        "\x1b]0;title\x07",
        "\udc80",
    ],
)
def test_a_subject_that_tries_to_be_more_stays_a_subject(subject: str) -> None:
    assert "Bcc" not in composed(subject)


@pytest.mark.parametrize("address", ["it@example.com", "first.last+tag@sub.example.com", "o'neil@example.com"])
def test_addresses(address: str) -> None:
    assert recipient(address).addr_spec == address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "it",
        "@example.com",
        "it@",
        "it@example.com, boss@example.com",
        "It <it@example.com>",
        "it@example.com\nBcc: evil@example.net",
        "it@example.com\r\n\r\nbody",
        "it @example.com",
        '"a b"@example.com',
        "ité@example.com",
        "it@exa\x1bmple.com",
        "i" * 250 + "@example.com",
    ],
)
def test_what_is_no_address_is_refused_in_one_line(address: str) -> None:
    with pytest.raises(UsageError, match="no mail address") as refused:
        recipient(address)
    assert str(refused.value).isprintable()


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        recipient(text)
    except UsageError:
        return
    assert text.isascii()
    assert text.isprintable()


def test_too_many_recipients_are_refused() -> None:
    with pytest.raises(UsageError, match="send it to a list"):
        compose(["it@example.com"] * (MOST_RECIPIENTS + 1), "s", "t", PAGE, name="week.html", date=MONDAY)


def program(folder: Path, body: str) -> str:
    """A sendmail of one's own; returns its path."""
    path = folder / "sendmail"
    path.write_text(f"#!{sys.executable}\nimport sys, time\n{body}\n")
    path.chmod(0o755)
    return str(path)


def test_sendmail_is_found_in_the_path_and_told_to_read_recipients(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = program(tmp_path, "")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert sendmail_command() == [path, "-t", "-i"]


def test_no_sendmail_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(mail, "_PLACES", ())
    with pytest.raises(UsageError, match="no sendmail on this machine"):
        sendmail_command()


@pytest.mark.parametrize("command", ["", "  ", "'unfinished", "/nowhere/sendmail"])
def test_a_command_that_is_none_is_told(command: str) -> None:
    with pytest.raises(UsageError, match="--sendmail"):
        sendmail_command(command)


def test_a_command_keeps_its_own_options(tmp_path: Path) -> None:
    path = program(tmp_path, "")
    assert sendmail_command(f"{path} -a 'of fice'") == [path, "-a", "of fice", "-t", "-i"]


def test_a_refusal_is_told_with_what_the_program_said(tmp_path: Path) -> None:
    path = program(tmp_path, "sys.stdin.read(); sys.stderr.write('no \\x1b[31mroute\\n' * 100); sys.exit(75)")
    with pytest.raises(UsageError) as refused:
        hand_over(b"To: it@example.com\n\nx\n", [path])
    assert str(refused.value).startswith(f"{path} refused the mail (exit code 75): no \\x1b[31mroute no")
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 500


def test_a_program_that_does_not_read_is_told_by_its_exit_code(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="exit code 64"):
        hand_over(b"x" * 1_000_000, [program(tmp_path, "sys.exit(64)")])


def test_a_program_that_hangs_is_ended(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did not take the mail"):
        hand_over(b"x", [program(tmp_path, "time.sleep(600)")], patience=0.2)


def test_a_delivery_that_goes_on_in_the_background_is_not_waited_for(tmp_path: Path) -> None:
    left = tmp_path / "left"
    body = f"""sys.stdin.read()
import subprocess
behind = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])
open({str(left)!r}, 'w').write(str(behind.pid))"""
    try:
        hand_over(b"x", [program(tmp_path, body)], patience=30)
    finally:
        os.kill(int(left.read_text()), signal.SIGKILL)


def test_a_program_that_cannot_run_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "sendmail"
    broken.write_text("#!/nowhere\n")
    broken.chmod(0o755)
    with pytest.raises(UsageError, match="cannot be run"):
        hand_over(b"x", [str(broken)])


class Inbox:
    """Keeps what a server was given."""

    def __init__(self) -> None:
        self.received: list[tuple[list[str], bytes]] = []

    async def handle_DATA(self, server: object, session: object, envelope: object) -> str:
        self.received.append((list(envelope.rcpt_tos), bytes(envelope.content)))  # type: ignore[attr-defined]
        return "250 OK"


@pytest.fixture
def server() -> Iterator[tuple[Inbox, int]]:
    inbox = Inbox()
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    controller = Controller(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield inbox, port
    finally:
        controller.stop()


@needs_msmtp
def test_msmtp_takes_it_to_a_server(server: tuple[Inbox, int], tmp_path: Path) -> None:
    inbox, port = server
    settings = tmp_path / "msmtprc"
    settings.write_text(f"account default\nhost 127.0.0.1\nport {port}\nfrom report@example.com\n")
    settings.chmod(0o600)
    raw = compose(["it@example.com", "boss@example.com"], "3 devices", "a\n.\nb\n", PAGE, name="week.html", date=MONDAY)
    hand_over(raw, sendmail_command(f"msmtp -C {settings}"))
    ((recipients, content),) = inbox.received
    assert recipients == ["it@example.com", "boss@example.com"]
    message = message_from_bytes(content, policy=SMTP)
    assert isinstance(message, EmailMessage)
    text, (page,) = message.get_body(("plain",)), message.iter_attachments()
    assert text is not None
    assert text.get_content().splitlines() == ["a", ".", "b"]
    assert page.get_content().rstrip("\n") == PAGE
