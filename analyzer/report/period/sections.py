"""A period's report as titles, sentences and tables; text and Markdown are two ways to write these down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from analyzer.report import wording as scan_wording
from analyzer.report.period import wording
from analyzer.report.provider_view import provider_view_notes, provider_view_sentence, provider_view_tables
from analyzer.report.table import DEVICE_COLUMNS, Column, device_row
from analyzer.report.together import URGENCIES, Step, Together, together
from analyzer.report.wording import Record, plural

ENTRIES = 20
"""Lines of a table beside that of the devices; the rest is counted. JSON has them all."""


NAMED = 8
"""Devices of one plan that are named before "and N more"; the table of devices names them all."""

OWNERS_NAMED = 6
"""Owners of one plan's devices that are named."""


@dataclass(frozen=True, slots=True)
class Items:
    """Sentences, each a line of its own."""

    items: Sequence[str]


@dataclass(frozen=True, slots=True)
class Figures:
    """Something that is drawn by characters, in a line as it stands."""

    line: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows below their titles.

    Attributes:
        more: how many rows were left out. remedy: where they are.
        is_status: the first column is a status, shown in its colour.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    more: int = 0
    remedy: str = ""
    is_status: bool = False


@dataclass(frozen=True, slots=True)
class Steps:
    """What to do, in order, and about what: a title, lines on whom it concerns, and the steps."""

    title: str
    lines: Sequence[str]
    steps: Sequence[Step]


Block = Items | Figures | Table | Steps


@dataclass(frozen=True, slots=True)
class Section:
    """One topic of the report."""

    title: str
    blocks: Sequence[Block]


_BARS = "▁▂▃▄▅▆▇█"
NOTHING_SEEN = "·"
"""Stands for a week without traffic."""

_CHANGE_COLUMNS = (
    Column("Change"),
    Column("Device", least=22, middle=True),
    Column("Name", least=9, leave=3),
    Column("Vendor", least=8, leave=1),
    Column("Account", least=16, leave=2),
    Column("Before"),
    Column("Now"),
    Column("Last seen"),
)
_PROVIDER_COLUMNS = (Column("Provider", least=16), Column("Devices", right=True), Column("With password", right=True))
_VENDOR_COLUMNS = (Column("Vendor", least=16), Column("Devices", right=True), Column("With password", right=True))
_SHARED_COLUMNS = (
    Column("Account", least=16),
    Column("Service", least=12, leave=1),
    Column("Devices", right=True),
    Column("Addresses", least=16),
)


def sections(document: Record, limit: int) -> Iterator[Section]:
    """The report below its first sentence; topics of which nothing is known are left out.

    Args:
        limit: devices listed.
    """
    if deadlines := [wording.deadline(entry) for entry in document["deadlines"]]:
        yield Section("Deadlines", [Items(deadlines)])
    if len(document["trend"]) > 1:
        yield Section("Devices with a password, week by week", list(_burn_down(document)))
    if changes := document["changes"]:
        yield Section("What changed", [_cut([_change_row(entry) for entry in changes], _CHANGE_COLUMNS)])
    if todo := list(_todo(document["devices"])):
        yield Section("What to do", todo)
    if devices := document["devices"]:
        shown = devices[:limit]
        rows = [device_row(device) for device in shown]
        more = len(devices) - len(shown)
        table = Table(DEVICE_COLUMNS, rows, more, "--limit shows more", is_status=True)
        legend = list(scan_wording.legend(shown))
        yield Section("Devices", [table, Items(legend)] if legend else [table])
        if findings := list(scan_wording.findings(document["summary"])):
            lines = [f"{severity}: {id} ({count:,}): {meaning}" for severity, id, count, meaning in findings]
            yield Section("Findings (devices)", [Items(lines)])
        rows = [_share_row(entry, "another or unknown") for entry in document["providers"]]
        if rows:
            yield Section("Providers", [_cut(rows, _PROVIDER_COLUMNS)])
        yield Section(
            "Vendors", [_cut([_share_row(entry, "unknown") for entry in document["vendors"]], _VENDOR_COLUMNS)]
        )
    if shared := document["shared_accounts"]:
        yield Section("Accounts on several devices", [_cut([_shared_row(entry) for entry in shared], _SHARED_COLUMNS)])
    if (view := document["provider_view"]) is not None:
        yield Section("What the provider says", list(_provider_view(view)))
    yield Section("How well it was observed", [Items(list(wording.quality(document)))])


def _provider_view(view: Record) -> Iterator[Block]:
    yield Items([provider_view_sentence(view)])
    for table in provider_view_tables(view):
        first, *others = table.head
        columns = (
            Column(first, least=16),
            *(Column(title, least=len(title) + 4, leave=len(others) - n) for n, title in enumerate(others)),
        )
        yield Items([f"{table.title}. {table.explanation}"])
        yield _cut(table.rows, columns)
    yield Items(list(provider_view_notes(view)))


def _todo(devices: Sequence[Record]) -> Iterator[Block]:
    """Devices that need the same together, the most urgent first; without plans, their advice."""
    groups = together(devices)
    for urgency, title in URGENCIES.items():
        some = [group for group in groups if group.plan["urgency"] == urgency != "none"]
        for group in some[:ENTRIES]:
            service = f" ({group.plan['service']})" if group.plan["service"] else ""
            yield Steps(f"{title}: {group.plan['reason']}{service}", list(_concerned(group)), group.steps)
        if len(some) > ENTRIES:
            yield Items([f"{title}: {len(some) - ENTRIES:,} more plans; JSON lists them all"])
    if not groups and (advice := [f"{named}: {sentence}" for named, sentence in scan_wording.todo(devices)]):
        yield Items(advice)


def _concerned(group: Together) -> Iterator[str]:
    yield f"{plural(len(group.devices), 'device')}: {named(group.addresses)}"
    if owners := [f"{owner} ({count:,})" for owner, count in group.owners[:OWNERS_NAMED]]:
        if len(group.owners) > OWNERS_NAMED:
            owners.append(f"{len(group.owners) - OWNERS_NAMED:,} more")
        if group.ownerless:
            owners.append(f"nobody named ({group.ownerless:,})")
        yield f"Whose: {', '.join(owners)}"


def named(devices: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    text = ", ".join(devices[:NAMED])
    return text if len(devices) <= NAMED else f"{text} and {len(devices) - NAMED:,} more"


def _cut(rows: Sequence[Sequence[str]], columns: Sequence[Column]) -> Table:
    return Table(columns, rows[:ENTRIES], max(0, len(rows) - ENTRIES), "JSON lists them all")


def _burn_down(document: Record) -> Iterator[Block]:
    trend = document["trend"]
    line = sparkline([point["still_password"] if point["sessions"] else None for point in trend])
    yield Figures(f"{_point(trend[0])} {line} {_point(trend[-1])}")
    notes = []
    if any(not point["sessions"] for point in trend):
        notes.append(f"{NOTHING_SEEN}: nothing was seen in that week.")
    if text := wording.forecast(document):
        notes.append(text)
    if notes:
        yield Items(notes)


def _point(point: Record) -> str:
    """An end of the line; what was not seen has no number."""
    return f"{point['still_password']:,} ({point['name']})" if point["sessions"] else f"({point['name']})"


def sparkline(counts: Sequence[int | None]) -> str:
    """One bar a week, as high as the count is beside the largest; the lowest bar is zero, and nothing else is."""
    most = max((count for count in counts if count is not None), default=0)
    bars = []
    for count in counts:
        if count is None:
            bars.append(NOTHING_SEEN)
        else:
            bars.append(_BARS[-(-count * (len(_BARS) - 1) // most) if most else 0])
    return "".join(bars)


def _change_row(entry: Record) -> list[str]:
    seen = entry["now"] or entry["before"]
    now, before = entry["now"], entry["before"]
    return [
        entry["kind"],
        entry["device"]
        + (f" (was {before['device']})" if now and before and before["device"] != now["device"] else ""),
        entry["name"] or "-",
        entry["vendor"] or "-",
        scan_wording.and_more(entry["accounts"]),
        before["status"] if before else "-",
        now["status"] if now else "-",
        (seen["last_seen"] or "-")[:10],
    ]


def _share_row(entry: Record, unnamed: str) -> list[str]:
    return [entry["name"] or unnamed, f"{entry['devices']:,}", f"{entry['with_password']:,}"]


def _shared_row(entry: Record) -> list[str]:
    devices = entry["devices"]
    return [entry["account"], entry["service"] or "-", f"{len(devices):,}", named(devices)]
