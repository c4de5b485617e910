"""What tshark makes of exchanges of every form: no wrong alarm, and no secret, whatever it loses track of.

A newer tshark may see more; then the expectation here and the explanation in the analyzer change together.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.capture.inputs import expand
from analyzer.commands.keys import Keys
from analyzer.commands.verify import verify_input
from analyzer.packets import SUBMISSION_PORTS
from analyzer.tshark.program import find_tshark
from analyzer.verify import blind_spots
from analyzer.verify.records import Comparison, Verdict
from tests.support.tools import needs_tshark
from tests.verify.dialogues import Line, Pcap, b64, bye, hello

USER, CANARY = b"scan@example.com", b"CANARY"
OK, NO = ("S", b"235 2.7.0 ok\r\n"), ("S", b"535 5.7.8 no\r\n")
FULL = ["TLS", "mechanism", "user", "code"]
NO_USER = ["TLS", "mechanism", "code"]


def asked(*answers: bytes) -> list[Line]:
    """A challenge before each answer."""
    return [line for answer in answers for line in (("S", b"334 VXNlcm5hbWU6\r\n"), ("C", answer + b"\r\n"))]


def plain(user: bytes = USER) -> bytes:
    return b64(b"\0" + user + b"\0" + CANARY)


def compared(lines: list[Line], folder: Path) -> Comparison:
    path = Pcap().add(hello() + lines + bye()).write(folder / "a.pcap")
    ((given,), _) = expand([str(path)])
    verdict = Verdict("")
    verify_input(given, find_tshark(), SUBMISSION_PORTS, Keys(), verdict)
    assert verdict.problems == []
    (comparison,) = verdict.comparisons
    assert "CANARY" not in repr(comparison)
    return comparison


@needs_tshark
@pytest.mark.parametrize(
    ("lines", "agreed"),
    [
        ([("C", b"AUTH PLAIN " + plain() + b"\r\n"), OK], FULL),
        ([("C", b"auth plain " + plain() + b"\r\n"), NO], FULL),
        ([("C", b"AUTH PLAIN\r\n"), *asked(plain()), OK], FULL),
        ([("C", b"AUTH PLAIN " + b64(b"boss\0" + USER + b"\0" + CANARY) + b"\r\n"), OK], FULL),
        ([("C", b"AUTH PLAIN " + plain("müller".encode()) + b"\r\n"), OK], FULL),
        ([("C", b"AUTH LOGIN\r\n"), *asked(b64(USER), b64(CANARY)), OK], FULL),
        ([("C", b"AUTH LOGIN " + b64(USER) + b"\r\n"), *asked(b64(CANARY)), NO], FULL),
        (
            [("C", b"AUTH PLAIN " + plain() + b"\r\n"), NO, ("C", b"AUTH PLAIN " + plain() + b"\r\n"), OK],
            FULL + FULL[1:],
        ),
        ([("C", b"AUTH PLA"), ("C", b"IN " + plain() + b"\r\n"), ("S", b"23"), ("S", b"5 ok\r\n")], FULL),
        ([("C", b"STARTTLS\r\n"), ("S", b"454 no\r\n")], ["TLS", "STARTTLS", "STARTTLS accepted", "no AUTH"]),
    ],
)
def test_common_forms_are_seen_by_both(lines: list[Line], agreed: list[str], tmp_path: Path) -> None:
    comparison = compared(lines, tmp_path)
    assert (comparison.outcome, comparison.agreed, comparison.unseen) == ("agree", agreed, [])


@needs_tshark
@pytest.mark.parametrize(
    ("lines", "agreed", "silence"),
    [
        # tshark takes the first line after the command for the password, whatever was asked.
        ([("C", b"AUTH LOGIN =\r\n"), *asked(b64(USER), b64(CANARY)), OK], NO_USER, blind_spots.user("LOGIN")),
        # It does not notice that an exchange was cancelled, and decodes nothing in the next one.
        (
            [
                ("C", b"AUTH LOGIN\r\n"),
                *asked(b"*"),
                ("S", b"501 cancelled\r\n"),
                ("C", b"AUTH PLAIN " + plain() + b"\r\n"),
                OK,
            ],
            [*NO_USER, *NO_USER[1:]],
            blind_spots.user("PLAIN"),
        ),
        # It wants exactly one space.
        ([("C", b"AUTH  PLAIN " + plain() + b"\r\n"), OK], NO_USER, blind_spots.user("PLAIN")),
        (
            [("C", b"AUTH CRAM-MD5\r\n"), *asked(b64(USER + b" " + b"0123456789abcdef" * 2)), OK],
            NO_USER,
            blind_spots.user("CRAM-MD5"),
        ),
        (
            [("C", b"AUTH XOAUTH2\r\n"), *asked(b64(b"user=" + USER + b"\1auth=Bearer " + CANARY * 300 + b"\1\1")), OK],
            NO_USER,
            blind_spots.user("XOAUTH2"),
        ),
        (
            [("C", b"RSET\r\nAUTH PLAIN " + plain() + b"\r\n"), ("S", b"250 ok\r\n235 ok\r\n")],
            FULL[:3],
            blind_spots.NOT_PAIRED,
        ),
    ],
)
def test_silence_is_explained(lines: list[Line], agreed: list[str], silence: str, tmp_path: Path) -> None:
    comparison = compared(lines, tmp_path)
    assert (comparison.outcome, comparison.agreed) == ("agree", agreed)
    assert [unseen.reason for unseen in comparison.unseen] == [silence]


@needs_tshark
@pytest.mark.parametrize(
    "lines",
    [
        # The user twice: tshark takes the second one for the password and the password for a command.
        [("C", b"AUTH LOGIN " + b64(USER) + b"\r\n"), *asked(b64(USER), b64(CANARY)), OK],
        # A client that forgot the mechanism.
        [("C", b"AUTH " + plain() + b"\r\n"), ("S", b"504 what\r\n")],
        # Not base64 at all.
        [("C", b"AUTH PLAIN " + CANARY + b"@@\r\n"), NO],
        [("C", b"AUTH LOGIN\r\n"), *asked(b"scan@example.com", CANARY), NO],
        # Commands in message text.
        [
            ("C", b"MAIL FROM:<a@example.com>\r\n"),
            ("S", b"250 ok\r\n"),
            ("C", b"RCPT TO:<b@example.com>\r\n"),
            ("S", b"250 ok\r\n"),
            ("C", b"DATA\r\n"),
            ("S", b"354 go\r\n"),
            ("C", b"Subject: x\r\n\r\nAUTH LOGIN\r\n.\r\n"),
            ("S", b"250 ok\r\n"),
        ],
        [
            ("C", b"MAIL FROM:<a@example.com>\r\n"),
            ("S", b"250 ok\r\n"),
            ("C", b"RCPT TO:<b@example.com>\r\n"),
            ("S", b"250 ok\r\n"),
            ("C", b"BDAT 12 LAST\r\nAUTH LOGIN\r\n"),
            ("S", b"250 ok\r\n"),
        ],
        # A promise of TLS that is not kept.
        [
            ("C", b"STARTTLS\r\n"),
            ("S", b"220 go\r\n"),
            ("C", b"EHLO x\r\n"),
            ("S", b"250 ok\r\n"),
            ("C", b"AUTH PLAIN " + plain() + b"\r\n"),
            OK,
        ],
    ],
)
def test_forms_that_confuse_tshark_raise_no_alarm(lines: list[Line], tmp_path: Path) -> None:
    assert compared(lines, tmp_path).outcome == "agree"


@needs_tshark
def test_a_lost_packet_raises_no_alarm(tmp_path: Path) -> None:
    for lost in (b"AUTH PLAIN " + plain() + b"\r\n", b"EHLO again\r\n"):
        comparison = compared([("-", lost), OK, ("C", b"NOOP\r\n"), ("S", b"250 ok\r\n")], tmp_path)
        assert comparison.outcome == "agree", comparison
