"""The transcript tells what the parser did, changes nothing about it, and shows neither a secret nor its length."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.smtp import CLIENT, SERVER, DialogueParser
from analyzer.smtp.oddities import ODDITIES
from analyzer.smtp.transcript import ENTRY_COST, MAX_ENTRIES, Allowance, Entry, TranscriptParser
from tests.smtp.canaries import assert_forgotten, shows
from tests.smtp.dialogues import CASES, LOGIN_STEPS, PLAIN
from tests.smtp.playing import GO, MAIL, NO, OK, QUIT, SECRET, Turns, b64, byte_by_byte, greeting, joined, playbook
from tests.smtp.playing import session as session_of
from tests.smtp.test_canaries import SECRETS, WAYS, can_be_told, exchange, lines_with, raw

PLENTY = 1 << 30
Events = Iterable[tuple[int, bytes | None]]


def played(events: Events, *, from_start: bool = True, allowance: Allowance | None = None) -> TranscriptParser:
    """``None`` in place of bytes is a gap."""
    parser = TranscriptParser(allowance or Allowance(PLENTY), from_start=from_start)
    for number, (side, data) in enumerate(events):
        parser.now = number
        if data is None:
            parser.gap(side, None, number)
        else:
            parser.feed(side, data, 0)
    return parser


def told(*lines: str) -> list[Entry]:
    return played(playbook(*lines)).entries


def rows(entries: Iterable[Entry]) -> list[tuple[str, str, str | None]]:
    return [("CS"[entry.side] + " " + entry.kind, "\n".join(entry.text), entry.answers) for entry in entries]


def written(parser: TranscriptParser) -> bytes:
    """All that the entries hold, but the user name, which is no secret."""
    return repr([replaced(entry) for entry in parser.entries]).encode()


def replaced(entry: Entry) -> tuple[object, ...]:
    return tuple(value for value in (getattr(entry, name) for name in Entry.__slots__ if name != "attempt"))


# --- what it tells ----------------------------------------------------------------------------------


def test_a_dialogue_is_told_turn_by_turn() -> None:
    entries = told(*greeting("AUTH LOGIN"), *LOGIN_STEPS, OK, *MAIL, *QUIT)
    assert rows(entries) == [
        ("S reply", "220 mail.example ESMTP", "greeting"),
        ("C ehlo", "EHLO copier.example", None),
        ("S reply", "250-mail.example\n250 AUTH LOGIN", "ehlo"),
        ("C auth", "AUTH LOGIN", None),
        ("S challenge", "334 <challenge withheld>", "auth"),
        ("C response", "<response withheld>", None),
        ("S challenge", "334 <challenge withheld>", "auth"),
        ("C response", "<response withheld>", None),
        ("S reply", "235 2.7.0 <text withheld>", "auth"),
        ("C mail", "MAIL FROM:<a@b>", None),
        ("S reply", "250 ok", "mail"),
        ("C rcpt", "RCPT TO:<c@d>", None),
        ("S reply", "250 ok", "rcpt"),
        ("C data", "DATA", None),
        ("S reply", "354 go", "data"),
        ("C message-text", "<message text>", None),
        ("S reply", "250 queued", "message"),
        ("C quit", "QUIT", None),
        ("S reply", "221 bye", "quit"),
    ]
    named = [entry for entry in entries if entry.named]
    assert [entry.text for entry in named] == [("<response withheld>",)]
    assert named[0].attempt is not None
    assert named[0].attempt.username == "user"


def test_entries_bear_the_time_of_their_turn() -> None:
    assert [entry.time for entry in told(*greeting())] == [0, 1, 3]


def test_what_comes_with_auth_is_withheld_and_the_mechanism_told() -> None:
    assert told(*greeting(), f"C: auth plain {PLAIN}")[-1].text == ("AUTH PLAIN <initial response withheld>",)
    assert told(*greeting(), f"C: AUTH {PLAIN}")[-1].text == ("AUTH <mechanism withheld>",)
    assert told(*greeting(), "C: AUTH")[-1].text == ("AUTH",)
    assert told(*greeting(), "C: X-EXPS NTLM")[-1].text == ("X-EXPS NTLM",)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("MAIL FROM:<a@b> SIZE=12345 BODY=8BITMIME", "MAIL FROM:<a@b> SIZE=… BODY=…"),
        ("mail from: <a@b> AUTH=<c@d> SMTPUTF8", "mail from:<a@b> AUTH=… SMTPUTF8"),
        ("MAIL FROM:<> ???", "MAIL FROM:<> …"),
        ('RCPT TO:<"a b"@c>', 'RCPT TO:<"a b"@c>'),
        ("MAIL something", "MAIL <argument withheld>"),
        ("NOOP something", "NOOP <argument withheld>"),
        ("HELP something", "HELP <argument withheld>"),
        ("VRFY someone", "VRFY <argument withheld>"),
        ("BDAT 8 LAST", "BDAT <argument withheld> LAST"),
        ("STARTTLS", "STARTTLS"),
        ("XXXXXXXX", "XXXXXXXX"),
        ("what is this", "<line withheld>"),
        ("PASS word", "<line withheld>"),
    ],
)
def test_of_commands_only_known_forms_are_shown(line: str, shown: str) -> None:
    assert told(*greeting(), f"C: {line}")[3].text == (shown,)


def test_a_refusal_is_shown_as_long_as_it_can_repeat_nothing() -> None:
    before = told(*greeting(), "C: MAIL FROM:<a@b>", "S: 530 5.7.0 log in, a@b")
    assert before[-1].text == ("530 5.7.0 log in, a@b",)
    assert before[-1].meaning == "authentication is required"
    after = told(*greeting(), f"C: AUTH PLAIN {PLAIN}", "S: 535 5.7.8 no, user", "C: RSET", f"S: 500 what is {PLAIN}")
    assert after[-3].text == ("535 5.7.8 <text withheld>",)
    assert after[-3].meaning == "wrong user name or password, disabled account or expired token"
    assert after[-1].text == ("500 <text withheld>",)


def test_the_server_alone_is_shown_as_far_as_it_can_repeat_nothing() -> None:
    turns = playbook("S: 220 mail.example ESMTP", "S: 250-mail.example\n S: 250 AUTH LOGIN", "S: 500 what is x")
    assert [entry.text for entry in played(turns).entries] == [
        ("220 mail.example ESMTP",),
        ("250-mail.example", "250 AUTH LOGIN"),
        ("500 <text withheld>",),
    ]


def test_a_cancelled_login_is_told_as_one() -> None:
    entries = told(*greeting(), "C: AUTH LOGIN", GO, "C: *", "S: 501 5.7.0 as you wish")
    assert rows(entries)[-2:] == [("C cancel", "*", None), ("S reply", "501 5.7.0 as you wish", "auth")]


def test_a_gap_stands_where_it_is_and_nothing_is_paired_across_it() -> None:
    turns = playbook(*greeting(), "C: MAIL FROM:<a@b>")
    entries = played([*turns, (SERVER, None), *playbook("S: 250 ok", "C: QUIT", "S: 221 bye")]).entries
    assert rows(entries)[3:] == [
        ("C mail", "MAIL FROM:<a@b>", None),
        ("S gap", "", None),
        ("S reply", "250 <text withheld>", None),
        ("C quit", "QUIT", None),
        ("S reply", "221 bye", "quit"),
    ]
    assert entries[-3].oddities == ("unsolicited-reply",)


def test_commands_that_prove_to_be_message_text_are_taken_back() -> None:
    turns = playbook(*greeting(), *MAIL[:6])
    quoted = playbook("C: EHLO quoted.example", "C: MAIL FROM:<quoted@b>", "C: and so it went on")
    entries = played([*turns, (CLIENT, None), *quoted]).entries
    assert rows(entries)[-2:] == [("C gap", "", None), ("C taken-back", "<message text>", None)]
    assert entries[-1].oddities == ("text-like-commands",)


def test_what_is_passed_over_is_told_once() -> None:
    turns: list[tuple[int, bytes | None]] = [*playbook("C: some text", "C: more text", "C: RSET", "S: 250 ok")]
    assert rows(played(turns, from_start=False).entries) == [
        ("C passed-over", "<line withheld>", None),
        ("C rset", "RSET", None),
        ("S reply", "250 ok", "rset"),
    ]


def test_what_is_slipped_in_behind_starttls_is_marked() -> None:
    early = [(CLIENT, b"STARTTLS\r\nNOOP\r\nAUTH LOGIN\r\n"), (SERVER, b"220 2.0.0 go ahead\r\n250 ok\r\n")]
    entries = played([*playbook(*greeting()), *early]).entries
    assert [(entry.kind, entry.early) for entry in entries[3:]] == [
        ("starttls", False),
        ("noop", True),
        ("auth", True),
        ("reply", False),
        ("reply", False),
    ]


def test_other_protocols_are_given_up_and_none_of_their_lines_shown() -> None:
    lines = ["S: +OK hello", "C: USER anna", "S: +OK", f"C: PASS {SECRET}", *["C: LIST"] * 20]
    entries = told(*lines)
    assert {entry.kind for entry in entries} == {"no-reply", "unknown", "given-up"}
    assert {text for entry in entries for text in entry.text} == {"<line withheld>"}


def test_oddities_stand_beside_what_caused_them_and_bare_line_ends_once() -> None:
    turns = [(SERVER, b"220 x ESMTP\n"), (CLIENT, b"EHLO y\n"), (SERVER, b"250 x\n"), (CLIENT, b"WHAT\n")]
    found = [entry.oddities for entry in played(turns).entries]
    assert found[0] == found[1] == ("bare-lf",)
    assert found[2] == ()
    assert found[3] == ("command-unknown",)


def test_a_long_reply_is_cut_visibly() -> None:
    lines = [f"S: 250-X{number}" for number in range(60)]
    entry = told("S: 220 x ESMTP", "C: EHLO y", *lines, "S: 250 LAST")[-1]
    assert len(entry.text) == 41
    assert entry.text[-1] == "…"


# --- it changes nothing ------------------------------------------------------------------------------

TURNS = sorted({turn for case in CASES.values() for turn in joined(case.turns)})


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(TURNS) | st.tuples(st.sampled_from([CLIENT, SERVER]), st.none()), max_size=25),
    st.booleans(),
)
def test_the_verdict_is_that_of_the_parser_without_transcript(
    events: list[tuple[int, bytes | None]], from_start: bool
) -> None:
    plain = DialogueParser(from_start=from_start)
    for side, data in events:
        if data is None:
            plain.gap(side, None, 0)
        else:
            plain.feed(side, data, 0)
    parser = played(events, from_start=from_start)
    assert parser.finish() == plain.finish()
    assert {name for entry in parser.entries for name in entry.oddities} <= {*ODDITIES}


@pytest.mark.parametrize("name", CASES)
def test_however_the_bytes_come_the_same_is_told(name: str) -> None:
    turns = CASES[name].turns
    whole, pieces = ([replaced(e)[1:] for e in played(cut).entries] for cut in (joined(turns), byte_by_byte(turns)))
    assert whole == pieces


# --- secrets -----------------------------------------------------------------------------------------


def check(turns: Turns, secret: str, gap_before: int | None = None) -> None:
    events: list[tuple[int, bytes | None]] = [*turns]
    if gap_before is not None:
        events[gap_before:gap_before] = [(CLIENT, None), (SERVER, None)]
    parser = played(events)
    parser.finish()
    assert not shows(written(parser), secret)
    assert_forgotten(parser, secret)


def with_echo(turns: Turns) -> Turns:
    """A server that repeats every line of the client that is no command of a known form."""
    found: Turns = []
    for side, data in turns:
        if side == SERVER and found and found[-1][0] == CLIENT and data[:1] == b"5":
            data = data[:4] + b"what is " + found[-1][1]
        found.append((side, data))
    return found


@pytest.mark.parametrize(("name", "secret"), [(n, s) for n in WAYS for s in SECRETS[1:] if can_be_told(n, s)])
def test_no_way_of_logging_in_shows_the_secret(name: str, secret: str) -> None:
    for initial in (True, False):
        for final in (OK, NO, "S: 501 5.5.2 what", "S: 421 bye"):
            turns = raw(*greeting(), *exchange(name, secret, initial=initial, final=final), *MAIL, *QUIT)
            check(turns, secret)
            check(with_echo(turns), secret)
        check(byte_by_byte(turns), secret)
        check(joined(turns), secret)


@pytest.mark.parametrize("name", WAYS)
def test_no_hole_shows_the_secret(name: str) -> None:
    if "one word" in name or "swapped" in name:
        return  # of these the first message alone is a name like any other
    secret = SECRETS[0]
    for initial in (True, False):
        turns = raw(*greeting(), *exchange(name, secret, initial=initial, final=OK), *MAIL, *QUIT)
        for hole in range(len(turns)):
            check([turn for number, turn in enumerate(turns) if number != hole], secret, hole)
            for side in (CLIENT, SERVER):
                check([turn for turn in turns if turn[0] == side], secret, hole)


@pytest.mark.parametrize("secret", SECRETS[:3])
@pytest.mark.parametrize("before", [OK, NO, "S: 334 ", "S: 421 bye"])
@pytest.mark.parametrize("command", ["AUTH LOGIN", "AUTH PLAIN", "AUTH", "AUTH X-NEW", "NOOP", "RSET", "HELP"])
def test_a_secret_sent_where_none_is_awaited_is_not_shown(command: str, before: str, secret: str) -> None:
    if command == "AUTH LOGIN" and before == "S: 334 ":
        return  # the place of the name
    for line in lines_with(secret):
        script = [*greeting(), f"C: {command}", before, line, "S: 500 what", line, "S: 550 what", *MAIL, *QUIT]
        check(raw(*script), secret)
        check(with_echo(raw(*script)), secret)


def test_the_length_of_a_secret_does_not_show() -> None:
    def of(password: str) -> list[tuple[object, ...]]:
        steps = ["C: AUTH LOGIN", GO, f"C: {b64('user')}", GO, f"C: {b64(password)}", NO]
        plain = [f"C: AUTH PLAIN {b64(f'{chr(0)}user{chr(0)}{password}')}", NO, f"C: {password}", "S: 500 what"]
        return [replaced(entry) for entry in played(session_of(*steps, *plain)).entries]

    assert of("a") == of("a" * 20) == of("a" * 9000)


# --- bounds ------------------------------------------------------------------------------------------


def test_very_long_dialogues_are_cut_but_for_their_logins() -> None:
    lines = ["C: NOOP", "S: 250 ok"] * MAX_ENTRIES
    entries = told(*greeting(), *lines, *LOGIN_STEPS, OK, *lines)
    assert len(entries) < MAX_ENTRIES + 20
    kinds = [entry.kind for entry in entries[MAX_ENTRIES:]]
    assert kinds == ["left-out", "auth", "challenge", "response", "challenge", "response", "left-out"]
    assert sum(entry.count for entry in entries) + sum(not entry.count for entry in entries) == 3 + 4 * MAX_ENTRIES + 6


def test_all_transcripts_together_stay_within_their_allowance() -> None:
    allowance = Allowance(100 * ENTRY_COST)
    turns = [*playbook(*greeting()), *playbook("C: NOOP", "S: 250 ok") * 200]
    parsers = [played(turns, allowance=allowance) for _ in range(5)]
    assert sum(len(parser.entries) for parser in parsers) <= 105
    assert all(parser.entries[-1].kind == "left-out" for parser in parsers)
    for parser in parsers:
        parser.discard()
    assert allowance.left == 100 * ENTRY_COST


@settings(deadline=None)
@given(st.lists(st.sampled_from(TURNS) | st.tuples(st.sampled_from([CLIENT, SERVER]), st.none()), max_size=30))
def test_the_allowance_is_given_back_to_the_last_byte(events: list[tuple[int, bytes | None]]) -> None:
    allowance = Allowance(20_000)
    parser = played(events, allowance=allowance, from_start=False)
    parser.finish()
    parser.discard()
    assert allowance.left == 20_000


def test_no_entry_is_longer_than_lines_are_shown() -> None:
    entries = told("S: 220 " + "x" * 5000, "C: EHLO " + "ü" * 5000, "S: 250 " + "x" * 5000)
    assert max(len(text) for entry in entries for text in entry.text) <= 512
    assert astuple(entries[1])[3][0].endswith("ü")
