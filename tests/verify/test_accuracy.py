from __future__ import annotations

import io
import json
from typing import Any

import pytest

from analyzer.inventory.session import Session
from analyzer.smtp.records import AuthAttempt
from analyzer.verify.accuracy import judge
from analyzer.verify.records import Accuracy, Answer, Judgement, Verdict
from analyzer.verify.write import accuracy_answer, write_json, write_table
from tests.support.sessions import attempt, session


def inferred(method: str = "basic", *attempts: AuthAttempt, **fields: Any) -> Session:
    """A session inside TLS as it is without keys."""
    given: dict[str, Any] = {"method": method, "tls_mode": "implicit", "messages": 1, **fields}
    if method != "unknown":
        given = {"evidence": "inferred", "confidence": 0.97, **given}
    return session(*attempts, **given)


def guess(mechanism: str = "LOGIN", outcome: str = "success", **fields: Any) -> AuthAttempt:
    return attempt(mechanism, outcome, evidence="inferred", confidence=0.97, username=None, **fields)


def decrypted(*attempts: AuthAttempt, method: str | None = None) -> Session:
    """The same with keys."""
    fields: dict[str, Any] = {"tls_mode": "implicit", "evidence": "decrypted", "confidence": 1.0}
    return session(*attempts, method=method or (attempts[-1].method if attempts else "none"), **fields)


def known(mechanism: str = "LOGIN", outcome: str = "success") -> AuthAttempt:
    return attempt(mechanism, outcome, evidence="decrypted")


def answer(before: Session, after: Session | None) -> Answer:
    found = judge(before, after, "office.pcap")
    assert found is not None
    return found.answer


def test_an_inference_that_the_keys_confirm_is_right() -> None:
    assert answer(inferred("basic", guess()), decrypted(known())) == "right"
    assert answer(inferred("none"), decrypted()) == "right"
    oauth = guess("XOAUTH2")
    oauth.mechanism = None  # the two mechanisms of OAuth look alike
    assert answer(inferred("oauth", oauth), decrypted(known("OAUTHBEARER"))) == "right"


@pytest.mark.parametrize(
    ("before", "after", "fields"),
    [
        (inferred("oauth"), decrypted(known()), [("method", "oauth", "basic")]),
        (inferred("none"), decrypted(known()), [("method", "none", "basic")]),
        (inferred("basic", guess("PLAIN")), decrypted(known("LOGIN")), [("mechanism", "PLAIN", "LOGIN")]),
        (
            inferred("basic", guess()),
            decrypted(known("XOAUTH2")),
            [("method", "basic", "oauth"), ("mechanism", "LOGIN", "XOAUTH2")],
        ),
    ],
)
def test_an_inference_that_the_keys_refute_is_wrong_and_says_in_what(
    before: Session, after: Session, fields: list[tuple[str, str, str]]
) -> None:
    found = judge(before, after, "office.pcap")
    assert found is not None
    assert found.answer == "wrong"
    assert [(item.field, item.ours, item.theirs) for item in found.differences] == fields
    assert found.confidence == 0.97


def test_saying_nothing_is_neither_right_nor_wrong() -> None:
    assert answer(inferred("unknown", reason="gap"), decrypted(known())) == "abstained"


@pytest.mark.parametrize("after", [None, inferred("unknown", reason="decryption-incomplete")])
def test_without_the_truth_there_is_nothing_to_hold_it_against(after: Session | None) -> None:
    assert answer(inferred(), after) == "not decrypted"


@pytest.mark.parametrize(
    "before",
    [
        session(attempt("LOGIN")),
        session(attempt("LOGIN"), tls_mode="starttls"),
        inferred("unknown", tls_established=False),
    ],
    ids=["in the clear", "decided before TLS", "TLS that never came about"],
)
def test_what_needs_no_inference_is_not_judged(before: Session) -> None:
    assert judge(before, decrypted(known()), "office.pcap") is None


def test_outcomes_are_counted_by_themselves() -> None:
    sessions = [
        (inferred("basic", guess(outcome="failure")), decrypted(known(outcome="failure"))),
        (inferred("basic", guess(outcome="success")), decrypted(known(outcome="failure"))),
        (inferred("basic", guess(outcome="unknown")), decrypted(known(outcome="failure"))),
        (inferred("none"), decrypted()),
    ]
    judged = [judge(before, after, "x") for before, after in sessions]
    assert [item and item.outcome for item in judged] == [True, False, None, None]
    assert [item and item.answer for item in judged] == ["right"] * 4


# --- for people and for programs --------------------------------------------------------------------


def accuracy() -> Accuracy:
    pairs = [
        (inferred("basic", guess()), decrypted(known())),
        (inferred("basic", guess()), decrypted(known("XOAUTH2"))),
        (inferred("unknown", reason="gap"), decrypted()),
        (inferred("none"), None),
    ]
    found = Accuracy()
    found.add(judged for before, after in pairs if (judged := judge(before, after, "off\x1bice.pcap")) is not None)
    return found


def test_the_answer_is_one_line() -> None:
    assert accuracy_answer(accuracy()) == (
        "Of 4 TLS sessions: 1 right, 1 wrong, 1 abstained, 1 not decrypted. Outcomes: 2 right, 0 wrong."
    )
    assert accuracy_answer(Accuracy()) == "Of 0 TLS sessions: 0 right, 0 wrong, 0 abstained, 0 not decrypted."


def test_the_table_counts_by_method_and_lists_each_wrong_answer() -> None:
    out = io.StringIO()
    write_table(Verdict("4.0.17", accuracy=accuracy()), out, 100)
    text = out.getvalue()
    table = [line.split() for line in text[: text.index("\n\n")].splitlines()]
    assert table[1] == ["In", "truth", "Right", "Wrong", "Abstained"]
    assert table[3:] == [["basic", "1", "0", "0"], ["none", "0", "0", "1"], ["oauth", "0", "1", "0"]]
    assert "method: basic inferred, oauth in truth; mechanism: LOGIN inferred, XOAUTH2 in truth" in " ".join(
        text.split()
    )
    assert "\x1b" not in text


def test_json_holds_the_same() -> None:
    out = io.StringIO()
    write_json(Verdict("4.0.17", accuracy=accuracy()), out)
    inference = json.loads(out.getvalue())["inference"]
    assert {key: inference[key] for key in ("sessions", "right", "wrong", "abstained", "not_decrypted")} == {
        "sessions": 4,
        "right": 1,
        "wrong": 1,
        "abstained": 1,
        "not_decrypted": 1,
    }
    assert inference["by_method"]["oauth"] == {"right": 0, "wrong": 1, "abstained": 0}
    assert inference["outcomes"] == {"right": 2, "wrong": 0}
    (wrong,) = inference["wrong_answers"]
    assert wrong["confidence"] == 0.97
    assert wrong["differences"][0] == {"field": "method", "inferred": "basic", "truth": "oauth"}
    assert wrong["client"] == {"ip": "10.10.0.103", "port": 35878}


def test_without_keys_nothing_is_said() -> None:
    out = io.StringIO()
    write_json(Verdict("4.0.17"), out)
    assert json.loads(out.getvalue())["inference"] is None
    table = io.StringIO()
    write_table(Verdict("4.0.17"), table, 100)
    assert "inferred" not in table.getvalue().lower()


def test_a_judgement_holds_no_name() -> None:
    assert "scan@example.com" not in repr(judge(inferred("basic", guess()), decrypted(known()), "x"))
    assert isinstance(judge(inferred(), None, "x"), Judgement)
