"""Plans for all devices of a report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime

from analyzer.advice.knowledge import Knowledge
from analyzer.advice.plan import Plan, WayOut
from analyzer.advice.replies import reply_advice
from analyzer.advice.requirements import Circumstances
from analyzer.advice.situation import Fleet, Situation
from analyzer.advice.steps import look_first, steps
from analyzer.advice.urgency import urgency
from analyzer.advice.ways import LARGE_FLEET, ways_out
from analyzer.inventory.device import Device
from analyzer.inventory.standing import Standing

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
    planner = _Planner(knowledge)
    return {device.device: planner.plan(fleet.situation(device)) for device in devices}


def last_day(devices: Iterable[Device]) -> date | None:
    """The day (UTC) of the last packet; ``None`` where none had a time that a calendar has."""
    last = max((device.last_seen for device in devices), default=0)
    try:
        return datetime.fromtimestamp(last // 10**9, UTC).date() if last > 0 else None
    except (OverflowError, ValueError, OSError):
        return None


class _Planner:
    """Makes plans, and remembers which ways there are: a fleet has a handful of makers and providers."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self._ways: dict[tuple[Circumstances, Standing, bool], tuple[WayOut, ...]] = {}

    def plan(self, at: Situation) -> Plan:
        """The plan for one device."""
        pressing, reason = urgency(at)
        ways = self._ways_out(at, at.standing) if at.standing is not None else ()
        refusal = at.device.last_failure
        stands = not _STANDING_REFUSAL.isdisjoint(at.device.findings)
        reply = reply_advice(refusal, self._knowledge.replies.values()) if refusal is not None and stands else None
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
            look_first=look_first(at, ways),
            fleet=at.fleet,
            reply=reply,
        )

    def _ways_out(self, at: Situation, standing: Standing) -> tuple[WayOut, ...]:
        external = at.own.external_recipients if at.own is not None else None
        circumstances = Circumstances(at.provider, at.oauth, external)
        key = circumstances, standing, at.fleet > LARGE_FLEET
        if key not in self._ways:
            self._ways[key] = ways_out(self._knowledge.ways.values(), circumstances, standing, large=key[2])
        return self._ways[key]
