"""Our sessions beside tshark's: which belong together, and whether they say the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from analyzer.inventory.session import Session
from analyzer.smtp.records import AuthAttempt
from analyzer.verify import blind_spots
from analyzer.verify.records import Comparison, Difference, Endpoint, PeerAuth, PeerSession, Unseen
from analyzer.verify.rows import Fingerprints, listed

TOLERANCE: Final = 2_000_000
"""Nanoseconds by which times may differ: tshark's come in whole milliseconds."""

HIDDEN_NAME: Final = "another name"
"""In place of the user name tshark shows where ours differs: it may be a password (see :mod:`.records`)."""

_Pair = tuple[Session, PeerSession | None] | tuple[None, PeerSession]


def compare(
    ours: Iterable[Session],
    theirs: Iterable[PeerSession],
    fingerprints: Fingerprints,
    source: str,
    *,
    read_by_tshark: bool = True,
) -> list[Comparison]:
    """Every session of either side, in order of time.

    Args:
        ours: sessions of one input.
        theirs: the same input's, from tshark.
        fingerprints: those with which ``theirs`` were made.
        source: name of the input.
        read_by_tshark: tshark reached the end of the input.
    """
    found: list[Comparison] = []
    for session, peer in _matched(ours, theirs):
        if session is None:
            assert peer is not None  # noqa: S101 - one of the two is there
            found.append(_theirs_only(peer, source))
        elif peer is None:
            if not _is_foreign(session):
                found.append(_ours_only(session, source, read_by_tshark))
        elif _is_foreign(session):
            found.append(_theirs_only(peer, source))
        else:
            found.append(_Beside(session, peer, fingerprints, source).comparison)
    found.sort(key=lambda comparison: (comparison.start, comparison.client, comparison.server))
    return found


def _is_foreign(session: Session) -> bool:
    """Another protocol in the clear. (Of TLS it means that the sizes inside are not those of SMTP: it still is TLS.)"""
    return session.reason == "not-smtp" and session.tls_mode == "none"


def _matched(ours: Iterable[Session], theirs: Iterable[PeerSession]) -> Iterator[_Pair]:
    """Sessions of the same endpoints, whoever is called the client, that overlap in time."""
    sessions: defaultdict[tuple[Endpoint, Endpoint], list[Session]] = defaultdict(list)
    peers: defaultdict[tuple[Endpoint, Endpoint], list[PeerSession]] = defaultdict(list)
    for session in ours:
        client, server = (session.client_ip, session.client_port), (session.server_ip, session.server_port)
        sessions[_key(client, server)].append(session)
    for peer in theirs:
        peers[_key(peer.client, peer.server)].append(peer)
    for key in sessions.keys() | peers.keys():
        one = sorted(sessions[key], key=lambda session: session.start)
        other = sorted(peers[key], key=lambda peer: peer.start)
        # Times tell connections of the same endpoints apart; where none is missing, the order does, whatever the clock.
        yield from zip(one, other, strict=True) if len(one) == len(other) else _by_time(one, other)


def _by_time(ours: list[Session], theirs: list[PeerSession]) -> Iterator[_Pair]:
    waiting = theirs[::-1]
    for session in ours:
        while waiting and waiting[-1].end < session.start - TOLERANCE:
            yield None, waiting.pop()
        overlaps = bool(waiting) and waiting[-1].start <= session.end + TOLERANCE
        yield session, waiting.pop() if overlaps else None
    for peer in reversed(waiting):
        yield None, peer


def _key(one: Endpoint, other: Endpoint) -> tuple[Endpoint, Endpoint]:
    return (one, other) if one <= other else (other, one)


def _ours_only(session: Session, source: str, read_by_tshark: bool) -> Comparison:
    comparison = _comparison(session, source)
    comparison.outcome = "ours only"
    comparison.unseen.append(Unseen("session", blind_spots.session(session, read_by_tshark)))
    return comparison


def _theirs_only(peer: PeerSession, source: str) -> Comparison:
    words = ["smtp" if not peer.implicit else "", "tls" if peer.client_hello or peer.server_hello else ""]
    words += [attempt.mechanism or "AUTH" for attempt in peer.auth]
    facts = " ".join(word for word in words if word)
    return Comparison(source, peer.start, peer.client, peer.server, "theirs only", facts=facts)


def _comparison(session: Session, source: str) -> Comparison:
    client, server = (session.client_ip, session.client_port), (session.server_ip, session.server_port)
    words: list[str] = ["in clear" if session.tls_mode == "none" else session.tls_mode or "tls"]
    words += [f"{attempt.mechanism or 'AUTH'} {attempt.outcome}" for attempt in _in_clear(session)]
    return Comparison(source, session.start, client, server, facts=", ".join(words))


def _in_clear(session: Session) -> list[AuthAttempt]:
    """Attempts that both could read; what was inferred inside TLS is no matter for tshark."""
    return [attempt for attempt in session.auth if attempt.evidence == "observed"]


class _Beside:
    """One session, field by field."""

    def __init__(self, ours: Session, theirs: PeerSession, fingerprints: Fingerprints, source: str) -> None:
        self._ours = ours
        self._theirs = theirs
        self._fingerprints = fingerprints
        self._abstained = ours.gaps > 0 or ours.reason in ("cut-off", "gap", "mid-stream")
        self.comparison = _comparison(ours, source)
        self._tls()
        self._starttls()
        self._auth()
        if theirs.client != self.comparison.client:
            self._differs("client", _text(self.comparison.client), _text(theirs.client))
        if self.comparison.differences:
            self.comparison.outcome = "differ"
        elif not self.comparison.agreed:
            self.comparison.outcome = "ours only"

    def _tls(self) -> None:
        ours, theirs = self._ours, self._theirs
        mode: str | None = None
        if theirs.client_hello or theirs.server_hello:
            mode = "implicit" if theirs.implicit else "starttls"
        elif theirs.starttls_code != 220:
            mode = "none"
        self._field("TLS", ours.tls_mode, mode, blind_spots.NO_HELLO)
        self._field("version", ours.tls_version, theirs.tls_version, blind_spots.NO_HELLO)
        self._field("cipher", ours.tls_cipher, theirs.tls_cipher, blind_spots.NO_HELLO)
        self._field("SNI", ours.tls_sni, theirs.tls_sni, blind_spots.NO_HELLO)

    def _starttls(self) -> None:
        ours, theirs = self._ours.starttls, self._theirs
        if ours.requested or theirs.starttls:
            silent = blind_spots.commands(theirs)
            requested = None if silent and not theirs.starttls else theirs.starttls
            self._field("STARTTLS", bool(ours.requested), requested, silent or "")
        accepted = None if theirs.starttls_code is None else theirs.starttls_code == 220
        if ours.accepted is not None or accepted is not None:
            self._field("STARTTLS accepted", ours.accepted, accepted, blind_spots.NOT_PAIRED)

    def _auth(self) -> None:
        ours, theirs = _in_clear(self._ours), self._theirs
        if len(ours) > len(theirs.auth) and any(attempt.mechanism is None for attempt in ours):
            self._unseen("AUTH", blind_spots.REPLY_ONLY)
            ours = [attempt for attempt in ours if attempt.mechanism is not None]
        if theirs.decrypted:
            self._unseen("AUTH", blind_spots.DECRYPTED)
        elif theirs.omitted:
            self._unseen("AUTH", blind_spots.TOO_MANY)
        elif len(ours) == len(theirs.auth):
            for attempt, peer in zip(ours, theirs.auth, strict=True):
                self._attempt(attempt, peer)
            if not ours and self._ours.tls_mode == "none":
                self.comparison.agreed.append("no AUTH")
        elif not theirs.auth and (silent := blind_spots.commands(theirs)):
            self._unseen("AUTH", silent)
        elif len(ours) < len(theirs.auth) and self._abstained:
            self._unseen("AUTH", blind_spots.ABSTAIN)
        else:
            self._differs("AUTH commands", str(len(ours)), str(len(theirs.auth)))

    def _attempt(self, ours: AuthAttempt, theirs: PeerAuth) -> None:
        mechanism = listed(ours.mechanism) if ours.mechanism is not None else None
        self._field("mechanism", mechanism, theirs.mechanism, blind_spots.UNLISTED)
        if theirs.user is None:
            if ours.username is not None:
                self._unseen("user", blind_spots.user(mechanism))
        elif ours.username is None:
            self._missing("user", HIDDEN_NAME)
        elif self._fingerprints.of(ours.username) == theirs.user:
            self.comparison.agreed.append("user")
        else:
            self._differs("user", ours.username, HIDDEN_NAME)
        code = theirs.code if theirs.alone else None
        self._field("code", ours.code, code, blind_spots.code(theirs))

    def _field(self, field: str, ours: object, theirs: object, silence: str) -> None:
        """Compare a value of both; ``silence`` is why tshark may have none."""
        if theirs is None:
            if ours is not None:
                self._unseen(field, silence)
        elif ours == theirs:
            self.comparison.agreed.append(field)
        elif ours is None:
            self._missing(field, str(theirs))
        else:
            self._differs(field, str(ours), str(theirs))

    def _missing(self, field: str, theirs: str) -> None:
        """tshark has a value, and we have none."""
        if self._abstained:
            self._unseen(field, blind_spots.ABSTAIN)
        else:
            self._differs(field, "-", theirs)

    def _differs(self, field: str, ours: str, theirs: str) -> None:
        self.comparison.differences.append(Difference(field, ours, theirs))

    def _unseen(self, field: str, reason: str) -> None:
        self.comparison.unseen.append(Unseen(field, reason))


def _text(endpoint: Endpoint) -> str:
    address, port = endpoint
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
