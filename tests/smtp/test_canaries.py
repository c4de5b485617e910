"""A marked secret, sent in every right and wrong way, shows nowhere: neither in the result nor in what is kept."""

from __future__ import annotations

import base64
from collections.abc import Iterable

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from analyzer.smtp import CLIENT, SERVER, DialogueParser, repertoire
from analyzer.smtp.mechanisms import mechanism
from tests.smtp import tokens
from tests.smtp.canaries import assert_forgotten, assert_silent, forms, shows, texts_in
from tests.smtp.dialogues import PLAIN
from tests.smtp.playing import (
    GO,
    MAIL,
    NO,
    OK,
    QUIT,
    SECRET,
    Turns,
    b64,
    byte_by_byte,
    greeting,
    joined,
    play,
    playbook,
    session,
)

SECRETS = ["s3cr3t-c4n4ry", "C4naryOfLettersAlone", "c4n4ry of three words", "c4n4ry@example.com", "Kanärienvögel!"]
HEX = "0123456789abcdef" * 2


def messages(secret: str) -> dict[str, list[str]]:
    """What clients send under each mechanism, right and wrong, with ``secret`` wherever a secret may be."""
    response = (secret.encode() * 24)[:24]
    ntlm = [b64(tokens.negotiate()), b64(tokens.authenticate("user", "CORP", "PC", response=response))]
    cut_token = tokens.authenticate("user", response=response)[:90]
    plain, bearer = f"\0user\0{secret}", f"auth=Bearer {secret}\1\1"
    return {
        "PLAIN": [b64(plain)],
        "PLAIN, for another": [b64(f"boss{plain}")],
        "PLAIN, no leading NUL": [b64(plain[1:])],
        "PLAIN, NUL at the end": [b64(f"{plain}\0")],
        "PLAIN, NUL at the end only": [b64(f"{plain[1:]}\0")],
        "PLAIN, one word for both": [b64(f"\0{secret}\0{secret}")],
        "PLAIN, one word for all": [b64(f"{secret}\0{secret}\0{secret}")],
        "PLAIN, swapped": [b64(f"\0{secret}\0user@example.com")],
        "PLAIN, password alone": [b64(secret)],
        "PLAIN, encoded twice": [b64(b64(plain))],
        "PLAIN, not encoded": [plain],
        "PLAIN, in two words": [f"{b64('user')} {b64(secret)}"],
        "PLAIN, in two lines": [b64("user"), b64(secret)],
        "PLAIN, after an empty answer": ["", b64(plain)],
        "LOGIN": [b64("user"), b64(secret)],
        "LOGIN, name twice": [b64("user"), b64("user"), b64(secret)],
        "LOGIN, password twice": [b64("user"), b64(secret), b64(secret)],
        "LOGIN, one word for both": [b64(secret), b64(secret)],
        "LOGIN, one word for both, in capitals": [b64(secret), b64(secret.upper())],
        "LOGIN, swapped": [b64(secret), b64("user@example.com")],
        "LOGIN, in two words": [f"{b64('user')} {b64(secret)}"],
        "LOGIN, as PLAIN": [b64(plain)],
        "LOGIN, as PLAIN encoded twice": [b64(b64(plain))],
        "LOGIN, as XOAUTH2": [b64(f"user=user\1{bearer}")],
        "LOGIN, as OAUTHBEARER": [b64(f"n,a=user,\1{bearer}")],
        "LOGIN, as CRAM-MD5": [b64(f"user {secret.encode().hex() * 3}"[:60])],
        "LOGIN, token with its scheme": [b64(f"Bearer {secret}")],
        "LOGIN, token as name": [b64(f"eyJ{secret.encode().hex()}.{b64(secret).rstrip('=')}.x")],
        "LOGIN, long token as name": [b64(secret * 100)],
        "LOGIN, empty name": ["", b64(secret)],
        "LOGIN, undecodable name": ["!!!!", b64(secret)],
        "LOGIN, not encoded": [secret, secret],
        "CRAM-MD5": [b64(f"user {(secret.encode().hex() + HEX)[:32]}")],
        "CRAM-MD5, password in place of the digest": [b64(f"user {secret}")],
        "CRAM-MD5, password alone": [b64(secret)],
        "DIGEST-MD5": [b64(f'username="user",realm="r",nonce="{secret}",cnonce="{secret}",response={HEX}'), ""],
        "DIGEST-MD5, with the password": [b64(f'username="user",password="{secret}",response={secret}')],
        "DIGEST-MD5, cut": [b64(f'username="user",response="{secret}')],
        "SCRAM-SHA-256": [b64(f"n,,n=user,r={secret}"), b64(f"c=biws,r={secret},p={b64(secret)}")],
        "SCRAM-SHA-256, name in base64": [b64(f"n,,n={b64(secret)}==,r=x")],
        "SCRAM-SHA-256, as PLAIN": [b64(plain)],
        "NTLM": ntlm,
        "NTLM, cut": [ntlm[0], ntlm[1][:100]],
        "NTLM, as LOGIN": [b64("user"), b64(secret)],
        "XOAUTH2": [b64(f"user=user\1{bearer}")],
        "XOAUTH2, one word for both": [b64(f"user={secret}\1{bearer}")],
        "XOAUTH2, swapped": [b64(f"user={secret}\1auth=Bearer user@example.com\1\1")],
        "XOAUTH2, separators written out": [b64(f"user=user^Aauth=Bearer {secret}^A^A")],
        "XOAUTH2, separators left out": [b64(f"user=user auth=Bearer {secret}")],
        "XOAUTH2, separators as blanks": [b64(f"user=user {bearer}")],
        "XOAUTH2, token alone": [b64(secret)],
        "XOAUTH2, sent again": [b64(f"user=user\1{bearer}"), b64(f"user=user\1{bearer}")],
        "XOAUTH2, as PLAIN": [b64(plain)],
        "OAUTHBEARER": [b64(f"n,a=user,\1host=x\1port=1\1{bearer}")],
        "OAUTHBEARER, header cut": [b64(f"n,a=user\1{bearer},")],
        "OAUTHBEARER, one word for both": [b64(f"n,a={secret},\1{bearer}")],
        "EXTERNAL, as PLAIN": [b64(plain)],
        "EXTERNAL, as XOAUTH2": [b64(f"user=user\1{bearer}")],
        "EXTERNAL, with a second answer": ["", b64(secret)],
        "GSSAPI": [b64(tokens.kerberos_token(secret.encode())), b64(secret)],
        "GSS-SPNEGO": [
            b64(tokens.negotiation(tokens.NTLM, token=tokens.negotiate())),
            b64(tokens.negotiation_goes_on(tokens.authenticate("user", response=response))),
        ],
        "GSS-SPNEGO, cut": [b64(tokens.negotiation(tokens.NTLM, token=cut_token))],
        "GS2-KRB5": [b64(f"n,,{secret}")],
        "ANONYMOUS": [b64(secret)],
        "X-NEW": [b64(secret), b64(secret)],
    }  # fmt: skip


# The word itself, base64 of it, or what a wrong decoding makes of it, must not be the name either.
WAYS = sorted(messages(""))


def exchange(name: str, secret: str, *, initial: bool, final: str) -> list[str]:
    verb = "C: AUTH " + name.partition(",")[0]
    sent = list(messages(secret)[name])
    script = [f"{verb} {sent.pop(0)}" if initial and sent[0] else verb]
    for message in sent:
        script += [GO, f"C: {message}"]
    return [*script, final]


def check(turns: Iterable[tuple[int, bytes]], secret: str, gap_before: int | None = None) -> None:
    parser = DialogueParser()
    for number, (side, data) in enumerate(turns):
        if number == gap_before:
            parser.gap(CLIENT, None, 0)
            parser.gap(SERVER, None, 0)
        parser.feed(side, data, 0)
    dialogue = parser.finish()
    assert_silent(dialogue, secret)
    assert_forgotten(parser, secret)
    for attempt in dialogue.auth:
        for known in (attempt.username, attempt.authzid, attempt.realm):
            assert known in (None, "user", "boss", "CORP\\user", "CORP", "PC", "r")


def raw(*lines: str) -> Turns:
    """Like a playbook, but what a line holds may be anything, line ends included."""
    return [(SERVER if line[0] == "S" else CLIENT, line[3:].encode() + b"\r\n") for line in lines]


def can_be_told(name: str, secret: str) -> bool:
    """An address as password, swapped with an address as name, looks as it should."""
    return "swapped" not in name or "@" not in secret


@pytest.mark.parametrize(("name", "secret"), [(n, s) for n in WAYS for s in SECRETS if can_be_told(n, s)])
def test_no_way_of_logging_in_leaves_the_secret_behind(name: str, secret: str) -> None:
    for initial in (True, False):
        for final in (OK, NO, "S: 501 5.5.2 what", "S: 421 bye"):
            turns = raw(*greeting(), *exchange(name, secret, initial=initial, final=final), *MAIL, *QUIT)
            check(turns, secret)
        check(byte_by_byte(turns), secret)
        check(joined(turns), secret)


# Of LOGIN's two messages the first alone, of one word for both, is a name like any other.
TOLD_BY_THE_SECOND = [name for name in WAYS if name.startswith("LOGIN") and ("one word" in name or "swapped" in name)]


@pytest.mark.parametrize("name", sorted({*WAYS} - {*TOLD_BY_THE_SECOND}))
def test_no_hole_before_within_or_after_a_login_leaves_the_secret_behind(name: str) -> None:
    secret = SECRETS[0]
    for initial in (True, False):
        turns = raw(*greeting(), *exchange(name, secret, initial=initial, final=OK), *MAIL, *QUIT)
        for hole in range(len(turns)):
            check(turns, secret, hole)
            check([turn for number, turn in enumerate(turns) if number != hole], secret, hole)
            for side in (CLIENT, SERVER):
                check([turn for turn in turns if turn[0] == side], secret, hole)


def lines_with(secret: str) -> list[str]:
    encoded = b64(secret)
    return [f"C: {secret}", f"C: {encoded}", f"C: {b64(f'{chr(0)}user{chr(0)}{secret}')}", f"C: {encoded} {encoded}"]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("before", [OK, NO, "S: 334 ", "S: 504 no", "S: 421 bye", "S: 250 ok"])
@pytest.mark.parametrize("command", ["AUTH LOGIN", "AUTH PLAIN", "AUTH", "AUTH X-NEW", "NOOP", "RSET", "HELP"])
def test_a_secret_sent_where_none_is_awaited_is_not_kept(command: str, before: str, secret: str) -> None:
    if command == "AUTH LOGIN" and before == "S: 334 ":
        return  # the place of the name
    for line in lines_with(secret):
        check(raw(*greeting(), f"C: {command}", before, line, "S: 500 what", line, *MAIL, *QUIT), secret)


@pytest.mark.parametrize("secret", SECRETS)
def test_a_password_that_comes_after_the_login_was_decided_is_not_kept(secret: str) -> None:
    for final in (OK, NO):
        for line in lines_with(secret):
            script = [*greeting(), f"C: AUTH LOGIN {b64('user')}", final, line, "S: 500 what", *QUIT]
            check(raw(*script), secret)
            early = [*greeting(), f"C: AUTH LOGIN {b64('user')}", line, final, *QUIT]
            check(joined(raw(*early)), secret)


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_in_the_mechanisms_place_is_not_kept(secret: str) -> None:
    for word in (secret, b64(secret), b64(secret).rstrip("="), f"{b64('user')} {b64(secret)}", f"PLAIN{b64(secret)}"):
        for verb in ("AUTH", "auth", "X-EXPS"):
            check(raw(*greeting(), f"C: {verb} {word}", "S: 501 what", *QUIT), secret)
            check(raw(*greeting(), f"C: {verb}\t{word}", "S: 334 ", f"C: {word}", NO, *QUIT), secret)


@pytest.mark.parametrize("secret", SECRETS)
def test_an_auth_line_over_the_limit_is_not_kept(secret: str) -> None:
    for name in ("PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER", "CRAM-MD5", "EXTERNAL", "GS2-KRB5", "X-NEW"):
        for filler in (b64(secret * 20_000), secret * 20_000, b64(f"user=user\1auth=Bearer {secret * 20_000}\1\1")):
            check(raw(*greeting(), f"C: AUTH {name} {filler}", NO, *QUIT), secret)
            check(raw(*greeting(), f"C: AUTH {name}", GO, f"C: {filler}", NO, *QUIT), secret)


@pytest.mark.parametrize("secret", SECRETS)
def test_what_stands_before_a_command_after_a_hole_is_not_kept(secret: str) -> None:
    for line in lines_with(secret):
        parser = DialogueParser(from_start=False)
        for side, data in raw(line, f"{line} QUIT", "C: NOOP", line, "S: 235 ok"):
            parser.feed(side, data, 0)
        assert_silent(parser.finish(), secret)
        assert_forgotten(parser, secret)


DISORDER = st.tuples(st.integers(0, 30), st.integers(0, 3), st.sampled_from(["line", "twice", "cut"]))


@settings(deadline=None)
@given(st.sampled_from(SECRETS), st.sampled_from(WAYS), st.booleans(), st.lists(DISORDER, max_size=4))
def test_no_disorder_leaves_the_secret_behind(
    secret: str, name: str, initial: bool, disorder: list[tuple[int, int, str]]
) -> None:
    """Lines come twice, are cut short, or hold the secret where none is awaited."""
    assume(can_be_told(name, secret))
    turns = raw(*greeting(), *exchange(name, secret, initial=initial, final=OK), *MAIL, *QUIT)
    # Where the name is awaited anything is one; and one that is also the password shows by what follows it.
    known = 10 if "one word" in name or "swapped" in name else 7 if name.startswith(("LOGIN", "EXTERNAL")) else 5
    for at, which, what in disorder:
        place = known + at % (len(turns) - known)
        side, data = turns[place]
        if what == "twice":
            turns.insert(place, (side, data))
        elif what == "cut":
            turns[place] = (side, data[: len(data) // 2] + b"\r\n")
        else:
            turns.insert(place, raw(lines_with(secret)[which])[0])
    parser = DialogueParser()
    for side, data in turns:
        parser.feed(side, data, 0)
    parser.finish()
    assert_forgotten(parser, secret)


@pytest.mark.parametrize("line", [f"AUTH PLAIN {PLAIN}", f"AUTH LOGIN {b64('user')}", b64(SECRET), SECRET])
def test_an_unfinished_line_is_forgotten_in_the_end(line: str) -> None:
    parser = play(DialogueParser(), session("C: AUTH LOGIN", GO, f"C: {b64('user')}", GO)[:-10])
    parser.feed(CLIENT, f"{line} {SECRET}".encode(), 0)
    parser.finish()
    assert_forgotten(parser, SECRET)


def test_a_reply_that_repeats_a_password_is_forgotten_in_the_end() -> None:
    """Some servers repeat a command that they do not know; a password sent too late is one."""
    echo = f'S: 500 5.5.1 Command unrecognized: "{b64(SECRET)}"'
    for known in (repertoire.KNOWN_COMMANDS, repertoire.KNOWN_REPLIES):
        known.clear()  # other tests' servers may accept a secret and repeat it
    parser = play(DialogueParser(), session(f"C: AUTH LOGIN {b64('user')}", NO, f"C: {b64(SECRET)}", echo))
    parser.finish()
    assert_forgotten(parser, SECRET)
    for known in (repertoire.KNOWN_COMMANDS, repertoire.KNOWN_REPLIES):
        assert not [text for text in texts_in(known) if shows(text, SECRET)]


# --- the search itself -----------------------------------------------------------------------------


@pytest.mark.parametrize("secret", SECRETS)
def test_the_search_finds_a_secret_in_every_form(secret: str) -> None:
    encoded = secret.encode()
    for shift in range(3):
        assert shows(base64.b64encode(b"x" * shift + encoded + b"yz"), secret)
    for text in (encoded, encoded.upper(), encoded[::-1], encoded.hex().encode(), encoded.hex().upper().encode()):
        assert shows(b"..." + text + b"...", secret)
    assert not shows(b"user", secret)
    assert all(forms(secret))


def test_the_search_reaches_what_the_parser_holds() -> None:
    parser = DialogueParser()
    for side, data in playbook(*greeting()):
        parser.feed(side, data, 0)
    parser.feed(CLIENT, b"AUTH PLAIN c4n4ry", 0)
    assert any(b"c4n4ry" in text for text in texts_in(parser))
    assert mechanism(b"PLAIN").name == "PLAIN"
