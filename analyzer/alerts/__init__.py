"""Sessions become events: what an administrator wants to hear of at once, each told once and then counted.

:class:`Watcher` says what happened, :class:`Throttle` what of it is told. Both live by packet time and in bounded
memory, so that they can run for months::

    watcher, throttle = Watcher(), Throttle()
    for event in watcher.ended(session):  # or watcher.sighted(sighting), while the session is still open
        for told in throttle.add(event):
            ...
    for told in throttle.due(now):  # from time to time
        ...
"""

from analyzer.alerts.event import BY_ID, KINDS, AlertKind, Event, Kind
from analyzer.alerts.throttle import Throttle
from analyzer.alerts.watcher import Sighting, Watcher

__all__ = ["BY_ID", "KINDS", "AlertKind", "Event", "Kind", "Sighting", "Throttle", "Watcher"]
