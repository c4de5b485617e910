"""Every reason for not knowing has words and, but for what is no mail at all, a way out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import analyzer
from analyzer.decryption.amend import INCOMPLETE
from analyzer.explanation.reasons import explain, explain_unknown
from analyzer.tls import ABSTENTIONS
from analyzer.tls.inference import REASONS

OF_SESSIONS = ("gap", "mid-stream", "cut-off", "mechanism-not-seen", "mechanism-unknown", INCOMPLETE)


@pytest.mark.parametrize("reason", [*OF_SESSIONS, *ABSTENTIONS])
def test_a_reason_has_words_and_something_that_helps(reason: str) -> None:
    meaning, help = explain_unknown(reason, in_tls=True)
    assert meaning != reason
    assert help
    assert all(sentence.endswith(".") and sentence[0].isupper() for sentence in help)


def test_what_is_no_mail_needs_no_help_outside_of_tls() -> None:
    assert explain_unknown("not-smtp", in_tls=False) == ("what was said is not SMTP", ())


def test_every_reason_that_a_session_is_given_is_known() -> None:
    source = (Path(analyzer.__file__).parent / "inventory" / "judgement.py").read_text()
    given = set(re.findall(r'(?:reason = |return |else )"([a-z]+(?:-[a-z]+)*)"', source)) - {"none", "unknown"}
    assert {"gap", "mid-stream", "cut-off", "not-smtp"} <= given
    for reason in given:
        assert explain_unknown(reason, in_tls=False)[0] != reason


def test_what_a_verdict_rests_on_has_words() -> None:
    assert all(explain(reason) != reason for reason in REASONS)


def test_a_reason_that_is_new_is_told_as_it_is() -> None:
    assert explain_unknown("something-new", in_tls=True)[0] == "something-new"
    assert explain("something-new") == "something-new"


def test_no_words_tell_a_number_of_bytes() -> None:
    for reason in (*OF_SESSIONS, *ABSTENTIONS):
        meaning, help = explain_unknown(reason, in_tls=True)
        assert not re.search(r"\d+ ?(?:B|bytes?)\b", " ".join((meaning, *help)))
