from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.inventory.bounded import Sightings
from analyzer.inventory.devices import Inventory
from analyzer.inventory.evidence import LISTED_EVIDENCE, Fit, Piece, combined, piece_of, settled
from analyzer.inventory.session import Session
from analyzer.tls import ANSWER_FROM, HIGHEST
from tests.support.sessions import silent

METHODS = ("anonymous", "basic", "certificate", "challenge", "kerberos", "none", "oauth")


def fit(**values: float) -> dict[str, float]:
    """Likelihoods: as given, and hopeless for every other method."""
    return {method: values.get(method, -12.0) for method in METHODS}


def left_open(likelihoods: dict[str, float], **fields: Any) -> Session:
    return silent("unknown", reason="ambiguous", likelihoods=likelihoods, tls_mode="implicit", **fields)


def answered(method: str, likelihoods: dict[str, float], **fields: Any) -> Session:
    return silent(
        method,  # type: ignore[arg-type]
        evidence="inferred",
        confidence=0.998,
        likelihoods=likelihoods,
        tls_mode="implicit",
        **fields,
    )


def status(*sessions: Session) -> tuple[str, float | None]:
    inventory = Inventory()
    for one in sessions:
        inventory.add(one)
    (device,) = inventory.devices()
    return device.status, device.confidence


UNSURE = fit(basic=0.0, none=-1.5)
SURE = fit(basic=0.0, none=-11.0)
TOKEN = fit(oauth=0.0, none=-1.0)


def test_a_session_left_open_is_settled_by_others_of_the_same_program() -> None:
    assert status(left_open(TOKEN)) == ("unknown", None)
    assert status(left_open(TOKEN), answered("oauth", fit(oauth=0.0))) == ("oauth", 0.998)


def test_repeating_the_same_settles_nothing() -> None:
    assert status(*[left_open(UNSURE)] * 1000) == ("unknown", None)


def test_different_observations_add_up() -> None:
    unsure = [left_open(fit(basic=0.0, none=-2.0 - shift / 10)) for shift in range(8)]
    assert status(*unsure)[0] == "password"
    assert status(*unsure[:1])[0] == "unknown"


@pytest.mark.parametrize(
    "difference", [{"server_ip": "10.10.0.99"}, {"server_port": 465}, {"tls_ja4": "t13d1516h2_x_y"}]
)
def test_another_server_port_or_program_is_no_evidence(difference: dict[str, Any]) -> None:
    assert status(left_open(TOKEN), answered("oauth", fit(oauth=0.0), **difference))[0] == "unknown"


def test_sessions_that_contradict_each_other_settle_nothing() -> None:
    seen = [answered("oauth", fit(oauth=0.0)), answered("none", fit(none=0.0)), left_open(TOKEN)]
    for order in permutations(seen):
        assert status(*order)[0] == "unknown"


def test_a_session_that_was_read_brings_nothing_to_what_is_inferred() -> None:
    read = silent("oauth", evidence="decrypted", confidence=1.0, likelihoods=fit(oauth=0.0), tls_mode="implicit")
    assert piece_of(read, "mail.example.com") is None
    assert piece_of(silent("unknown", reason="gap", tls_mode="implicit"), "mail.example.com") is None
    assert piece_of(silent("unknown", reason="not-smtp", likelihoods=SURE, tls_mode="implicit"), "x") is None


def test_no_confidence_is_higher_than_that_of_a_single_session_may_be() -> None:
    answer = combined([vector(SURE), vector(fit(basic=0.0, none=-10.0)), vector(fit(basic=0.0))])
    assert answer == ("basic", HIGHEST)


def vector(likelihoods: dict[str, float]) -> Fit:
    return tuple(likelihoods[method] for method in METHODS)


_fits = st.tuples(*[st.sampled_from([0.0, -0.4, -1.5, -3.5, -8.0])] * len(METHODS))


@given(st.sets(_fits, min_size=1, max_size=6))
def test_an_answer_is_probable_enough_and_does_not_depend_on_order(fits: set[Fit]) -> None:
    answer = combined(sorted(fits))
    assert answer == combined(sorted(fits, reverse=True))
    if answer is not None:
        assert ANSWER_FROM <= answer[1] <= HIGHEST


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), st.booleans(), _fits), max_size=3 * LISTED_EVIDENCE))
def test_merging_parts_gives_what_the_whole_gives(seen: list[tuple[str, bool, Fit]]) -> None:
    pieces: list[Piece] = [(server, 465, "", is_open, fits) for server, is_open, fits in seen]
    whole: Sightings[Piece] = Sightings(LISTED_EVIDENCE)
    parts: list[Sightings[Piece]] = [Sightings(LISTED_EVIDENCE), Sightings(LISTED_EVIDENCE)]
    for nth, piece in enumerate(pieces):
        whole.add(piece, nth)
        parts[nth % 2].add(piece, nth)
    parts[1].merge(parts[0])
    assert settled(parts[1]) == settled(whole)
