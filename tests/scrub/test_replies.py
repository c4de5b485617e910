"""What is shown of replies means what they mean, and repeats nothing."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.scrub.replies import PHRASES, reply, torn
from analyzer.smtp import meanings
from analyzer.smtp.exchange import Exchange
from analyzer.smtp.meanings import asks_for_auth, meaning
from analyzer.smtp.records import Tally
from analyzer.smtp.replies import code_of, enhanced_code, text_of

ROWS = meanings._TABLE


def shown(
    *lines: bytes, answers: str | None = "auth", withheld: bool = True, exposed: bool = True, sizes: bool = False
) -> list[bytes]:
    code = int(lines[0][:3])
    lengths = [len(line) for line in lines] if sizes else None
    return reply(code, lines, lengths, answers, withheld=withheld, exposed=exposed, refusal=None)


def meant(code: int, lines: Sequence[bytes]) -> tuple[str | None, bool]:
    enhanced = enhanced_code(code, lines)
    return meaning(code, enhanced, text_of(lines)), asks_for_auth(code, enhanced, text_of(lines))


def test_there_are_words_for_every_row_of_the_table_of_meanings() -> None:
    assert {row.words.encode() for row in ROWS if row.words} <= set(PHRASES)


@given(
    st.sampled_from(sorted({row.code for row in ROWS if row.code} | {550, 554, 535})),
    st.sampled_from([None, "5.7.0", *sorted({row.enhanced for row in ROWS if row.enhanced})]),
    st.lists(st.sampled_from([*PHRASES, b"s3cr3t", b"must authenticate", b"web browser"]), min_size=1, max_size=3),
    st.booleans(),
)
def test_a_refusal_keeps_its_code_and_its_meaning_and_not_its_words(
    code: int, enhanced: str | None, phrases: list[bytes], several: bool
) -> None:
    head = b"" if enhanced is None else enhanced.encode() + b" "
    text = b" ".join(phrases)
    lines = [b"%d-%b%b" % (code, head, text), b"%d s3cr3t" % code] if several else [b"%d %b%b" % (code, head, text)]
    told = shown(*lines)
    assert meant(code, told) == meant(code, lines)
    assert [line[:4] for line in told] == [line[:4] for line in lines]
    assert enhanced_code(code, told) == enhanced_code(code, lines)
    assert b"s3cr3t" not in b"".join(told)


def test_a_reply_that_can_repeat_nothing_is_shown() -> None:
    lines = (b"250-mail.example", b"250 AUTH PLAIN")
    assert shown(*lines, answers="ehlo", withheld=False) == [*lines]
    assert shown(b"250 queued as 4711", answers="message", withheld=False, exposed=False) == [b"250 queued as 4711"]
    assert shown(b"220 mail.example hi", answers="greeting", withheld=False, exposed=False) == [b"220 mail.example hi"]


def test_once_a_secret_may_have_been_said_replies_to_other_commands_show_no_text() -> None:
    assert shown(b"250 s3cr3t", answers="rset", withheld=False) == [b"250 withheld"]
    assert shown(b"220 mail.example ESMTPs3cr3t", answers="greeting", withheld=False) == [b"220 mail.example ESMTP"]
    assert shown(b"220 mail.s3cr3t ESMTP", answers=None, withheld=False) == [b"220 withheld.invalid ESMTP"]
    assert shown(b"250 s3cr3t", b"250 s3cr3t", answers="ehlo", withheld=False) == [b"250 s3cr3t", b"250 s3cr3t"]
    assert shown(b"500 s3cr3t", answers="ehlo", withheld=False) == [b"500 withheld"]
    assert shown(b"501-s3cr3t", b"250 mail.example", answers="ehlo", withheld=False)[0] == b"501-withheld"
    assert shown(b"250-mail.example", b"501 s3cr3t", answers="ehlo", withheld=False)[1] == b"501 withheld"
    assert shown(b"220 2.0.0 Ready s3cr3t", answers="starttls", withheld=True) == [b"220 2.0.0 Ready to start TLS"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"334 VXNlcm5hbWU6", b"334 VXNlcm5hbWU6"),
        (b"334 UGFzc3dvcmQ6", b"334 UGFzc3dvcmQ6"),
        (b"334 ", b"334 "),
        (b"334", b"334"),
        (b"334 " + base64.b64encode(b"<1896.697170952@mail.example>"), b"334 " + base64.b64encode(b"withheld")),
        (b"334 NTLM supported", b"334 " + base64.b64encode(b"withheld")),
    ],
)
def test_prompts_are_shown_and_challenges_are_not(line: bytes, expected: bytes) -> None:
    assert shown(line) == [expected]


@pytest.mark.parametrize("sizes", [False, True])
def test_why_a_token_was_refused_is_told_as_records_tell_it(sizes: bool) -> None:
    told = {"status": "401", "scope": "mail"}
    raw = base64.b64encode(json.dumps({**told, "openid-configuration": "https://s3cr3t.example"}).encode())
    line = b"334 " + raw + b"=" * (-len(raw) % 4)
    (now,) = reply(334, [line], [len(line)] if sizes else None, "auth", withheld=True, exposed=True, refusal=told)
    exchange = Exchange(b"XOAUTH2 eA==", 0, Tally())
    exchange.challenge(now[4:])
    assert exchange.attempt.refusal == told
    assert (len(now) == len(line)) == sizes


@given(st.binary(max_size=30))
def test_a_line_that_belongs_to_no_reply_shows_its_code_at_most(text: bytes) -> None:
    line = b"250-" + text
    assert torn(line, None) == b"250-withheld"
    assert code_of(torn(b"s3cr3t " + text, None)) is None
    assert b"s3cr3t" not in torn(b"s3cr3t " + text, None)


@given(st.lists(st.binary(max_size=30), min_size=1, max_size=4), st.booleans())
def test_where_lengths_are_kept_every_line_keeps_its_own(texts: list[bytes], withheld: bool) -> None:
    lines = [b"535%b%b" % (b"-" if more else b" ", text) for more, text in enumerate(texts)][::-1]
    assert [*map(len, shown(*lines, withheld=withheld, exposed=withheld, sizes=True))] == [*map(len, lines)]
