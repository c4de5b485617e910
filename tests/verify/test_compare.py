from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.inventory.session import Session
from analyzer.smtp.records import AuthAttempt, StartTls
from analyzer.verify import blind_spots
from analyzer.verify.compare import HIDDEN_NAME, compare
from analyzer.verify.records import Comparison, PeerAuth, PeerSession, Unseen
from analyzer.verify.rows import Fingerprints
from tests.support.sessions import SECOND, START, attempt, session

NAMES = Fingerprints()
CLIENT, SERVER = ("10.10.0.103", 35878), ("10.10.0.11", 587)


def peer(*auth: PeerAuth, **fields: Any) -> PeerSession:
    start = fields.pop("start", START)
    defaults: dict[str, Any] = {"client": CLIENT, "server": SERVER, "end": start + SECOND, "verbs": 3, "greeted": True}
    return PeerSession(start=start, auth=list(auth), **{**defaults, **fields})


def auth(mechanism: str | None = "LOGIN", user: str | None = "scan@example.com", **fields: Any) -> PeerAuth:
    return PeerAuth(mechanism, NAMES.of(user) if user else None, **{"code": 235, **fields})


def held(ours: Session, theirs: PeerSession) -> Comparison:
    (comparison,) = compare([ours], [theirs], NAMES, "office.pcap")
    return comparison


def only_difference(comparison: Comparison) -> tuple[str, str, str]:
    assert comparison.outcome == "differ"
    (difference,) = comparison.differences
    return difference.field, difference.ours, difference.theirs


def test_a_login_that_both_saw_agrees_in_every_field() -> None:
    comparison = held(session(attempt("LOGIN")), peer(auth()))
    assert comparison.outcome == "agree"
    assert comparison.agreed == ["TLS", "mechanism", "user", "code"]
    assert comparison.unseen == []


@pytest.mark.parametrize(
    ("theirs", "difference"),
    [
        (auth(mechanism="PLAIN"), ("mechanism", "LOGIN", "PLAIN")),
        (auth(user="CANARY"), ("user", "scan@example.com", HIDDEN_NAME)),
        (auth(code=535), ("code", "235", "535")),
    ],
)
def test_a_field_that_both_saw_differently_is_named_and_no_name_of_tsharks_is_shown(
    theirs: PeerAuth, difference: tuple[str, str, str]
) -> None:
    comparison = held(session(attempt("LOGIN")), peer(theirs))
    assert only_difference(comparison) == difference
    assert "CANARY" not in repr(comparison)


def test_a_user_name_that_only_tshark_saw_is_a_difference() -> None:
    ours = session(attempt("LOGIN", username=None))
    assert only_difference(held(ours, peer(auth()))) == ("user", "-", HIDDEN_NAME)


@pytest.mark.parametrize(
    ("mechanism", "reason"),
    [("XOAUTH2", "does not decode the user name of XOAUTH2"), ("NTLM", "NTLM only"), ("PLAIN", "loses the thread")],
)
def test_a_user_name_that_tshark_cannot_decode_is_explained(mechanism: str, reason: str) -> None:
    comparison = held(session(attempt(mechanism)), peer(auth(mechanism, user=None)))
    assert comparison.outcome == "agree"
    (unseen,) = comparison.unseen
    assert unseen.field == "user"
    assert reason in unseen.reason


def test_a_mechanism_that_nobody_listed_is_not_compared_by_name() -> None:
    comparison = held(session(attempt("X-OWN")), peer(auth(None, user=None)))
    assert comparison.outcome == "agree"
    assert comparison.unseen == [Unseen("user", blind_spots.UNLISTED)]


def test_a_reply_that_may_be_another_commands_is_not_compared() -> None:
    comparison = held(session(attempt("LOGIN")), peer(auth(code=250, alone=False)))
    assert comparison.outcome == "agree"
    assert comparison.unseen == [Unseen("code", blind_spots.NOT_PAIRED)]


def test_attempts_that_one_side_missed_are_a_difference() -> None:
    assert only_difference(held(session(attempt()), peer(auth(), auth()))) == ("AUTH commands", "1", "2")
    assert only_difference(held(session(attempt()), peer())) == ("AUTH commands", "1", "0")


def test_what_we_leave_open_after_a_gap_is_explained() -> None:
    comparison = held(session(gaps=1, reason="gap", method="unknown"), peer(auth()))
    assert comparison.outcome == "agree"
    assert comparison.unseen == [Unseen("AUTH", blind_spots.ABSTAIN)]


def test_a_wrong_answer_is_a_difference_even_after_a_gap() -> None:
    assert held(session(attempt("PLAIN"), gaps=1), peer(auth("LOGIN"))).outcome == "differ"


def test_an_attempt_of_which_only_the_reply_was_captured_is_explained() -> None:
    ours = session(AuthAttempt(None, "unknown", outcome="success", code=235))
    assert held(ours, peer()).unseen == [Unseen("AUTH", blind_spots.REPLY_ONLY)]


def test_commands_are_not_missed_where_the_client_was_not_captured() -> None:
    comparison = held(session(attempt(), starttls=StartTls(requested=True)), peer(verbs=0))
    assert comparison.outcome == "agree"
    assert {item.reason for item in comparison.unseen} == {blind_spots.NO_COMMANDS}


def test_tls_is_compared_by_mode_version_cipher_and_name() -> None:
    tls: dict[str, Any] = {"tls_version": "1.3", "tls_cipher": "TLS_AES_256_GCM_SHA384", "tls_sni": "mail.example.com"}
    ours = session(tls_mode="starttls", starttls=StartTls(True, True, True), method="unknown", **tls)
    hellos: dict[str, Any] = {"client_hello": True, "server_hello": True, "starttls": True, "starttls_code": 220}
    same = held(ours, peer(**tls, **hellos))
    assert same.outcome == "agree"
    assert same.agreed == ["TLS", "version", "cipher", "SNI", "STARTTLS", "STARTTLS accepted"]
    other = held(ours, peer(**{**tls, "tls_version": "1.2"}, **hellos))
    assert only_difference(other) == ("version", "1.3", "1.2")
    assert held(ours, peer(**tls, **{**hellos, "starttls_code": 454})).differences[-1].field == "STARTTLS accepted"


def test_tls_whose_hello_was_not_captured_is_no_opinion_of_tsharks() -> None:
    ours = session(tls_mode="starttls", starttls=StartTls(True, True, True), method="unknown")
    comparison = held(ours, peer(starttls=True, starttls_code=220))
    assert comparison.outcome == "agree"
    assert comparison.unseen == [Unseen("TLS", blind_spots.NO_HELLO)]


def test_what_tshark_decrypted_is_not_compared() -> None:
    ours = session(tls_mode="implicit", tls_version="1.3", method="unknown")
    theirs = peer(client_hello=True, server_hello=True, implicit=True, tls_version="1.3", decrypted=True)
    assert held(ours, theirs).unseen == [Unseen("AUTH", blind_spots.DECRYPTED)]


def test_the_client_is_compared_too() -> None:
    assert only_difference(held(session(attempt()), peer(auth(), client=SERVER, server=CLIENT)))[0] == "client"


def test_a_session_that_one_side_did_not_see_is_told() -> None:
    (ours,) = compare([session(attempt(), complete=True)], [], NAMES, "x")
    assert (ours.outcome, ours.facts) == ("ours only", "in clear, LOGIN success")
    assert "encapsulation" in ours.unseen[0].reason
    (theirs,) = compare([], [peer(auth())], NAMES, "x")
    assert (theirs.outcome, theirs.client, theirs.facts) == ("theirs only", CLIENT, "smtp LOGIN")


@pytest.mark.parametrize(
    ("fields", "read", "reason"),
    [
        ({"complete": True}, False, "did not read"),
        ({"complete": True, "tls_mode": None}, True, "no TLS hello"),
        ({"complete": False}, True, "not whole"),
    ],
)
def test_why_tshark_shows_nothing_of_a_session(fields: dict[str, Any], read: bool, reason: str) -> None:
    (comparison,) = compare([session(attempt(), **fields)], [], NAMES, "x", read_by_tshark=read)
    assert reason in comparison.unseen[0].reason


def test_what_is_not_smtp_counts_only_where_tshark_says_it_is() -> None:
    foreign = session(reason="not-smtp", is_smtp=False, method="unknown")
    assert compare([foreign], [], NAMES, "x") == []
    (comparison,) = compare([foreign], [peer(auth())], NAMES, "x")
    assert comparison.outcome == "theirs only"


def test_tls_whose_sizes_are_not_those_of_smtp_is_tls_all_the_same() -> None:
    ours = session(tls_mode="implicit", tls_version="1.3", method="unknown", reason="not-smtp")
    hellos: dict[str, Any] = {"client_hello": True, "server_hello": True, "implicit": True, "tls_version": "1.3"}
    assert held(ours, peer(**hellos)).outcome == "agree"


def test_what_was_inferred_inside_tls_is_no_matter_for_tshark() -> None:
    guess = attempt("LOGIN", evidence="inferred", confidence=0.9)
    ours = session(guess, tls_mode="implicit", method="basic", evidence="inferred", confidence=0.9)
    comparison = held(ours, peer(client_hello=True, implicit=True))
    assert (comparison.outcome, comparison.facts) == ("agree", "implicit")


def test_connections_of_the_same_endpoints_are_told_apart_by_time() -> None:
    ours = [session(attempt("PLAIN"), start=START + n * 10 * SECOND, end=START + (n * 10 + 1) * SECOND) for n in (0, 2)]
    theirs = [peer(auth("PLAIN"), start=START + n * 10 * SECOND) for n in (2, 1, 0)]
    outcomes = [comparison.outcome for comparison in compare(ours, theirs, NAMES, "x")]
    assert outcomes == ["agree", "theirs only", "agree"]


def test_where_no_connection_is_missing_their_order_decides_whatever_the_clock() -> None:
    ours = session(attempt(), start=START + 10**18, end=START + 10**18)
    assert held(ours, peer(auth())).outcome == "agree"


@given(st.lists(st.integers(0, 30), max_size=8, unique=True), st.lists(st.integers(0, 30), max_size=8, unique=True))
def test_every_session_of_either_side_appears_once(ours: list[int], theirs: list[int]) -> None:
    sessions = [session(start=START + n * 10 * SECOND, end=START + (n * 10 + 1) * SECOND) for n in ours]
    peers = [peer(start=START + n * 10 * SECOND) for n in theirs]
    outcomes = [comparison.outcome for comparison in compare(sessions, peers, NAMES, "x")]
    assert outcomes.count("agree") + outcomes.count("ours only") == len(ours)
    assert outcomes.count("agree") + outcomes.count("theirs only") == len(theirs)
    if len(ours) != len(theirs):
        assert outcomes.count("agree") == len(set(ours) & set(theirs))
