"""Lengths and their probabilities: whole, alike whether exact or in ranges, and those of base64 as it is."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.tls.inference.grammar import grammar, read_rows
from analyzer.tls.inference.lengths import Base64Line, Fixed, Mixture, Pattern, Repeated, Text, pattern_from, text_from
from tests.tls.inference.nodes import nodes

DATA = read_rows("grammar.toml")
ROWS: dict[str, dict[str, Any]] = {
    f"{table} {name}": row
    for table in ("client", "server", "challenge", "response")
    for name, row in DATA[table].items()
}
PAYLOADS: dict[str, Text] = {name: text_from(row) for name, row in DATA["payload"].items()}
BASE64: dict[str, Base64Line] = {
    f"{name} after {prefix}": Base64Line(prefix, text, nothing)
    for name, text in PAYLOADS.items()
    for prefix, nothing in ((0, 0), (4, 0), (len("AUTH PLAIN "), 1), (len("AUTH NTLM "), 1), (len("AUTH XOAUTH2 "), 1))
}
PATTERNS: dict[str, Pattern] = {
    **{name: pattern_from(row) for name, row in ROWS.items()},
    **{f"payload {name}": text for name, text in PAYLOADS.items()},
    **BASE64,
}
FAR = 1 << 40
some_patterns = st.sampled_from(sorted(PATTERNS))
some_lengths = st.integers(0, 3000)


def exact(pattern: Pattern, length: int) -> float:
    return pattern.probability((length, length))


def total(pattern: Pattern) -> float:
    """Probability of any length at all; text leaves empty ones to the line it is in."""
    return pattern.probability((0, FAR)) + (pattern.empty if isinstance(pattern, Text) else 0.0)


def test_all_lengths_together_are_certain() -> None:
    for name, pattern in PATTERNS.items():
        assert total(pattern) == pytest.approx(1, abs=1e-6), name


def test_lengths_one_by_one_are_all_there_is() -> None:
    """As far as they are summed up here: the tails of messages go on."""
    for name, pattern in PATTERNS.items():
        single = sum(exact(pattern, length) for length in range(3000))
        assert single == pytest.approx(pattern.probability((0, 2999)), abs=1e-9), name


@given(some_patterns, some_lengths, st.integers(0, 40))
def test_a_range_is_as_probable_as_its_lengths_together(name: str, least: int, width: int) -> None:
    pattern = PATTERNS[name]
    single = sum(exact(pattern, length) for length in range(least, least + width + 1))
    assert pattern.probability((least, least + width)) == pytest.approx(single, abs=1e-12)


@given(some_patterns, some_lengths, some_lengths)
def test_a_probability_is_one(name: str, one: int, other: int) -> None:
    least, most = sorted((one, other))
    assert 0 <= PATTERNS[name].probability((least, most)) <= 1 + 1e-9


def test_a_range_without_lengths_is_impossible() -> None:
    for name, pattern in PATTERNS.items():
        assert pattern.probability((100, 99)) == 0, name
        assert pattern.probability((-9, -1)) == 0, name


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if "words" in row])
def test_lengths_keep_to_their_limits(name: str) -> None:
    row = ROWS[name]
    pattern = PATTERNS[name]
    assert pattern.probability((0, row.get("min", 1) - 1)) == 0
    if "max" in row:
        assert pattern.probability((row["max"] + 1, FAR)) == 0


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if len(row.get("words", ())) == 1])
def test_half_of_the_lengths_are_below_the_median(name: str) -> None:
    row = ROWS[name]
    ((_, median, spread),) = row["words"]
    if row.get("min", 1) < median / spread and row.get("max", FAR) > median * spread**2:
        assert 0.35 < PATTERNS[name].probability((0, median)) < 0.65
        assert 0.55 < PATTERNS[name].probability((round(median / spread), round(median * spread))) < 0.8


# --- residues -------------------------------------------------------------------------------------


def test_a_pattern_with_a_residue_has_no_length_with_another() -> None:
    for name, pattern in PATTERNS.items():
        residues = {length % 4 for length in range(2000) if exact(pattern, length)}
        assert residues, name
        assert pattern.residue in residues if len(residues) == 1 else pattern.residue is None, name


def test_patterns_of_the_grammar_have_residues_that_hold() -> None:
    for node in nodes(grammar()):
        if node.client.residue is not None:
            assert not any(exact(node.client, length) for length in range(3000) if length % 4 != node.client.residue)


@pytest.mark.parametrize(
    ("mechanism", "residue"),
    [
        ("PLAIN", 1),
        ("LOGIN", 1),
        ("XOAUTH2", 3),
        ("OAUTHBEARER", 3),
        ("SCRAM-SHA-1", 3),
        ("SCRAM-SHA-256", 1),
        ("NTLM", 0),
        ("GSSAPI", 2),
    ],
)
def test_lines_with_an_initial_response_leave_what_the_name_leaves(mechanism: str, residue: int) -> None:
    assert Base64Line(len(f"AUTH {mechanism} "), PAYLOADS["plain"], 1).residue == residue


def test_a_line_that_may_be_empty_has_no_residue_where_nothing_is_said_in_another_length() -> None:
    prefix = len("AUTH EXTERNAL ")
    line = Base64Line(prefix, PAYLOADS["authorization"], 1)
    assert line.residue is None
    assert exact(line, len("AUTH EXTERNAL =\r\n")) == pytest.approx(PAYLOADS["authorization"].empty)
    assert Base64Line(0, PAYLOADS["authorization"]).residue == len("\r\n")


# --- base64 ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("prefix", "nothing"), [("", ""), ("334 ", ""), ("AUTH PLAIN ", "="), ("AUTH NTLM ", "=")])
def test_a_line_is_as_probable_as_what_it_encodes(prefix: str, nothing: str) -> None:
    for name, text in PAYLOADS.items():
        expected: dict[int, float] = {}
        for size in range(901):  # whole groups of three
            encoded = base64.b64encode(bytes(size)).decode() if size else nothing
            length = len(f"{prefix}{encoded}\r\n")
            expected[length] = expected.get(length, 0.0) + (exact(text, size) if size else text.empty)
        line = Base64Line(len(prefix), text, len(nothing))
        for length in range(max(expected) + 1):
            assert exact(line, length) == pytest.approx(expected.get(length, 0.0), abs=1e-12), name


@given(st.binary(min_size=1, max_size=600), st.sampled_from(["", "334 ", "AUTH LOGIN ", "AUTH XOAUTH2 "]))
def test_a_line_that_is_said_is_possible(payload: bytes, prefix: str) -> None:
    line = Base64Line(len(prefix), Text([(1, 100, 4)]), 1)
    length = len(prefix + base64.b64encode(payload).decode() + "\r\n")
    assert exact(line, length) > 0
    assert line.residue == length % 4
    assert line.after_command == bool(prefix)


# --- the kinds of pattern -------------------------------------------------------------------------


def test_fixed_lengths_have_their_shares() -> None:
    pattern = Fixed([(3, 12), (1, 16)])
    assert [exact(pattern, length) for length in (11, 12, 13, 16)] == [0, 0.75, 0, 0.25]
    assert pattern.probability((0, 15)) == 0.75
    assert (pattern.shortest, pattern.residue) == (12, 0)
    assert Fixed([(1, 12), (1, 13)]).residue is None


def test_the_same_text_three_times_is_three_times_as_long() -> None:
    once = Text([(1, 14, 1.4)], 5)
    thrice = Repeated(once, 3)
    for length in range(200):
        assert exact(thrice, length) == (exact(once, length // 3) if length % 3 == 0 else 0)


def test_a_mixture_is_its_parts_by_their_shares() -> None:
    parts: list[tuple[float, Pattern]] = [(0.3, Fixed([(1, 14)])), (0.7, Text([(1, 40, 1.5)]))]
    for length in (13, 14, 40):
        assert exact(Mixture(parts), length) == pytest.approx(sum(share * exact(part, length) for share, part in parts))


def test_shorter_words_are_commoner_the_nearer_they_are_to_the_median() -> None:
    pattern = Text([(1, 40, 1.5)])
    falling: Callable[[int], float] = lambda length: exact(pattern, length)  # noqa: E731
    assert falling(36) > falling(60) > falling(120) > falling(400) > 0


def test_rows_say_what_they_are() -> None:
    assert isinstance(pattern_from({"lengths": [[1, 6]]}), Fixed)
    assert isinstance(pattern_from({"words": [[1, 30, 1.5]]}), Text)
    assert isinstance(pattern_from({"words": [[1, 30, 1.5]], "often": [[0.1, 14]]}), Mixture)
    repeated = pattern_from({"words": [[1, 90, 1.5]], "min": 12, "repeats": [0.7, 3]})
    assert exact(repeated, 90) > 3 * exact(repeated, 91) > 0


def test_what_is_often_of_one_length_is_that_oftener() -> None:
    row = {"words": [[1, 42, 1.4]], "min": 14, "often": [[0.2, 14]]}
    assert exact(pattern_from(row), 14) == pytest.approx(0.2, rel=0.01)
