"""From what the network shows to events: what is new, what fell back, what keeps failing, what crossed in the clear.

Two things come in. A :class:`Sighting` is one AUTH command in the clear, as soon as it is read: nobody should wait for
the end of an hour-long session to hear of a password. A finished session brings the rest: logins inside TLS, how
logins ended, devices that do not log in. What a sighting told is not told again at the session's end.

Nothing uncertain is told: inferred logins count from :data:`~analyzer.inventory.status.SURE` on, and ``unknown``
is never the reason for an event. An address of which nothing else is known is no device yet.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from analyzer.alerts.devices import KnownDevice, KnownDevices
from analyzer.alerts.event import KINDS, Event, Kind
from analyzer.inventory.devices import MOST_DEVICES
from analyzer.inventory.exposure import PASSWORD_METHODS, proof_was_sent
from analyzer.inventory.session import Session
from analyzer.inventory.status import SURE
from analyzer.smtp.limits import MAX_ATTEMPTS
from analyzer.smtp.records import AuthAttempt

REFUSED_IN_A_ROW = 5
"""Refused logins of a device from which on they are told: more than a client tries mechanisms with one password."""

MIGRATED_AFTER = 24 * 3600 * 10**9
"""Nanoseconds without a password, and with OAuth since, after which a device counts as migrated (again). Where two
programs share a device, one on OAuth and one not yet, each login with a password would be a fallback otherwise."""

MOST_SIGHTED = 32_768
"""Open conversations whose sightings are remembered, somewhat more than are followed at a time
(:class:`analyzer.streams.Limits`). The oldest goes first; what it told is then told again at its session's end, and the
throttle holds it back."""

_JUDGED_WRONG = 535
"""The reply to wrong credentials (RFC 4954 section 6)."""

_CLEAR_KINDS: dict[str, Kind] = {"basic": "password-in-clear", "oauth": "token-in-clear"}
_RANK = {kind.id: rank for rank, kind in enumerate(KINDS)}


@dataclass(frozen=True, slots=True)
class Sighting:
    """One AUTH command of a conversation that is still open, read in the clear.

    It may be handed over twice: when the client's proof was read, and when the server judged it.

    Attributes:
        time: packet time at which it was read, nanoseconds since 1970-01-01 UTC.
        start: first packet of the conversation, as :attr:`Session.start` will have it.
        attempt: the very object that :attr:`Session.auth` will hold; that is how it is known again.
        others: as in :class:`analyzer.inventory.session.Session`, as far as they are known by now.
    """

    time: int
    start: int
    client_ip: str
    client_port: int
    server_ip: str
    server_port: int
    attempt: AuthAttempt
    client_mac: int | None = None
    server_mac: int | None = None
    ehlo: str | None = None
    server_name: str | None = None
    provider: str | None = None


@dataclass(slots=True)
class _Told:
    """How much of an attempt was told: that it took place, and how it ended."""

    attempt: AuthAttempt
    used: bool = False
    judged: bool = False


_Conversation = tuple[int, str, int, str, int]


class Watcher:
    """Remembers what is known of every device, and says what is new.

    Args:
        refused_in_a_row: see :data:`REFUSED_IN_A_ROW`.
        most_devices: how many are remembered, least recently seen first to go.
        most_sighted: see :data:`MOST_SIGHTED`.

    Attributes:
        devices: what is known of them; ``devices.forgotten`` counts those that had to go.
        sightings_forgotten: conversations whose sightings had to go.
    """

    def __init__(
        self,
        refused_in_a_row: int = REFUSED_IN_A_ROW,
        most_devices: int = MOST_DEVICES,
        most_sighted: int = MOST_SIGHTED,
    ) -> None:
        self._refused_in_a_row = refused_in_a_row
        self._most_sighted = most_sighted
        self._sighted: OrderedDict[_Conversation, list[_Told]] = OrderedDict()
        self.devices = KnownDevices(most_devices)
        self.sightings_forgotten = 0

    @classmethod
    def from_snapshot(cls, snapshot: object, **options: int) -> Watcher:
        """A watcher that knows the devices of an earlier run; ``options`` as for the class.

        Raises:
            UsageError: see :meth:`KnownDevices.restore`.
        """
        watcher = cls(**options)
        watcher.devices.restore(snapshot)
        return watcher

    def snapshot(self) -> dict[str, Any]:
        """What is known of the devices, as JSON has it."""
        return self.devices.snapshot()

    def sighted(self, sighting: Sighting) -> list[Event]:
        """An AUTH command was read in a conversation that is still open: events, worst first."""
        attempt = sighting.attempt
        if not _counts(attempt):
            return []
        told = self._sighted.setdefault(_conversation(sighting), [])
        if all(each.attempt is not attempt for each in told):
            told.append(_Told(attempt))
            del told[:-MAX_ATTEMPTS]  # the session itself keeps no more
        if len(self._sighted) > self._most_sighted:
            self._sighted.popitem(last=False)
            self.sightings_forgotten += 1
        device, new = self.devices.seen(sighting.client_ip, sighting.start, sighting.time)
        facts = _facts(sighting, sighting.time)
        events = [Event("new-device", **facts, **_login(attempt))] if new else []
        return _worst_first(events + self._of_logins(device, [attempt], told, facts))

    def ended(self, session: Session) -> list[Event]:
        """A session is over: events that no sighting told, worst first."""
        told = self._sighted.pop(_conversation(session), [])
        attempts = [attempt for attempt in session.auth if _counts(attempt)]
        if not _is_mail(session, attempts) or not (attempts or _shows_no_login(session)):
            return []
        device, new = self.devices.seen(session.client_ip, session.start, session.end)
        facts = _facts(session, session.end)
        shown = _login(attempts[0]) if attempts else {"evidence": session.evidence, "confidence": session.confidence}
        events = [Event("new-device", **facts, **shown)] if new else []
        return _worst_first(events + self._of_logins(device, attempts, told, facts))

    def _of_logins(
        self,
        device: KnownDevice,
        attempts: Iterable[AuthAttempt],
        told: Iterable[_Told],
        facts: Mapping[str, Any],
    ) -> list[Event]:
        """What is to be said of ``attempts`` beyond what was told."""
        events: list[Event] = []
        for attempt in attempts:
            known = next((each for each in told if each.attempt is attempt), None) or _Told(attempt)
            if proof_was_sent(attempt):
                if not known.used:
                    events += self._uses(device, attempt, facts)
                if not known.judged:
                    events += self._outcome(device, attempt, facts)
                known.used, known.judged = True, attempt.outcome in ("success", "failure")
        return events

    def _uses(self, device: KnownDevice, attempt: AuthAttempt, facts: Mapping[str, Any]) -> list[Event]:
        """What the login is by itself: in the clear, the first one, a fallback."""
        kinds: list[Kind] = []
        clear = _CLEAR_KINDS.get(attempt.method)
        if clear is not None and attempt.evidence == "observed" and not attempt.after_starttls:
            kinds.append(clear)
        if attempt.method == "oauth":
            device.last_oauth = facts["time"]
        elif attempt.method in PASSWORD_METHODS:
            if _fell_back(device, facts["time"]):
                kinds.append("fallback")
            elif device.last_password is None:
                kinds.append("first-password-login")
            device.last_password = facts["time"]
        return [Event(kind, **facts, **_login(attempt)) for kind in kinds]

    def _outcome(self, device: KnownDevice, attempt: AuthAttempt, facts: Mapping[str, Any]) -> list[Event]:
        """What the server said to it, and to those before it."""
        account = (facts["provider"] or facts["server_name"] or facts["server_ip"], attempt.username)
        if attempt.outcome == "success":
            device.accept(account)
        elif attempt.outcome == "failure":
            if device.refuse(account) >= self._refused_in_a_row:
                return [Event("auth-failing", **facts, **_login(attempt))]
            if device.refused >= self._refused_in_a_row:
                # Of several accounts: the device is told, not each name that somebody guesses.
                return [Event("auth-failing", **facts, **{**_login(attempt), "username": None})]
        return []


def _conversation(seen: Sighting | Session) -> _Conversation:
    return seen.start, seen.client_ip, seen.client_port, seen.server_ip, seen.server_port


def _counts(attempt: AuthAttempt) -> bool:
    """Whether it is known what the attempt was."""
    return attempt.method != "unknown" and (attempt.evidence != "inferred" or attempt.confidence >= SURE)


def _shows_no_login(session: Session) -> bool:
    """Whether it is known that the session logged in nowhere."""
    return session.method == "none" and (session.evidence != "inferred" or (session.confidence or 0) >= SURE)


def _is_mail(session: Session, attempts: Iterable[AuthAttempt]) -> bool:
    """Other protocols have an AUTH command, too. Credentials that a server judged as only SMTP does count anyway:
    however odd the rest, a password in the clear must not be passed over."""
    return (
        session.is_smtp
        or session.tls_mode != "none"
        or any(attempt.outcome == "success" or attempt.code == _JUDGED_WRONG for attempt in attempts)
    )


def _fell_back(device: KnownDevice, now: int) -> bool:
    """Whether a password is a step back for a device that had gone over to OAuth."""
    if device.last_oauth is None:
        return False
    return device.last_password is None or (
        device.last_oauth > device.last_password and now - device.last_password >= MIGRATED_AFTER
    )


def _facts(seen: Sighting | Session, time: int) -> dict[str, Any]:
    """The fields of an event that are the conversation's."""
    asked_for = seen.tls_sni if isinstance(seen, Session) else None
    return {
        "time": time,
        "session_start": seen.start,
        "client_ip": seen.client_ip,
        "client_port": seen.client_port,
        "server_ip": seen.server_ip,
        "server_port": seen.server_port,
        "client_mac": seen.client_mac,
        "ehlo": seen.ehlo,
        "server_name": asked_for or seen.server_name,
        "provider": seen.provider,
    }


def _login(attempt: AuthAttempt) -> dict[str, Any]:
    """The fields of an event that are the login's."""
    return {
        "mechanism": attempt.mechanism,
        "method": attempt.method,
        "evidence": attempt.evidence,
        "confidence": attempt.confidence,
        "username": attempt.username,
        "outcome": attempt.outcome,
        "meaning": attempt.meaning,
    }


def _worst_first(events: list[Event]) -> list[Event]:
    return sorted(events, key=lambda event: _RANK[event.kind])
