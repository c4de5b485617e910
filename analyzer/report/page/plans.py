"""Plans as the page and the workbook show them: numbered, so that the rows of devices can refer to them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from analyzer.report.page.model import Plan, Todo
from analyzer.report.page.words import day
from analyzer.report.plans import oauth_text, sources_of
from analyzer.report.together import URGENCIES, Together, together
from analyzer.report.wording import NEEDS_ACTION, Record, plural

_FIT = {"fits": "fits, too", "check": "to look at", "fits-not": "does not fit"}

REASONS_TOLD = 3
"""Reasons that are told for one urgency; the plans tell all of them."""

MAKERS_LISTED = 8
"""Makers of one plan's devices whose support of OAuth is told; more would hide the plan."""


def plans_of(records: Sequence[Record]) -> tuple[list[Plan], Mapping[str, int]]:
    """The plans, most urgent and then most devices first, and the number of each device's by its address.

    Args:
        records: of devices; what to do is in their ``plan`` (see :func:`analyzer.report.plans.plan_record`), else,
            where none of them has one, in their ``advice``. A device that uses no password and needs nothing has no
            plan here.
    """
    if any(record.get("plan") for record in records):
        plans = [_plan(number, same) for number, same in enumerate(together(records), 1)]
    else:
        plans = [_of_advice(number, *same) for number, same in enumerate(_advised(records).items(), 1)]
    return plans, {address: plan.number for plan in plans for address in plan.devices}


def todos(plans: Sequence[Plan]) -> list[Todo]:
    """How much is how urgent; what needs nothing yet is left out."""
    found = []
    for urgency in URGENCIES:
        these = [plan for plan in plans if plan.urgency == urgency]
        if these and urgency != "none":
            texts: Counter[str] = Counter()
            for plan in these:
                text = plan.title
                if urgency == "dated" and plan.service is not None:  # the title is the way out
                    left = f", {plural(plan.days_left, 'day')} left" if plan.days_left else ""
                    text = f"{plan.service}{left}: {text}"
                texts[text] += len(plan.devices)
            told = texts.most_common(REASONS_TOLD)
            found.append(Todo(urgency, texts.total(), these[0].number, told, len(texts) - len(told)))
    return found


def sources(records: Iterable[Record]) -> list[str]:
    """What the plans of devices rest on, as of when."""
    return sources_of(plan for record in records if (plan := record.get("plan")) is not None)


def _advised(records: Iterable[Record]) -> dict[str, list[str]]:
    """Addresses by what their devices are advised to do, in the order of the devices, the worst first."""
    groups: dict[str, list[str]] = {}
    for record in records:
        if record["status"] in NEEDS_ACTION:
            groups.setdefault(record["advice"], []).append(record["device"])
    return groups


def _plan(number: int, same: Together) -> Plan:
    plan = same.plan
    way: Record | None = next(iter(plan["ways"]), None)
    title = _capital(plan["reason"])
    why = f"The way out: {way['name']}." if way else None
    deadline = plan["deadline"]
    days_left = deadline["days_left"] if deadline is not None else None
    if way and plan["urgency"] == "dated":  # the reason is the same for all of these
        title, why = way["name"], title
        if days_left:
            why += f" on {day(date.fromisoformat(deadline['day']))}"
        why += "."
    return Plan(
        number=number,
        urgency=plan["urgency"],
        title=title,
        service=plan["service"],
        days_left=days_left,
        why=why,
        steps=same.steps,
        ways=(*_oauth(same.devices), *map(_way, plan["ways"][1:])),
        devices=same.addresses,
        owners=same.owners,
        ownerless=same.ownerless,
    )


def _of_advice(number: int, advice: str, devices: list[str]) -> Plan:
    """The sentence of :mod:`analyzer.inventory.advice`: its first part is the title, the rest the reason."""
    title, *rest = re.split("[:;] ", advice, maxsplit=1)
    return Plan(number, None, title.rstrip("."), None, _capital(*rest) if rest else None, (), (), devices)


def _way(way: Record) -> str:
    """Another way out, and what speaks for or against it."""
    return f"{way['name']}: {way['why'] or _FIT[way['fit']]}."


def _oauth(group: Iterable[Record]) -> list[str]:
    plans = (record["plan"] for record in group)
    known = (plan["oauth"] for plan in plans if plan["ways"] and plan["oauth"]["maker"] is not None)
    texts = dict.fromkeys(f"OAuth: {oauth_text(oauth)}" for oauth in known)
    return list(texts)[:MAKERS_LISTED]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
