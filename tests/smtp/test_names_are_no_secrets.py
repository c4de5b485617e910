"""What is shown as a user name cannot be the password or the token, whatever clients put in the name's place."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.smtp import sasl
from analyzer.smtp.exchange import Exchange
from analyzer.smtp.limits import MAX_NAME
from analyzer.smtp.records import AuthAttempt, Dialogue
from analyzer.smtp.sasl import Identity, Withheld

SECRET = b"s3cr3t-c4n4ry"
HEX = b"0123456789abcdef" * 2
JWT = b"eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwcyJ9.c2lnbmF0dXJl"


def b64(message: bytes) -> bytes:
    return base64.b64encode(message)


# Messages of one mechanism, sent where another expects a name.
FOREIGN = {
    "PLAIN": b"\0user\0" + SECRET,
    "PLAIN, no leading NUL": b"user\0" + SECRET,
    "PLAIN, with authorization identity": b"boss\0user\0" + SECRET,
    "XOAUTH2": b"user=user\1auth=Bearer " + SECRET + b"\1\1",
    "OAUTHBEARER": b"n,a=user,\1auth=Bearer " + SECRET + b"\1\1",
    "CRAM-MD5": b"user " + HEX,
    "DIGEST-MD5": b'username="user",nonce="x",response=' + HEX,
    "SCRAM": b"c=biws,r=abcd,p=" + b64(SECRET),
    "NTLM": b"NTLMSSP\0\3\0\0\0" + SECRET,
    "token with its scheme": b"Bearer " + SECRET,
    "token with its key": b"auth=Bearer " + SECRET,
    "web token": JWT,
    "Google's token": b"ya29.a0AfH6SM" + SECRET,
    "long opaque token": b"EwB" + SECRET * 40,
}
ENCODED_TWICE = {f"{name}, encoded twice": b64(FOREIGN[name]) for name in ("PLAIN", "XOAUTH2", "OAUTHBEARER", "NTLM")}


@pytest.mark.parametrize("message", (FOREIGN | ENCODED_TWICE).values(), ids=FOREIGN | ENCODED_TWICE)
def test_a_message_of_another_mechanism_is_no_name(message: bytes) -> None:
    with pytest.raises(Withheld):
        sasl.login(message, 0)
    with pytest.raises(Withheld):
        sasl.external(message, 0)


IN_OTHERS = {name: message for name, message in FOREIGN.items() if not {0, 1} & set(message)}


@pytest.mark.parametrize("message", IN_OTHERS.values(), ids=IN_OTHERS)
def test_a_secret_is_no_name_within_other_mechanisms_either(message: bytes) -> None:
    for decoder, carrier in (
        (sasl.plain, b"\0" + message + b"\0password"),
        (sasl.plain, message + b"\0user\0password"),
        (sasl.xoauth2, b"user=" + message + b"\1auth=Bearer x\1\1"),
        (sasl.cram, message + b" " + HEX),
    ):
        with pytest.raises(Withheld):
            decoder(carrier, 0)


NEARLY = ["scanner1", "YWJj", "user", "a response=no", "eyJ", "ya29", "bearer", "Forbearer x", "xp=1", "x " + "ab" * 15]


@pytest.mark.parametrize("name", NEARLY)
def test_names_that_only_resemble_secrets_are_shown(name: str) -> None:
    assert sasl.login(name.encode(), 0) == Identity(name)


@settings(deadline=None)
@given(st.text(st.characters(categories=["L", "N"], include_characters="._-@+ "), min_size=1, max_size=30))
def test_names_of_letters_digits_and_their_usual_company_are_shown(name: str) -> None:
    assert sasl.login(f"x{name}x".encode(), 0) == Identity(f"x{name}x")


def test_the_longest_name_there_can_be_is_shown_and_a_longer_one_is_a_token() -> None:
    assert sasl.login(b"a" * MAX_NAME, 0) == Identity("a" * MAX_NAME)
    with pytest.raises(Withheld):
        sasl.login(b"a" * (MAX_NAME + 1), 0)


@pytest.mark.parametrize("word", [b"s3cr3tPassw0rd", b"hunter2hunter2", b"QUIT", b"RSET", b"DATA", b"HELO", b"NOOP"])
def test_a_word_sent_without_base64_is_no_name(word: bytes) -> None:
    """What it decodes to is noise, from which the word could be had back."""
    message = base64.b64decode(word + b"=" * (-len(word) % 4))
    with pytest.raises(Withheld):
        sasl.login(message, 0)


@pytest.mark.parametrize("message", [b"us\x1ber", b"\x7fuser", "us\x9ber".encode(), b"us\ner", b"user\x01"])
def test_a_name_with_control_characters_is_none(message: bytes) -> None:
    with pytest.raises(Withheld):
        sasl.login(message, 0)


# --- one word for both, and the two swapped --------------------------------------------------------


@pytest.mark.parametrize("secret", [SECRET, SECRET.upper(), SECRET + b"\0"])
def test_a_name_that_is_the_password_too_is_not_shown(secret: bytes) -> None:
    for message in (b"\0%b\0%b", b"%b\0user\0%b"):
        with pytest.raises(sasl.Malformed):
            sasl.plain(message % (secret, SECRET), 0)


def test_a_name_that_is_the_token_too_is_not_shown() -> None:
    with pytest.raises(Withheld):
        sasl.xoauth2(b"user=%b\1auth=Bearer %b\1\1" % (SECRET, SECRET), 0)
    with pytest.raises(Withheld):
        sasl.oauthbearer(b"n,a=%b,\1auth=Bearer %b\1\1" % (SECRET, SECRET), 0)


def test_fields_in_the_wrong_order_show_by_the_address_in_the_passwords_place() -> None:
    with pytest.raises(Withheld):
        sasl.plain(b"\0" + SECRET + b"\0scan@example.com", 0)
    with pytest.raises(Withheld):
        sasl.xoauth2(b"user=" + SECRET + b"\1auth=Bearer scan@example.com\1\1", 0)


@pytest.mark.parametrize("password", [b"p@ss", b"me@home", b"a b@c.de", b"P@ss.w0rd", b"user@host.1"])
def test_an_at_sign_in_the_password_does_not_hide_the_name(password: bytes) -> None:
    assert sasl.plain(b"\0user\0" + password, 0) == Identity("user")


def test_an_address_as_password_does_not_hide_an_address_as_name() -> None:
    assert sasl.plain(b"\0scan@example.com\0other@example.com", 0) == Identity("scan@example.com")


def login(*messages: bytes, initial: bytes | None = None) -> tuple[AuthAttempt, dict[str, int]]:
    oddities = Dialogue().oddities
    exchange = Exchange(b"LOGIN" if initial is None else b"LOGIN " + initial, 0, oddities)
    for message in messages:
        exchange.challenge(b"")
        exchange.answer(b64(message))
    exchange.close(235, [b"235 ok"])
    return exchange.attempt, oddities


@pytest.mark.parametrize(
    ("messages", "user"),
    [
        ((b"user", SECRET), "user"),
        ((b"user", b"user", SECRET), "user"),
        ((b"user", b"user", b"user", SECRET), "user"),
        ((b"user", b"user@example.com", SECRET), "user"),
        ((SECRET, SECRET), None),
        ((SECRET, SECRET.upper()), None),
        ((SECRET, SECRET, SECRET), None),
        ((SECRET, b"scan@example.com"), None),
        ((b"user",), "user"),
        ((SECRET, SECRET, b""), None),
    ],
)
def test_login_shows_the_name_only_if_the_password_is_another_word(
    messages: tuple[bytes, ...], user: str | None
) -> None:
    for attempt, oddities in (login(*messages), login(*messages[1:], initial=b64(messages[0]))):
        assert attempt.username == user
        assert oddities == ({} if user else {"name-of-secret-form": 1})


@pytest.mark.parametrize(
    ("messages", "user"),
    [((SECRET,), None), ((b"user", SECRET), "user"), ((SECRET, SECRET), None), ((b"user", b"user", SECRET), "user")],
)
def test_after_an_empty_initial_response_one_message_alone_may_be_the_password(
    messages: tuple[bytes, ...], user: str | None
) -> None:
    """Some servers take the empty response for an empty name and ask for the password at once."""
    assert login(*messages, initial=b"=")[0].username == user


def test_a_name_that_was_held_back_is_forgotten_with_the_exchange() -> None:
    exchange = Exchange(b"LOGIN =", 0, Dialogue().oddities)
    exchange.answer(b64(SECRET))
    exchange.abandon()
    exchange.answer(b64(b"other"))
    assert exchange.attempt.username is None


@pytest.mark.parametrize(
    "mechanism", [b"LOGIN", b"EXTERNAL", b"PLAIN", b"CRAM-MD5", b"XOAUTH2", b"NTLM", b"SCRAM-SHA-1"]
)
@pytest.mark.parametrize("message", (FOREIGN | ENCODED_TWICE).values(), ids=FOREIGN | ENCODED_TWICE)
def test_under_no_mechanism_does_a_secret_become_a_name(mechanism: bytes, message: bytes) -> None:
    oddities = Dialogue().oddities
    attempt = Exchange(mechanism + b" " + b64(message), 0, oddities).attempt
    assert attempt.username in (None, "user")
    assert attempt.authzid in (None, "boss")
    assert SECRET.decode() not in repr(attempt)
