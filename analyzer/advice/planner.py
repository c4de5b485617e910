"""Plans for all devices of a report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime

from analyzer.advice.knowledge import Knowledge
from analyzer.advice.plan import Plan
from analyzer.advice.replies import reply_advice
from analyzer.advice.requirements import Circumstances
from analyzer.advice.situation import Fleet, Situation
from analyzer.advice.steps import steps
from analyzer.advice.urgency import urgency
from analyzer.advice.ways import ways_out
from analyzer.inventory.device import Device

_STANDING_REFUSAL = frozenset({"auth-failing", "basic-disabled"})
"""Findings that a device keeps only where no login succeeded after the last refusal."""


def plans(devices: Sequence[Device], knowledge: Knowledge, today: date | None = None) -> dict[str, Plan]:
    """The plan of each device, by the address it goes by, in the order of ``devices``.

    Args:
        devices: all of a report: how many use a password with a provider decides which way is best.
        today: the day from which deadlines are counted, the report's last; default: the last day on which any of
            the devices was seen. Never the clock: the same captures give the same plans.
    """
    fleet = Fleet(devices, knowledge, today or last_day(devices))
    return {device.device: _plan(fleet.situation(device), knowledge) for device in devices}


def last_day(devices: Iterable[Device]) -> date | None:
    """The day (UTC) of the last packet; ``None`` where none had a time that a calendar has."""
    last = max((device.last_seen for device in devices), default=0)
    try:
        return datetime.fromtimestamp(last // 10**9, UTC).date() if last > 0 else None
    except (OverflowError, ValueError, OSError):
        return None


def _plan(at: Situation, knowledge: Knowledge) -> Plan:
    pressing, reason = urgency(at)
    external = at.own.external_recipients if at.own is not None else None
    circumstances = Circumstances(at.provider, at.oauth, external)
    ways = ways_out(knowledge.ways.values(), circumstances, at.standing, at.fleet) if at.standing is not None else ()
    refusal = at.device.last_failure
    stands = not _STANDING_REFUSAL.isdisjoint(at.device.findings)
    reply = reply_advice(refusal, knowledge.replies.values()) if refusal is not None and stands else None
    return Plan(
        device=at.device.device,
        urgency=pressing,
        reason=reason,
        standing=at.standing,
        service=at.service,
        deadline=at.deadline,
        oauth=at.oauth,
        ways=ways,
        steps=steps(at, pressing, ways, reply),
        fleet=at.fleet,
        reply=reply,
    )
