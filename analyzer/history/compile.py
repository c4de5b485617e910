"""What the store knows becomes the report on a period."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from ipaddress import ip_address
from typing import Protocol

from analyzer.history import periods
from analyzer.history.changes import change_of
from analyzer.history.forecast import forecast
from analyzer.history.identity import Machine, machines
from analyzer.history.model import (
    CHANGE_KINDS,
    Change,
    ChangeKind,
    Period,
    PeriodReport,
    Quality,
    SharedAccount,
    TrendPoint,
)
from analyzer.history.silence import LOOKBACK, falls_silent_in
from analyzer.inventory.device import Device, Outline
from analyzer.inventory.devices import MOST_DEVICES, Inventory, Roster
from analyzer.inventory.network import Neighbourhood
from analyzer.inventory.presence import Order, order_of
from analyzer.inventory.status import STATUSES, STILL_PASSWORD

WEEKS_SHOWN = 26
"""Weeks of the burn-down: half a year, as much as a line of text and an eye take in."""

MOST_DORMANT = 2_000
"""Addresses seen in the quarter, but not in the period before, that are looked at one by one, those seen last first.
A network of guests has any number of them; they are counted then (``unlisted``)."""


class Past(Protocol):
    """What must be known of days gone by; :class:`analyzer.store.Store` knows it."""

    def days(self) -> tuple[date, date] | None:
        """First and last day on which anything was seen."""

    def inventory(self, first: date, last: date, clients: Collection[str] | None = None) -> Inventory:
        """What a scan of these days' traffic would say, of ``clients`` alone where given."""

    def roster(self, first: date, last: date) -> Roster:
        """As :meth:`inventory`, in short."""

    def last_days(self, first: date, last: date, most: int) -> Mapping[str, date]:
        """The last of these days on which each address was seen, of the ``most`` that were seen last."""

    def days_seen(self, first: date, last: date, clients: Collection[str]) -> Mapping[str, Sequence[date]]:
        """The days on which each of the addresses was seen."""

    def days_observed(self, first: date, last: date) -> Sequence[date]:
        """The days on which anything was seen, in order."""

    def trend(self, weeks: int, last: date) -> Sequence[TrendPoint]:
        """ISO weeks, oldest first, up to the one that ``last`` lies in."""

    def quality(self, first: date, last: date) -> Quality:
        """How well these days were observed."""

    def first_seen(self, clients: Collection[str]) -> Mapping[str, int]:
        """When each of the addresses was seen first of all, nanoseconds since 1970-01-01 UTC."""

    def sensors(self, first: date, last: date) -> set[str]:
        """Who reported of these days."""


def compile_report(past: Past, period: Period, weeks: int = WEEKS_SHOWN) -> PeriodReport:
    """The report on ``period``.

    Args:
        weeks: how many the burn-down shows.
    """
    inventory = past.inventory(period.first, period.last)
    devices, shared = inventory.overview()
    first_seen = past.first_seen({ip for device in devices for ip in device.ips})
    quality = past.quality(period.first, period.last)
    trend = past.trend(weeks, period.last)
    report = PeriodReport(
        period=period,
        devices=devices,
        summary=inventory.summary(devices),
        before=None,
        summary_before=None,
        changes=(),
        trend=trend,
        first_seen=_first_seen(devices, first_seen),
        shared=[SharedAccount(user, service or None, ips) for (user, service), ips in shared.items()],
        quality=quality,
        forecast=forecast([point for point in trend if point.period.last <= period.last]),
        unlisted={"facts": quality.reduced} if quality.reduced else {},
    )
    before = periods.before(period)
    reach = past.days()
    if reach is None or reach[0] > before.last:
        return report
    return _compared(report, inventory, before, past, first_seen)


def _compared(
    report: PeriodReport, inventory: Inventory, before: Period, past: Past, first_seen: Mapping[str, int]
) -> PeriodReport:
    """``report`` with what changed since ``before``."""
    period = report.period
    roster = past.roster(before.first, before.last)
    of_before = roster.outlines
    missing = tuple(sorted(past.sensors(before.first, before.last) - set(report.quality.sensors)))
    dormant, beyond = _dormant(
        past, period.first - timedelta(LOOKBACK), {ip for outline in of_before for ip in outline.ips}, before
    )
    earlier = _Earlier(past)
    earlier.add(before, roster)
    for when, what in _when_seen_last(dormant, past):
        earlier.add(when, what)

    in_period_before = set(map(id, of_before))
    known = _known_from_long_ago(first_seen, period, earlier.outlines)
    changes: list[tuple[ChangeKind, Device | None, Outline | None]] = []
    returned, gone = [], []
    for machine in machines(report.devices, earlier.outlines, [inventory, *earlier.rosters]):
        now, was = machine.now, machine.before
        if now is not None:
            kind = change_of(now, was) if was is not None else _newness(machine, now, known)
            if kind is not None:
                changes.append((kind, now, was))
            elif now.status in STILL_PASSWORD and id(was) not in in_period_before:
                returned.append(now)
        elif was is not None and was.status in STILL_PASSWORD:
            gone.append((machine.ips, was))
    silent, absent = _silent_and_absent(gone, past, period, before)
    if missing:  # nobody is called silent: the ones that the sensor saw are absent only because it is
        silent, absent = [], [*silent, *absent]
    changes += [("silent", None, was) for was in silent]
    absent = [was for was in absent if id(was) in in_period_before]
    in_full = earlier.in_full([*(was for _, _, was in changes if was is not None), *absent])
    found = [Change(kind, now, None if was is None else in_full[id(was)]) for kind, now, was in changes]
    return replace(
        report,
        before=before,
        summary_before=_counts(roster, before),
        changes=sorted(found, key=_urgency),
        returned=returned,
        absent=[in_full[id(was)] for was in absent],
        quality=replace(report.quality, missing_sensors=missing),
        unlisted=dict(report.unlisted) | ({"dormant addresses": beyond} if beyond else {}),
    )


def _silent_and_absent(
    gone: Sequence[tuple[frozenset[str], Outline]], past: Past, period: Period, before: Period
) -> tuple[list[Outline], list[Outline]]:
    """Of machines that are not seen any more (addresses, and what they were), those whose absence became telling, and
    the others."""
    since = period.first - timedelta(LOOKBACK)
    days_seen = past.days_seen(since, before.last, {ip for ips, _ in gone for ip in ips})
    observed = past.days_observed(since, period.last)
    silent: list[Outline] = []
    absent: list[Outline] = []
    for ips, was in gone:
        days = {day for ip in ips for day in days_seen.get(ip, ())}
        (silent if falls_silent_in(period, before, days, observed) else absent).append(was)
    return silent, absent


class _Earlier:
    """Devices of earlier periods, in short; in full where that is wanted, which it is of few."""

    def __init__(self, past: Past) -> None:
        self._past = past
        self._known: list[tuple[Period, Roster]] = []

    def add(self, period: Period, roster: Roster) -> None:
        self._known.append((period, roster))

    @property
    def rosters(self) -> list[Roster]:
        return [roster for _, roster in self._known]

    @property
    def outlines(self) -> list[Outline]:
        return [outline for roster in self.rosters for outline in roster.outlines]

    def in_full(self, wanted: Iterable[Outline]) -> dict[int, Device]:
        """The devices, by the ``id`` of the outline; without the findings that they had in common with others."""
        ids = set(map(id, wanted))
        found = {}
        for period, roster in self._known:
            asked = {outline.device: outline for outline in roster.outlines if id(outline) in ids}
            if asked:
                ips = {ip for outline in asked.values() for ip in outline.ips}
                inventory = self._past.inventory(period.first, period.last, ips)
                overview = inventory.overview(asked, Neighbourhood(roster.presences, roster.names))
                found.update({id(asked[device.device]): device for device in overview.devices})
        return found


def _counts(roster: Roster, period: Period) -> TrendPoint:
    return TrendPoint.of(period, roster.statuses, roster.sessions)


def _newness(machine: Machine, now: Device, known: set[str]) -> ChangeKind | None:
    return "new" if now.status in STILL_PASSWORD and known.isdisjoint(machine.ips) else None


def _known_from_long_ago(first_seen: Mapping[str, int], period: Period, others: Iterable[Outline]) -> set[str]:
    """Addresses that were seen before the period, but for those that were ``others``' when they were looked at."""
    start = periods.start(period)
    known = {ip for ip, time in first_seen.items() if time < start}
    return known.difference(*(device.ips for device in others))


def _dormant(past: Past, since: date, in_period_before: Collection[str], before: Period) -> tuple[dict[str, date], int]:
    """Addresses that were seen earlier than the period before and not in it, with the last of those days; and how many
    more there are."""
    earlier = past.last_days(since, before.first - timedelta(1), MOST_DEVICES + MOST_DORMANT)
    last = {ip: day for ip, day in earlier.items() if ip not in in_period_before}
    latest = sorted(last, key=lambda ip: (-last[ip].toordinal(), ip))[:MOST_DORMANT]
    return {ip: last[ip] for ip in latest}, len(last) - len(latest)


def _when_seen_last(last: Mapping[str, date], past: Past) -> Iterator[tuple[Period, Roster]]:
    """What each address was like in the week in which it was seen last, up to that day."""
    by_week: dict[date, list[str]] = defaultdict(list)
    for ip, day in last.items():
        by_week[periods.week_of(day).first].append(ip)
    for monday, clients in sorted(by_week.items()):
        until = Period(monday, max(last[ip] for ip in clients))
        yield until, past.inventory(until.first, until.last, clients).roster()


def _first_seen(devices: Iterable[Device], first_seen: Mapping[str, int]) -> dict[str, int]:
    found = {}
    for device in devices:
        times = [first_seen[ip] for ip in device.ips if ip in first_seen]
        if times:
            found[device.device] = min(times)
    return found


def _urgency(change: Change) -> tuple[int, int, Order]:
    """What needs attention first, the worst devices first, then by address."""
    device = change.now or change.before
    assert device is not None  # noqa: S101 - a change is of something that was or is seen
    return CHANGE_KINDS.index(change.kind), STATUSES.index(device.status), order_of(ip_address(device.device))
