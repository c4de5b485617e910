"""Where a capture ends in the midst of a turn, what was captured of it is not as long as what was said."""

from __future__ import annotations

from dataclasses import replace

from analyzer.tls.inference import Clues, Inference, infer
from analyzer.tls.inference.turns import Exchange

EHLO = [Exchange(None, ((60, 60),)), Exchange((22, 22), ((180, 180),))]
LOGIN = [Exchange((12, 12), ((18, 18),)), Exchange((30, 30), ((18, 18),)), Exchange((22, 22), ((37, 37),))]
MAIL = [Exchange((38, 38), ((14, 14),)), Exchange((34, 34), ((14, 14),)), Exchange((6, 6), ((37, 37),))]


def said(*exchanges: Exchange, ended: bool, whole: bool = True) -> Inference:
    return infer([*EHLO, *exchanges], Clues(submission=True, ended=ended), client_certificate=False, whole=whole)


def test_a_keyword_that_may_be_the_beginning_of_a_line_is_none() -> None:
    keyword = Exchange((15, 15), ())  # AUTH CRAM-MD5; or AUTH DIGEST-MD5, whose CRLF was sent apart
    inference = said(keyword, ended=False)
    assert (inference.method, inference.reason, inference.attempts) == ("unknown", "cut-off", ())
    assert inference == replace(said(ended=False), whole=False)


def test_what_stands_before_an_unfinished_turn_still_counts() -> None:
    text = Exchange((514, 514), ())
    inference = said(*LOGIN, *MAIL, text, ended=False)
    assert inference.method == "basic"
    assert inference == replace(said(*LOGIN, *MAIL, ended=False), whole=False)


def test_an_unanswered_turn_counts_where_the_connection_ended_after_it() -> None:
    password = LOGIN[2]._replace(server=())
    assert said(*LOGIN[:2], password, ended=True) != said(*LOGIN[:2], ended=True)
    assert said(*LOGIN[:2], password, ended=False) == replace(said(*LOGIN[:2], ended=False), whole=False)


def test_a_turn_whose_further_records_were_not_kept_is_unfinished() -> None:
    begun = Exchange((15, 15), ())
    assert said(begun, ended=True, whole=False) == said(ended=True, whole=False)


def test_nothing_but_an_unfinished_turn_is_no_dialogue() -> None:
    inference = infer([Exchange((22, 22), ())], Clues(client_first=True, ended=False), client_certificate=False)
    assert inference.reason == "cut-off"
