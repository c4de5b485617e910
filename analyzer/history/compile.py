"""What the store knows becomes the report on a period."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from ipaddress import ip_address
from typing import Protocol

from analyzer.history import periods
from analyzer.history.changes import change_of
from analyzer.history.forecast import forecast
from analyzer.history.identity import Machine, machines
from analyzer.history.model import CHANGE_KINDS, Change, Period, PeriodReport, Quality, SharedAccount, TrendPoint
from analyzer.history.silence import LOOKBACK, falls_silent_in
from analyzer.inventory.builder import Order, order_of
from analyzer.inventory.device import Device
from analyzer.inventory.devices import Inventory
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

    def days_seen(self, first: date, last: date) -> Mapping[str, Sequence[date]]:
        """The days on which each address was seen."""

    def trend(self, weeks: int, last: date) -> Sequence[TrendPoint]:
        """ISO weeks, oldest first, up to the one that ``last`` lies in."""

    def quality(self, first: date, last: date) -> Quality:
        """How well these days were observed."""

    def first_seen(self) -> Mapping[str, int]:
        """When each address was seen first of all, nanoseconds since 1970-01-01 UTC."""

    def unlisted(self, first: date, last: date) -> Mapping[str, int]:
        """What limits left out of these days, counted by name."""


def compile_report(past: Past, period: Period, weeks: int = WEEKS_SHOWN) -> PeriodReport:
    """The report on ``period``.

    Args:
        weeks: how many the burn-down shows.
    """
    inventory = past.inventory(period.first, period.last)
    devices, shared = inventory.overview()
    first_seen = past.first_seen()
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
        forecast=forecast(trend),
        unlisted=past.unlisted(period.first, period.last),
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
    inventory_before = past.inventory(before.first, before.last)
    devices_before = inventory_before.devices()
    missing = tuple(sorted(set(past.quality(before.first, before.last).sensors) - set(report.quality.sensors)))
    days_seen = past.days_seen(period.first - timedelta(LOOKBACK), period.last)
    dormant, beyond = _dormant(days_seen, {ip for device in devices_before for ip in device.ips}, before)
    earlier = list(_earlier(dormant, past))
    of_earlier = [device for one in earlier for device in one.devices()]

    every = machines(report.devices, [*devices_before, *of_earlier], [inventory, inventory_before, *earlier])
    observed = sorted({day for days in days_seen.values() for day in days})
    of_before = set(map(id, devices_before))
    known = _known_from_long_ago(first_seen, period, [*devices_before, *of_earlier])
    changes, returned, absent = [], [], []
    for machine in every:
        if machine.now is not None:
            change = _of_seen(machine, machine.now, known)
            if change is not None:
                changes.append(change)
            elif machine.now.status in STILL_PASSWORD and id(machine.before) not in of_before:
                returned.append(machine.now)
        elif machine.before is not None and machine.before.status in STILL_PASSWORD:
            days = {day for ip in machine.ips for day in days_seen.get(ip, ()) if day < period.first}
            if not missing and falls_silent_in(period, before, days, observed):
                changes.append(Change("silent", None, machine.before))
            elif id(machine.before) in of_before:
                absent.append(machine.before)
    unlisted = dict(report.unlisted) | ({"dormant addresses": beyond} if beyond else {})
    return replace(
        report,
        before=before,
        summary_before=inventory_before.summary(devices_before),
        changes=sorted(changes, key=_urgency),
        returned=returned,
        absent=absent,
        quality=replace(report.quality, missing_sensors=missing),
        unlisted=unlisted,
    )


def _of_seen(machine: Machine, now: Device, known: set[str]) -> Change | None:
    if machine.before is not None:
        kind = change_of(now, machine.before)
        return Change(kind, now, machine.before) if kind else None
    is_new = now.status in STILL_PASSWORD and known.isdisjoint(machine.ips)
    return Change("new", now, None) if is_new else None


def _known_from_long_ago(first_seen: Mapping[str, int], period: Period, others: Iterable[Device]) -> set[str]:
    """Addresses that were seen before the period, but for those that were ``others``' when they were looked at."""
    start = periods.start(period)
    known = {ip for ip, time in first_seen.items() if time < start}
    return known.difference(*(device.ips for device in others))


def _dormant(
    days_seen: Mapping[str, Sequence[date]], in_period_before: Collection[str], before: Period
) -> tuple[dict[str, date], int]:
    """Addresses that were seen earlier than the period before and not in it, with the last of those days; and how many
    more there are."""
    last = {
        ip: max(earlier)
        for ip, days in days_seen.items()
        if ip not in in_period_before and (earlier := [day for day in days if day < before.first])
    }
    latest = sorted(last, key=lambda ip: (-last[ip].toordinal(), ip))[:MOST_DORMANT]
    return {ip: last[ip] for ip in latest}, len(last) - len(latest)


def _earlier(last: Mapping[str, date], past: Past) -> Iterable[Inventory]:
    """What each address was like in the week in which it was seen last, up to that day."""
    by_week: dict[date, list[str]] = defaultdict(list)
    for ip, day in last.items():
        by_week[periods.week_of(day).first].append(ip)
    for monday, clients in sorted(by_week.items()):
        yield past.inventory(monday, max(last[ip] for ip in clients), clients)


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
