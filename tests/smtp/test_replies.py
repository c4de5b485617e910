"""Reply lines, enhanced codes, and what an EHLO reply offers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.smtp.limits import MAX_EXTENSIONS
from analyzer.smtp.replies import (
    code_of,
    enhanced_code,
    extensions,
    is_ehlo_reply,
    name_in_ehlo_reply,
    name_in_greeting,
    text_of,
)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"250 ok", (250, False)),
        (b"250-ok", (250, True)),
        (b"250", (250, False)),
        (b"250 ", (250, False)),
        (b"250  ", (250, False)),
        (b"250-", (250, True)),
        (b"599 x", (599, False)),
        (b"200 x", (200, False)),
        (b"250 \xff\0", (250, False)),
    ],
)
def test_a_reply_line_has_a_code_and_says_whether_more_follow(line: bytes, told: tuple[int, bool]) -> None:
    assert code_of(line) == told


@pytest.mark.parametrize(
    "line", [b"", b"25", b"2500 x", b"199 x", b"600 x", b"250x", b" 250 x", b"ok", b"250_x", b"\xb2\xb5\xb0 x"]
)
def test_other_lines_are_no_replies(line: bytes) -> None:
    assert code_of(line) is None


@settings(deadline=None)
@given(st.binary(max_size=20))
def test_any_line_is_a_reply_or_not(line: bytes) -> None:
    told = code_of(line)
    assert told is None or 200 <= told[0] <= 599


@pytest.mark.parametrize(
    ("code", "lines", "enhanced"),
    [
        (535, [b"535 5.7.8 no"], "5.7.8"),
        (535, [b"535 5.7.139 no"], "5.7.139"),
        (535, [b"535-5.7.8 no", b"535 5.7.8 really"], "5.7.8"),
        (535, [b"535-no", b"535 5.7.8 really"], "5.7.8"),
        (535, [b"535  5.7.8 no"], "5.7.8"),
        (535, [b"535 5.7.8: no"], "5.7.8"),
        (535, [b"535 5.7.8"], "5.7.8"),
        (454, [b"454 4.7.0 later"], "4.7.0"),
        (535, [b"535 no"], None),
        (535, [b"535 4.7.8 class of another code"], None),
        (535, [b"535 5.7.8.9 no"], None),
        (535, [b"535 5.7.1234 no"], None),
        (535, [b"535 5.7 no"], None),
        (535, [b"535 see 5.7.8"], None),
        (535, [b"535 5.7.8x"], None),
        (354, [b"354 3.0.0 go"], None),
        (250, [b"250"], None),
    ],
)
def test_the_enhanced_code_is_that_of_the_replys_class(code: int, lines: list[bytes], enhanced: str | None) -> None:
    assert enhanced_code(code, lines) == enhanced
    assert enhanced_code(code, tuple(lines)) == enhanced


def test_the_text_of_a_reply_is_that_of_its_lines_without_control_characters() -> None:
    assert text_of([b"535-5.7.8 no,", b"535 \x1breally\0"]) == "5.7.8 no, really"
    assert text_of([b"250"]) == ""


def offered(*lines: bytes) -> tuple[tuple[str, ...], tuple[str, ...], bool, bool]:
    return extensions([b"250-mail.example", *lines])


@pytest.mark.parametrize(
    ("lines", "mechanisms"),
    [
        ((b"250 AUTH PLAIN LOGIN",), ("PLAIN", "LOGIN")),
        ((b"250-auth plain login", b"250 SIZE 1"), ("PLAIN", "LOGIN")),
        ((b"250 AUTH=LOGIN",), ("LOGIN",)),
        ((b"250 AUTH=PLAIN LOGIN",), ("PLAIN", "LOGIN")),
        ((b"250-AUTH PLAIN LOGIN", b"250 AUTH=PLAIN LOGIN"), ("PLAIN", "LOGIN")),
        ((b"250-AUTH LOGIN", b"250 AUTH=PLAIN"), ("LOGIN", "PLAIN")),
        ((b"250 AUTH =LOGIN",), ("LOGIN",)),
        ((b"250 AUTH\tPLAIN  LOGIN \t",), ("PLAIN", "LOGIN")),
        ((b"250 AUTH",), ()),
        ((b"250 AUTH PLAIN b@d \xff XOAUTH2",), ("PLAIN", "XOAUTH2")),
        ((b"250 SIZE 1000",), ()),
        ((b"250 XAUTH PLAIN",), ()),
    ],
)
def test_mechanisms_are_offered_in_the_new_form_and_the_old(
    lines: tuple[bytes, ...], mechanisms: tuple[str, ...]
) -> None:
    assert offered(*lines)[1] == mechanisms


def test_keywords_are_upper_case_in_order_and_once() -> None:
    lines = (b"250-size 1000", b"250-8BITMIME", b"250-SIZE", b"250-\xff", b"250- ", b"250-bad!keyword", b"250 HELP")
    assert offered(*lines)[0] == ("SIZE", "8BITMIME", "HELP")


def test_the_first_line_is_a_greeting_and_offers_nothing() -> None:
    assert extensions([b"250-STARTTLS", b"250 SIZE"]).keywords == ("SIZE",)
    assert extensions([b"250 STARTTLS"]).starttls is False


@pytest.mark.parametrize(
    ("line", "starttls", "mangled"),
    [
        (b"250 STARTTLS", True, False),
        (b"250 starttls", True, False),
        (b"250 XXXXXXXX", False, True),
        (b"250 XXXXXXXA", False, True),
        (b"250 xxxxxxxx", False, True),
        (b"250 XXXX", False, False),
        (b"250 XXXXXXXXXXXXB", False, False),
        (b"250 X-ANONYMOUSTLS", False, False),
        (b"250 SIZE", False, False),
    ],
)
def test_starttls_is_offered_or_overwritten_letter_by_letter(line: bytes, starttls: bool, mangled: bool) -> None:
    assert offered(line)[2:] == (starttls, mangled)


def test_words_of_x_beside_starttls_are_other_extensions() -> None:
    assert offered(b"250-STARTTLS", b"250 XXXXXXXX")[2:] == (True, False)


def test_no_more_extensions_and_mechanisms_are_kept_than_the_limit() -> None:
    lines = [b"250-X%d" % number for number in range(MAX_EXTENSIONS + 10)]
    assert offered(*lines)[0] == tuple(f"X{number}" for number in range(MAX_EXTENSIONS))
    names = b" ".join(b"M%d" % number for number in range(MAX_EXTENSIONS + 10))
    assert offered(b"250 AUTH " + names)[1] == tuple(f"M{number}" for number in range(MAX_EXTENSIONS))


def test_a_reply_too_long_to_be_remembered_is_read_all_the_same() -> None:
    assert offered(b"250-SIZE " + b"1" * 3000, b"250 AUTH PLAIN")[:2] == (("SIZE", "AUTH"), ("PLAIN",))


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=8))
def test_any_lines_give_well_formed_offers(lines: list[bytes]) -> None:
    keywords, mechanisms, starttls, mangled = extensions(lines)
    assert all(word.isascii() and word.isprintable() and word == word.upper() for word in keywords + mechanisms)
    assert not (starttls and mangled)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([b"250-mail.example", b"250 PIPELINING"], True),
        ([b"250-mail.example", b"250-X-UNHEARD", b"250 AUTH LOGIN"], True),
        ([b"250-mail.example", b"250 XXXXXXXA"], True),
        ([b"250 SIZE"], False),
        ([b"250-Sender ok", b"250 and welcome"], False),
    ],
)
def test_an_ehlo_reply_shows_by_its_keywords(lines: list[bytes], told: bool) -> None:
    assert is_ehlo_reply(lines) is told


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("mail.example ESMTP Postfix", "mail.example"),
        ("mail ESMTP", "mail"),
        ("mail SMTP ready", "mail"),
        ("[192.0.2.1] ready", "[192.0.2.1]"),
        ("ESMTP ready", None),
        ("Welcome to mail.example", None),
        ("****************", None),
        ("", None),
    ],
)
def test_a_greeting_begins_with_the_servers_name(text: str, name: str | None) -> None:
    assert name_in_greeting(text) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("mail.example", "mail.example"),
        ("mail.example Hello copier [192.0.2.7]", "mail.example"),
        ("mail", "mail"),
        ("mail greets copier", "mail"),
        ("mail Hello, pleased to meet you", "mail"),
        ("Hello copier.example", None),
        ("Hello", None),
        ("OK", None),
        ("at your service", None),
        ("", None),
    ],
)
def test_an_ehlo_reply_begins_with_the_servers_name(text: str, name: str | None) -> None:
    assert name_in_ehlo_reply(text) == name
