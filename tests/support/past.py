"""Days gone by, for tests of what is made of them: the sessions themselves, in place of a store."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from analyzer.history import periods
from analyzer.history.model import Quality, TrendPoint
from analyzer.inventory.devices import Inventory, Roster
from analyzer.inventory.session import Session


def day_of(session: Session) -> date:
    """The day a session belongs to."""
    return datetime.fromtimestamp(session.start // 10**9, UTC).date()


class PastSessions:
    """What :class:`analyzer.store.Store` answers, worked out from ``sessions`` each time it is asked."""

    def __init__(self, sessions: Iterable[Session], sensors: Mapping[date, tuple[str, ...]] | None = None) -> None:
        self._sessions = list(sessions)
        self._sensors = sensors or {}

    def _of(self, first: date, last: date) -> list[Session]:
        return [session for session in self._sessions if first <= day_of(session) <= last]

    def days(self) -> tuple[date, date] | None:
        days = [day_of(session) for session in self._sessions]
        return (min(days), max(days)) if days else None

    def inventory(self, first: date, last: date, clients: Collection[str] | None = None) -> Inventory:
        made = Inventory()
        for session in self._of(first, last):
            if clients is None or session.client_ip in clients:
                made.add(session)
        return made

    def roster(self, first: date, last: date) -> Roster:
        return self.inventory(first, last).roster()

    def last_days(self, first: date, last: date, most: int) -> Mapping[str, date]:
        every = {session.client_ip for session in self._of(first, last)}
        found = {ip: days[-1] for ip, days in self.days_seen(first, last, every).items()}
        return dict(sorted(found.items(), key=lambda entry: entry[1], reverse=True)[:most])

    def days_seen(self, first: date, last: date, clients: Collection[str]) -> Mapping[str, Sequence[date]]:
        found: dict[str, set[date]] = defaultdict(set)
        for session in self._of(first, last):
            if session.client_ip in clients:
                found[session.client_ip].add(day_of(session))
        return {ip: sorted(days) for ip, days in found.items()}

    def days_observed(self, first: date, last: date) -> Sequence[date]:
        return sorted({day_of(session) for session in self._of(first, last)})

    def trend(self, weeks: int, last: date) -> Sequence[TrendPoint]:
        reach = self.days()
        if reach is None:
            return []
        points = []
        for back in range(weeks - 1, -1, -1):
            week = periods.week_of(last - timedelta(weeks=back))
            if week.last < reach[0]:
                continue
            summary = self.inventory(week.first, week.last).summary()
            points.append(TrendPoint(week, summary.devices, summary.still_password, summary.statuses, summary.sessions))
        return points

    def quality(self, first: date, last: date) -> Quality:
        seen = self._of(first, last)
        days = {day_of(session) for session in seen}
        return Quality(
            sessions=len(seen),
            complete=sum(session.complete for session in seen),
            gaps=sum(session.gaps > 0 for session in seen),
            unknown=sum(session.method == "unknown" for session in seen),
            inputs=len({session.source for session in seen}),
            damaged=0,
            dropped=0,
            days_without=(last - first).days + 1 - len(days),
            sensors=tuple(sorted({sensor for day in days for sensor in self._sensors.get(day, ("office",))})),
        )

    def first_seen(self, clients: Collection[str]) -> Mapping[str, int]:
        found: dict[str, int] = {}
        for session in self._sessions:
            if session.client_ip in clients:
                found[session.client_ip] = min(session.start, found.get(session.client_ip, session.start))
        return found

    def sensors(self, first: date, last: date) -> set[str]:
        return set(self.quality(first, last).sensors)
