from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given

from analyzer.inventory.findings import FINDINGS, in_table_order, session_findings
from analyzer.inventory.rules import OF_ATTEMPTS, SESSION_RULES
from analyzer.inventory.session import Session, TlsMode
from analyzer.smtp.meanings import meaning
from analyzer.smtp.records import AuthAttempt, StartTls
from tests.support.sessions import attempt, session, sessions, silent

OFFERED = StartTls(offered=True, requested=False)
NOT_OFFERED = StartTls(offered=False, requested=False)
IN_TLS: dict[str, Any] = {
    "tls_mode": "starttls",
    "starttls": StartTls(True, True, True),
    "tls_version": "1.3",
    "tls_established": True,
}
MIRRORED = StartTls(True, True, True, still_plain=True)
STARTTLS_FIRST: dict[str, Any] = {
    "code": 530,
    "username": None,
    "meaning": meaning(530, "5.7.0", "Must issue a STARTTLS command first"),
}


def refused_by_microsoft(text: str) -> AuthAttempt:
    """A LOGIN that Exchange Online refused in these words."""
    return attempt("LOGIN", "failure", enhanced="5.7.139", meaning=meaning(535, "5.7.139", text))


EARNED: dict[str, list[Session]] = {
    "cleartext-auth": [session(attempt("PLAIN")), session(attempt("LOGIN", "failure"))],
    "cleartext-token": [session(attempt("XOAUTH2"))],
    "cleartext-challenge": [session(attempt("NTLM")), session(attempt("CRAM-MD5", "failure"))],
    "starttls-injection": [silent(starttls=StartTls(True, True, True, injected=True))],
    "starttls-stripped": [
        silent(starttls=StartTls(mangled=True)),
        silent(starttls=StartTls(offered=True, requested=True, accepted=False)),
    ],
    "auth-before-starttls": [
        session(attempt(), starttls=OFFERED),
        session(attempt("LOGIN", "failure"), starttls=OFFERED),
        session(attempt(), **IN_TLS),  # read, so before TLS
    ],
    "basic-disabled": [
        session(attempt("LOGIN", "failure", enhanced="5.7.139")),
        session(
            refused_by_microsoft("Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.")
        ),
        session(refused_by_microsoft("Authentication unsuccessful, basic authentication is disabled.")),
        session(refused_by_microsoft("user is locked by your organization's security defaults policy.")),
        session(attempt("LOGIN", "failure", code=550, enhanced="5.7.30")),
    ],
    "basic-to-retiring-provider": [
        session(attempt(), provider="exchange-online"),
        session(attempt("PLAIN", "failure"), provider="outlook-personal"),
        silent("basic", provider="exchange-hve", evidence="inferred", confidence=0.97),
    ],
    "auth-failing": [session(attempt("PLAIN", "failure"), attempt("LOGIN", "failure"))],
    "auth-required": [silent(auth_required=True)],
    "starttls-required": [
        silent(starttls=StartTls(offered=True, required=True)),
        session(attempt("LOGIN", "failure", **STARTTLS_FIRST), starttls=OFFERED),
        session(attempt("PLAIN", "failure", code=538), starttls=StartTls(offered=False)),
    ],
    "tls-failed": [silent(tls_mode="starttls", tls_established=False)],
    "starttls-not-offered": [silent(starttls=NOT_OFFERED, mechanisms_before_tls=())],
    "oauth-fell-back": [session(attempt("XOAUTH2", "failure"), attempt("LOGIN"))],
    "old-tls": [silent("unknown", **{**IN_TLS, "tls_version": "1.0"})],
    "readable-after-starttls": [
        session(attempt(after_starttls=True), starttls=MIRRORED),
        session(attempt("CRAM-MD5", after_starttls=True), starttls=MIRRORED),
        session(attempt("XOAUTH2", "failure", after_starttls=True), starttls=MIRRORED),
    ],
    "password-offered-in-clear": [silent(mechanisms_before_tls=("XOAUTH2", "LOGIN"))],
    "wrong-port": [
        session(attempt(), server_port=25),
        silent(server_port=465, greeting="mail.example.com ESMTP"),
        silent(server_port=587, tls_mode="implicit", tls_established=False),
    ],
    "second-auth": [session(attempt(), attempt("PLAIN", "failure", code=503))],
    "oauth-available": [session(attempt(), mechanisms_before_tls=("LOGIN", "XOAUTH2"))],
    "nonstandard-port": [silent(server_port=1025)],
}

NOT_EARNED: dict[str, list[Session]] = {
    "cleartext-auth": [
        session(attempt("XOAUTH2")),
        session(attempt("PLAIN", after_starttls=True), starttls=MIRRORED),  # perhaps; "readable-after-starttls" says so
        session(attempt("LOGIN", "failure", code=538, username=None)),
        silent("basic", evidence="inferred", confidence=0.97, **IN_TLS),
    ],
    "cleartext-token": [
        session(attempt("OAUTHBEARER", "failure", code=504, username=None)),
        session(attempt("PLAIN")),
    ],
    "cleartext-challenge": [session(attempt("NTLM", "failure", code=504, username=None))],
    "starttls-injection": [silent(starttls=OFFERED)],
    "starttls-stripped": [
        silent(starttls=StartTls(offered=True, requested=True, accepted=None)),  # the reply was not captured
        silent(starttls=StartTls(offered=False, requested=True, accepted=False)),  # asked without an offer
    ],
    "auth-before-starttls": [
        session(attempt(), starttls=StartTls(offered=None)),
        session(attempt(), starttls=StartTls(True, True, False)),
        silent(starttls=OFFERED),
        session(attempt("LOGIN", "failure", **STARTTLS_FIRST), starttls=OFFERED),  # it was not let
        session(attempt(evidence="decrypted"), evidence="decrypted", method="basic", confidence=1.0, **IN_TLS),
    ],
    "basic-disabled": [
        session(attempt("XOAUTH2", "failure", enhanced="5.7.139")),
        session(attempt("LOGIN", "failure", enhanced="5.7.8")),
        session(refused_by_microsoft("Authentication unsuccessful, the user credentials were incorrect.")),
        session(refused_by_microsoft("Authentication unsuccessful, the user password has expired.")),
        session(refused_by_microsoft("Authentication unsuccessful, user account is locked.")),
    ],
    "basic-to-retiring-provider": [
        session(attempt(), provider=None),
        session(attempt(), provider="gmail"),  # application passwords still work
        session(attempt(), provider="of-a-later-version"),
        session(attempt("XOAUTH2"), provider="exchange-online"),
    ],
    "auth-failing": [session(attempt("LOGIN", "failure"), attempt("LOGIN")), session(attempt("LOGIN", "unknown"))],
    "auth-required": [
        session(attempt(), auth_required=True),
        silent("unknown", reason="inside-tls", auth_required=True),  # it may have logged in where nobody could see it
        silent(auth_required=False),
    ],
    "starttls-required": [
        session(attempt("LOGIN", "failure", code=530, meaning=meaning(530, "5.7.0", "Authentication required"))),
        session(attempt("LOGIN", "failure", **STARTTLS_FIRST), **IN_TLS),  # then it did
        session(attempt("LOGIN", "failure", code=535, enhanced="5.7.3")),
    ],
    "tls-failed": [silent("unknown", tls_mode="implicit", tls_established=None)],
    "starttls-not-offered": [
        silent(starttls=StartTls(offered=None)),  # no reply to EHLO was seen
        silent(starttls=NOT_OFFERED, mechanisms_before_tls=None),
        silent(starttls=StartTls(offered=False, mangled=True), mechanisms_before_tls=()),
        silent("unknown", tls_mode="implicit", starttls=NOT_OFFERED, mechanisms_before_tls=()),
    ],
    "oauth-fell-back": [
        session(attempt("LOGIN", "failure"), attempt("XOAUTH2")),
        session(attempt("XOAUTH2", "failure")),
    ],
    "old-tls": [
        silent("unknown", **IN_TLS),
        silent(tls_mode="implicit", tls_version="1.0", tls_established=False),
        silent("unknown", tls_mode="implicit", tls_version="0x7f1c"),
    ],
    "readable-after-starttls": [
        session(attempt(), starttls=StartTls(True, True, True)),
        silent("none", starttls=MIRRORED),
        session(attempt("EXTERNAL", after_starttls=True), starttls=MIRRORED),  # nothing secret was read
        session(attempt("LOGIN", "failure", code=504, username=None, after_starttls=True), starttls=MIRRORED),
        session(
            attempt(after_starttls=True, evidence="decrypted"),
            starttls=MIRRORED,
            evidence="decrypted",
            method="basic",
            confidence=1.0,
        ),
    ],
    "password-offered-in-clear": [silent(mechanisms_before_tls=("XOAUTH2",)), silent(mechanisms_before_tls=None)],
    "wrong-port": [
        session(attempt(), server_port=587),
        session(attempt(), server_port=25, provider="amazon-ses"),  # publishes it for submission
        silent(server_port=25),
        silent("unknown", server_port=465, tls_mode="implicit", tls_established=True),
        silent(server_port=465, is_smtp=False),
        silent("unknown", server_port=587, tls_mode="implicit", tls_established=True),
        session(attempt(), server_port=1025),
    ],
    "second-auth": [session(attempt("LOGIN", "failure"), attempt())],
    "oauth-available": [session(attempt("XOAUTH2"), mechanisms_before_tls=("LOGIN", "XOAUTH2"))],
    "nonstandard-port": [silent(server_port=port) for port in (25, 465, 587, 2465, 2525, 2587)],
}


@pytest.mark.parametrize(("id", "seen"), [(id, seen) for id, many in EARNED.items() for seen in many])
def test_a_session_that_shows_it_earns_the_finding(id: str, seen: Session) -> None:
    assert id in session_findings(seen)


@pytest.mark.parametrize(("id", "seen"), [(id, seen) for id, many in NOT_EARNED.items() for seen in many])
def test_a_session_that_does_not_show_it_does_not_earn_the_finding(id: str, seen: Session) -> None:
    assert id not in session_findings(seen)


def test_every_rule_is_shown_true_and_false() -> None:
    assert set(EARNED) == set(NOT_EARNED) == set(SESSION_RULES)


def test_every_session_finding_has_a_rule_and_every_rule_a_row() -> None:
    assert {finding.id for finding in FINDINGS if finding.scope == "session"} == set(SESSION_RULES)


def test_ids_are_unique_kebab_case_and_explained() -> None:
    assert len({finding.id for finding in FINDINGS}) == len(FINDINGS)
    for finding in FINDINGS:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", finding.id)
        assert finding.explanation.endswith(".")
        assert finding.remedy.endswith(".")


def test_the_table_goes_from_worst_to_least() -> None:
    ranks = [("critical", "high", "medium", "low", "info").index(finding.severity) for finding in FINDINGS]
    assert ranks == sorted(ranks)


@given(sessions())
def test_findings_come_in_the_tables_order(seen: Session) -> None:
    ids = session_findings(seen)
    assert tuple(ids) == in_table_order(set(ids))


@given(sessions())
def test_rules_of_attempts_are_false_without_one_so_that_they_need_not_be_asked(seen: Session) -> None:
    seen.auth = []
    assert not [id for id in OF_ATTEMPTS if SESSION_RULES[id](seen)]


@pytest.mark.parametrize("mode", ["none", "starttls", "implicit", None])
def test_rules_are_left_out_by_what_the_session_has_of_tls(mode: TlsMode) -> None:
    every: dict[str, Any] = {"tls_established": False, "starttls": NOT_OFFERED, "mechanisms_before_tls": ()}
    seen = set(session_findings(silent(tls_mode=mode, **every)))
    assert seen == ({"starttls-not-offered"} if mode == "none" else {"tls-failed"}) | (
        {"wrong-port"} if mode == "implicit" else set()
    )


def test_ids_of_a_later_version_come_last() -> None:
    assert in_table_order({"zeta", "old-tls", "alpha"}) == ("old-tls", "alpha", "zeta")


def test_a_session_of_which_nothing_was_seen_has_no_finding() -> None:
    assert session_findings(Session(0, 0, "a.pcap", "10.0.0.1", 1, "10.0.0.2", 587)) == []
