"""Plans as dictionaries, and as text for people: what to do about each device, how soon, and by which way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import TextIO

from analyzer.advice import Deadline, OAuthSupport, Plan, ReplyAdvice, WayOut
from analyzer.report.text import clean, clean_or_none
from analyzer.report.together import URGENCIES
from analyzer.report.width import fold
from analyzer.report.wording import Record

NAMED = 12
"""Devices of one plan that are named before "and N more"; the table of devices names them all."""

FIRMWARE_TOLD = {
    "yes": "possible",
    "from-firmware": "possible from firmware {firmware} on",
    "partial": "possible on some models",
    "no": "not possible",
    "unknown": "not known",
}
"""Whether OAuth is possible, in words."""
_FIT = {"fits": "fits", "check": "look first", "fits-not": "does not fit"}


def plan_record(plan: Plan) -> Record:
    """One plan, as ``--format json`` prints it. The steps of ways other than the first stand in ``docs/advice.md``."""
    return {
        "urgency": plan.urgency.value,
        "reason": clean(plan.reason),
        "standing": plan.standing,
        "service": clean_or_none(plan.service),
        "fleet": plan.fleet,
        "deadline": plan.deadline and _deadline_record(plan.deadline),
        "oauth": _oauth_record(plan.oauth),
        "ways": [_way_record(way) for way in plan.ways],
        "steps": [clean(step) for step in plan.steps],
        "look_first": clean_or_none(plan.look_first),
        "reply": plan.reply and _reply_record(plan.reply),
    }


def _deadline_record(deadline: Deadline) -> Record:
    return {
        "provider": clean(deadline.provider),
        "day": _day(deadline.day),
        "past": deadline.is_past,
        "days_left": deadline.days_left,
        "wording": clean(deadline.wording),
        "source": clean(deadline.source),
        "as_of": _day(deadline.as_of),
    }


def _oauth_record(oauth: OAuthSupport) -> Record:
    return {
        "possible": oauth.possible,
        "maker": clean_or_none(oauth.maker),
        "firmware": clean_or_none(oauth.firmware),
        "note": clean_or_none(oauth.note),
        "source": clean_or_none(oauth.source),
        "as_of": _day(oauth.as_of),
    }


def _way_record(way: WayOut) -> Record:
    return {
        "id": clean(way.id),
        "name": clean(way.name),
        "fit": way.fit,
        "why": clean(way.why) or None,
        "when": clean(way.when),
        "until": _day(way.until),
        "source": clean(way.source),
        "as_of": _day(way.as_of),
    }


def _reply_record(reply: ReplyAdvice) -> Record:
    return {
        "reply": clean(reply.reply) or None,
        "meaning": clean_or_none(reply.meaning),
        "todo": clean(reply.todo),
        "source": clean(reply.source),
        "as_of": _day(reply.as_of),
    }


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def deadline_text(deadline: Record) -> str:
    """What is announced, how many days are left, and as of when."""
    text = f"{deadline['provider']}: {deadline['wording']}"
    left = deadline["days_left"]
    if left is not None:
        count = f"{abs(left):,} day{'' if abs(left) == 1 else 's'}"
        text += f". {deadline['day']} is {'today' if left == 0 else f'{count} past' if left < 0 else f'{count} away'}"
    return f"{text} (as of {deadline['as_of']})."


def oauth_text(oauth: Record) -> str:
    """Whether the device can use OAuth, and who says so."""
    if oauth["maker"] is None and oauth["note"] is None:
        return "not known: its maker was not recognised."
    text = FIRMWARE_TOLD[oauth["possible"]].replace("{firmware}", oauth["firmware"] or "of some version")
    who = ": ".join(part for part in (oauth["maker"], oauth["note"]) if part is not None)
    as_of = "" if oauth["as_of"] is None else f"; as of {oauth['as_of']}"
    return f"{text} ({who}{as_of})."


def way_text(way: Record) -> str:
    """A way's name, whether it fits, why, and when it is the one to take."""
    why = f": {way['why']}" if way["why"] else ""
    return f"{way['name']} ({_FIT[way['fit']]}{why}). When {way['when']}."


def plan_text(plan: Record) -> Iterator[tuple[str, str]]:
    """Heading (empty where it goes on) and text of each line of a plan, without the steps' numbers."""
    if plan["deadline"] is not None:
        yield "Deadline", deadline_text(plan["deadline"])
    if plan["reply"] is not None:
        reply = plan["reply"]
        yield "Refused", f"{reply['reply'] or 'without a code'}: {reply['meaning'] or 'what it means is not known'}."
    if plan["ways"]:
        yield "OAuth", oauth_text(plan["oauth"])
    for number, way in enumerate(plan["ways"], 1):
        yield "Ways" if number == 1 else "", f"{number}. {way_text(way)}"
    for number, step in enumerate(plan["steps"], 1):
        yield "Steps" if number == 1 else "", f"{number}. {step}"


def write_plans(devices: Sequence[Record], out: TextIO, width: int) -> None:
    """What to do about ``devices`` (records with a ``plan``), most urgent first; devices with one plan together.

    Args:
        width: columns.
    """
    indent = " " * 12
    for urgency, heading in URGENCIES.items():
        for together in _alike(device for device in devices if device["plan"]["urgency"] == urgency):
            plan = together[0]["plan"]
            out.write("\n")
            for line in fold(f"{heading}: {_named(together)}", width):
                out.write(f"{line}\n")
            reason = f"{plan['reason']}" + (f" ({plan['service']})" if plan["service"] else "")
            for title, text in [("Why", f"{reason}."), *plan_text(plan)]:
                first, *more = fold(text, max(width - len(indent), 1))
                out.write(f"  {title:<10}{first}\n")
                for line in more:
                    out.write(f"{indent}{line}\n")
    sources = sources_of(device["plan"] for device in devices)
    if sources:
        out.write("\nSources\n")
        for source in sources:
            first, *more = fold(source, max(width - 4, 1))
            out.write("".join([f"  {first}\n", *(f"    {line}\n" for line in more)]))


def sources_of(plans: Iterable[Record]) -> list[str]:
    """Everything that the plans rest on, each once, with the day it was read."""
    found: dict[str, None] = {}
    for plan in plans:
        for part in (plan["deadline"], plan["oauth"], plan["reply"], *plan["ways"]):
            if part is not None and part["source"] is not None and (part is not plan["oauth"] or plan["ways"]):
                found[f"{part['source']} (as of {part['as_of']})"] = None
    return sorted(found)


def _alike(devices: Iterable[Record]) -> list[list[Record]]:
    """Devices whose plans read the same, in order of the first of each."""
    groups: dict[tuple[object, ...], list[Record]] = {}
    for device in devices:
        plan = device["plan"]
        groups.setdefault((plan["reason"], plan["service"], *plan_text(plan)), []).append(device)
    return list(groups.values())


def _named(devices: Sequence[Record]) -> str:
    names = [device["device"] + (f" ({device['vendor']})" if device["vendor"] else "") for device in devices[:NAMED]]
    text = ", ".join(names)
    return text if len(devices) <= NAMED else f"{text} and {len(devices) - NAMED:,} more"
