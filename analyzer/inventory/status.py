"""The verdict over a device: one status from everything its sessions showed.

The rule, worst first:

1. ``exposed``: in any session a password or bearer token was sent where anyone on the path could read it.
2. ``mixed``: passwords and OAuth were both used (the device is migrating, or falls back).
3. ``password``: a password was used. A refused password is still a password in use, and one is enough.
4. ``unknown``: some session could not be read, so that the better verdicts below are not proven. A device that is
   called ``oauth`` while one of its programs still uses a password stops sending on the day passwords end; so
   unreadable sessions outrank every good verdict, *unless* all of them were lost by chance (a gap, a capture that
   began too late or ended too early: :data:`LOST_BY_CHANCE`) and :data:`ANSWERED_PER_LOST` times as many were read.
   Sessions that cannot be read by their nature are never excused.
5. ``no-auth``: mail was sent without authentication. Sessions without AUTH and without mail (a probe, a refused
   greeting) count only where there is nothing else.
6. ``certificate``, ``kerberos``, ``anonymous``, ``oauth``: nothing but this and better ones was used.

Where passwords are only inferred, and in no session with :data:`SURE` or more, they are in doubt. That is the verdict
where there is nothing else; beside other uses it makes the device ``unknown``, and not ``password`` or ``mixed``: one
wrong guess in a hundred sessions must not send anybody across the building. OAuth in doubt makes no password ``mixed``.

Statuses 1-3 say "at least once", so the strongest evidence supports them; the others say "never otherwise", so they
are only as sure as the weakest session.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from analyzer.inventory.session import Session
from analyzer.smtp.records import AuthAttempt, Evidence

Status = Literal["exposed", "password", "mixed", "unknown", "no-auth", "certificate", "kerberos", "anonymous", "oauth"]
STATUSES: tuple[Status, ...] = (
    "exposed",
    "password",
    "mixed",
    "unknown",
    "no-auth",
    "certificate",
    "kerberos",
    "anonymous",
    "oauth",
)
"""Worst first."""

STILL_PASSWORD: frozenset[Status] = frozenset({"exposed", "password", "mixed"})
"""The statuses that answer "who still uses passwords"."""

LOST_BY_CHANCE = frozenset({"cut-off", "gap", "mid-stream"})
"""Reasons for ``unknown`` that have to do with the capture, not with what the device does."""

ANSWERED_PER_LOST = 10
"""Read sessions needed for each one lost by chance. The lost ones are then a sample that says the same as the rest;
with fewer, a second program of the device could well be hiding in them."""

SURE = 0.99
"""Confidence from which an inferred session stands against others."""

EVIDENCE: tuple[Evidence, ...] = ("observed", "decrypted", "inferred")
"""Strongest first."""

Use = Literal["password", "oauth", "certificate", "kerberos", "anonymous", "none", "empty", "unknown", "lost"]
_USE_OF_METHOD: dict[str, Use] = {
    "basic": "password",
    "challenge": "password",
    "oauth": "oauth",
    "certificate": "certificate",
    "kerberos": "kerberos",
    "anonymous": "anonymous",
}
_METHOD_USES: frozenset[Use] = frozenset(_USE_OF_METHOD.values()) | {"none"}
_RANK = {evidence: rank for rank, evidence in enumerate(EVIDENCE)}


class Support:
    """The sessions that show one use: how many, and how sure the surest and the least sure of them are."""

    __slots__ = ("highest", "lowest", "sessions", "strongest", "weakest")

    def __init__(self) -> None:
        self.sessions = 0
        self.strongest = len(EVIDENCE) - 1
        self.weakest = 0
        self.highest = 0.0
        self.lowest = 1.0

    def add(self, rank: int, confidence: float, times: int = 1) -> None:
        """Count ``times`` sessions of evidence ``EVIDENCE[rank]``."""
        self.sessions += times
        if rank < self.strongest:
            self.strongest = rank
        if rank > self.weakest:
            self.weakest = rank
        if confidence > self.highest:
            self.highest = confidence
        if confidence < self.lowest:
            self.lowest = confidence

    def merge(self, other: Support) -> None:
        """Add the sessions of ``other``."""
        self.sessions += other.sessions
        self.strongest = min(self.strongest, other.strongest)
        self.weakest = max(self.weakest, other.weakest)
        self.highest = max(self.highest, other.highest)
        self.lowest = min(self.lowest, other.lowest)


Uses = dict[Use, Support]


def _note(uses: Uses, use: Use, rank: int, confidence: float, times: int) -> None:
    support = uses.get(use)
    if support is None:
        support = uses[use] = Support()
    support.add(rank, confidence, times)


def note_uses(uses: Uses, session: Session, times: int = 1) -> None:
    """Count what ``times`` such sessions show, the method of every attempt included: a fallback from one to the other
    shows both."""
    method = session.method
    rank = _RANK[session.evidence] if session.evidence is not None else 0
    confidence = 1.0 if session.confidence is None else session.confidence
    use: Use
    if method == "unknown":
        use = "lost" if session.reason in LOST_BY_CHANCE else "unknown"
    elif method == "none":
        use = "none" if session.messages else "empty"
    else:
        use = _USE_OF_METHOD[method]
    _note(uses, use, rank, confidence, times)
    if session.auth:
        others: dict[Use, AuthAttempt] | None = None
        for attempt in session.auth:
            other = _USE_OF_METHOD.get(attempt.method, "unknown")
            if other != use:
                if others is None:  # most sessions have none
                    others = {}
                others[other] = attempt
        for other, attempt in (others or {}).items():
            _note(uses, other, _RANK[attempt.evidence], attempt.confidence, times)


def with_settled(uses: Uses, settled: Iterable[tuple[str, int, float]]) -> Uses:
    """``uses``, with what was unknown and is settled by other sessions (method, sessions, confidence)."""
    changed = dict(uses)
    for method, sessions, confidence in settled:
        unknown = Support()
        unknown.merge(changed["unknown"])  # it is there: what was settled was counted as such
        unknown.sessions -= sessions
        if unknown.sessions:
            changed["unknown"] = unknown
        else:
            del changed["unknown"]
        use: Use = "none" if method == "none" else _USE_OF_METHOD[method]
        support = Support()
        support.add(_RANK["inferred"], confidence)
        support.sessions = sessions
        if use in changed:
            support.merge(changed[use])
        changed[use] = support
    return changed


def _is_doubtful(support: Support) -> bool:
    return EVIDENCE[support.strongest] == "inferred" and support.highest < SURE


def judge(uses: Uses, exposed: bool) -> tuple[Status, Evidence | None, float | None]:
    """Status, evidence and confidence, by the rule at the head of this file."""
    password, oauth = uses.get("password"), uses.get("oauth")
    if exposed:
        return "exposed", "observed", 1.0
    if password and _is_doubtful(password) and len(_METHOD_USES & uses.keys()) > 1:
        return "unknown", None, None
    if password and oauth and not _is_doubtful(oauth):
        rank = max(password.strongest, oauth.strongest)
        return "mixed", EVIDENCE[rank], min(password.highest, oauth.highest)
    if password:
        return "password", EVIDENCE[password.strongest], password.highest

    lost = uses["lost"].sessions if "lost" in uses else 0
    telling = {use: support for use, support in uses.items() if use not in ("lost", "unknown", "empty")}
    if not telling and "empty" in uses:
        telling = {"empty": uses["empty"]}
    answered = sum(support.sessions for support in telling.values())
    if "unknown" in uses or not telling or lost * ANSWERED_PER_LOST > answered:
        return "unknown", None, None
    evidence = EVIDENCE[max(support.weakest for support in telling.values())]
    confidence = min(support.lowest for support in telling.values()) * answered / (answered + lost)
    return _status_of(telling), evidence, round(confidence, 4)


def _status_of(telling: Uses) -> Status:
    if "none" in telling or "empty" in telling:
        return "no-auth"
    if "certificate" in telling:
        return "certificate"
    if "kerberos" in telling:
        return "kerberos"
    if "anonymous" in telling:
        return "anonymous"
    return "oauth"
