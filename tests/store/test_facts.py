"""What of a session is kept, and what of it where there is too much."""

from __future__ import annotations

import json
from dataclasses import fields

from hypothesis import given
from hypothesis import strategies as st

from analyzer.inventory.devices import is_mail
from analyzer.inventory.exposure import exposes_secret
from analyzer.inventory.session import Session
from analyzer.smtp.records import AuthAttempt
from analyzer.store.facts import (
    ATTEMPT_LEFT_OUT,
    FACTS,
    LEFT_OUT,
    OCCURRENCE,
    content_of,
    hash_of,
    key_of,
    marks_of,
    reduced,
    restored,
)
from tests.store.sessions import session, sessions
from tests.support.sessions import attempt


def test_every_field_of_a_session_has_its_place() -> None:
    names = {field.name for field in fields(Session)}
    assert names >= OCCURRENCE | LEFT_OUT
    assert not OCCURRENCE & LEFT_OUT
    assert set(FACTS) == names - OCCURRENCE - LEFT_OUT
    assert {field.name for field in fields(AuthAttempt)} >= ATTEMPT_LEFT_OUT


@given(one=sessions(timeless=True))
def test_facts_survive_being_written_down(one: Session) -> None:
    content = content_of(one)
    again = restored(content, one.client_ip)
    assert content_of(again) == content
    if is_mail(one):
        for name in set(FACTS) - {"auth"}:
            assert getattr(again, name) == getattr(one, name)
        assert len(again.auth) == len(one.auth)


@given(one=sessions(timeless=True), other=sessions(timeless=True))
def test_the_key_tells_apart_what_the_content_does(one: Session, other: Session) -> None:
    if key_of(one) == key_of(other):
        assert content_of(one) == content_of(other)


@given(one=sessions(timeless=True))
def test_content_is_one_line_of_ascii(one: Session) -> None:
    content = content_of(one)
    assert content.isascii()
    assert "\n" not in content
    assert "\t" not in content
    assert len(hash_of(content)) == 32


@given(one=sessions())
def test_what_is_reduced_keeps_the_verdict(one: Session) -> None:
    again = restored(reduced(content_of(one)), one.client_ip)
    if is_mail(one):
        assert (again.method, again.evidence, again.confidence, again.findings) == (
            one.method,
            one.evidence,
            one.confidence,
            one.findings,
        )
        assert exposes_secret(again) == exposes_secret(one)
        assert is_mail(again)


@given(
    name=st.text(max_size=30),
    user=st.text(min_size=1, max_size=30),
    address=st.integers(1, 250),
    mac=st.integers(1, 99),
)
def test_what_a_client_may_choose_freely_is_not_in_what_is_reduced(
    name: str, user: str, address: int, mac: int
) -> None:
    def made(name: str, user: str, address: int, mac: int) -> str:
        tried = attempt(username=user)
        return reduced(
            content_of(session(tried, ehlo=name, server_ip=f"10.0.0.{address}", client_mac=mac, tls_sni=name))
        )

    assert made(name, user, address, mac) == made("a", "b", 1, 2)


def test_marks_are_what_is_asked_without_reading_facts() -> None:
    assert marks_of(content_of(session(is_smtp=False))) == {"mail": False, "unknown": True, "reduced": False}
    assert marks_of(content_of(session(attempt()))) == {"mail": True, "unknown": False, "reduced": False}
    unknown = content_of(session(method="unknown"))
    assert marks_of(unknown) == {"mail": True, "unknown": True, "reduced": False}
    assert marks_of(reduced(unknown)) == {"mail": True, "unknown": True, "reduced": True}


def test_nothing_but_the_listed_fields_is_kept() -> None:
    tried = attempt(realm="REALM", authzid="somebody", refusal={"status": "400"})
    kept = json.loads(content_of(session(tried, greeting="220 mail at 12:00", oddities={"x": 1})))
    text = json.dumps(kept)
    for left_out in ("REALM", "somebody", "400", "12:00", "oddities"):
        assert left_out not in text
