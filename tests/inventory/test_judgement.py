"""The verdict over one session: what was read before what was inferred, what succeeded before what failed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.inventory.exposure import PASSWORD_METHODS
from analyzer.inventory.judgement import decisive, judge
from analyzer.inventory.session import Session, TlsMode
from analyzer.smtp.records import AuthAttempt, Dialogue, Outcome
from analyzer.tls.inference import Inference, InferredAttempt
from tests.support.sessions import METHOD_OF, START, attempt, attempts

TOKEN_REFUSED = attempt("XOAUTH2", "failure")
PASSWORD_REFUSED = attempt("LOGIN", "failure")


def login(
    method: str = "basic", mechanism: str | None = "LOGIN", outcome: Outcome = "success", confidence: float = 0.998
) -> InferredAttempt:
    return InferredAttempt(mechanism, method, False, outcome, confidence)


def told(method: str = "basic", *logins: InferredAttempt, confidence: float = 0.998, messages: int = 0) -> Inference:
    """What was inferred with an answer."""
    return Inference(method, confidence, None, ("auth-keyword",), logins, messages, {method: 0.0})


def open_(reason: str = "ambiguous") -> Inference:
    """What was inferred without an answer."""
    return Inference(reason=reason, reasons=("auth-offered",), likelihoods={"basic": 0.0, "none": -1.0})


def judged(
    *seen: AuthAttempt,
    inside: Inference | None = None,
    is_smtp: bool = True,
    spoke_smtp: bool = True,
    ended: bool = True,
    hidden: bool = False,
    gaps: int = 0,
    messages: int = 0,
    tls_mode: TlsMode | None = None,
) -> Session:
    """The session in which ``seen`` was read and ``inside`` inferred."""
    mode: TlsMode | None = tls_mode or ("starttls" if inside is not None else "none")
    session = Session(
        start=START,
        end=START,
        source="one.pcap",
        client_ip="10.0.0.1",
        client_port=40000,
        server_ip="10.0.0.2",
        server_port=587,
        auth=list(seen),
        gaps=gaps,
        messages=messages,
        tls_mode=mode,
    )
    dialogue = Dialogue(is_smtp=is_smtp, auth=list(seen), auth_may_be_hidden=hidden, messages=messages)
    judge(session, dialogue, inside, spoke_smtp=spoke_smtp, ended=ended)
    return session


def verdict(session: Session) -> tuple[str, str | None, float | None, str | None]:
    return session.method, session.evidence, session.confidence, session.reason


# --- nothing inside TLS ---------------------------------------------------------------------------


@pytest.mark.parametrize("mechanism", [name for name, method in METHOD_OF.items() if method != "unknown"])
def test_a_login_that_was_read_is_observed(mechanism: str) -> None:
    assert verdict(judged(attempt(mechanism))) == (METHOD_OF[mechanism], "observed", 1.0, None)


@pytest.mark.parametrize("outcome", ["failure", "cancelled", "unknown"])
@pytest.mark.parametrize("ended", [False, True])
def test_a_password_that_was_refused_is_one_in_use(outcome: str, ended: bool) -> None:
    assert verdict(judged(attempt("LOGIN", outcome), ended=ended)) == ("basic", "observed", 1.0, None)


def test_a_refused_token_may_have_been_followed_by_a_password_where_nobody_could_see() -> None:
    assert verdict(judged(TOKEN_REFUSED)) == ("oauth", "observed", 1.0, None)
    assert verdict(judged(TOKEN_REFUSED, ended=False)) == ("unknown", None, None, "cut-off")
    assert verdict(judged(TOKEN_REFUSED, hidden=True, gaps=1)) == ("unknown", None, None, "gap")
    assert verdict(judged(TOKEN_REFUSED, hidden=True)) == ("unknown", None, None, "mid-stream")
    assert verdict(judged(attempt("XOAUTH2"), ended=False, hidden=True)) == ("oauth", "observed", 1.0, None)


def test_a_mechanism_that_is_not_known_is_no_method() -> None:
    assert verdict(judged(attempt("X-OWN"))) == ("unknown", None, None, "mechanism-unknown")
    unseen = AuthAttempt(None, "unknown", outcome="success")
    assert verdict(judged(unseen)) == ("unknown", None, None, "mechanism-not-seen")


def test_without_a_login_a_whole_dialogue_shows_that_there_was_none() -> None:
    assert verdict(judged()) == ("none", "observed", 1.0, None)
    assert verdict(judged(messages=1, ended=False)) == ("none", "observed", 1.0, None)
    assert verdict(judged(ended=False)) == ("unknown", None, None, "cut-off")
    assert verdict(judged(hidden=True, gaps=2)) == ("unknown", None, None, "gap")
    assert verdict(judged(hidden=True, messages=1)) == ("unknown", None, None, "mid-stream")


def test_what_is_neither_smtp_nor_tls_says_so() -> None:
    assert verdict(judged(is_smtp=False)) == ("unknown", None, None, "not-smtp")
    assert verdict(judged(is_smtp=False, spoke_smtp=False, ended=False)) == ("unknown", None, None, "not-smtp")


@pytest.mark.parametrize("mode", ["implicit", "starttls"])
def test_where_tls_never_came_about_nothing_was_said_inside(mode: TlsMode) -> None:
    starttls = mode == "starttls"
    session = judged(tls_mode=mode, is_smtp=starttls, spoke_smtp=starttls)
    assert verdict(session) == ("none", "observed", 1.0, None)


# --- inside TLS -----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["implicit", "starttls"])
@pytest.mark.parametrize("method", ["basic", "oauth", "challenge", "certificate", "kerberos", "anonymous"])
def test_a_login_that_was_inferred_says_how_sure_that_is(method: str, mode: TlsMode) -> None:
    inside = told(method, login(method, None, confidence=0.97), confidence=0.97, messages=2)
    session = judged(inside=inside, tls_mode=mode, is_smtp=mode == "starttls", spoke_smtp=mode == "starttls")
    assert verdict(session) == (method, "inferred", 0.97, None)
    assert (session.messages, session.reasons, session.likelihoods) == (2, ("auth-keyword",), {method: 0.0})
    (added,) = session.auth
    assert (added.mechanism, added.method, added.outcome, added.username) == (None, method, "success", None)
    assert (added.evidence, added.confidence, added.time) == ("inferred", 0.97, START)


def test_no_login_that_was_inferred_is_none() -> None:
    session = judged(inside=told("none", confidence=0.99, messages=1))
    assert verdict(session) == ("none", "inferred", 0.99, None)
    assert session.messages == 1


@pytest.mark.parametrize("reason", ["ambiguous", "not-smtp", "padding", "gap", "mid-stream", "cut-off", "early-data"])
@pytest.mark.parametrize("ended", [False, True])
def test_without_an_answer_the_reason_is_that_of_the_inference(reason: str, ended: bool) -> None:
    session = judged(inside=open_(reason), ended=ended)
    assert verdict(session) == ("unknown", None, None, reason)
    assert session.reasons == ("auth-offered",)
    assert session.likelihoods == {"basic": 0.0, "none": -1.0}


def test_messages_in_the_clear_and_inside_are_added_up() -> None:
    assert judged(inside=told("none", messages=2), messages=1).messages == 3
    assert judged(inside=open_(), messages=1).messages == 1


# --- both -----------------------------------------------------------------------------------------


def test_a_password_in_the_clear_stands_whatever_was_said_inside() -> None:
    for inside in (told("none"), open_(), None):
        assert verdict(judged(PASSWORD_REFUSED, inside=inside)) == ("basic", "observed", 1.0, None)
    assert verdict(judged(attempt("LOGIN"), inside=open_("padding"))) == ("basic", "observed", 1.0, None)


def test_a_login_inside_counts_before_one_in_the_clear_that_was_refused() -> None:
    session = judged(PASSWORD_REFUSED, inside=told("oauth", login("oauth", "XOAUTH2")))
    assert verdict(session) == ("oauth", "inferred", 0.998, None)
    assert [one.evidence for one in session.auth] == ["observed", "inferred"]


def test_a_token_refused_in_the_clear_settles_nothing_where_tls_may_hide_a_password() -> None:
    assert verdict(judged(TOKEN_REFUSED, inside=open_("ambiguous"))) == ("unknown", None, None, "ambiguous")
    assert verdict(judged(TOKEN_REFUSED, inside=open_("gap"))) == ("unknown", None, None, "gap")
    assert verdict(judged(TOKEN_REFUSED, inside=told("none"))) == ("oauth", "observed", 1.0, None)
    assert verdict(judged(TOKEN_REFUSED, inside=told("none"), ended=False)) == ("unknown", None, None, "cut-off")


def test_a_token_that_was_refused_inside_is_an_answer_only_at_the_end() -> None:
    inside = told("oauth", login("oauth", "XOAUTH2", "failure"))
    assert verdict(judged(inside=inside)) == ("oauth", "inferred", 0.998, None)
    assert verdict(judged(inside=inside, ended=False)) == ("unknown", None, None, "cut-off")
    refused = told("basic", login("basic", "PLAIN", "failure"))
    assert verdict(judged(inside=refused, ended=False)) == ("basic", "inferred", 0.998, None)


def test_a_token_accepted_in_the_clear_is_not_outdone_by_a_password_refused_inside() -> None:
    session = judged(attempt("XOAUTH2"), inside=told("basic", login("basic", "PLAIN", "failure")))
    assert verdict(session) == ("oauth", "observed", 1.0, None)


# --- whatever it is -------------------------------------------------------------------------------


@st.composite
def inferences(draw: st.DrawFn) -> Inference | None:
    kind = draw(st.sampled_from(["no tls", "open", "none", "login"]))
    if kind == "no tls":
        return None
    if kind == "open":
        return open_(draw(st.sampled_from(["ambiguous", "gap", "cut-off"])))
    if kind == "none":
        return told("none", messages=draw(st.integers(0, 3)))
    methods = draw(st.lists(st.sampled_from(["basic", "oauth", "challenge"]), min_size=1, max_size=3))
    outcomes: list[Outcome] = ["success", "failure", "cancelled", "unknown"]
    logins = [login(method, None, draw(st.sampled_from(outcomes))) for method in methods]
    return told(methods[-1], *logins, messages=draw(st.integers(0, 3)))


@given(st.lists(attempts, max_size=3), inferences(), st.booleans(), st.booleans(), st.integers(0, 2), st.data())
def test_a_verdict_has_either_evidence_or_a_reason(
    seen: list[AuthAttempt], inside: Inference | None, ended: bool, hidden: bool, messages: int, data: st.DataObject
) -> None:
    fields: dict[str, Any] = {"is_smtp": data.draw(st.booleans()) or bool(seen), "gaps": data.draw(st.integers(0, 1))}
    session = judged(*seen, inside=inside, ended=ended, hidden=hidden, messages=messages, **fields)
    if session.method == "unknown":
        assert session.reason
        assert (session.evidence, session.confidence) == (None, None)
    else:
        assert session.reason is None
        assert 0 < (session.confidence or 0) <= 1
        assert (session.evidence == "observed") == (session.confidence == 1.0)
    assert len(session.auth) == len(seen) + len(inside.attempts if inside else ())
    succeeded = [one for one in session.auth if one.outcome == "success"]
    if succeeded and succeeded[-1].method != "unknown":
        assert session.method == succeeded[-1].method
    if session.auth and session.auth[-1].method in PASSWORD_METHODS and not succeeded:
        assert session.method == session.auth[-1].method


@given(st.lists(attempts, max_size=5))
def test_the_decisive_login_is_the_last_that_succeeded_else_the_last(seen: list[AuthAttempt]) -> None:
    succeeded = [one for one in seen if one.outcome == "success"]
    assert decisive(seen) is (succeeded[-1] if succeeded else seen[-1] if seen else None)
