"""A view set as a page: templates filled, and a content policy that allows what is on the page and nothing else.

The page is read on machines that matter, and most of its text was chosen by whoever sent traffic. So text from the
wire stands only where HTML has text: in no attribute, style, script or address; jinja2 escapes all of it. The policy
(Content Security Policy Level 3) names the page's one style sheet and one script by their hashes and permits no
request.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from textwrap import shorten
from typing import TextIO

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from analyzer import __version__
from analyzer.inventory.status import STATUSES
from analyzer.report.page import charts, words
from analyzer.report.page.model import Share, View
from analyzer.report.period.wording import CHANGE_TITLES
from analyzer.report.together import URGENCIES

DEVICES_LISTED = 10_000
"""Devices on one page, the worst. Browsers still sort and filter as many without a pause that is felt, and the page
stays below 5 MB; workbook, CSV and JSON list all."""

MANY = 500
"""Devices from which on browsers are told to lay out those in sight alone."""

CHANGES_LISTED = 12
"""Devices of each kind of change; the table of devices shows the rest."""

PLANS_OPEN = 3
"""Plans whose steps are shown at once, the most urgent; the others open."""

SHARES_LISTED = 8
"""Providers and vendors with a bar of their own; the rest share one."""

TITLE = 72
"""Characters of a plan's title that a device's line repeats; the plan itself has all of it."""

NAMED = 6
"""Devices of one case of a step, and owners of one plan's devices, that are named; how many more there are is said."""

ROWS_LISTED = 200
"""Rows of any other table."""

LOOKS = {"mixed": "striped"}
"""What is drawn over a bar's part, beside its colour, so that it is told apart without it."""


def write_view(view: View, out: TextIO) -> None:
    """Write the page; in pieces, so that it is never in memory as a whole."""
    style, script = _source("style.css"), _source("script.js")
    trend = list(view.trend)
    template = _environment().get_template("page.html.j2")
    parts = template.generate(
        view=view,
        version=__version__,
        style=Markup(style),  # noqa: S704 - ours, and unchanged
        script=Markup(script),  # noqa: S704
        policy=policy(style, script),
        sections=list(_sections(view)),
        chart=charts.burn_down(trend, view.deadlines, view.forecast_day) if len(trend) > 1 else None,
        stack=charts.STACK,
        looks=LOOKS,
        unseen=any(not point.seen for point in trend),
        strip=list(_strip(view)),
        statuses=STATUSES,
        present=[count.status for count in view.statuses if count.devices],
        titles=CHANGE_TITLES,
        urgencies=URGENCIES,
        plans_open=PLANS_OPEN,
        most_changes=CHANGES_LISTED,
        providers=_bars(view.providers),
        vendors=_bars(view.vendors),
        plan_titles={plan.number: shorten(plan.title, TITLE, placeholder="…") for plan in view.plans},
        named=NAMED,
        owned=any(device.owner for device in view.devices),
        many=MANY,
        listed=view.devices[:DEVICES_LISTED],
        unlisted=len(view.devices) - DEVICES_LISTED,
        shared=view.shared[:ROWS_LISTED],
        tables=[table.rows[:ROWS_LISTED] for table in view.provider_view],
    )
    for part in parts:
        out.write(part)


def policy(style: str, script: str) -> str:
    """The content policy of a page with this style sheet and this script and nothing else."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _hash(source: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()


@cache
def _source(name: str) -> str:
    return files("analyzer.report.page").joinpath("templates", name).read_text("utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_source),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= words.FILTERS
    return environment


def _sections(view: View) -> Iterable[tuple[str, str]]:
    """Those that the page has, for its navigation."""
    yield from (
        (id, name)
        for id, name, present in (
            ("burn-down", f"{view.unit.capitalize()} by {view.unit}", len(view.trend) > 1),
            ("changes", "What changed", view.changes is not None),
            ("plans", "What to do", view.plans),
            ("devices", "Devices", True),
            ("accounts", "Shared accounts", view.shared),
            ("provider-view", "Provider's view", view.provider_notes),
            ("findings", "Findings explained", view.findings),
            ("quality", "Quality", view.quality or view.notes),
            ("reading", "How to read", view.legend),
        )
        if present
    )


def _strip(view: View) -> Iterable[tuple[str, int, int]]:
    """Status, start and width of each part of the bar that shows all devices."""
    start = 0
    for count in view.statuses:
        if count.devices:
            yield count.status, start, count.devices
            start += count.devices


def _bars(shares: Sequence[Share]) -> list[tuple[Share, float, float]]:
    """Each share with the lengths of its bars, all devices and those with a password, in percent of the longest."""
    listed, rest = list(shares[:SHARES_LISTED]), shares[SHARES_LISTED:]
    if rest:
        sums = sum(share.devices for share in rest), sum(share.with_password for share in rest)
        listed.append(Share(f"{len(rest):,} others", *sums))
    longest = max((share.devices for share in listed), default=0) or 1
    return [
        (share, round(share.devices * 100 / longest, 1), round(share.with_password * 100 / longest, 1))
        for share in listed
    ]
