"""Devices that need the same, together: one plan for all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from analyzer.inventory.status import STILL_PASSWORD
from analyzer.report.wording import Record

URGENCIES = {"now": "Now", "dated": "Before the deadline", "check": "To look at", "none": "Nothing to do yet"}
"""What is said of a plan's urgency, in the order in which people should act."""
_ORDER = list(URGENCIES)


@dataclass(frozen=True, slots=True)
class Case:
    """What a step is for some of the devices."""

    text: str
    devices: Sequence[str]


@dataclass(frozen=True, slots=True)
class Step:
    """One step; ``cases`` (at least two) where it depends on the device, and ``text`` leads to them."""

    text: str
    cases: tuple[Case, ...] = ()


@dataclass(frozen=True, slots=True)
class Together:
    """What to do about some devices.

    Attributes:
        plan: of the first of them, as a record (:func:`analyzer.report.plans.plan_record`).
        devices: their records, in the order given.
        owners: to whom the list of assets says they belong, and how many each has; most first.
        ownerless: how many belong to nobody there; 0 where the list names no owner at all.
    """

    plan: Record
    steps: tuple[Step, ...]
    devices: Sequence[Record]
    owners: tuple[tuple[str, int], ...]
    ownerless: int

    @property
    def addresses(self) -> list[str]:
        """What the devices go by."""
        return [record["device"] for record in self.devices]


def together(records: Iterable[Record]) -> list[Together]:
    """The plans of ``records`` (devices with a ``plan``), the most urgent and then those of most devices first.

    What a plan says of a device's maker may differ between devices that are together. Devices that use no password
    and need nothing are left out.
    """
    groups: dict[tuple[object, ...], list[Record]] = {}
    for record in records:
        plan = record["plan"]
        if plan is not None and (plan["urgency"] != "none" or record["status"] in STILL_PASSWORD):
            look = plan["look_first"]
            steps = tuple("" if step == look else step for step in plan["steps"])
            groups.setdefault((plan["urgency"], plan["reason"], plan["service"], steps), []).append(record)
    ordered = sorted(groups.values(), key=lambda group: (_ORDER.index(group[0]["plan"]["urgency"]), -len(group)))
    return [_together(group) for group in ordered]


def _together(group: list[Record]) -> Together:
    plan = group[0]["plan"]
    look = plan["look_first"]
    steps = tuple(_looks(group) if look is not None and step == look else Step(step) for step in plan["steps"])
    named = Counter(owner for record in group if (owner := (record["asset"] or {}).get("owner")))
    ownerless = len(group) - sum(named.values()) if named else 0
    return Together(plan, steps, group, tuple(named.most_common()), ownerless)


def _looks(group: Iterable[Record]) -> Step:
    """The first step, by what is known of the devices' makers; what concerns most of them first."""
    by_text: dict[str, list[str]] = {}
    for record in group:
        by_text.setdefault(record["plan"]["look_first"], []).append(record["device"])
    cases = [Case(text, devices) for text, devices in sorted(by_text.items(), key=lambda entry: -len(entry[1]))]
    return Step(cases[0].text) if len(cases) == 1 else Step("First, depending on the device:", tuple(cases))
