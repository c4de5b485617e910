"""Every reply that has a meaning has something to do about it."""

from __future__ import annotations

import pytest

from analyzer.advice import packaged_knowledge
from analyzer.advice.replies import reply_advice
from analyzer.inventory.device import Refusal
from analyzer.smtp.meanings import _TABLE, meaning

REPLIES = packaged_knowledge().replies


@pytest.mark.parametrize("row", _TABLE, ids=lambda row: f"{row.code}-{row.enhanced}-{row.words}")
def test_every_meaning_has_an_answer(row: tuple[int | None, str | None, str | None, str]) -> None:
    code, enhanced, _, told = row
    answer = reply_advice(Refusal(1, code or 550, enhanced, told), REPLIES.values())
    assert answer is not None
    assert answer.meaning == told


@pytest.mark.parametrize(
    ("code", "enhanced", "text", "words"),
    [
        (535, "5.7.139", "SmtpClientAuthentication is disabled for the Mailbox", "for this mailbox"),
        (535, "5.7.139", "SmtpClientAuthentication is disabled for the Tenant", "for its mailbox alone"),
        (535, "5.7.139", "user is locked by your organization's security defaults policy", "sign-in log"),
        (535, "5.7.139", "the user credentials were incorrect", "present password"),
        (535, "5.7.139", "Authentication unsuccessful", "only the move off passwords lasts"),
        (550, "5.7.30", "Basic authentication is not supported for Client Submission.", "Move the device now"),
        (535, "5.7.3", "Authentication unsuccessful", "TLS"),
        (530, "5.7.57", "Client not authenticated to send mail", "connector"),
        (550, "5.7.60", "Client does not have permissions to send as this sender", "Send As"),
        (550, "5.7.708", "Access denied, traffic not accepted from this IP", "delist"),
        (534, "5.7.9", "Application-specific password required", "2-step"),
        (530, "5.7.0", "Must issue a STARTTLS command first", "STARTTLS"),
        (530, "5.7.0", "Authentication required", "credentials"),
        (421, "4.7.0", "Try again later", "Wait"),
        (454, "4.7.0", "TLS not available due to temporary reason", "certificate"),
        (535, "5.7.8", "Username and Password not accepted", "application password"),
    ],
)
def test_the_replies_that_devices_get_are_answered(code: int, enhanced: str, text: str, words: str) -> None:
    answer = reply_advice(Refusal(1, code, enhanced, meaning(code, enhanced, text)), REPLIES.values())
    assert answer is not None
    assert answer.reply == f"{code} {enhanced}"
    assert words in answer.todo


def test_no_row_is_hidden_by_an_earlier_one() -> None:
    for row in REPLIES.values():
        refusal = Refusal(1, row.code or 550, row.enhanced, row.meaning)
        answer = reply_advice(refusal, REPLIES.values())
        assert answer is not None
        assert answer.todo == row.todo


def test_a_reply_that_nobody_knows_has_none() -> None:
    assert reply_advice(Refusal(1, None, None, None), REPLIES.values()) is None
    assert reply_advice(Refusal(1, 599, None, "?"), REPLIES.values()) is None
