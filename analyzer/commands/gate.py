"""What a report means to a script: its exit code."""

from __future__ import annotations

from analyzer.commands.exits import DONE, FOUND, INCOMPLETE, INTERRUPTED
from analyzer.inventory.status import STATUSES, Status
from analyzer.report.model import Report


def exit_code(report: Report, fail_on: str | None) -> int:
    """The exit code after ``report``.

    Args:
        fail_on: status from which on a device is a failure, or ``None``.
    """
    if report.interrupted:
        return INTERRUPTED
    if fail_on is not None and any(device.status in at_or_above(fail_on) for device in report.devices):
        return FOUND
    return DONE if report.complete else INCOMPLETE


def at_or_above(status: str) -> tuple[Status, ...]:
    """``status`` and all worse ones."""
    return STATUSES[: [str(known) for known in STATUSES].index(status) + 1]
