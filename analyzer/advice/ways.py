"""Which ways out there are for a device, best first."""

from __future__ import annotations

from collections.abc import Iterable

from analyzer.advice.knowledge import Way
from analyzer.advice.plan import FITS, WayOut
from analyzer.advice.requirements import REQUIREMENTS, Circumstances, Judgement
from analyzer.inventory.standing import Standing

LARGE_FLEET = 20
"""Devices that send a password to one provider, above which each one set up by hand costs more than a relay for all
(a rule of thumb of those who service copiers)."""


def ways_out(ways: Iterable[Way], at: Circumstances, standing: Standing, *, large: bool) -> tuple[WayOut, ...]:
    """The ways that customers of the provider can go: those that fit or may fit first, in the table's order.

    Args:
        large: more than :data:`LARGE_FLEET` devices send a password to the same provider.
    """
    provider = at.provider.id if at.provider is not None else None
    open_to_it = [
        way for way in ways if standing in way.standings and (way.providers is None or provider in way.providers)
    ]
    judged = [(_judged(way, at), way.order_large if large and way.order_large else way.order) for way in open_to_it]
    judged.sort(key=lambda entry: (entry[0].fit == "fits-not", entry[1], entry[0].id))
    return tuple(way for way, _ in judged)


def _judged(way: Way, at: Circumstances) -> WayOut:
    judgements = [REQUIREMENTS[requirement](at) for requirement in way.requires]
    worst = max(judgements, key=lambda judgement: FITS.index(judgement.fit), default=Judgement("fits"))
    why = worst.why if worst.fit == "fits-not" else "; ".join(filter(None, (each.why for each in judgements)))
    return WayOut(way.id, way.name, worst.fit, why, way.when, way.steps, way.until, way.source, way.as_of)
