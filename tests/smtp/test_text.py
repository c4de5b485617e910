"""Text from the wire is safe to show and of bounded length."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.smtp.limits import MAX_NAME, MAX_TEXT
from analyzer.smtp.text import decoded, escaped, is_host_name, shown


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"mail", "mail"),
        ("bücher".encode(), "bücher"),
        ("bücher".encode("latin-1"), "bücher"),
        (b"\xff", "ÿ"),
        (b"", ""),
    ],
)
def test_bytes_are_utf_8_or_else_latin_1(raw: bytes, text: str) -> None:
    assert decoded(raw) == text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"  mail.example ESMTP \r", "mail.example ESMTP"),
        (b"a\x1b[31mb\x07\0c", "a[31mbc"),
        ("a\u202eb\u2028c".encode(), "abc"),
        (b"\0 \0", ""),
        ("grüße".encode(), "grüße"),
    ],
)
def test_shown_text_has_no_control_characters(raw: bytes, text: str) -> None:
    assert shown(raw) == text


@settings(deadline=None)
@given(st.binary(max_size=3000), st.integers(1, 300))
def test_shown_text_is_printable_and_no_longer_than_its_limit(raw: bytes, limit: int) -> None:
    text = shown(raw, limit)
    assert len(text) <= limit
    assert not text or text.isprintable()


@pytest.mark.parametrize("letter", ["ü", "€", "𝄞"])
def test_a_character_at_the_cut_does_not_spoil_the_text_before_it(letter: str) -> None:
    for shift in range(4):
        text = "a" * shift + letter * 2000
        assert shown(text.encode()) == text[:MAX_TEXT]


def test_escaped_names_show_what_is_not_printable_and_end_at_the_limit() -> None:
    assert escaped("user") == "user"
    assert escaped("us\x1ber\u202e") == "us\\x1ber\\u202e"
    assert escaped("\0" * MAX_NAME) == ("\\x00" * MAX_NAME)[:MAX_NAME]
    assert escaped("u" * 1000) == "u" * MAX_NAME


@settings(deadline=None)
@given(st.text(max_size=500))
def test_escaped_names_are_printable_and_bounded(name: str) -> None:
    assert len(escaped(name)) <= MAX_NAME
    assert escaped(name).isprintable()


@pytest.mark.parametrize(
    "word", ["mail.example", "localhost", "[192.0.2.1]", "[IPv6:2001:db8::1]", "my_host-1", "1.2.3.4"]
)
def test_domains_and_address_literals_are_host_names(word: str) -> None:
    assert is_host_name(word)


@pytest.mark.parametrize("word", ["", "[]", "-x", ".x", "a b", "mail!", "bücher.example", "<mail>", "****"])
def test_other_words_are_no_host_names(word: str) -> None:
    assert not is_host_name(word)
