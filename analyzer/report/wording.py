"""The sentences that several formats share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from analyzer.inventory.findings import BY_ID
from analyzer.inventory.status import STATUSES, STILL_PASSWORD
from analyzer.report.losses import LOSSES

Record = dict[str, Any]

NEEDS_ACTION = STILL_PASSWORD | {"unknown", "no-auth"}

NAMED = 3
"""Devices that are named before "and N more" where many share one sentence; the table names them all."""

INFERRED = "~"
"""Marks what was inferred from sizes inside TLS, with its probability."""


def answer(summary: Record) -> str:
    """One line that answers the question, from a summary record."""
    devices, still = summary["devices"], summary["still_password"]
    if not devices:
        return "No device was seen sending mail."
    counts = summary["statuses"]
    passwords = [f"{counts[status]} {status}" for status in STATUSES if status in STILL_PASSWORD and counts[status]]
    others = [f"{counts[status]} {status}" for status in STATUSES if status not in STILL_PASSWORD and counts[status]]
    if still:
        of = f"{still} of {plural(devices, 'device')} still {'uses' if still == 1 else 'use'} a password"
        return f"{of}: {', '.join(passwords)}" + (f"; {', '.join(others)}" if others else "") + "."
    none = f"None of {plural(devices, 'device')} was seen using a password"
    if counts["unknown"]:
        none += f", but how {counts['unknown']} log{'s' if counts['unknown'] == 1 else ''} in could not be seen"
    return f"{none}: {', '.join(others)}."


def scope(context: Record) -> str:
    """One line on what the answer rests on, from a context record."""
    summary = context["summary"]
    parts = [
        f"{plural(summary['sessions'], 'session')}",
        f"{plural(summary['messages'], 'message')}",
    ]
    if summary["not_smtp"]:
        others = summary["not_smtp"]
        parts.append(f"{plural(others, 'conversation')} that {'was' if others == 1 else 'were'} not SMTP")
    if context["inputs"]:
        parts.append(f"{plural(len(context['inputs']), 'input')}")
    line = ", ".join(parts)
    if summary["first_seen"] and summary["last_seen"]:
        line += f", {summary['first_seen'][:16].replace('T', ' ')} to {summary['last_seen'][:16].replace('T', ' ')} UTC"
    return line + ("." if context["complete"] else ". The result is incomplete, see below.")


def findings(summary: Record) -> Iterator[tuple[str, str, int, str]]:
    """Severity, id, number of devices and explanation of each finding that occurs, worst first."""
    for id, devices in summary["findings"].items():
        if finding := BY_ID.get(id):
            yield finding.severity, id, devices, finding.explanation


def todo(devices: Iterable[Record]) -> list[tuple[str, str]]:
    """Addresses and advice, devices with the same advice together, worst first; good news is left out."""
    groups: dict[str, list[str]] = {}
    for device in devices:
        if device["status"] in NEEDS_ACTION:
            groups.setdefault(device["advice"], []).append(device["device"])
    return [(_some(addresses), advice) for advice, addresses in groups.items()]


def _some(addresses: list[str]) -> str:
    text = ", ".join(addresses[:NAMED])
    return text if len(addresses) <= NAMED else f"{text} and {len(addresses) - NAMED:,} more"


_UNLISTED: Mapping[str, str] = {
    "ja4": "TLS fingerprints",
    "links": "MAC addresses and hops",
    "mail_programs": "mail programs",
}
"""Fields of which a device could not list all, where their name is not the word for it."""


def notes(context: Record) -> Iterator[str]:
    """What the reader must know about the limits of the result: losses, limits, what could not be decoded."""
    if context["interrupted"]:
        yield "Interrupted: the result covers what had been read until then."
    if undecoded := context["undecoded"]:
        total = sum(undecoded.values())
        yield f"Not decoded: {plural(total, 'frame')} ({counted(undecoded)})."
    for source in context["inputs"]:
        if lost := source["dropped"]:
            yield f"Incomplete: {source['name']}: {plural(lost, 'packet')} lost while it was captured."
    for damage in context["damage"]:
        yield f"Incomplete: {damage['name']}: {damage['what']}."
    for name, (what, remedy) in LOSSES.items():
        if count := context["oddities"].get(name):
            yield f"Incomplete: {what} ({name} {count:,}); {remedy}."
    unlisted: dict[str, int] = dict(context["summary"]["unlisted"])
    if unlisted:
        if beyond := unlisted.pop("devices", 0):
            yield f"Limit reached: {beyond:,} sessions of further devices are counted but not listed."
        if unlisted:
            told = {_UNLISTED.get(name, name): count for name, count in unlisted.items()}
            yield f"Limit reached: further values are counted but not listed ({counted(told)})."


def counted(counts: Mapping[str, int]) -> str:
    """``a 3, b 1``."""
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def login(device: Record) -> str:
    """How a device logs in: the mechanisms read, else the methods, with a mark where they were inferred."""
    methods = [method for method in device["methods"] if method != "none"]
    seen = ", ".join(device["mechanisms"]) or ", ".join(methods) or "-"
    if device["evidence"] == "inferred":
        return f"{seen} {inferred(device['confidence'])}"
    return seen


def inferred(confidence: float) -> str:
    """The mark of what was inferred, and the confidence in whole percent, rounded down: nothing inferred is certain."""
    return f"{INFERRED}{math.floor(confidence * 100 + 1e-9)}%"


def legend(devices: Iterable[Record]) -> Iterator[str]:
    """What the marks in the table of devices mean, if there are any."""
    if any(device["evidence"] == "inferred" for device in devices):
        yield (
            f"{INFERRED}99%: inferred from the sizes and the order of turns inside TLS, with this confidence; "
            "'smtpauth explain' tells how."
        )


def decisive(session: Record) -> Record | None:
    """The attempt that the session is judged by: the last successful one, else the last."""
    attempts: list[Record] = session["auth"]
    successes = [attempt for attempt in attempts if attempt["outcome"] == "success"]
    candidates = successes or attempts
    return candidates[-1] if candidates else None


def session_login(session: Record) -> str:
    """How a session logged in: the mechanism, else the method."""
    attempt = decisive(session)
    seen: str = (attempt and attempt["mechanism"]) or session["method"]
    if session["evidence"] == "inferred":
        return f"{seen} {inferred(session['confidence'])}"
    return seen


def session_account(session: Record) -> str:
    """The user name of the login, where it was readable."""
    attempt = decisive(session)
    return (attempt and attempt["username"]) or "-"


def session_result(session: Record) -> str:
    """How the login ended, with the reply's code; without one, why nothing is known."""
    attempt = decisive(session)
    if attempt is None:
        return session["reason"] or "-"
    code = (attempt["reply"] or "").partition(" ")[0]
    return f"{attempt['outcome']} {code}".rstrip()


def session_tls(session: Record) -> str:
    """TLS mode and version in one word or two."""
    tls = session["tls"]
    return " ".join(part for part in (tls["mode"] or "midway", tls["version"]) if part)


def endpoint(side: Record) -> str:
    """``address:port``, brackets around IPv6 (RFC 3986 section 3.2.2)."""
    ip = side["ip"]
    return f"[{ip}]:{side['port']}" if ":" in ip else f"{ip}:{side['port']}"


def and_more(values: list[str]) -> str:
    """The first value and how many follow it."""
    if not values:
        return "-"
    return values[0] if len(values) == 1 else f"{values[0]} +{len(values) - 1}"


def shown_name(device: Record) -> str:
    """What a device is called; where several clients share its address, how many, unless the user knows better."""
    behind = device["clients_behind"]
    if behind > 1 and not (device["asset"] and device["asset"]["name"]):
        return f"{behind} clients"
    return device["name"] or "-"


def server_names(device: Record) -> list[str]:
    """Names (else addresses) of a device's servers, most used first, each once."""
    return list(dict.fromkeys(server["name"] or server["ip"] for server in device["servers"]))


def plural(count: int, noun: str) -> str:
    """``1 device``, ``2,000 devices``."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
