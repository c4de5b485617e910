"""The geometry of the burn-down chart: numbers in, coordinates out; the template draws them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from analyzer.report.page.model import Deadline, Point

WIDTH, HEIGHT = 760, 390
"""Units of the view box; the page scales it."""

RIGHT, TOP, BOTTOM = 12, 36, 38
"""Room around the plot: a half label, labels of markers, names of periods."""

BESIDE, DIGIT = 12, 12.5
"""Room on the left: beside the figures of the axis, and for each of their characters in a phone's larger letters."""

UNSEEN = "unseen"
"""What stands for a period without traffic, as high as the plot: it has no number, not even zero."""

STACK = ("exposed", "password", "mixed")
"""Statuses of a bar from the bottom up: the worst stands on the axis, where its change is easiest to see."""

MOST_POINTS = 104
"""Periods drawn, the latest; two years of weeks are still told apart at the width of a phone."""

MOST_NAMES = 6
"""Names below the axis that fit side by side in the larger letters of a phone."""

MOST_LINES = 4
"""Grid lines above zero, at most one more."""

MOST_DEADLINES = 2
"""Deadlines marked, the nearest: their labels share one line above the plot. All of them are listed in words."""

SEAM = 1
"""Units left free between the parts of a bar: neighbours are told apart without colour."""

GAP = 0.22
"""Of a period's width, what is left free beside its bar."""


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a bar: ``status`` names its look."""

    status: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """One period. ``middle``, ``top``: where its figure may stand; ``text``: what it says to who cannot see it."""

    boxes: tuple[Box, ...]
    middle: float
    top: float
    total: int
    text: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Something at a place along an axis: a grid line and its figure, a period's name, a deadline."""

    at: float
    text: str
    anchor: str = "middle"


@dataclass(frozen=True, slots=True)
class Chart:
    """Coordinates in a view box of :data:`WIDTH` by :data:`HEIGHT`.

    Attributes:
        figures: index of the bars that get their total written above: first, highest and last of those with traffic.
        zero: y of the axis. forecast: x1, y1, x2, y2 of the line to zero.
    """

    width: int
    height: int
    left: float
    right: float
    top: float
    zero: float
    bars: tuple[Bar, ...]
    figures: frozenset[int]
    lines: tuple[Mark, ...]
    names: tuple[Mark, ...]
    deadlines: tuple[Mark, ...]
    forecast: tuple[float, float, float, float] | None


def step(highest: int) -> int:
    """Distance of grid lines: 1, 2 or 5 times a power of ten, so that about :data:`MOST_LINES` are needed."""
    rough = max(highest, 1) / MOST_LINES
    power = 10 ** math.floor(math.log10(rough))
    return max(1, int(next(times * power for times in (1, 2, 5, 10) if times * power >= rough)))


def burn_down(points: Sequence[Point], deadlines: Sequence[Deadline] = (), forecast: date | None = None) -> Chart:
    """The chart of ``points``, oldest first, at least one.

    The axis reaches into the future as far as a deadline or the forecast asks for, but never so far that the past is
    less than half of it: what lies beyond is told in words alone.
    """
    points = points[-MOST_POINTS:]
    days = max(1, (points[-1].last - points[0].first).days + 1) / len(points)
    end = points[-1].last + timedelta(days=1)
    room = max(len(points), 6)
    wanted = [day for day in (*(deadline.day for deadline in deadlines), forecast) if day is not None and day >= end]
    ahead = [slots for day in wanted if (slots := (day - end).days / days + 1) <= room]
    slots = len(points) + math.ceil(max(ahead, default=0))
    distance = step(max(point.still_password for point in points))
    ceiling = max(distance, distance * math.ceil(max(point.still_password for point in points) / distance))
    left = round(BESIDE + DIGIT * len(f"{ceiling:,}"))
    slot = (WIDTH - left - RIGHT) / max(slots, 3)
    zero = HEIGHT - BOTTOM
    scale = (zero - TOP) / ceiling

    def place(day: date) -> float:
        return round(left + ((day - end).days / days + len(points)) * slot, 1)

    bars = tuple(_bar(point, left + index * slot, slot, zero, scale) for index, point in enumerate(points))
    seen = [index for index, point in enumerate(points) if point.seen]
    figures = {seen[0], max(seen, key=lambda index: points[index].still_password), seen[-1]} if seen else set()
    line = None
    if seen and forecast is not None and forecast >= end and place(forecast) <= WIDTH - RIGHT:
        line = (bars[seen[-1]].middle, bars[seen[-1]].top, place(forecast), float(zero))
    every = math.ceil(len(points) / MOST_NAMES)
    return Chart(
        width=WIDTH,
        height=HEIGHT,
        left=left,
        right=WIDTH - RIGHT,
        top=TOP,
        zero=zero,
        bars=bars,
        figures=frozenset(_apart(figures, slot)),
        lines=tuple(Mark(round(zero - value * scale, 1), f"{value:,}") for value in range(0, ceiling + 1, distance)),
        names=tuple(Mark(bars[index].middle, points[index].short) for index in range(len(points) - 1, -1, -every)),
        deadlines=tuple(_deadlines(deadlines, end, place)),
        forecast=line,
    )


def _bar(point: Point, x: float, slot: float, zero: float, scale: float) -> Bar:
    x, width, middle = round(x + slot * GAP / 2, 1), round(slot * (1 - GAP), 1), round(x + slot / 2, 1)
    if not point.seen:
        box = Box(UNSEEN, x, TOP, width, zero - TOP)
        return Bar((box,), middle, float(zero), 0, f"{point.name}: nothing was seen")
    boxes, y = [], float(zero)
    for status in STACK:
        if count := point.counts.get(status, 0):
            y -= count * scale
            boxes.append(
                Box(
                    status,
                    x,
                    round(y, 1),
                    width,
                    round(max(count * scale - SEAM, count * scale / 2), 1),
                )
            )
    parts = ", ".join(f"{point.counts[status]:,} {status}" for status in STACK if point.counts.get(status))
    text = f"{point.name}: {point.still_password:,} of {point.devices:,}" + (f" ({parts})" if parts else "")
    return Bar(tuple(boxes), middle, round(y, 1), point.still_password, text)


def _apart(figures: set[int], slot: float) -> set[int]:
    """Those whose figures do not run into one another; the last one always stays."""
    kept: list[int] = []
    for index in sorted(figures, reverse=True):
        if all((other - index) * slot >= 40 for other in kept):
            kept.append(index)
    return set(kept)


def _deadlines(deadlines: Sequence[Deadline], end: date, place: Callable[[date], float]) -> list[Mark]:
    """Marks of the days that lie on the axis; those of one day share one. Beyond half of the width text stands left."""
    by_day: dict[date, list[str]] = {}
    for deadline in deadlines:
        if deadline.day >= end and place(deadline.day) <= WIDTH - RIGHT:
            by_day.setdefault(deadline.day, []).append(deadline.provider)
    marks = []
    for day, providers in sorted(by_day.items()):
        at = place(day)
        others = f" +{len(providers) - 1}" if len(providers) > 1 else ""
        text = f"{providers[0]}{others}, {day:%-d %b}"
        marks.append(Mark(at, text, "end" if at > WIDTH / 2 else "start"))
    return marks[:MOST_DEADLINES]
