"""Every exchange that the grammar knows can be told in words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzer.tls.inference import InferredTurn
from analyzer.tls.inference.grammar import Node, grammar
from analyzer.tls.inference.phrases import HEARD, SAID, heard, said


def nodes() -> Iterator[Node]:
    """All nodes of the grammar."""
    seen: set[int] = set()
    waiting = [grammar().start, *(node for mechanism in grammar().mechanisms for node, _ in mechanism.entries)]
    while waiting:
        node = waiting.pop()
        if id(node) not in seen:
            seen.add(id(node))
            waiting.extend(following for following, _ in node.next)
            yield node


def payload(node: Node) -> str:
    """What the client said, without the AUTH command itself."""
    return re.sub(r"^auth\b *", "", node.said)


def turn(node: Node) -> InferredTurn:
    login = node.attempt or node.pending
    return InferredTurn(node.name, node.why, node.said, node.heard, login.mechanism if login else None)


def test_every_exchange_of_the_grammar_has_its_words() -> None:
    for node in nodes():
        if node.name != "start":
            assert payload(node) in {*SAID, ""}, node.name
            assert node.heard in HEARD, node.name
            assert said(turn(node))
            assert heard(turn(node))


def test_no_words_are_left_over() -> None:
    assert set(SAID) <= set(map(payload, nodes()))
    assert set(HEARD) - {"", "greeting"} <= {node.heard for node in nodes()}


def test_a_login_is_told_by_its_mechanism_and_its_steps() -> None:
    told = {(turn.mechanism, said(turn), heard(turn)) for turn in map(turn, nodes()) if turn.mechanism is not None}
    assert {
        ("LOGIN", "AUTH LOGIN", "prompt"),
        ("LOGIN", "AUTH LOGIN with user name", "prompt"),
        ("LOGIN", "password", "login accepted"),
        ("PLAIN", "AUTH PLAIN with user name and password", "login refused"),
        ("XOAUTH2", "access token", "refusal of the token, as a challenge"),
    } <= told


def test_helo_is_no_ehlo_though_as_long() -> None:
    assert {said(turn(node)) for node in nodes() if node.said == "ehlo"} == {"EHLO", "HELO"}


def test_no_phrase_holds_a_digit() -> None:
    assert not any(letter.isdigit() for phrase in (*SAID.values(), *HEARD.values()) for letter in phrase)
