"""The days on which providers end passwords, counted from the end of a period."""

from __future__ import annotations

from collections.abc import Mapping

from analyzer.history.model import PeriodReport
from analyzer.inventory.providers import Provider
from analyzer.report.period.model import Deadline


def deadlines(report: PeriodReport, providers: Mapping[str, Provider]) -> list[Deadline]:
    """Those that concern a device of ``report``: what is to come, nearest first, then what is past.

    Time comes from the period, never from the clock. Where application passwords go on working, no day ends them.
    """
    found = [
        Deadline(
            provider=id,
            name=known.name,
            day=known.basic_ends,
            days_left=(known.basic_ends - report.period.last).days,
            note=known.note,
            source=known.source,
            as_of=known.as_of,
            devices=use.with_password,
        )
        for id, use in report.summary.providers.items()
        if use.with_password
        and (known := providers.get(id)) is not None
        and known.basic in ("retiring", "ended")
        and known.basic_ends is not None
    ]
    return sorted(found, key=lambda deadline: (deadline.days_left < 0, deadline.day, deadline.provider))
