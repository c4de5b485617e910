"""What stands for a SASL message names whom records name, and holds nothing else."""

from __future__ import annotations

import base64

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from analyzer.scrub.responses import response
from analyzer.smtp.exchange import Exchange
from analyzer.smtp.records import AuthAttempt, Tally
from tests.smtp.dialogues import CASES, IN_THE_CLEAR
from tests.smtp.playing import read

NAMING = {
    "PLAIN": 0,
    "LOGIN": 0,
    "CRAM-MD5": 0,
    "DIGEST-MD5": 0,
    "SCRAM-SHA-256": 0,
    "NTLM": 1,
    "XOAUTH2": 0,
    "OAUTHBEARER": 0,
    "EXTERNAL": 0,
    "GS2-KRB5": 0,
    "GSS-SPNEGO": 1,
}
"""Mechanisms, and the position of the message that names the user."""

users = st.from_regex(r"\A[a-z][a-z0-9.=,\"\\_-]{0,20}(@[a-z]{1,9}\.example)?\Z")


def reread(attempt: AuthAttempt, position: int, size: int | None = None) -> AuthAttempt:
    """What the parser makes of the messages that stand for those of ``attempt``."""
    exchange = Exchange((attempt.mechanism or "").encode(), 0, Tally())
    for at in range(position + 1):
        exchange.answer(response(attempt, at, size, named=at == position, rename=None))
    if attempt.mechanism == "LOGIN":
        exchange.answer(response(attempt, position + 1, size, named=False, rename=None))
    exchange.abandon()
    return exchange.attempt


@pytest.mark.parametrize("mechanism", NAMING)
@given(users)
def test_a_name_that_records_show_is_in_it(mechanism: str, user: str) -> None:
    method = Exchange(mechanism.encode(), 0, Tally()).attempt.method
    realm = "CORP" if mechanism in ("NTLM", "GSS-SPNEGO") else None
    name = f"CORP\\{user}" if realm and "@" not in user else user
    attempt = AuthAttempt(mechanism, "challenge" if realm else method, username=name, realm=realm)
    if realm:
        assume("\\" not in user)
    now = reread(attempt, NAMING[mechanism])
    assert (now.username, now.realm, now.method) == (attempt.username, attempt.realm, attempt.method)


@pytest.mark.parametrize("mechanism", [*NAMING, "GSSAPI", "NEGOTIATE", "SRP", "X-NEW"])
@pytest.mark.parametrize("size", [None, 12, 13, 64, 200])
def test_where_records_show_no_name_there_is_none(mechanism: str, size: int | None) -> None:
    attempt = Exchange(mechanism.encode(), 0, Tally(), ["X-NEW"]).attempt
    assert reread(attempt, 1, size).username is None


@pytest.mark.parametrize("name", IN_THE_CLEAR)
def test_it_is_base64_of_the_length_that_was_asked_for(name: str) -> None:
    for attempt in read(CASES[name].turns).auth:
        for size in (0, 4, 8, 9, 40, 400):
            for position in (0, 1, 2):
                assert len(response(attempt, position, size, named=True, rename=None)) == size
                base64.b64decode(response(attempt, position, None, named=True, rename=None), validate=True)


def test_an_alias_stands_for_every_name() -> None:
    attempt = AuthAttempt("PLAIN", "basic", username="scan", authzid="boss")
    told = base64.b64decode(response(attempt, 0, None, named=True, rename=lambda name: f"alias-of-{len(name)}"))
    assert told == b"alias-of-4\0alias-of-4\0xxxxxxxx"
