from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.alerts import Event, Sighting, Watcher
from analyzer.alerts.watcher import MIGRATED_AFTER, REFUSED_IN_A_ROW
from analyzer.inventory.session import Session
from analyzer.smtp.limits import MAX_ATTEMPTS
from analyzer.smtp.records import AuthAttempt, StartTls
from tests.support.material import REPOSITORY
from tests.support.scans import sessions_of
from tests.support.sessions import DAY, SECOND, START, attempt, session, sessions, silent

IN_TLS: dict[str, Any] = {"tls_mode": "implicit", "tls_version": "1.3", "tls_established": True, "server_port": 465}


def sighting(tried: AuthAttempt, seen: Session | None = None, **fields: Any) -> Sighting:
    """``tried`` as it is read in the session that ``session(tried)`` makes."""
    seen = seen or session(tried)
    defaults: dict[str, Any] = {
        "time": seen.start + SECOND // 2,
        "start": seen.start,
        "client_ip": seen.client_ip,
        "client_port": seen.client_port,
        "server_ip": seen.server_ip,
        "server_port": seen.server_port,
        "ehlo": seen.ehlo,
    }
    return Sighting(attempt=tried, **{**defaults, **fields})


def inferred(mechanism: str = "LOGIN", confidence: float = 0.995, **fields: Any) -> Session:
    """A login inside TLS."""
    tried = attempt(mechanism, "success", username=None, code=None, evidence="inferred", confidence=confidence)
    return session(tried, method=tried.method, evidence="inferred", confidence=confidence, **{**IN_TLS, **fields})


def later(by: int, **fields: Any) -> dict[str, Any]:
    """A session that much later."""
    return {"start": START + by, "end": START + by + SECOND, **fields}


def kinds(events: list[Event]) -> list[str]:
    return [event.kind for event in events]


def acquainted(*seen: Session) -> Watcher:
    """A watcher that has seen the copier before, and all of these."""
    watcher = Watcher()
    watcher.ended(silent(start=START - 9 * DAY, end=START - 9 * DAY + SECOND))
    for one in seen:
        watcher.ended(one)
    return watcher


# --- in the clear -----------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", ["success", "failure", "unknown"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_a_password_in_the_clear_is_told_whatever_the_server_says_to_it(mechanism: str, outcome: str) -> None:
    told = acquainted().ended(session(attempt(mechanism, outcome)))
    assert kinds(told) == ["password-in-clear", "first-password-login"]
    assert (told[0].username, told[0].mechanism, told[0].outcome) == ("scan@example.com", mechanism, outcome)


def test_a_bearer_token_in_the_clear_is_told() -> None:
    assert kinds(acquainted().ended(session(attempt("XOAUTH2")))) == ["token-in-clear"]


@pytest.mark.parametrize(
    "harmless",
    [
        session(attempt("CRAM-MD5")),
        session(attempt("LOGIN", after_starttls=True), starttls=StartTls(True, True, True, still_plain=True)),
        session(attempt("LOGIN", evidence="decrypted"), evidence="decrypted", method="basic", **IN_TLS),
        inferred(),
    ],
    ids=["challenge", "mirrored", "decrypted", "inferred"],
)
def test_a_password_that_did_not_cross_in_the_clear_is_a_login_only(harmless: Session) -> None:
    assert kinds(acquainted().ended(harmless)) == ["first-password-login"]


def test_a_login_that_the_server_refused_before_the_secret_is_none() -> None:
    refused = attempt("LOGIN", "failure", code=538, username=None)
    assert acquainted().ended(session(refused)) == []


# --- sightings --------------------------------------------------------------------------------------


def test_a_password_is_told_when_it_is_read_and_not_again_at_the_sessions_end() -> None:
    watcher, tried = acquainted(), attempt("LOGIN", "unknown")
    told = watcher.sighted(sighting(tried, server_name="smtp.example.com"))
    assert kinds(told) == ["password-in-clear", "first-password-login"]
    assert told[0].time == START + SECOND // 2
    assert told[0].server_name == "smtp.example.com"
    tried.outcome, tried.code = "success", 235
    assert watcher.ended(session(tried)) == []


def test_a_secret_that_is_read_after_the_first_sighting_is_told_at_the_second() -> None:
    watcher, tried = acquainted(), attempt("LOGIN", "unknown", username=None)
    assert watcher.sighted(sighting(tried)) == []
    tried.outcome, tried.code = "failure", 535
    assert kinds(watcher.sighted(sighting(tried))) == ["password-in-clear", "first-password-login"]
    assert watcher.ended(session(tried)) == []


def test_what_no_sighting_told_is_told_at_the_end_of_the_same_session() -> None:
    watcher, first, second = acquainted(), attempt("LOGIN", "failure"), attempt("PLAIN")
    watcher.sighted(sighting(first, session(first, second)))
    told = watcher.ended(session(first, second))
    assert [(event.kind, event.mechanism) for event in told] == [("password-in-clear", "PLAIN")]


def test_a_sighting_tells_of_its_own_conversation_only() -> None:
    watcher, tried = acquainted(), attempt()
    watcher.sighted(sighting(tried))
    assert kinds(watcher.ended(session(attempt(), client_port=35879))) == ["password-in-clear"]


def test_a_new_device_is_told_with_its_first_sighting() -> None:
    watcher, tried = Watcher(), attempt()
    told = watcher.sighted(sighting(tried))
    assert kinds(told) == ["password-in-clear", "first-password-login", "new-device"]
    assert watcher.ended(session(tried)) == []


def test_refused_logins_of_one_session_are_told_while_it_lasts() -> None:
    watcher = acquainted()
    tried = [attempt("LOGIN", "failure") for _ in range(REFUSED_IN_A_ROW)]
    told = [kinds(watcher.sighted(sighting(one, session(*tried)))) for one in tried]
    assert ["auth-failing" in each for each in told] == [False] * (REFUSED_IN_A_ROW - 1) + [True]
    assert watcher.ended(session(*tried)) == []


def test_conversations_remembered_are_bounded_and_the_oldest_goes_first() -> None:
    watcher = Watcher(most_sighted=2)
    tried = [attempt() for _ in range(3)]
    for port, one in enumerate(tried):
        watcher.sighted(sighting(one, client_port=port))
    assert watcher.sightings_forgotten == 1
    again = [watcher.ended(session(one, client_port=port)) for port, one in enumerate(tried)]
    assert [kinds(each) for each in again] == [["password-in-clear"], [], []]


def test_attempts_remembered_of_one_conversation_are_as_many_as_its_session_keeps() -> None:
    watcher, tried = acquainted(), [attempt("LOGIN", "failure") for _ in range(MAX_ATTEMPTS + 44)]
    for one in tried:
        watcher.sighted(sighting(one, session(*tried)))
    again = kinds(watcher.ended(session(*tried)))
    assert again.count("password-in-clear") == 44  # a session would have dropped them, too


# --- new devices, first passwords, fallbacks --------------------------------------------------------


def test_a_new_device_is_told_once() -> None:
    watcher = Watcher()
    (told,) = watcher.ended(silent())
    assert (told.kind, told.client_ip, told.method, told.evidence) == ("new-device", "10.10.0.103", "none", "observed")
    assert watcher.ended(silent(**later(SECOND))) == []


def test_the_first_password_of_a_device_is_told_once_wherever_it_was() -> None:
    watcher = acquainted()
    (told,) = watcher.ended(inferred(tls_sni="smtp.office365.com", provider="exchange-online"))
    assert (told.kind, told.evidence, told.confidence) == ("first-password-login", "inferred", 0.995)
    assert (told.server_name, told.provider) == ("smtp.office365.com", "exchange-online")
    assert watcher.ended(inferred(**later(SECOND))) == []
    assert watcher.ended(session(attempt("CRAM-MD5"), **later(2 * SECOND))) == []


def test_a_password_after_oauth_is_a_fallback() -> None:
    watcher = acquainted(inferred("XOAUTH2"))
    (told,) = watcher.ended(inferred(**later(DAY)))
    assert (told.kind, told.method) == ("fallback", "basic")


def test_a_refused_token_and_a_password_in_one_session_are_a_fallback() -> None:
    both = session(attempt("XOAUTH2", "failure", evidence="decrypted"), attempt("LOGIN", evidence="decrypted"))
    assert kinds(acquainted().ended(both)) == ["fallback"]


def test_a_device_with_both_falls_back_only_after_a_day_without_its_password() -> None:
    watcher = acquainted(inferred("XOAUTH2"))
    assert kinds(watcher.ended(inferred(**later(SECOND)))) == ["fallback"]
    watcher.ended(inferred("XOAUTH2", **later(2 * SECOND)))
    assert watcher.ended(inferred(**later(MIGRATED_AFTER // 2))) == []  # still migrating
    watcher.ended(inferred("XOAUTH2", **later(MIGRATED_AFTER)))
    assert kinds(watcher.ended(inferred(**later(2 * MIGRATED_AFTER)))) == ["fallback"]


def test_a_device_that_did_not_go_back_to_oauth_does_not_fall_back_again() -> None:
    watcher = acquainted(inferred("XOAUTH2"), inferred(**later(SECOND)))
    assert watcher.ended(inferred(**later(9 * MIGRATED_AFTER))) == []


# --- failing logins ---------------------------------------------------------------------------------


def failing(n: int, **fields: Any) -> Session:
    refused = attempt("LOGIN", "failure", **{"meaning": "wrong user name or password", **fields}, evidence="decrypted")
    return session(refused, **later(n * SECOND, **IN_TLS))


def test_refused_logins_are_told_from_the_nth_in_a_row_on() -> None:
    watcher = acquainted(inferred())
    told = [kinds(watcher.ended(failing(n))) for n in range(REFUSED_IN_A_ROW + 2)]
    assert told == [[]] * (REFUSED_IN_A_ROW - 1) + [["auth-failing"]] * 3
    (last,) = watcher.ended(failing(20))
    assert (last.username, last.outcome, last.meaning) == ("scan@example.com", "failure", "wrong user name or password")


def test_a_success_begins_the_count_anew() -> None:
    watcher = acquainted(inferred())
    for n in range(3 * REFUSED_IN_A_ROW):
        ok = session(attempt(evidence="decrypted"), **later(n * SECOND, **IN_TLS))
        told = watcher.ended(ok if n % REFUSED_IN_A_ROW == REFUSED_IN_A_ROW - 1 else failing(n))
        assert told == []


def test_one_account_fails_though_another_of_the_same_device_succeeds() -> None:
    watcher = acquainted(inferred())
    told = []
    for n in range(REFUSED_IN_A_ROW):
        told += watcher.ended(failing(2 * n))
        told += watcher.ended(session(attempt(username="erp", evidence="decrypted"), **later(2 * n * SECOND, **IN_TLS)))
    assert kinds(told) == ["auth-failing"]


def test_a_guesser_of_names_is_told_without_the_names() -> None:
    watcher = acquainted(inferred())
    told = [event for n in range(50) for event in watcher.ended(failing(n, username=f"user{n}"))]
    assert len(told) == 50 - REFUSED_IN_A_ROW + 1
    assert {event.username for event in told} == {None}


def test_a_refusal_before_credentials_is_no_refused_login() -> None:
    watcher = acquainted(inferred())
    for n in range(3 * REFUSED_IN_A_ROW):
        assert watcher.ended(failing(n, code=530, username=None)) == []


# --- what is not sure -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "unsure",
    [
        silent("unknown", reason="gap", messages=0),
        silent("unknown", reason="ambiguous", **IN_TLS),
        silent("none", evidence="inferred", confidence=0.97, **IN_TLS),
        inferred(confidence=0.98),
        session(attempt("X-OWN"), reason="mechanism-unknown"),
        session(attempt("LOGIN", "unknown"), is_smtp=False),
        silent(is_smtp=False),
    ],
)
def test_what_is_unknown_or_not_sure_causes_no_event_and_leaves_no_trace(unsure: Session) -> None:
    watcher = Watcher()
    assert watcher.ended(unsure) == []
    assert len(watcher.devices) == 0


def test_an_unknown_mechanism_is_no_sighting() -> None:
    watcher = Watcher()
    assert watcher.sighted(sighting(attempt("X-OWN"))) == []


def test_a_password_in_an_unreadable_session_is_told_all_the_same() -> None:
    odd = session(attempt("PLAIN"), method="unknown", reason="gap", is_smtp=False)
    assert "password-in-clear" in kinds(Watcher().ended(odd))


# --- a restart --------------------------------------------------------------------------------------


def test_a_restart_does_not_tell_everything_anew() -> None:
    before = acquainted(inferred("XOAUTH2", client="10.10.0.7"), inferred())
    after = Watcher.from_snapshot(json.loads(json.dumps(before.snapshot())), refused_in_a_row=2)
    assert after.ended(inferred(**later(SECOND))) == []
    assert after.ended(silent(**later(2 * SECOND))) == []
    assert kinds(after.ended(inferred(client="10.10.0.7", **later(DAY)))) == ["fallback"]
    assert kinds(after.ended(silent(client="10.10.0.8"))) == ["new-device"]


def test_devices_remembered_are_bounded() -> None:
    watcher = Watcher(most_devices=10)
    for n in range(100):
        watcher.ended(silent(client=f"10.0.0.{n}"))
    assert (len(watcher.devices), watcher.devices.forgotten) == (10, 90)


# --- anything ---------------------------------------------------------------------------------------


@given(st.lists(sessions(), max_size=8))
def test_events_name_only_what_their_session_shows(seen: list[Session]) -> None:
    watcher = Watcher()
    for one in seen:
        for event in watcher.ended(one):
            assert (event.client_ip, event.session_start) == (one.client_ip, one.start)
            assert event.username in {None, *(tried.username for tried in one.auth)}
            assert event.evidence != "inferred" or (event.confidence or 0) >= 0.99
            if event.kind == "password-in-clear":
                assert "cleartext-auth" in one.findings


@given(sessions())
def test_told_early_or_late_the_same_is_told(seen: Session) -> None:
    early, late = Watcher(), Watcher()
    told = [event for tried in seen.auth for event in early.sighted(sighting(tried, seen))]
    told += early.ended(seen)
    if seen.is_smtp or seen.tls_mode != "none":
        assert sorted(kinds(told)) == sorted(kinds(late.ended(seen)))


def test_the_recorded_office_shows_who_sends_passwords_in_the_clear() -> None:
    watcher, told = Watcher(), []
    for one in sessions_of(REPOSITORY / "captures" / "office"):
        told += watcher.ended(one)
    assert {event.client_ip for event in told if event.kind in ("password-in-clear", "token-in-clear")} == {
        f"10.20.0.{host}" for host in (41, 43, 101, 103, 106, 250)
    }
