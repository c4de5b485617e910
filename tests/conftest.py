"""Where everything is meant to be installed, a test that was skipped has not passed.

``SMTPAUTH_REQUIRE_ALL=1`` (set by ``.ci/run``) turns skips into failures, so that a missing program cannot hide tests.
Recorded material from outside the project may be absent, and root: ``.ci/run`` sees to that.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import TypeVar

import pytest

from tests.support.material import needs_corpus, needs_lab
from tests.support.root import needs_root

_MAY_BE_ABSENT = (needs_lab.kwargs["reason"], needs_corpus.kwargs["reason"], needs_root.kwargs["reason"])
_REQUIRE_ALL = os.environ.get("SMTPAUTH_REQUIRE_ALL") == "1"


Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


def _object_to(report: Report) -> Report:
    if _REQUIRE_ALL and report.skipped and not hasattr(report, "wasxfail") and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2].removeprefix("Skipped: ")
        if reason not in _MAY_BE_ABSENT:
            report.outcome = "failed"
            report.longrepr = f"skipped where everything is required: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Setup, call and teardown of one test."""
    return _object_to((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A whole module, skipped by ``pytest.importorskip`` at its top."""
    return _object_to((yield))
