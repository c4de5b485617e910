"""The grammar's data: complete, consistent with what is known of mechanisms elsewhere, and all there is to change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any, get_args

import pytest

from analyzer.smtp.mechanisms import mechanism as known_mechanism
from analyzer.smtp.records import Method
from analyzer.tls.inference import expectations, parse, verdict
from analyzer.tls.inference import grammar as grammar_module
from analyzer.tls.inference.grammar import END, LOGIN, Grammar, Node, grammar, read_rows
from analyzer.tls.inference.lengths import Fixed
from tests.tls.inference.nodes import nodes
from tests.tls.inference.sealing import GCM_13, inferred, written

DATA = read_rows("grammar.toml")
SERVERS = read_rows("servers.toml")["server"]
MECHANISMS = DATA["mechanism"]
TURNS = DATA["turn"]
TEXTS = [
    (table, name, row)
    for table in ("client", "server", "challenge", "response", "payload")
    for name, row in DATA[table].items()
]
FOLLOWING = {
    **{row["name"]: row["next"] for row in TURNS},
    **{name: DATA[name]["next"] for name in ("start", "accepted", "failed")},
}


# --- the rows -------------------------------------------------------------------------------------


def test_every_turn_says_and_hears_what_is_described() -> None:
    for row in TURNS:
        assert row["client"] in DATA["client"], row["name"]
        assert row["server"] in DATA["server"], row["name"]
        assert set(row.get("alike", ())) <= set(FOLLOWING), row["name"]


def test_everything_that_may_follow_is_a_turn() -> None:
    for name, following in FOLLOWING.items():
        assert following, name
        assert set(following) <= {row["name"] for row in TURNS} | {LOGIN, END}, name


def test_names_are_given_once() -> None:
    for rows in (TURNS, MECHANISMS):
        assert max(Counter(row["name"] for row in rows).values()) == 1
    assert max(Counter(row["greeting"] for row in SERVERS).values()) == 1


def test_every_turn_can_be_reached_and_left() -> None:
    assert {row["name"] for row in TURNS} <= {node.name for node in nodes(grammar())}
    for node in nodes(grammar()):
        assert node.next or node.logins or node.ends, node.name


def test_every_step_of_a_mechanism_is_described() -> None:
    for row in MECHANISMS:
        for challenge, response in (*row["steps"], *row.get("refusal", ())):
            assert challenge in {*DATA["challenge"], *DATA["payload"]}, row["name"]
            assert response in {*DATA["response"], *DATA["payload"]}, row["name"]
        if row.get("first"):
            assert row["steps"][0][1] in DATA["payload"], row["name"]


def test_weights_are_positive_and_shares_are_shares() -> None:
    for name, following in FOLLOWING.items():
        assert min(following.values()) > 0, name
    for row in MECHANISMS:
        assert row["weight"] > 0, row["name"]
        assert 0 < row["offered"] < 1, row["name"]
    for table, name, row in TEXTS:
        weights = [part[0] for part in row.get("lengths", row.get("words"))]
        assert min(weights) > 0, (table, name)
        assert 0 <= row.get("empty", 0) < 1, (table, name)
        assert 0 < row.get("repeats", [0.5])[0] < 1, (table, name)
        assert sum(share for share, _ in row.get("often", ())) < 1, (table, name)


def test_texts_are_either_listed_or_spread_and_have_their_limits_in_order() -> None:
    for table, name, row in TEXTS:
        assert ("lengths" in row) != ("words" in row), (table, name)
        assert set(row) <= {"lengths", "words", "min", "max", "often", "repeats", "empty"}, (table, name)
        for _, median, spread in row.get("words", ()):
            assert row.get("min", 1) <= median <= row.get("max", 1 << 40), (table, name)
            assert spread > 1, (table, name)


def test_shares_of_what_may_follow_add_up() -> None:
    for node in nodes(grammar()):
        assert sum(share for _, share in node.next) + node.logins + node.ends == pytest.approx(1), node.name


def test_a_turn_under_way_admits_no_login() -> None:
    """RFC 4954 section 4: not during a mail transaction."""
    for node in nodes(grammar()):
        assert not (node.mail and node.logins and not node.message), node.name


# --- mechanisms -----------------------------------------------------------------------------------


def test_families_are_those_of_the_session_record() -> None:
    assert {row["method"] for row in MECHANISMS} <= set(get_args(Method)) - {"none", "unknown"}


@pytest.mark.parametrize("row", MECHANISMS, ids=lambda row: row["name"])
def test_a_mechanism_is_of_the_family_it_has_in_the_clear(row: dict[str, Any]) -> None:
    in_the_clear = known_mechanism(row["name"].encode())
    assert in_the_clear.name == row["name"]
    assert in_the_clear.method == row["method"] or row["name"] == "GSS-SPNEGO"  # there, its token says


def test_a_mechanism_whose_token_tells_the_family_in_the_clear_is_taken_for_kerberos() -> None:
    methods = {row["name"]: row["method"] for row in MECHANISMS}
    assert known_mechanism(b"GSS-SPNEGO").method == "unknown"
    assert methods["GSS-SPNEGO"] == "kerberos"


@pytest.mark.parametrize("row", MECHANISMS, ids=lambda row: row["name"])
def test_the_command_without_a_response_is_as_long_as_its_words(row: dict[str, Any]) -> None:
    (found,) = (mechanism for mechanism in grammar().mechanisms if mechanism.name == row["name"])
    logins = [(node, node.attempt or node.pending or never()) for node, _ in found.entries]
    bare = {node.client for node, login in logins if not login.initial_response}
    length = len(f"AUTH {row['name']}\r\n")
    assert {line.probability((length, length)) for line in bare} == {1.0}


@pytest.mark.parametrize("row", [row for row in MECHANISMS if row.get("first")], ids=lambda row: row["name"])
def test_after_an_empty_initial_response_the_exchange_may_begin_all_the_same(row: dict[str, Any]) -> None:
    (found,) = (mechanism for mechanism in grammar().mechanisms if mechanism.name == row["name"])
    logins = [(node, node.attempt or node.pending or never()) for node, _ in found.entries]
    empty = {node for node, login in logins if login.initial_response and isinstance(node.client, Fixed)}
    length = len(f"AUTH {row['name']} =\r\n")
    assert {node.client.probability((length, length)) for node in empty} == {1.0}
    assert {node.heard for node in empty if node.pending is not None} == {row["steps"][0][0]}


@pytest.mark.parametrize("row", MECHANISMS, ids=lambda row: row["name"])
def test_only_a_mechanism_in_which_the_client_begins_has_an_initial_response(row: dict[str, Any]) -> None:
    (found,) = (mechanism for mechanism in grammar().mechanisms if mechanism.name == row["name"])
    with_first = [node for node, _ in found.entries if (node.attempt or node.pending or never()).initial_response]
    assert bool(with_first) == bool(row.get("first"))
    server_begins = row["name"] in ("CRAM-MD5", "DIGEST-MD5")  # RFC 4422 section 5
    assert bool(row.get("first")) != server_begins
    assert sum(share for _, share in found.entries) == pytest.approx(1, abs=0.05)


def never() -> Any:
    raise AssertionError("a login has an attempt, made or pending")


def test_every_way_through_a_login_ends_with_its_outcome() -> None:
    for node in nodes(grammar()):
        if node.kind == "login":
            assert (node.attempt is None) != (node.pending is None)
            if node.attempt is not None and node.attempt.outcome != "failure":
                assert node.heard == ("success" if node.attempt.outcome == "success" else "refused")


# --- servers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", SERVERS, ids=lambda row: row["greeting"])
def test_a_server_has_replies_that_the_grammar_knows(row: dict[str, Any]) -> None:
    assert set(row) == {"greeting", "replies"}
    assert set(row["replies"]) <= set(DATA["server"])
    for name, lengths in row["replies"].items():
        assert lengths == sorted(set(lengths)), name
        assert min(lengths) >= len("250\r\n"), name


def test_success_and_failure_of_a_server_differ() -> None:
    for row in SERVERS:
        assert not set(row["replies"]["success"]) & set(row["replies"]["failure"]), row["greeting"]


def test_no_greeting_hides_another() -> None:
    words = [row["greeting"] for row in SERVERS]
    assert not [(a, b) for at, a in enumerate(words) for b in words[at + 1 :] if a in b]


def test_a_known_servers_replies_are_probable_and_others_stay_possible() -> None:
    postfix = expectations.expectations(expectations.Clues(greeting="mx.example ESMTP Postfix"), [], False).replies
    general = grammar().replies
    success = postfix[general["success"]]
    assert success.probability((37, 37)) > 0.9
    assert success.probability((30, 30)) == pytest.approx(0.05 * general["success"].probability((30, 30)), rel=0.01)
    assert "server-known" in expectations.expectations(expectations.Clues(greeting="x ESMTP Exim 4"), [], False).reasons


# --- to add a mechanism is to add a row -----------------------------------------------------------


def caches() -> Iterator[Callable[[], None]]:
    """What forgets what was made of the grammar."""
    for module in (grammar_module, expectations, parse, verdict):
        for thing in vars(module).values():
            if hasattr(thing, "cache_clear"):
                yield thing.cache_clear


@pytest.fixture
def with_rows(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[dict[str, Any]], Grammar]]:
    """Puts other data in the place of the grammar's."""

    def replaced(data: dict[str, Any]) -> Grammar:
        monkeypatch.setattr(grammar_module, "read_rows", lambda name: data)
        for clear in caches():
            clear()
        return grammar()

    yield replaced
    monkeypatch.undo()
    for clear in caches():
        clear()


INVENTED = {
    "name": "X-CAROUSEL",
    "method": "kerberos",
    "weight": 20,
    "offered": 0.3,
    "steps": [["wheel", "horse"], ["wheel", "horse"], ["wheel", "horse"]],
}
RIDE = written(
    *("S: 220 mail.example.org ESMTP ready", "C: EHLO copier.example.org", "S: 250-mail.example.org"),
    *("S: 250-SIZE 10240000", "S: 250-8BITMIME", "S: 250 AUTH X-CAROUSEL", "C: AUTH X-CAROUSEL"),
    *[f"S: 334 {'w' * 200}", f"C: {'h' * 120}"] * 3,
    *("S: 235 2.7.0 Authentication successful", "C: MAIL FROM:<copier@example.org>", "S: 250 2.1.0 Ok"),
    *("C: RCPT TO:<office@example.com>", "S: 250 2.1.5 Ok", "C: DATA", "S: 354 End data with <CR><LF>.<CR><LF>"),
    *(f"C: {'x' * 2000}", "S: 250 2.0.0 Ok: queued as 4bXyZ12Qw3z", "C: QUIT", "S: 221 2.0.0 Bye"),
)


def test_a_mechanism_is_added_by_a_row(with_rows: Callable[[dict[str, Any]], Grammar]) -> None:
    assert inferred(RIDE).method != "kerberos"
    data = deepcopy(DATA)
    data["mechanism"].append(INVENTED)
    data["payload"] |= {"wheel": {"words": [[1, 150, 1.2]]}, "horse": {"words": [[1, 90, 1.2]]}}
    with_rows(data)
    inference = inferred(RIDE)
    (attempt,) = inference.attempts
    assert (inference.method, attempt.mechanism, attempt.outcome) == ("kerberos", "X-CAROUSEL", "success")
    assert (attempt.initial_response, inference.messages) == (False, 1)


def test_a_mechanism_that_is_taken_away_is_not_known_any_more(with_rows: Callable[[dict[str, Any]], Grammar]) -> None:
    data = deepcopy(DATA)
    data["mechanism"] = [row for row in data["mechanism"] if row["method"] == "oauth"]
    made = with_rows(data)
    assert {mechanism.method for mechanism in made.mechanisms} == {"oauth"}
    assert inferred(RIDE, GCM_13).method in ("unknown", "oauth", "none")


def test_a_name_that_is_not_there_is_no_grammar(with_rows: Callable[[dict[str, Any]], Grammar]) -> None:
    data = deepcopy(DATA)
    data["mechanism"].append({**INVENTED, "steps": [["carousel", "empty"]]})
    with pytest.raises(KeyError, match="carousel"):
        with_rows(data)


def test_no_number_of_the_data_depends_on_the_order_of_its_rows(
    with_rows: Callable[[dict[str, Any]], Grammar],
) -> None:
    def shape(made: Grammar) -> Counter[tuple[object, ...]]:
        return Counter((node.name, node.said, node.ends, node.logins, *ways(node)) for node in nodes(made))

    def ways(node: Node) -> list[tuple[str, float]]:
        return sorted((following.name, round(share, 12)) for following, share in node.next)

    before = shape(grammar())
    data = deepcopy(DATA)
    data["mechanism"].reverse()
    data["turn"].reverse()
    assert shape(with_rows(data)) == before
