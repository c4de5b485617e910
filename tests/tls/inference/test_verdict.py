"""Whole dialogues, encrypted in thought: the answer is right or there is none."""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.tls.inference import ABSTENTIONS, ANSWER_FROM, HIGHEST, REASONS, Clues, Inference, infer
from analyzer.tls.inference.turns import Exchange
from analyzer.tls.inference.verdict import confidence_of, shares_before, without_servers
from tests.tls.inference import worlds
from tests.tls.inference.sealing import (
    CBC_12,
    CBC_12_SHA256,
    CCM_8_13,
    CHACHA20_12,
    EXACT,
    GCM_12,
    GCM_13,
    GCM_13_SHA384,
    IN_BLOCKS,
    Suite,
    Turn,
    dialogue,
    inferred,
    sealed,
    written,
)
from tests.tls.inference.worlds import METHOD, WITH_FIRST, Ending, Server, World, b64

ENDINGS: tuple[Ending, ...] = ("success", "failure", "cancelled")
LOGINS = [
    (mechanism, first, ending)
    for mechanism, first, ending in product(sorted(METHOD), (False, True), ENDINGS)
    if first <= (mechanism in WITH_FIRST) and not (first and ending == "cancelled" and mechanism in worlds.ONE_STEP)
]
"""Every mechanism with every way to begin and to end; after a response that was the last there is nothing to cancel."""

LIKE_PLAIN = ("ANONYMOUS", True)
"""AUTH ANONYMOUS with a trace leaves what AUTH PLAIN with a password leaves. It is so rare that the password wins."""


def session(
    mechanism: str,
    first: bool,
    ending: Ending,
    *,
    seed: object = 1,
    server: Server = worlds.POSTFIX,
    starttls: bool = False,
) -> tuple[World, list[Turn]]:
    """A dialogue with one login and, where that succeeded, a message."""
    world = World(seed)
    world.server = server
    message = world.message() if ending == "success" else []
    return world, world.session(world.login(mechanism, first=first, ending=ending), message, starttls=starttls)


def known(world: World) -> dict[str, Any]:
    """What STARTTLS leaves in the clear: greeting, EHLO, and a reply without AUTH."""
    (_, ehlo), (_, reply) = written(*world.ehlo(auth=False))
    return {
        "greeting": world.server.greeting.format(host=world.host),
        "ehlo_size": len(ehlo),
        "ehlo_reply_size": len(reply) + len("250-STARTTLS\r\n"),
        "offered": (),
        "extensions": ("PIPELINING", "CHUNKING"),
    }


def is_right_or_unknown(inference: Inference, method: str) -> None:
    assert inference.method in (method, "unknown"), inference
    if inference.method == "unknown":
        assert inference.reason in {*ABSTENTIONS, "cut-off"}
        assert (inference.confidence, inference.attempts, inference.messages) == (None, (), 0)
    else:
        assert inference.reason is None
        assert ANSWER_FROM <= (inference.confidence or 0) <= HIGHEST
    assert set(inference.reasons) <= set(REASONS)


# --- every mechanism ------------------------------------------------------------------------------


@pytest.mark.parametrize(("mechanism", "first", "ending"), LOGINS)
@pytest.mark.parametrize("starttls", [False, True], ids=["implicit", "starttls"])
def test_every_login_is_right_or_unknown(mechanism: str, first: bool, ending: Ending, starttls: bool) -> None:
    for suite in (GCM_13, GCM_13_SHA384, CCM_8_13, GCM_12, CHACHA20_12):
        world, turns = session(mechanism, first, ending, starttls=starttls)
        clues = known(world) if starttls else {}
        inference = inferred(turns, suite, tickets=2, certificate=mechanism == "EXTERNAL", **clues)
        if (mechanism, first) != LIKE_PLAIN:
            is_right_or_unknown(inference, METHOD[mechanism])
        for attempt in inference.attempts:
            assert attempt.outcome in (ending, "unknown")
            assert attempt.initial_response in (first, None)


@pytest.mark.parametrize(("mechanism", "first", "ending"), [login for login in LOGINS if login[2] != "cancelled"])
def test_behind_cbc_every_login_is_right_or_unknown(mechanism: str, first: bool, ending: Ending) -> None:
    _, turns = session(mechanism, first, ending)
    for suite in IN_BLOCKS:
        if mechanism != "ANONYMOUS":  # there, it is like PLAIN in any form
            is_right_or_unknown(inferred(turns, suite, certificate=mechanism == "EXTERNAL"), METHOD[mechanism])


@pytest.mark.parametrize(
    ("mechanism", "first"),
    [login[:2] for login in LOGINS if login[2] == "success" and login[:2] != LIKE_PLAIN],
)
def test_with_the_clues_of_starttls_a_login_that_succeeds_is_told(mechanism: str, first: bool) -> None:
    world, turns = session(mechanism, first, "success", starttls=True)
    for suite in EXACT:
        inference = inferred(turns, suite, tickets=1, certificate=mechanism == "EXTERNAL", **known(world))
        assert (inference.method, inference.messages) == (METHOD[mechanism], 1)
        (attempt,) = inference.attempts
        told = (attempt.method, attempt.outcome, attempt.confidence)
        assert told == (METHOD[mechanism], "success", inference.confidence)
        assert attempt.mechanism in (mechanism, None)
        assert "mail-after-login" in inference.reasons


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER", "CRAM-MD5", "NTLM"])
def test_a_login_in_several_steps_is_told_with_its_mechanism(mechanism: str) -> None:
    for ending in ENDINGS[:2]:
        world, turns = session(mechanism, False, ending, starttls=True)
        (attempt,) = inferred(turns, **known(world)).attempts
        assert (attempt.mechanism, attempt.initial_response, attempt.outcome) == (mechanism, False, ending)


def test_what_is_alike_but_for_the_name_has_no_name() -> None:
    """XOAUTH2 and OAUTHBEARER differ by four bytes in the keyword, and tokens are of any length."""
    for mechanism in ("XOAUTH2", "OAUTHBEARER"):
        _, turns = session(mechanism, True, "success")
        (attempt,) = inferred(turns).attempts
        assert (attempt.mechanism, attempt.method, attempt.initial_response) == (None, "oauth", True)


def test_a_refused_token_that_came_at_once_is_told_by_what_acknowledges_the_refusal() -> None:
    for mechanism in ("XOAUTH2", "OAUTHBEARER"):
        _, turns = session(mechanism, True, "failure")
        (attempt,) = inferred(turns).attempts
        assert attempt.mechanism in (mechanism, None)
        assert (attempt.method, attempt.outcome) == ("oauth", "failure")


def test_external_takes_a_certificate() -> None:
    _, turns = session("EXTERNAL", False, "success")
    assert inferred(turns, certificate=True).method == "certificate"
    without = inferred(turns)
    assert without.shares["certificate"] < inferred(turns, certificate=True).shares["certificate"]


def test_a_fallback_is_judged_by_what_succeeded_and_tells_both() -> None:
    world = World(4)
    turns = world.session(world.login("CRAM-MD5", ending="failure"), world.login("LOGIN"), world.message())
    inference = inferred(turns)
    assert inference.method == "basic"
    assert [(attempt.mechanism, attempt.outcome) for attempt in inference.attempts] == [
        ("CRAM-MD5", "failure"),
        ("LOGIN", "success"),
    ]


def test_a_password_that_was_refused_is_a_password() -> None:
    world, _ = session("LOGIN", False, "failure")
    refused = world.login("LOGIN", ending="failure")
    inference = inferred(world.session(refused, refused, starttls=True), **known(world))
    assert (inference.method, inference.messages) == ("basic", 0)
    assert [attempt.outcome for attempt in inference.attempts] == ["failure", "failure"]


@pytest.mark.parametrize("suite", EXACT, ids=str)
def test_mail_without_a_login_is_none(suite: Suite) -> None:
    world = World(1)
    inference = inferred(world.session(world.message(), auth=False, starttls=True), suite, **known(world))
    assert (inference.method, inference.attempts, inference.messages) == ("none", (), 1)
    assert {"auth-not-offered", "mail-without-login", "no-turn-for-login"} <= set(inference.reasons)


def test_the_servers_known_replies_are_a_reason_of_their_own() -> None:
    world, turns = session("PLAIN", True, "success", starttls=True)
    inference = inferred(turns, **known(world))
    assert {"server-known", "auth-offered", "initial-response", "mail-after-login"} == set(inference.reasons)
    with without_servers(frozenset(("Postfix",))):
        assert "server-known" not in inferred(turns, **known(world)).reasons
        assert inferred(turns, **known(world)).method in ("basic", "unknown")
    assert inferred(turns, **known(world)) == inference


# --- people, programs and messages differ ---------------------------------------------------------


def anybody(draw: st.DrawFn) -> World:
    """Somebody whose name, password and token are of any plausible length."""
    world = World(draw(st.integers(0, 1 << 30)))
    world.user = "x" * draw(st.integers(2, 40))
    world.password = "x" * draw(st.integers(4, 64))
    world.token = "x" * draw(st.integers(400, 3000))
    return world


@st.composite
def logins(draw: st.DrawFn) -> tuple[str, list[Turn], dict[str, Any]]:
    """A login in two steps or more, before up to three messages of any size to up to five people."""
    world = anybody(draw)
    mechanism = draw(st.sampled_from(sorted(METHOD)))
    first = draw(st.booleans()) and mechanism in WITH_FIRST - set(worlds.ONE_STEP)
    sent = [
        world.message(draw(st.integers(1, 5)), pipelined=draw(st.booleans())) for _ in range(draw(st.integers(1, 3)))
    ]
    starttls = draw(st.booleans())
    turns = world.session(world.login(mechanism, first=first), *sent, starttls=starttls)
    clues = known(world) if starttls else {}
    return mechanism, turns, {**clues, "certificate": mechanism == "EXTERNAL", "submission": draw(st.booleans())}


@settings(max_examples=150, deadline=None, derandomize=True)
@given(logins(), st.sampled_from(EXACT), st.integers(0, 2))
def test_a_login_of_two_steps_or_more_is_never_mistaken(
    case: tuple[str, list[Turn], dict[str, Any]], suite: Suite, tickets: int
) -> None:
    mechanism, turns, clues = case
    is_right_or_unknown(inferred(turns, suite, tickets=tickets, **clues), METHOD[mechanism])


def answers(count: int, suite: Suite, *, mechanism: str | None, first: bool = False) -> Counter[str]:
    """How many of so many worlds were answered how."""
    found: Counter[str] = Counter()
    for seed in range(count):
        world = World((mechanism, first, seed))
        draw = world.random
        people = [draw.choice([1, 1, 1, 2, 5]) for _ in range(seed % 3 + 1)]
        sent = [world.message(count, pipelined=draw.random() < 0.25) for count in people]
        login = world.login(mechanism, first=first) if mechanism else []
        starttls = draw.random() < 0.5
        offers = mechanism is not None or draw.random() < 0.5
        turns = world.session(login, *sent, starttls=starttls, auth=offers)
        clues = {"submission": draw.random() < (0.8 if mechanism else 0.3)}
        inference = inferred(turns, suite, tickets=draw.randint(0, 2), certificate=mechanism == "EXTERNAL", **clues)
        found[inference.method] += 1
    return found


def test_sessions_without_a_login_are_hardly_ever_mistaken() -> None:
    found = answers(600, GCM_13, mechanism=None)
    wrong = 600 - found["none"] - found["unknown"]
    assert wrong < 0.005 * 600, found
    assert found["none"] > 0.8 * 600, found


def test_behind_cbc_sessions_without_a_login_are_hardly_ever_mistaken() -> None:
    found = answers(300, CBC_12, mechanism=None)
    assert 300 - found["none"] - found["unknown"] < 0.01 * 300, found


@pytest.mark.parametrize("suite", [CBC_12, CBC_12_SHA256], ids=str)
@pytest.mark.parametrize("mechanism", ["LOGIN", "XOAUTH2", "CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-256", "GSSAPI"])
def test_behind_cbc_a_login_in_several_steps_is_hardly_ever_mistaken(suite: Suite, mechanism: str) -> None:
    found = answers(30, suite, mechanism=mechanism)
    assert set(found) <= {METHOD[mechanism], "unknown"}
    assert found[METHOD[mechanism]] > 10, found


QUIET = Server(  # every answer is as long as every other, or nearly
    greeting="{host} ESMTP",
    success="235 Ok.",
    failure="535 Authentication failed.",
    mail="250 Ok.",
    rcpt="250 Ok.",
    data="354 Ok.",
    queued="250 Ok. {id}",
    bye="221 Bye.",
    offer=("PIPELINING", "8BITMIME", "{auth}"),
)


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "XOAUTH2", "CRAM-MD5"])
def test_answers_that_are_all_alike_hide_no_login(mechanism: str, first: bool) -> None:
    if first and mechanism not in WITH_FIRST:
        return
    for seed in range(12):
        _, turns = session(mechanism, first, "success", seed=seed, server=QUIET)
        is_right_or_unknown(inferred(turns), METHOD[mechanism])


# --- when there is no answer ----------------------------------------------------------------------


def exactly(client: int | None, *server: int) -> Exchange:
    return Exchange(None if client is None else (client, client), tuple((length, length) for length in server))


def verdict(exchanges: list[Exchange], **clues: Any) -> tuple[str, str | None]:
    inference = infer(exchanges, Clues(submission=True, **clues), client_certificate=False)
    return inference.method, inference.reason


def test_a_connection_on_which_the_client_said_nothing_is_none_if_it_ended() -> None:
    for told in ([], [exactly(None, 60)], [exactly(None)]):
        assert verdict(told) == ("none", None)
        assert verdict(told, ended=False) == ("unknown", "cut-off")


def test_one_refused_line_may_be_a_login_or_a_message() -> None:
    told = [exactly(None, 60), exactly(22, 180), exactly(45, 62), exactly(6, 15)]
    assert verdict(told) == ("unknown", "ambiguous")


@pytest.mark.parametrize("mechanism", ["XOAUTH2", "EXTERNAL", None])
def test_what_may_be_followed_by_a_password_is_no_answer_before_the_end(mechanism: str | None) -> None:
    world = World(3)
    login = world.login(mechanism, ending="failure") if mechanism else []
    told = list(dialogue(sealed(world.session(login), GCM_13), GCM_13))[:-1]  # without QUIT
    assert verdict(told, ended=False) == ("unknown", "cut-off")


def test_a_password_is_an_answer_before_the_end() -> None:
    world = World(3)
    told = list(dialogue(sealed(world.session(world.login("LOGIN", ending="failure")), GCM_13), GCM_13))[:-1]
    assert verdict(told, ended=False) == ("basic", None)


def test_mail_is_an_answer_before_the_end() -> None:
    world = World(3)
    told = list(dialogue(sealed(world.session(world.message()), GCM_13), GCM_13))[:-1]
    assert verdict(told, ended=False) == ("none", None)


OTHER_PROTOCOLS = {
    "IMAP, LOGIN": [
        "S: * OK [CAPABILITY IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE AUTH=PLAIN AUTH=LOGIN] Dovecot ready.",
        *(
            "C: a1 LOGIN scan@example.com hunter2hunter2",
            f"S: * CAPABILITY IMAP4rev1 {'X' * 320}",
            "S: a1 OK Logged in",
        ),
        *("C: a2 SELECT INBOX", f"S: * FLAGS ({'X' * 240})", "S: a2 OK [READ-WRITE] Select completed."),
        *("C: a3 FETCH 1:* (FLAGS)", f"S: * {'X' * 500}", "S: a3 OK Fetch completed."),
        *("C: a4 LOGOUT", "S: * BYE Logging out", "S: a4 OK Logout completed."),
    ],
    "IMAP, AUTHENTICATE": [
        *("S: * OK IMAP4rev1 ready", "C: a1 CAPABILITY", "S: * CAPABILITY IMAP4rev1 AUTH=PLAIN", "S: a1 OK done"),
        *("C: a2 AUTHENTICATE PLAIN", "S: + ", f"C: {b64(chr(0) + 'scan' + chr(0) + 'hunter2hunter2')}"),
        *("S: a2 OK Logged in", 'C: a3 LIST "" "*"', f"S: {'X' * 300}", "C: a4 LOGOUT", "S: * BYE", "S: a4 OK bye"),
    ],
    "POP3, PASS": [
        *("S: +OK POP3 server ready <1896.697170952@mail.example>", "C: CAPA", f"S: +OK {'X' * 80}", "S: ."),
        *("C: USER scan@example.com", "S: +OK", "C: PASS hunter2hunter2", "S: +OK Logged in.", "C: STAT"),
        *("S: +OK 2 320", "C: LIST", "S: +OK 2 messages", "S: 1 120", "S: 2 200", "S: .", "C: RETR 1"),
        *(f"S: {'X' * 1200}", "C: QUIT", "S: +OK Logging out."),
    ],
    "POP3, AUTH": [
        *("S: +OK Dovecot ready.", "C: AUTH PLAIN", "S: + ", f"C: {b64(chr(0) + 'scan' + chr(0) + 'hunter2hunter2')}"),
        *("S: +OK Logged in.", "C: STAT", "S: +OK 0 0", "C: QUIT", "S: +OK Logging out."),
    ],
    "HTTP": [
        f"C: GET / HTTP/1.1{'X' * 80}",
        f"S: HTTP/1.1 200 OK{'X' * 900}",
    ],
    "HTTP, with a password": [
        *(f"C: GET / HTTP/1.1{'X' * 200}", f"S: HTTP/1.1 401 Unauthorized{'X' * 300}"),
        *(f"C: GET / HTTP/1.1\r\nAuthorization: Basic {'X' * 220}", f"S: HTTP/1.1 200 OK{'X' * 9000}"),
        *(f"C: POST /x HTTP/1.1{'X' * 800}", f"S: HTTP/1.1 204 No Content{'X' * 100}"),
    ],
    "FTP": [
        *("S: 220 (vsFTPd 3.0.5)", "C: USER scan", "S: 331 Please specify the password.", "C: PASS hunter2hunter2"),
        *("S: 230 Login successful.", "C: SYST", "S: 215 UNIX Type: L8", "C: PBSZ 0", "S: 200 PBSZ set to 0."),
        *("C: PROT P", "S: 200 PROT now Private.", "C: PASV", "S: 227 Entering Passive Mode (192,0,2,1,195,149)."),
        *("C: STOR scan0001.pdf", "S: 150 Ok to send data.", "S: 226 Transfer complete.", "C: QUIT", "S: 221 Goodbye."),
    ],
    "ManageSieve": [
        *('S: "IMPLEMENTATION" "Dovecot Pigeonhole"', 'S: "SIEVE" "fileinto reject envelope encoded-character"'),
        *('S: "SASL" "PLAIN LOGIN"', 'S: "VERSION" "1.0"', 'S: OK "Dovecot ready."'),
        f'C: AUTHENTICATE "PLAIN" "{b64(chr(0) + "scan" + chr(0) + "hunter2hunter2")}"',
        *('S: OK "Logged in."', "C: LISTSCRIPTS", 'S: "main" ACTIVE', 'S: OK "Listscripts completed."'),
        *("C: LOGOUT", 'S: OK "Logout completed."'),
    ],
}


@pytest.mark.parametrize("protocol", OTHER_PROTOCOLS)
@pytest.mark.parametrize("suite", EXACT, ids=str)
def test_other_protocols_are_given_no_login(protocol: str, suite: Suite) -> None:
    for tickets, submission in product((0, 2), (False, True)):
        inference = inferred(written(*OTHER_PROTOCOLS[protocol]), suite, tickets=tickets, submission=submission)
        assert inference.method in ("unknown", "none"), inference
        assert not inference.attempts


@pytest.mark.parametrize("protocol", ["HTTP", "HTTP, with a password", "IMAP, AUTHENTICATE", "POP3, PASS"])
def test_what_is_nothing_like_smtp_is_told_as_that(protocol: str) -> None:
    inference = inferred(written(*OTHER_PROTOCOLS[protocol]))
    assert (inference.method, inference.reason) == ("unknown", "not-smtp")


# --- figures --------------------------------------------------------------------------------------


@given(st.floats(ANSWER_FROM, 1))
def test_a_confidence_says_no_more_than_is_known(share: float) -> None:
    confidence = confidence_of(share)
    assert confidence <= min(share, HIGHEST)
    assert confidence in (HIGHEST, 0.995) or round(confidence * 100) == pytest.approx(confidence * 100)
    assert share - confidence < 0.011


def test_shares_before_anything_is_seen_add_up() -> None:
    assert sum(shares_before().values()) == pytest.approx(1)
    assert set(METHOD.values()) | {"none"} == set(shares_before())


@settings(max_examples=30, deadline=None, derandomize=True)
@given(logins())
def test_figures_of_an_inference_fit_together(case: tuple[str, list[Turn], dict[str, Any]]) -> None:
    _, turns, clues = case
    inference = inferred(turns, **clues)
    assert sum(inference.shares.values()) <= 1 + 1e-6
    assert max(inference.likelihoods.values()) == 0
    assert set(inference.likelihoods) == set(shares_before())
    if inference.method != "unknown":
        assert inference.confidence == confidence_of(inference.shares[inference.method])
        assert inference.method == max(inference.shares, key=lambda family: inference.shares[family])
        assert all(attempt.confidence == inference.confidence for attempt in inference.attempts)
    else:
        assert max(inference.shares.values()) < ANSWER_FROM


@pytest.mark.parametrize("messages", [0, 1, 2, 5, 12])
@pytest.mark.parametrize("login", [None, "LOGIN"])
def test_messages_are_counted(messages: int, login: str | None) -> None:
    for pipelined in (False, True):
        world = World(2)
        sent = [world.message(pipelined=pipelined) for _ in range(messages)]
        inference = inferred(world.session(world.login(login) if login else [], *sent))
        if inference.method != "unknown":
            assert inference.messages == messages
