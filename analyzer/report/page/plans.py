"""Devices that need the same, together: one plan for all of them, which their rows refer to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from analyzer.inventory.status import STILL_PASSWORD
from analyzer.report.page.model import Plan
from analyzer.report.plans import oauth_text, sources_of
from analyzer.report.wording import NEEDS_ACTION, Record

URGENCIES = ("now", "dated", "check", "none")
"""In the order in which people should act."""

_FIT = {"fits": "fits, too", "check": "to look at", "fits-not": "does not fit"}

MAKERS_LISTED = 8
"""Makers of one plan's devices whose support of OAuth is told; more would hide the plan."""


def plans_of(records: Sequence[Record]) -> tuple[list[Plan], Mapping[str, int]]:
    """The plans, most urgent and then most devices first, and the number of each device's by its address.

    Args:
        records: of devices; what to do is in their ``plan`` (see :func:`analyzer.report.plans.plan_record`), else in
            their ``advice``. A device that uses no password and needs nothing has no plan here.
    """
    groups: dict[tuple[object, ...], list[Record]] = {}
    for record in records:
        if (key := _key(record)) is not None:
            groups.setdefault(key, []).append(record)
    ordered = sorted(groups.values(), key=_order)
    plans = [_plan(number, group) for number, group in enumerate(ordered, 1)]
    return plans, {address: plan.number for plan in plans for address in plan.devices}


def sources(records: Iterable[Record]) -> list[str]:
    """What the plans of devices rest on, as of when."""
    return sources_of(plan for record in records if (plan := record.get("plan")) is not None)


def _key(record: Record) -> tuple[object, ...] | None:
    """What makes two devices' plans the same: everything but what is known of their makers."""
    plan = record.get("plan")
    if plan is None:
        return (record["advice"],) if record["status"] in NEEDS_ACTION else None
    if plan["urgency"] == "none" and record["status"] not in STILL_PASSWORD:
        return None
    return plan["urgency"], plan["reason"], plan["service"], *plan["steps"]


def _order(group: list[Record]) -> tuple[int, int]:
    """Without plans they stay as the devices are, the worst first: sorting is stable."""
    plan = group[0].get("plan")
    return (0, 0) if plan is None else (URGENCIES.index(plan["urgency"]), -len(group))


def _plan(number: int, group: list[Record]) -> Plan:
    devices = [record["device"] for record in group]
    plan = group[0].get("plan")
    if plan is None:
        return _of_advice(number, group[0]["advice"], devices)
    way: Record | None = next(iter(plan["ways"]), None)
    title = _capital(plan["reason"])
    why = f"The way out: {way['name']}." if way else None
    if way and plan["urgency"] == "dated":  # the reason is the same for all of these
        title, why = way["name"], f"{title}."
    return Plan(
        number=number,
        urgency=plan["urgency"],
        title=title,
        service=plan["service"],
        why=why,
        steps=tuple(plan["steps"]),
        ways=(*_oauth(group), *map(_way, plan["ways"][1:])),
        devices=devices,
    )


def _of_advice(number: int, advice: str, devices: list[str]) -> Plan:
    """The sentence of :mod:`analyzer.inventory.advice`: its first part is the title, the rest the reason."""
    title, *rest = re.split("[:;] ", advice, maxsplit=1)
    return Plan(number, None, title.rstrip("."), None, _capital(*rest) if rest else None, (), (), devices)


def _way(way: Record) -> str:
    """Another way out, and what speaks for or against it."""
    return f"{way['name']}: {way['why'] or _FIT[way['fit']]}."


def _oauth(group: Iterable[Record]) -> list[str]:
    texts = dict.fromkeys(f"OAuth: {oauth_text(record['plan']['oauth'])}" for record in group if record["plan"]["ways"])
    return list(texts)[:MAKERS_LISTED]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
