"""The comparison for people and for programs."""

from __future__ import annotations

import textwrap
from collections import Counter
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any, Final, TextIO

from analyzer.report.json_ import write_object
from analyzer.report.table import Column, render
from analyzer.report.text import clean
from analyzer.verify.records import ANSWERS, Accuracy, Answer, Comparison, Endpoint, Judgement, Outcome, Verdict

SHOWN_AGREEING: Final = 50
"""Sessions in agreement that the table lists unless more are asked for; the others are counted."""

_ORDER: Final[tuple[Outcome, ...]] = ("differ", "theirs only", "ours only", "agree")

_COLUMNS: Final = (
    Column("Result"),
    Column("Input", least=24, leave=2, middle=True),
    Column("Client", least=16, middle=True),
    Column("Server", least=16, middle=True),
    Column("Session", least=14),
    Column("Compared", least=12, leave=1),
)

_GIVEN: Final[tuple[Answer, ...]] = ("right", "wrong", "abstained")

_ACCURACY_COLUMNS: Final = (Column("In truth"), *(Column(answer.capitalize()) for answer in _GIVEN))


def write_table(verdict: Verdict, out: TextIO, width: int, *, everything: bool = False) -> None:
    """Sessions in a table, worst first; then each difference in full, what tshark is silent about, and the answer.

    Args:
        width: columns of the terminal.
        everything: list every session in agreement.
    """
    ordered = sorted(verdict.comparisons, key=lambda comparison: _ORDER.index(comparison.outcome))
    agreeing = verdict.counts["agree"]
    left_out = 0 if everything else max(0, agreeing - SHOWN_AGREEING)
    shown = ordered[: len(ordered) - left_out]
    if shown:
        several = len({comparison.source for comparison in shown}) > 1
        columns = [column for column in _COLUMNS if several or column.title != "Input"]
        rows = [_row(comparison, several) for comparison in shown]
        out.write(render(columns, rows, width) + "\n")
        if left_out:
            out.write(f"... and {left_out:,} more in agreement (--verbose lists them)\n")
        out.write("\n")
    for comparison in ordered:
        if comparison.differences:
            what = "; ".join(
                f"{item.field}: {clean(item.ours)} here, {clean(item.theirs)} in tshark"
                for item in comparison.differences
            )
            _wrapped(f"{_place(comparison)}: {what}", out, width)
    _silences(verdict, out, width)
    if verdict.accuracy is not None:
        _accuracy(verdict.accuracy, out, width)
    for problem in verdict.problems:
        _wrapped(clean(problem), out, width)
    _wrapped(answer(verdict), out, width)


def answer(verdict: Verdict) -> str:
    """One line that answers the question."""
    total = len(verdict.comparisons)
    if not total:
        return f"Neither side saw a session (tshark {verdict.tshark})."
    counts = ", ".join(f"{verdict.counts[outcome]:,} {outcome}" for outcome in reversed(_ORDER))
    return f"{total:,} session{'s' if total != 1 else ''} held against tshark {verdict.tshark}: {counts}."


def write_json(verdict: Verdict, out: TextIO) -> None:
    """``{"sessions": [...], "summary": {...}, "inference": ..., "tshark": ..., "problems": [...]}``.

    Sessions come in order of time; ``inference`` is ``null`` where there are no keys.
    """
    summary: dict[str, int] = {"sessions": len(verdict.comparisons)}
    summary |= {outcome.replace(" ", "_"): verdict.counts[outcome] for outcome in reversed(_ORDER)}
    others = {
        "summary": summary,
        "inference": None if verdict.accuracy is None else _accuracy_record(verdict.accuracy),
        "tshark": verdict.tshark,
        "problems": [clean(problem) for problem in verdict.problems],
    }
    write_object("sessions", map(_record, verdict.comparisons), others, out)


def _row(comparison: Comparison, several: bool) -> list[str]:
    compared = comparison.agreed
    if comparison.differences:
        compared = [f"not {difference.field}" for difference in comparison.differences] + compared
    cells = [
        comparison.outcome,
        clean(PurePath(comparison.source).name),
        _endpoint(comparison.client),
        _endpoint(comparison.server),
        clean(comparison.facts),
        _counted(compared),
    ]
    return cells if several else [cells[0], *cells[2:]]


def _counted(fields: list[str]) -> str:
    """Each field once, in the order of its first mention; several attempts have the same ones."""
    return ", ".join(f"{name} ({count})" if count > 1 else name for name, count in Counter(fields).items()) or "-"


def _silences(verdict: Verdict, out: TextIO, width: int) -> None:
    silences = Counter(
        (unseen.field, unseen.reason) for comparison in verdict.comparisons for unseen in comparison.unseen
    )
    if silences:
        out.write("Not compared\n")
        for (field, reason), count in sorted(silences.items(), key=lambda item: (-item[1], item[0])):
            _wrapped(f"  {count:,} x {clean(field)}: {clean(reason)}", out, width)
        out.write("\n")


def _accuracy(accuracy: Accuracy, out: TextIO, width: int) -> None:
    """The table of answers by method, each wrong one, and the sum."""
    if accuracy.by_method:
        out.write("Inferred without the keys\n")
        rows = [
            [method, *(f"{answers[answer]:,}" for answer in _GIVEN)]
            for method, answers in sorted(accuracy.by_method.items())
        ]
        out.write(render(_ACCURACY_COLUMNS, rows, width) + "\n\n")
    for judgement in accuracy.wrong:
        what = "; ".join(
            f"{item.field}: {item.ours} inferred, {item.theirs} in truth" for item in judgement.differences
        )
        _wrapped(f"{_place(judgement)}: {what}", out, width)
    _wrapped(accuracy_answer(accuracy), out, width)


def accuracy_answer(accuracy: Accuracy) -> str:
    """One line that says how good the inference was."""
    counts = accuracy.counts
    text = f"Of {accuracy.sessions:,} TLS session{'s' if accuracy.sessions != 1 else ''}: "
    text += ", ".join(f"{counts[answer]:,} {answer}" for answer in ANSWERS) + "."
    if accuracy.outcomes:
        text += f" Outcomes: {accuracy.outcomes[True]:,} right, {accuracy.outcomes[False]:,} wrong."
    return text


def _accuracy_record(accuracy: Accuracy) -> dict[str, Any]:
    return {
        "sessions": accuracy.sessions,
        **{answer.replace(" ", "_"): accuracy.counts[answer] for answer in ANSWERS},
        "by_method": {
            method: {answer: answers[answer] for answer in _GIVEN}
            for method, answers in sorted(accuracy.by_method.items())
        },
        "outcomes": {"right": accuracy.outcomes[True], "wrong": accuracy.outcomes[False]},
        "wrong_answers": [
            {
                "start": _time(judgement.start),
                "source": clean(judgement.source),
                "client": {"ip": judgement.client[0], "port": judgement.client[1]},
                "server": {"ip": judgement.server[0], "port": judgement.server[1]},
                "confidence": judgement.confidence,
                "differences": [
                    {"field": item.field, "inferred": item.ours, "truth": item.theirs} for item in judgement.differences
                ],
            }
            for judgement in accuracy.wrong
        ],
    }


def _place(comparison: Comparison | Judgement) -> str:
    ends = f"{_endpoint(comparison.client)} -> {_endpoint(comparison.server)}"
    return f"{clean(comparison.source)} {_time(comparison.start)} {ends}"


def _record(comparison: Comparison) -> dict[str, Any]:
    return {
        "start": _time(comparison.start),
        "source": clean(comparison.source),
        "client": {"ip": comparison.client[0], "port": comparison.client[1]},
        "server": {"ip": comparison.server[0], "port": comparison.server[1]},
        "result": comparison.outcome,
        "session": clean(comparison.facts),
        "agreed": comparison.agreed,
        "differences": [
            {"field": item.field, "ours": clean(item.ours), "theirs": clean(item.theirs)}
            for item in comparison.differences
        ],
        "not_compared": [{"field": item.field, "reason": clean(item.reason)} for item in comparison.unseen],
    }


def _endpoint(endpoint: Endpoint) -> str:
    address, port = endpoint
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _time(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1_000_000:03d}Z"


def _wrapped(text: str, out: TextIO, width: int) -> None:
    out.write(textwrap.fill(text, width, subsequent_indent="    ", break_on_hyphens=False) + "\n")
