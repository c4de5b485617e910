"""What was just told is held back and counted: a scanner that logs in once a minute must not fill a mailbox.

Events are the same to whoever reads them if kind, device, server, mechanism and user are. The first one is told at
once. Those that follow within the interval are held back; when it is over, the last of them is told with their count,
and another interval begins. So each is told at most once per interval, and no occurrence goes uncounted.

Traffic chooses how many different events there are. Beyond :data:`MOST_OF_A_DEVICE` of one kind in one interval, what
is new of a device is taken for the same as all else that is new of it; beyond :data:`MOST_OF_A_KIND`, so is what is new
of the kind. A guesser of user names costs a few lines an interval, and so does a flood of made-up devices.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from analyzer.alerts.event import KINDS, Event

INTERVAL = 3600 * 10**9
"""Nanoseconds. Often enough to see that something goes on, and rarely enough to be read."""

MOST_OF_A_DEVICE = 16
"""Different events of one kind and device that are told apart in one interval: a host of many programs has a dozen
accounts, a guesser of passwords thousands."""

MOST_OF_A_KIND = 4096
"""Different events of one kind that are told apart in one interval: more devices than an office has, and about 3 MB."""

_Key = tuple[object, ...]


@dataclass(slots=True)
class _Entry:
    """What was told last: whose it was, when its interval began, and what came since."""

    device: str
    began: int
    count: int = 0
    since: int = 0
    last: Event | None = None

    def hold(self, event: Event) -> None:
        if not self.count:
            self.since = event.time
        self.count += event.count
        self.last = event

    def counted(self) -> Event | None:
        """The last of what was held, standing for all of it; ``None`` where nothing was."""
        if self.last is None or self.count == self.last.count:
            return self.last
        return replace(self.last, count=self.count, since=self.since)

    def is_over(self, now: int, interval: int) -> bool:
        """Clocks are set back, too: if only time that passes counted, an interval could then last for days."""
        return abs(now - self.began) >= interval


class _Told:
    """What was told of one kind, in the order in which the intervals began."""

    __slots__ = ("_of_device", "entries")

    def __init__(self) -> None:
        self.entries: dict[_Key, _Entry] = {}
        self._of_device: Counter[str] = Counter()

    def begin(self, key: _Key, device: str, now: int) -> None:
        """A new interval."""
        self.entries[key] = _Entry(device, now)
        self._of_device[device] += 1

    def end(self, key: _Key) -> _Entry:
        """Take out the entry."""
        entry = self.entries.pop(key)
        self._of_device[entry.device] -= 1
        if not self._of_device[entry.device]:
            del self._of_device[entry.device]
        return entry

    def of_device(self, device: str) -> int:
        """How many intervals run for it."""
        return self._of_device[device]

    def over(self, now: int, interval: int) -> Iterator[_Key]:
        """Keys of intervals that are over: they stand first."""
        for key, entry in self.entries.items():
            if not entry.is_over(now, interval):
                return
            yield key


class Throttle:
    """Holds back duplicates.

    Args:
        interval: nanoseconds of packet time.
        most_of_a_device, most_of_a_kind: see :data:`MOST_OF_A_DEVICE` and :data:`MOST_OF_A_KIND`.

    Attributes:
        interval: may be changed; what is held back then waits for the new one.
        held: events that were not told when they came, by kind; others tell their number.
        crowded: events that were not told apart from others any more, by kind.
    """

    def __init__(
        self,
        interval: int = INTERVAL,
        most_of_a_device: int = MOST_OF_A_DEVICE,
        most_of_a_kind: int = MOST_OF_A_KIND,
    ) -> None:
        self.interval = interval
        self._most_of_a_device = most_of_a_device
        self._most_of_a_kind = most_of_a_kind
        self._told: dict[str, _Told] = {kind.id: _Told() for kind in KINDS}
        self.held: Counter[str] = Counter()
        self.crowded: Counter[str] = Counter()

    def add(self, event: Event) -> list[Event]:
        """Take an event: what is to be told now, none or one."""
        told = self._told[event.kind]
        key = self._key(told, event)
        entry = told.entries.get(key)
        if entry is None:
            told.begin(key, event.client_ip, event.time)
            return [event]
        entry.hold(event)
        if entry.is_over(event.time, self.interval):
            return self._tell(told, key, event.time)
        self.held[event.kind] += 1
        return []

    def due(self, now: int) -> list[Event]:
        """What was held back in the intervals that are over at ``now``, packet time."""
        return [
            event
            for told in self._told.values()
            for key in list(told.over(now, self.interval))
            for event in self._tell(told, key, now)
        ]

    def finish(self) -> list[Event]:
        """The run ends: all that is still held back."""
        left = [entry.counted() for told in self._told.values() for entry in told.entries.values()]
        self._told = {kind: _Told() for kind in self._told}
        return [event for event in left if event is not None]

    def __len__(self) -> int:
        """Intervals that run."""
        return sum(len(told.entries) for told in self._told.values())

    def _key(self, told: _Told, event: Event) -> _Key:
        """What makes events the same. A provider's servers are one: it has them answer in turn."""
        server = event.provider or event.server_name or event.server_ip
        key: _Key = (event.client_ip, server, event.mechanism, event.username)
        if key in told.entries:
            return key
        if told.of_device(event.client_ip) >= self._most_of_a_device:
            self.crowded[event.kind] += 1
            return (event.client_ip,)
        if len(told.entries) >= self._most_of_a_kind:
            self.crowded[event.kind] += 1
            return ()
        return key

    def _tell(self, told: _Told, key: _Key, now: int) -> list[Event]:
        """End an interval; where something was held back it is told, which begins another."""
        entry = told.end(key)
        event = entry.counted()
        if event is None:
            return []
        told.begin(key, entry.device, now)
        return [event]
