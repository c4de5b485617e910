"""Patterns that a hostile text could keep busy for ever are not taken; those that people write are."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.advice import packaged_knowledge
from analyzer.advice.patterns import MOST_CHOICES, MOST_REPEATS, problem_of

USUAL = [
    r"^NPI[0-9A-F]{6}\b",
    r"^RNP[0-9A-F]{6,12}\b",
    r"^(?:TASKalfa|ECOSYS)\b",
    r"^\S+\.prod\.outlook\.com Microsoft ESMTP MAIL Service\b",
    r"^scan(?:ner)?-?\d+$",
    r"[+*?|(){}]{3}",
    r"[]+*?]x[^]|]",
    r"\(\+\*\|\?",
    r"(?P<maker>Canon).*?fax",
    r"a{,}b",
    r"braces {x} and {",
]
ENDLESS = [
    r"(a+)+$",
    r"(a*)*b",
    r"(?:a|a)*b",
    r"(a|b){2,}c",
    r"(a+){20}b",
    r"((a+))+?b",
    r"(?:(?:x+)y?)*z",
    r".*.*.*x",
    r"a+b+c{1,9}d",
    "a?" * 30 + "a" * 30,
    "(a|a)" * 30 + "b",
]


@pytest.mark.parametrize("text", USUAL)
def test_what_people_write_is_taken(text: str) -> None:
    re.compile(text)
    assert problem_of(text) is None


def test_what_comes_with_the_program_is_taken() -> None:
    known = packaged_knowledge()
    texts = [text for maker in known.makers.values() for text in maker.hints]
    texts += [text for provider in known.providers.values() for text in provider.greetings]
    assert len(texts) > 10
    assert not [text for text in texts if problem_of(text)]


@pytest.mark.parametrize("text", ENDLESS)
def test_what_has_too_many_ways_is_not(text: str) -> None:
    re.compile(text)
    assert problem_of(text) is not None


def test_the_limits_are_where_they_are_said_to_be() -> None:
    assert problem_of(".*" * MOST_REPEATS) is None
    assert problem_of(".*" * (MOST_REPEATS + 1)) == "more than 2 parts are repeated"
    assert problem_of("a?" * MOST_CHOICES) is None
    assert problem_of("a?" * MOST_CHOICES + "|b") == "more than 8 parts are optional or have alternatives"


_PIECES = st.sampled_from([*r"ab.?*+|()", "(?:", "{2,}", "{3}", "[ab]", r"\w", "??", "+?"])


@settings(max_examples=300)
@given(st.lists(_PIECES, max_size=14).map("".join))
def test_whatever_python_takes_is_looked_at_to_its_end(text: str) -> None:
    try:
        re.compile(text)
    except re.error:
        return
    problem = problem_of(text)
    assert problem is None or problem.isprintable()


def test_the_worst_that_is_taken_ends() -> None:
    """A process of its own: a matcher that has lost itself hears no signal."""
    worst = "a*" * MOST_REPEATS + "(?:a|aa)" * MOST_CHOICES + "b"
    assert problem_of(worst) is None
    program = f"import re; assert re.compile({worst!r}).match('a' * 512) is None"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
