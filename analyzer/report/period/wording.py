"""The sentences of a report over a period, which all formats share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from analyzer.history.model import CHANGE_KINDS
from analyzer.report.wording import Record, plural

_COUNTED_AS = {kind: kind for kind in CHANGE_KINDS} | {"silent": "gone silent"}

_NO_CHANGES = {"returned": "seen again", "absent": "not seen this time"}
"""What moves the number, too, without meaning anything."""

CHANGE_TITLES: Mapping[str, str] = {
    "new": "New, with a password",
    "relapsed": "Back to a password",
    "worse": "Worse",
    "unclear": "Used a password, now unclear",
    "silent": "Used a password, not seen any more",
    "better": "Better",
    "migrated": "Migrated",
}
"""Headings of the kinds of change, what needs attention first."""


def unit_noun(record: Record) -> str:
    """What a period is called in a sentence."""
    unit: str = record["unit"]
    return "period" if unit == "custom" else unit


def period_text(period: Record) -> str:
    """``2026-W47 (2026-11-16 to 2026-11-22)``."""
    if period["unit"] in ("week", "month"):
        return f"{period['name']} ({period['first']} to {period['last']})"
    name: str = period["name"]
    return name


def title(document: Record) -> str:
    """What it is a report on, and what that is compared with."""
    text = f"SMTP logins by device, {period_text(document['period'])}"
    return f"{text}, compared with {document['before']['name']}" if document["before"] else text


def sentence(document: Record) -> str:
    """The answer in one sentence, from a document's record: how many, how many more or fewer, and why."""
    period, summary, before = document["period"], document["summary"], document["summary_before"]
    unit = unit_noun(period)
    if not summary["sessions"]:
        return f"No mail was seen in {period_text(period)}, so nothing can be said about it."
    still, devices = summary["still_password"], summary["devices"]
    if still:
        text = f"{still:,} of {plural(devices, 'device')} still {'uses' if still == 1 else 'use'} a password"
    else:
        text = f"None of {plural(devices, 'device')} was seen using a password"
        if unknown := summary["statuses"]["unknown"]:
            text += f" (how {unknown:,} log{'s' if unknown == 1 else ''} in could not be seen)"
    why = reasons(document)
    if why is None:
        return f"{text}; {incomparable(document)}."
    return f"{text}, {_compared(still, before['still_password'])} the {unit} before; {why}."


def headline(document: Record) -> str:
    """The answer as short as a subject of a mail: without what changed, and with the period."""
    answer: str = document["sentence"]
    short, name = answer.partition("; ")[0].removesuffix("."), document["period"]["name"]
    return short if name in short else f"{short} ({name})"


def incomparable(document: Record) -> str:
    """Why there is nothing to compare with, a clause."""
    unit = unit_noun(document["period"])
    if document["summary_before"] is None:
        return "nothing before it is on record" if unit == "period" else f"this is the first {unit} on record"
    return f"nothing was seen in the {unit} before, so there is nothing to compare with"


def reasons(document: Record) -> str | None:
    """How many devices changed, and how, a clause; ``None`` where there is nothing to compare with."""
    before = document["summary_before"]
    if before is None or not before["sessions"]:
        return None
    changes = Counter(change["kind"] for change in document["changes"])
    counted = [f"{changes[kind]:,} {_COUNTED_AS[kind]}" for kind in CHANGE_KINDS if changes[kind]]
    counted += [f"{len(document[group]):,} {what}" for group, what in _NO_CHANGES.items() if document[group]]
    return ", ".join(counted) or "nothing changed"


def _compared(now: int, before: int) -> str:
    if now == before:
        return "as many as"
    return f"{abs(now - before):,} {'fewer' if now < before else 'more'} than"


def deadline(record: Record) -> str:
    """How long a provider still takes passwords, and how many devices that concerns."""
    days = record["days_left"]
    if days > 0:
        when = f"{plural(days, 'day')} left until {record['day']}"
    elif days == 0:
        when = f"the last day was {record['day']}"
    else:
        when = f"{record['day']} is {plural(-days, 'day')} past"
    text = f"{record['name']}: {when}; {plural(record['devices'], 'device')} still {_log(record['devices'])} in there"
    text += " with a password"
    return f"{text}. {_capital(record['note'])}." if record["note"] else f"{text}."


def _log(count: int) -> str:
    return "logs" if count == 1 else "log"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def forecast(document: Record) -> str | None:
    """When the number reaches zero, as far as that can be told."""
    if document["forecast"] is None:
        return None
    return f"If the number goes on falling as it did, it reaches zero about {document['forecast']}."


def quality(document: Record) -> Iterator[str]:
    """How well the period was observed: one line on how much, and one on each thing that is missing."""
    seen = document["quality"]
    sessions = seen["sessions"]
    line = f"{plural(sessions, 'session')} in {plural(seen['inputs'], 'input')}"
    if seen["sensors"]:
        line += f" of {plural(len(seen['sensors']), 'sensor')} ({', '.join(seen['sensors'])})"
    if sessions:
        line += f"; {_percent(seen['complete'], sessions)} whole, {_percent(seen['gaps'], sessions)} with bytes missing"
        line += f", {_percent(seen['unknown'], sessions)} whose login could not be told"
    yield line + "."
    if missing := seen["missing_sensors"]:
        before = unit_noun(document["period"])
        yield f"No report from {', '.join(missing)}, unlike in the {before} before: so nobody is called silent."
    if seen["days_without"]:
        without = seen["days_without"]
        yield f"On {plural(without, 'day')} of the {unit_noun(document['period'])} nothing was seen."
    if seen["damaged"]:
        yield f"Incomplete: {plural(seen['damaged'], 'input')} cut off or damaged."
    if seen["dropped"]:
        yield f"Incomplete: {plural(seen['dropped'], 'packet')} lost while they were captured."
    if beyond := document["summary"]["unlisted"].get("devices"):
        yield f"Limit reached: {plural(beyond, 'session')} of further devices are counted but not listed."
    for name, count in document["unlisted"].items():
        yield f"Limit reached: {name} {count:,}."


def _percent(part: int, whole: int) -> str:
    """Whole percent; what is not nothing is not called 0 %, nor what is not all 100 %."""
    if 0 < part * 100 < whole:
        return "<1%"
    if part < whole and part * 100 > whole * 99:
        return ">99%"
    return f"{part * 100 // whole}%"
