"""One AUTH command, from its first line to its final reply."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.smtp.exchange import Exchange
from analyzer.smtp.records import AuthAttempt, Dialogue
from tests.smtp import tokens
from tests.smtp.canaries import shows
from tests.smtp.playing import SECRET

HEX = "0123456789abcdef" * 2
REFUSED = '{"status":"401","schemes":"bearer","scope":"mail"}'


def b64(message: str | bytes) -> bytes:
    return base64.b64encode(message.encode() if isinstance(message, str) else message)


class Played:
    """An exchange and what was counted in it."""

    def __init__(self, argument: bytes) -> None:
        self.oddities = Dialogue().oddities
        self.exchange = Exchange(argument, 7, self.oddities)

    @property
    def attempt(self) -> AuthAttempt:
        return self.exchange.attempt


def play(argument: bytes, *answers: bytes, reply: bytes | None = None) -> Played:
    played = Played(argument)
    for answer in answers:
        played.exchange.challenge(b"")
        played.exchange.answer(answer)
    if reply is None:
        played.exchange.abandon()
    else:
        played.exchange.close(int(reply[:3]), [reply])
    return played


PLAIN = b64(f"\0user\0{SECRET}")
MESSAGES = {
    b"PLAIN": (PLAIN,),
    b"LOGIN": (b64("user"), b64(SECRET)),
    b"CRAM-MD5": (b64(f"user {HEX}"),),
    b"DIGEST-MD5": (b64(f'username="user",realm="r",response={HEX}'), b""),
    b"SCRAM-SHA-256": (b64("n,,n=user,r=abc"), b64("c=biws,r=abcd,p=eA==")),
    b"NTLM": (b64(tokens.negotiate()), b64(tokens.authenticate("user"))),
    b"XOAUTH2": (b64(f"user=user\1auth=Bearer {SECRET}\1\1"),),
    b"OAUTHBEARER": (b64(f"n,a=user,\1auth=Bearer {SECRET}\1\1"),),
    b"EXTERNAL": (b64("user"),),
    b"GS2-KRB5": (b64("n,a=user,token"), b64("token")),
}


@pytest.mark.parametrize("mechanism", MESSAGES)
def test_the_name_is_read_with_and_without_initial_response_and_with_an_empty_one(mechanism: bytes) -> None:
    first, *further = MESSAGES[mechanism]
    two_steps = play(mechanism, first, *further, reply=b"235 ok")
    initial = play(mechanism + b" " + first, *further, reply=b"235 ok")
    for played, has_initial in ((two_steps, False), (initial, True)):
        attempt = played.attempt
        assert (attempt.username, attempt.initial_response) == ("user", has_initial)
        assert (attempt.outcome, attempt.code, attempt.time) == ("success", 235, 7)
        assert not played.oddities
        assert not shows(repr(attempt).encode(), SECRET)


@pytest.mark.parametrize("mechanism", [b"PLAIN", b"CRAM-MD5", b"XOAUTH2", b"OAUTHBEARER", b"SCRAM-SHA-256", b"NTLM"])
def test_an_empty_initial_response_counts_as_one_and_the_name_follows(mechanism: bytes) -> None:
    attempt = play(mechanism + b" =", *MESSAGES[mechanism], reply=b"235 ok").attempt
    assert (attempt.username, attempt.initial_response) == ("user", True)


def test_external_with_an_empty_response_names_nobody() -> None:
    for argument, answers in ((b"EXTERNAL =", ()), (b"EXTERNAL", (b"",)), (b"EXTERNAL", (b"=",))):
        played = play(argument, *answers, reply=b"235 ok")
        assert (played.attempt.username, played.attempt.method) == (None, "certificate")


@pytest.mark.parametrize(
    "argument", [b"PLAIN %b", b"  PLAIN   %b  ", b"plain %b", b"PLAIN\t%b", b"Plain\t \t%b\t"], ids=repr
)
def test_blanks_and_case_do_not_matter(argument: bytes) -> None:
    attempt = play(argument % PLAIN, reply=b"235 ok").attempt
    assert (attempt.mechanism, attempt.username, attempt.initial_response) == ("PLAIN", "user", True)


def test_padding_that_the_client_left_out_does_not_matter() -> None:
    assert PLAIN.endswith(b"=")
    assert play(b"PLAIN " + PLAIN.rstrip(b"=")).attempt.username == "user"


@pytest.mark.parametrize(
    ("argument", "oddity"),
    [
        (b"", "auth-without-mechanism"),
        (b"  ", "auth-without-mechanism"),
        (PLAIN, "sasl-mechanism-invalid"),
        (SECRET.encode(), "sasl-mechanism-invalid"),
        (b"PLAIN:" + PLAIN, "sasl-mechanism-invalid"),
        (b"\xff\xfe", "sasl-mechanism-invalid"),
    ],
)
def test_a_missing_or_impossible_mechanism_is_unknown_counted_and_not_shown(argument: bytes, oddity: str) -> None:
    played = play(argument, b64(SECRET), reply=b"501 syntax")
    assert (played.attempt.mechanism, played.attempt.method) == (None, "unknown")
    assert played.oddities == {oddity: 1}
    assert not shows(repr(played.attempt).encode(), SECRET)


@pytest.mark.parametrize(
    ("encoded", "oddity"),
    [
        (b"!!!!", "sasl-base64"),
        (SECRET.encode(), "sasl-base64"),
        (PLAIN + b" " + PLAIN, "sasl-base64"),
        (PLAIN[:5], "sasl-base64"),
        (b"=" + PLAIN, "sasl-base64"),
        (b"\xff", "sasl-base64"),
        (b64(SECRET), "sasl-malformed"),
        (b64(f"user\0{SECRET}"), "sasl-malformed"),
        (b64(f"\0{SECRET}\0{SECRET}"), "name-of-secret-form"),
    ],
)
def test_what_is_no_message_of_plain_is_counted_and_not_shown(encoded: bytes, oddity: str) -> None:
    for played in (play(b"PLAIN " + encoded, reply=b"535 no"), play(b"PLAIN", encoded, reply=b"535 no")):
        assert (played.attempt.method, played.attempt.username) == ("basic", None)
        assert played.oddities == {oddity: 1}
        assert not shows(repr(played.attempt).encode(), SECRET)


def test_an_undecodable_name_does_not_make_the_password_the_first_message() -> None:
    assert play(b"LOGIN", b"!!!!", b64(SECRET), reply=b"535 no").attempt.username is None
    assert play(b"LOGIN !!!!", b64(SECRET), reply=b"535 no").attempt.username is None
    assert play(b"LOGIN", b"", b64(SECRET), reply=b"535 no").attempt.username is None


# --- outcomes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "outcome", "enhanced"),
    [
        (b"235 2.7.0 Accepted", "success", "2.7.0"),
        (b"235", "success", None),
        (b"535 5.7.8 no", "failure", "5.7.8"),
        (b"454 4.7.0 later", "failure", "4.7.0"),
        (b"421 closing", "failure", None),
        (b"504 5.5.4 no", "failure", "5.5.4"),
        (b"599 no", "failure", None),
    ],
)
def test_the_reply_decides_the_outcome(reply: bytes, outcome: str, enhanced: str | None) -> None:
    played = play(b"PLAIN " + PLAIN, reply=reply)
    attempt = played.attempt
    assert (attempt.outcome, attempt.code, attempt.enhanced) == (outcome, int(reply[:3]), enhanced)
    assert not played.oddities


@pytest.mark.parametrize("reply", [b"250 ok", b"220 hello", b"354 go", b"300 what"])
def test_a_reply_that_ends_no_auth_leaves_the_outcome_unknown(reply: bytes) -> None:
    played = play(b"PLAIN " + PLAIN, reply=reply)
    assert played.attempt.outcome == "unknown"
    assert played.oddities == {"auth-reply-unexpected": 1}


@pytest.mark.parametrize("star", [b"*", b"* ", b"\t*"])
def test_a_star_cancels_whatever_the_server_answers(star: bytes) -> None:
    for reply in (b"501 5.7.0 cancelled", b"535 5.7.8 no", b"500 what"):
        assert play(b"LOGIN", star, reply=reply).attempt.outcome == "cancelled"
    assert play(b"LOGIN", star).attempt.outcome == "cancelled"
    assert play(b"LOGIN", star, reply=b"235 ok").attempt.outcome == "success"


def test_without_a_reply_the_outcome_is_unknown() -> None:
    assert play(b"PLAIN " + PLAIN).attempt.outcome == "unknown"


@pytest.mark.parametrize("mechanism", [b"XOAUTH2", b"OAUTHBEARER"])
@pytest.mark.parametrize("answer", [b"", b"AQ==", b"*"])
@pytest.mark.parametrize("initial", [True, False])
def test_a_refused_token_leaves_its_reason(mechanism: bytes, answer: bytes, initial: bool) -> None:
    token = MESSAGES[mechanism][0]
    played = Played(mechanism + b" " + token if initial else mechanism)
    exchange = played.exchange
    if not initial:
        exchange.challenge(b"")
        exchange.answer(token)
    exchange.challenge(b64(REFUSED))
    exchange.answer(answer)
    exchange.close(535, [b"535 5.7.8 no"])
    attempt = exchange.attempt
    assert attempt.refusal == {"status": "401", "schemes": "bearer", "scope": "mail"}
    assert attempt.username == "user"
    assert attempt.outcome == ("cancelled" if answer == b"*" else "failure")
    assert not played.oddities


def test_challenges_of_other_mechanisms_are_no_refusals() -> None:
    for argument in (b"PLAIN " + PLAIN, b"LOGIN " + b64("user"), b"GSSAPI eA=="):
        exchange = Exchange(argument, 0, Dialogue().oddities)
        exchange.challenge(b64(REFUSED))
        assert exchange.attempt.refusal is None


def test_a_challenge_before_the_token_is_no_refusal() -> None:
    exchange = Exchange(b"XOAUTH2", 0, Dialogue().oddities)
    exchange.challenge(b64(REFUSED))
    assert exchange.attempt.refusal is None


@pytest.mark.parametrize(
    "prompt", [b"VXNlcm5hbWU6", b"dXNlcm5hbWU6", b"VXNlciBOYW1lAA==", b"", b"Username:", b"UGFzc3dvcmQ6"]
)
def test_prompts_say_nothing(prompt: bytes) -> None:
    exchange = Exchange(b"LOGIN", 0, Dialogue().oddities)
    exchange.challenge(prompt)
    exchange.answer(b64("user"))
    exchange.challenge(prompt)
    exchange.answer(b64(SECRET))
    exchange.close(235, [b"235 fine"])
    assert exchange.attempt.username == "user"


# --- Kerberos or NTLM ------------------------------------------------------------------------------

KERBEROS_TOKEN = b64(tokens.negotiation(tokens.KERBEROS, tokens.NTLM, token=tokens.kerberos_token()))
NTLM_BEGIN = b64(tokens.negotiation(tokens.NTLM, token=tokens.negotiate()))
NTLM_END = b64(tokens.negotiation_goes_on(tokens.authenticate("user", "CORP")))
UNREADABLE_NTLM = b64(tokens.negotiation_goes_on(tokens.authenticate("user", "CORP")[:40]))
BOTH = b64(tokens.negotiation(tokens.KERBEROS, tokens.NTLM))


@pytest.mark.parametrize(
    ("mechanism", "messages", "method", "user"),
    [
        (b"GSSAPI", (KERBEROS_TOKEN, b64("mic")), "kerberos", None),
        (b"GSSAPI", (), "kerberos", None),
        (b"GSSAPI", (NTLM_BEGIN, NTLM_END), "challenge", "CORP\\user"),
        (b"GSSAPI", (NTLM_BEGIN, UNREADABLE_NTLM), "challenge", None),
        (b"GSSAPI", (UNREADABLE_NTLM,), "challenge", None),
        (b"GSSAPI", (BOTH,), "unknown", None),
        (b"GSS-SPNEGO", (), "unknown", None),
        (b"GSS-SPNEGO", (BOTH,), "unknown", None),
        (b"GSS-SPNEGO", (BOTH, NTLM_END), "challenge", "CORP\\user"),
        (b"GSS-SPNEGO", (KERBEROS_TOKEN, b64("mic")), "kerberos", None),
        (b"GSS-SPNEGO", (NTLM_BEGIN, NTLM_END, b64("mic")), "challenge", "CORP\\user"),
        (b"NTLM", (b64(tokens.negotiate(b"CORP")), b64(tokens.authenticate("user", "CORP")[:40])), "challenge", None),
    ],
)
def test_tokens_tell_kerberos_from_a_password(
    mechanism: bytes, messages: tuple[bytes, ...], method: str, user: str | None
) -> None:
    attempt = play(mechanism, *messages, reply=b"235 ok").attempt
    assert (attempt.method, attempt.username) == (method, user)


# --- any lines -------------------------------------------------------------------------------------

LINES = st.sampled_from([PLAIN, b64("user"), b64(SECRET), b"*", b"=", b"", b"QUIT"]) | st.binary(max_size=40)


@settings(deadline=None)
@given(st.sampled_from([*MESSAGES, b"GSSAPI", b"ANONYMOUS", b"X", b""]), st.lists(LINES, max_size=5), st.booleans())
def test_any_lines_give_an_attempt(mechanism: bytes, lines: list[bytes], initial: bool) -> None:
    if initial and lines:
        mechanism, lines = mechanism + b" " + lines[0], lines[1:]
    attempt = play(mechanism, *lines, reply=b"535 no").attempt
    assert attempt.outcome in ("failure", "cancelled")
    assert attempt.username is None or attempt.username.isprintable()
