"""The explanation: what it says, that it harms nobody, and that no length can be worked out from it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.explanation.account import Account
from analyzer.report.explanation import STEPS, explanation_record, step
from analyzer.report.redact import Redactor
from analyzer.report.story import percent
from analyzer.report.table import NARROWEST
from analyzer.report.width import display_width
from analyzer.smtp.transcript import Entry
from analyzer.tls import Inference, TlsSession
from analyzer.tls.inference import InferredAttempt, InferredTurn
from tests.explanation.telling import told
from tests.support.reports import HOSTILE, hostile_sessions
from tests.support.sessions import SECOND, START, attempt, session, silent

LOGIN = attempt("LOGIN")
CLEAR = [
    Entry(START, 1, "reply", ("220 mail.example ESMTP",), answers="greeting", code=220),
    Entry(START + SECOND, 0, "ehlo", ("EHLO copier.example",)),
    Entry(START + 2 * SECOND, 0, "auth", ("AUTH LOGIN <initial response withheld>",), attempt=LOGIN, named=True),
    Entry(START + 3 * SECOND, 1, "reply", ("535 5.7.8 <text withheld>",), answers="auth", code=535, meaning="wrong"),
    Entry(START + 4 * SECOND, 0, "gap"),
    Entry(START + 5 * SECOND, 1, "reply", ("250 ok",), code=250, oddities=("unsolicited-reply",)),
    Entry(START + 6 * SECOND, 1, "reply", ("250 ok",), code=250, oddities=("unsolicited-reply",)),
    Entry(START + 7 * SECOND, 0, "left-out", count=1234),
]
TURNS = (
    InferredTurn("greeting", (), "", "greeting"),
    InferredTurn("ehlo", (), "ehlo", "ehlo"),
    InferredTurn("PLAIN 1 success", ("initial-response",), "auth plain", "success", "PLAIN"),
    InferredTurn("quit", (), "quit", ""),
)


def inferred(share: float = 0.971, **fields: Any) -> Inference:
    attempts = (InferredAttempt("PLAIN", "basic", True, "success", share),)
    shares = {"basic": share, "none": 0.02, "oauth": 0.004}
    return Inference("basic", share, None, ("initial-response",), attempts, shares=shares, turns=TURNS, **fields)


def in_tls(inference: Inference | None, **fields: Any) -> tuple[Any, Account]:
    made = silent(
        "basic",
        evidence="inferred",
        confidence=0.9712,
        reasons=("initial-response",),
        tls_mode="implicit",
        tls_version="1.3",
        tls_cipher="TLS_AES_128_GCM_SHA256",
        tls_client_versions=("1.3", "1.2"),
        tls_sni="mail.example",
        tls_established=True,
        tls_resumed=False,
        **fields,
    )
    return made, Account(tls=TlsSession(inference=inference, client_certificate=False))


# --- in words -------------------------------------------------------------------------------------


def test_the_dialogue_in_the_clear_is_told_line_by_line() -> None:
    assert told(session(LOGIN), Account(CLEAR)) == CLEAR_GOLDEN


CLEAR_GOLDEN = """\
Session
  client    10.10.0.103:35878, copier3.example.com, 00-17-C8-00-01-03
  server    10.10.0.11:587
  start     2026-11-23 20:48:55.123456 UTC, took 1.000 s
  capture   office.pcap, client not captured, server not captured
  TLS       none
  findings  cleartext-auth

Verdict
  basic: a password that can be used again; read in the clear.
  - AUTH LOGIN as scan@example.com: accepted (235).

In the clear (seconds since the start; C: client, S: server)
   0.000  S  greeting          220 mail.example ESMTP
   1.000  C  EHLO              EHLO copier.example
   2.000  C  AUTH              AUTH LOGIN <initial response withheld>
                               ^ user name: scan@example.com
   3.000  S  login refused     535 5.7.8 <text withheld>
                               ^ means: wrong
   4.000  C  missing bytes     Bytes are missing here; nothing is paired across them.
   5.000  S  to nothing seen   250 ok
                               ^ unsolicited-reply: a reply to no command that was seen
   6.000  S  to nothing seen   250 ok
                               ^ unsolicited-reply
   7.000  C  left out          1,234 further lines.
"""


def test_what_was_inferred_is_told_exchange_by_exchange() -> None:
    assert told(*in_tls(inferred(whole=False))) == TLS_GOLDEN


TLS_GOLDEN = """\
Session
  client    10.10.0.103:35878, copier3.example.com, 00-17-C8-00-01-03
  server    10.10.0.11:587, mail.example
  start     2026-11-23 20:48:55.123456 UTC, took 1.000 s
  capture   office.pcap, client not captured, server not captured
  TLS       from the start, version 1.3, TLS_AES_128_GCM_SHA256
  messages  1

Verdict
  basic: a password that can be used again; inferred from sizes and turns inside TLS, probability
  95% to 99%.
  - A line as long as AUTH, the mechanism's name and base64 after it.
  > The keys of one end (--keylog) would show the dialogue itself.

TLS handshake
  The client offered TLS 1.3, 1.2, for mail.example.
  The server chose TLS 1.3 with TLS_AES_128_GCM_SHA256.
  TLS 1.3 encrypts the server's certificate.
  The client showed no certificate.

Inside TLS, inferred from sizes and turns: the most probable reading
   1                                             S  greeting
   2  C  EHLO                                    S  what it offers
   3  C  AUTH PLAIN with user name and password  S  login accepted  a line as long as AUTH, the
                                                                    mechanism's name and base64
                                                                    after it
   4  C  QUIT                                    S  no answer
  The rest could not change the verdict, or was too much to read.
  Probabilities: basic 95% to 99%, no login 1% to 5%; anything else less.
"""


def test_on_a_narrow_terminal_the_sides_stand_below_each_other() -> None:
    text = told(*in_tls(inferred()), width=50)
    assert "   3  C  AUTH PLAIN with user name and password\n      S  login accepted\n      ^ a line as long as" in text


def test_what_is_unknown_says_why_and_what_helps() -> None:
    made, account = in_tls(Inference(reason="padding"))
    made.method, made.evidence, made.confidence, made.reason, made.reasons = "unknown", None, None, "padding", ()
    text = told(made, account)
    assert "unknown: whether and how the client logged in is not known." in text
    assert "- The sender pads its records, so that their lengths say nothing. (padding)" in text
    assert "> Look inside with the keys of one end (--keylog)" in text
    assert "None: see the verdict." in text


def test_what_was_decrypted_stands_before_what_would_have_been_inferred() -> None:
    made, account = in_tls(inferred())
    made.evidence, made.confidence = "decrypted", 1.0
    account.inside = [Entry(0, 0, "ehlo", ("EHLO x",)), Entry(0, 1, "reply", ("250 x",), answers="ehlo", code=250)]
    text = told(made, account)
    assert "Inside TLS, decrypted with its keys (C: client, S: server)\n  C  EHLO              EHLO x\n" in text
    assert text.index("decrypted with its keys (C") < text.index(
        "as it would have been inferred without the keys: basic\n"
    )
    account.tls = TlsSession(inference=Inference(reason="padding"))
    assert told(made, account).endswith(
        "\nInside TLS, as it would have been inferred without the keys: unknown (padding)\n  None.\n"
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"tls_established": False, "tls_alert": "unknown_ca"}, "The handshake failed (unknown_ca)."),
        ({"tls_established": None}, "Whether the handshake came to its end was not seen."),
        ({"tls_resumed": True}, "It resumes an earlier session, so that no certificates were shown."),
        ({"tls_client_versions": ()}, "What the client offered was not seen."),
        ({"tls_sni": None}, "The client offered TLS 1.3, 1.2, without a server's name."),
        ({"tls_alpn": ("smtp", "x")}, "for mail.example, to speak smtp, x."),
    ],
)
def test_the_handshake_is_told(fields: dict[str, Any], words: str) -> None:
    made, account = in_tls(None)
    for name, value in fields.items():
        setattr(made, name, value)
    assert words in told(made, account)


def test_a_login_of_a_mechanism_that_cannot_be_told_says_so() -> None:
    made, account = in_tls(None)
    tried = attempt("XOAUTH2", username=None, evidence="inferred", code=None)
    tried.mechanism = None
    made.auth = [tried]
    assert "AUTH with an access token (which mechanism cannot be told): accepted." in told(made, account)


def test_a_session_without_times_is_told_without() -> None:
    entries = [Entry(0, 1, "reply", ("220 x",), answers="greeting", code=220)]
    text = told(session(LOGIN, start=0, end=0), Account(entries))
    assert "start     at a time that no packet tells\n" in text
    assert "\n  S  greeting          220 x\n" in text


# --- harmless -------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [NARROWEST, 60, 100, 140])
@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_text_is_inert_and_within_the_terminal(kind: str, width: int) -> None:
    text = HOSTILE[kind]
    (made,) = hostile_sessions(text)
    made.tls_mode = "starttls"
    entries = [
        Entry(START, 0, "ehlo", (f"EHLO {text}",)),
        Entry(START, 1, "reply", (f"250-{text}", f"250 {text}"), answers="ehlo", code=250),
        Entry(START, 0, "auth", ("AUTH LOGIN",), attempt=made.auth[0], named=True),
    ]
    account = Account(entries, TlsSession(inference=inferred()))
    for line in told(made, account, width).splitlines():
        assert line.isprintable()
        assert display_width(line) <= width
    assert json.loads(json.dumps(explanation_record(made, account)))


# --- secrets --------------------------------------------------------------------------------------


@given(st.floats(0, 1))
def test_a_probability_lies_between_its_steps(probability: float) -> None:
    least, most = step(probability)
    assert least <= probability <= most
    assert STEPS.index(most) == STEPS.index(least) + 1


def test_steps_have_words() -> None:
    words = [percent(step(probability)) for probability in (0, 0.02, 0.1, 0.3, 0.6, 0.9, 0.97, 0.995, 1)]
    assert words == [
        "under 1%",
        *("1% to 5%", "5% to 20%", "20% to 50%", "50% to 80%", "80% to 95%", "95% to 99%"),
        "over 99%",
        "over 99%",
    ]


def test_no_probability_is_told_closer_than_its_step() -> None:
    def record(share: float) -> str:
        made, account = in_tls(inferred(share))
        made.confidence = share
        made.auth = [attempt("PLAIN", username=None, evidence="inferred", confidence=share, code=None)]
        return json.dumps(explanation_record(made, account))

    assert record(0.9534) == record(0.9601)
    assert "0.95, 0.99" in record(0.9534)
    assert "0.9534" not in record(0.9534)


def test_families_of_one_step_are_told_in_an_order_that_tells_nothing() -> None:
    first, second = inferred(), inferred()
    first = Inference(shares={"oauth": 0.3, "basic": 0.4, "none": 0.3}, turns=TURNS)
    second = Inference(shares={"basic": 0.3, "oauth": 0.4, "none": 0.3}, turns=TURNS)
    told = [list(explanation_record(*in_tls(one))["inferred"]["probabilities"]) for one in (first, second)]
    assert told == [["basic", "none", "oauth"]] * 2


def test_user_names_can_be_left_out_wherever_they_stand() -> None:
    user = attempt("LOGIN", username="scan", authzid="boss@example.com")
    entries = [
        Entry(START, 0, "ehlo", ("EHLO scan.example.com",)),
        Entry(START, 0, "auth", ("AUTH LOGIN",), attempt=user, named=True),
        Entry(START, 0, "mail", ("MAIL FROM:<Scan@example.com> SIZE=…",)),
        Entry(
            START, 1, "reply", ("250 <Scan@example.com> ok, SCAN, hello boss@example.com",), answers="mail", code=250
        ),
    ]
    made = session(user, ehlo="scan.example.com")
    redactor = Redactor(b"key")
    text = told(made, Account(entries), redactor=redactor)
    assert "EHLO scan.example.com" in text  # a host, not a user
    for name in ("Scan@", "SCAN", "boss@", "as scan:"):
        assert name not in text
    assert text.count(redactor.alias("scan")) == 3
    assert text.count(redactor.alias("Scan@example.com")) == 2
    assert text.count(redactor.alias("boss@example.com")) == 1
    assert redactor.alias("scan") in json.dumps(explanation_record(made, Account(entries), redactor))
