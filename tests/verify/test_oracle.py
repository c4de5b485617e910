"""tshark as an oracle: over all recorded material, what both can see they see alike."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from analyzer.capture.inputs import Input, expand
from analyzer.commands.keys import Keys
from analyzer.commands.verify import verify_input
from analyzer.packets import SUBMISSION_PORTS
from analyzer.tshark.program import find_tshark
from analyzer.verify.records import Comparison, Verdict
from tests.support.material import CORPUS, LAB, REPOSITORY, corpus_labels, lab_labels, needs_corpus, needs_lab
from tests.support.tools import needs_tshark

CAPTURES = REPOSITORY / "captures"

EXPLAINED = {
    "zeek+zeek/testing__btest__Traces__http__connect-with-smtp.pcap": "SMTP behind an HTTP CONNECT: we judge a"
    " conversation by how it begins, tshark was told to read SMTP there and passes over what is none",
}
"""Captures in which the two differ for good, and why."""


def held(folder: Path, ports: frozenset[int] = SUBMISSION_PORTS) -> list[Comparison]:
    """Every session of every capture in ``folder``, in no particular order."""
    tshark = find_tshark()
    inputs, failures = expand([str(folder)])
    assert not failures

    def one(given: Input) -> list[Comparison]:
        verdict = Verdict(tshark.version)
        verify_input(given, tshark, ports, Keys(), verdict)
        return verdict.comparisons

    with ThreadPoolExecutor(2) as threads:  # most of the time goes to starting tshark
        return [comparison for comparisons in threads.map(one, inputs) for comparison in comparisons]


def unexplained(comparisons: list[Comparison]) -> list[Comparison]:
    return [
        comparison
        for comparison in comparisons
        if comparison.outcome in ("differ", "theirs only")
        and not any(comparison.source.endswith(name) for name in EXPLAINED)
    ]


@needs_tshark
@pytest.mark.parametrize("folder", sorted(path.name for path in CAPTURES.iterdir() if path.is_dir()))
def test_the_projects_captures_show_the_same_to_both(folder: str) -> None:
    comparisons = held(CAPTURES / folder)
    assert comparisons
    assert unexplained(comparisons) == []


@needs_tshark
@needs_lab
def test_the_recorded_lab_shows_the_same_to_both() -> None:
    comparisons = held(LAB)
    assert unexplained(comparisons) == []
    talking = sum(label["script"] not in ("connect-only", "plain-to-tls") for label in lab_labels())
    assert len(comparisons) >= talking


@needs_tshark
@needs_corpus
def test_public_captures_show_the_same_to_both() -> None:
    labels = corpus_labels()
    ports = SUBMISSION_PORTS | frozenset(port for entry in labels for port in entry["ports"])
    comparisons = held(CORPUS, ports)
    assert unexplained(comparisons) == []
    assert len(comparisons) >= sum(entry["smtp_connections"] > 0 for entry in labels)
