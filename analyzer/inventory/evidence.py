"""Evidence inside TLS, added up over the sessions of one program with one server.

What one session leaves open, several may settle, for a program logs in the same way every time. The rule:

1. Sessions belong together if the client address, the server's name and port, and the fingerprint of the client's TLS
   (JA4) are the same: one program on one device, with one service. That it logs in by one method there is the
   assumption.
2. Each session brings how well its turns fit each method. Sessions that bring the very same count once: they repeat a
   fact and add none. The most telling one counts in full. Those that differ from it (another token, another recipient)
   are still alike in much, so they count with weight :data:`WEIGHT`; and none counts for more than :data:`MOST`.
3. If two of them speak against each other by more than :data:`CONFLICT`, the assumption is wrong: nothing is settled.
4. Otherwise the method with :data:`~analyzer.tls.ANSWER_FROM` of the probability is that of the sessions left open.

The sizes themselves are not kept, only how well they fit.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import combinations
from math import exp, log
from typing import Final

from analyzer.inventory.bounded import Sightings
from analyzer.inventory.session import Session
from analyzer.tls import ANSWER_FROM, confidence_of, shares_before

LISTED_EVIDENCE: Final = 64
"""Different pieces of evidence of one address. A program that sends the same brings a handful."""

WEIGHT: Final = 0.5
MOST: Final = 8.0
CONFLICT: Final = 3.0

_METHODS: Final = ("anonymous", "basic", "certificate", "challenge", "kerberos", "none", "oauth")

Fit = tuple[float, ...]
"""Natural logarithms of how well the turns of a session fit each of the methods, the best one at 0."""

Piece = tuple[str, int, str, bool, Fit]
"""Server's name, port, JA4 (empty where unknown), whether the session was left open, and how it fits."""


def piece_of(session: Session, server: str) -> Piece | None:
    """What ``session`` brings; ``None`` where nothing inside TLS could be weighed, or it was read."""
    fit = session.likelihoods
    is_open = session.reason == "ambiguous"
    if not fit or not (is_open or session.evidence == "inferred"):
        return None
    vector = tuple([fit.get(method, -MOST) for method in _METHODS])
    return server, session.server_port, session.tls_ja4 or "", is_open, vector


def settled(pieces: Sightings[Piece]) -> list[tuple[str, int, float]]:
    """Sessions that were left open and are not any more: method, how many, and the confidence."""
    if not any(is_open for _, _, _, is_open, _ in pieces):
        return []  # of most devices, nothing is
    groups: dict[tuple[str, int, str], tuple[set[Fit], list[int]]] = {}
    for (server, port, ja4, is_open, fit), count in pieces.counts():
        fits, left_open = groups.setdefault((server, port, ja4), (set(), [0]))
        fits.add(fit)
        left_open[0] += count * is_open
    found: list[tuple[str, int, float]] = []
    for fits, left_open in groups.values():
        answer = combined(fits) if left_open[0] else None
        if answer is not None:
            found.append((answer[0], left_open[0], answer[1]))
    return sorted(found)


def combined(fits: Collection[Fit]) -> tuple[str, float] | None:
    """Method and confidence by the rule at the head of this file; ``None`` where it settles nothing."""
    if any(_conflict(one, other) for one, other in combinations(sorted(fits), 2)):
        return None
    first, *others = sorted(fits, key=_margin)
    before: Mapping[str, float] = shares_before()
    sums = [
        log(before[method]) + max(first[at], -MOST) + WEIGHT * sum(max(fit[at], -MOST) for fit in others)
        for at, method in enumerate(_METHODS)
    ]
    best = max(sums)
    share = 1 / sum(exp(value - best) for value in sums)
    if share < ANSWER_FROM:
        return None
    return _METHODS[sums.index(best)], confidence_of(share)


def _margin(fit: Fit) -> tuple[float, Fit]:
    """By how much the second-best method fits worse; the fit itself decides between equals."""
    return sorted(fit)[-2], fit


def _conflict(one: Fit, other: Fit) -> bool:
    return other[one.index(max(one))] < -CONFLICT and one[other.index(max(other))] < -CONFLICT
