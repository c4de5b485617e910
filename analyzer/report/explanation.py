"""The explanation of one session as a dictionary: its JSON form, and what the text for people is made of.

Text from the wire is made harmless here. No field tells the length of anything that was said: even probabilities,
which depend on the lengths of passwords, are told in steps (:data:`STEPS`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Final

from analyzer.explanation.account import Account
from analyzer.explanation.reasons import explain, explain_unknown
from analyzer.inventory.judgement import decisive
from analyzer.inventory.session import Session
from analyzer.report.records import Record, session_record
from analyzer.report.redact import Redactor
from analyzer.report.text import clean
from analyzer.smtp.oddities import ODDITIES
from analyzer.smtp.transcript import Entry
from analyzer.tls import Inference
from analyzer.tls.inference.phrases import heard, said

STEPS: Final = (0.0, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99, 1.0)
"""Probabilities between which nothing is told apart."""

_NANOSECONDS: Final = 1_000_000_000
_SIDES: Final = ("client", "server")

# What is left of a line of text once delimiters are taken away, if it has the form of an address.
_ADDRESS = re.compile(r"[^\s<>()\[\]\"',;:]+@[^\s<>()\[\]\"',;:]+")

_Hide = Callable[[str], str]


def explanation_record(session: Session, account: Account, redactor: Redactor | None = None) -> Record:
    """All that is known of ``session`` and how."""
    inference = account.tls.inference if account.tls is not None else None
    record = session_record(session, redactor)
    for inferred in (record, *record["auth"]):
        if inferred["evidence"] == "inferred":
            inferred["confidence"] = step(inferred["confidence"])[0]
    hide = _hiding(session, redactor)
    inside = account.inside
    return {
        "session": record,
        "duration": _seconds(session.end, session.start),
        "verdict": _verdict_record(session, account),
        "clear": _dialogue(account.clear, session, redactor, hide, timed=True),
        "client_certificate": account.tls.client_certificate if account.tls is not None else None,
        "decrypted": None if inside is None else _dialogue(inside, session, redactor, hide, timed=False),
        "inferred": None if inference is None else _inferred_record(inference),
    }


def step(probability: float) -> tuple[float, float]:
    """The two of :data:`STEPS` between which ``probability`` lies."""
    for least, most in pairwise(STEPS):
        if probability < most:
            return least, most
    return STEPS[-2], STEPS[-1]


def _verdict_record(session: Session, account: Account) -> Record:
    attempt = decisive(session.auth)
    unknown: Record | None = None
    if session.reason is not None:
        meaning, help = explain_unknown(session.reason, in_tls=account.tls is not None)
        unknown = {"id": session.reason, "explanation": meaning, "help": list(help)}
    return {
        "method": session.method,
        "evidence": session.evidence,
        "probability": step(session.confidence) if session.evidence == "inferred" and session.confidence else None,
        "mechanism": attempt.mechanism if attempt is not None else None,
        "outcome": attempt.outcome if attempt is not None else None,
        "unknown": unknown,
        "reasons": [{"id": reason, "explanation": explain(reason)} for reason in session.reasons],
    }


def _inferred_record(inference: Inference) -> Record:
    shares = {family: step(share) for family, share in inference.shares.items()}
    if inference.shares:
        shares["other"] = step(max(0.0, 1 - sum(inference.shares.values())))
    likely = {family: share for family, share in shares.items() if share[0] > 0}
    return {
        "method": inference.method,
        "reason": inference.reason,
        "turns": [
            {
                "name": turn.name,
                "client": said(turn) or None,
                "server": heard(turn),
                "why": [{"id": reason, "explanation": explain(reason)} for reason in turn.why],
            }
            for turn in inference.turns
        ],
        "whole": inference.whole,
        # In order of their steps, then by name: their exact order would tell more.
        "probabilities": dict(sorted(likely.items(), key=lambda item: (-item[1][0], item[0]))),
    }


def _dialogue(
    entries: Iterable[Entry], session: Session, redactor: Redactor | None, hide: _Hide, *, timed: bool
) -> list[Record]:
    return [
        {
            "time": _seconds(entry.time, session.start) if timed else None,
            "side": _SIDES[entry.side],
            "kind": entry.kind,
            "text": [clean(hide(line)) for line in entry.text],
            "answers": entry.answers,
            "code": entry.code,
            "meaning": entry.meaning,
            "user": _user(entry, redactor),
            "oddities": [{"id": name, "explanation": ODDITIES.get(name, name)} for name in entry.oddities],
            "early": entry.early,
            "count": entry.count or None,
        }
        for entry in entries
    ]


def _user(entry: Entry, redactor: Redactor | None) -> str | None:
    """The user name that the line shows, as far as the record of the login shows it in the end."""
    name = entry.attempt.username if entry.named and entry.attempt is not None else None
    if name is None:
        return None
    return redactor.alias(name) if redactor else clean(name)


def _hiding(session: Session, redactor: Redactor | None) -> _Hide:
    """What makes a line of text fit to be shown where user names must not be: addresses and known names replaced."""
    if redactor is None:
        return str
    known = {name for attempt in session.auth for name in (attempt.username, attempt.authzid) if name}
    words = "|".join(re.escape(name) for name in sorted(known, key=len, reverse=True))
    # A name within a longer word (a host's, say) is not the user's.
    name = re.compile(rf"(?<![\w.@-])(?:{words})(?![\w@-]|\.\w)", re.IGNORECASE) if known else None
    of = {known_name.casefold(): known_name for known_name in known}

    def alias(found: re.Match[str]) -> str:
        return redactor.alias(of.get(found[0].casefold(), found[0]))

    def hide(line: str) -> str:
        line = _ADDRESS.sub(alias, line)
        return name.sub(alias, line) if name is not None else line

    return hide


def _seconds(time: int, start: int) -> float | None:
    """Seconds from ``start`` on; ``None`` where packets have no times."""
    return round((time - start) / _NANOSECONDS, 6) if start and time else None
