"""The provider's view as a dictionary and as tables: harmless, redacted on demand, cut where it is long."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest

from analyzer.provider_view import ProviderView, SignIns, SmtpAuthClient, SourceFile
from analyzer.provider_view.join import joined
from analyzer.report.provider_view import (
    SHOWN,
    provider_view_notes,
    provider_view_record,
    provider_view_sentence,
    provider_view_tables,
    write_provider_view,
)
from analyzer.report.redact import Redactor
from analyzer.report.width import display_width
from tests.advice.devices import device, server
from tests.provider_view.exports import ELSEWHERE, HERE
from tests.support.reports import HOSTILE


def view() -> ProviderView:
    """Each outcome once, with a sign-in log."""
    clients = [
        SmtpAuthClient("scan@b.example", "basic", 1204, 2.5),
        SmtpAuthClient("erp@b.example", "oauth", 7, None),
        SmtpAuthClient("far@b.example", "basic", 3, None),
        SmtpAuthClient("app@b.example", "oauth", 1, None),
    ]
    logged = [
        SignIns("scan@b.example", successes=2, addresses={HERE: 2}),
        SignIns("far@b.example", failures=2, refused_from={ELSEWHERE: 2}, last_reason="Invalid password"),
    ]
    exchange = server("exchange-online")
    devices = [
        device("password", exchange, accounts=("scan@b.example",)),
        device("password", exchange, ip="10.0.0.2", accounts=("erp@b.example", "gone@b.example")),
        device("password", exchange, ip="10.0.0.3"),
    ]
    return joined(clients, logged, devices, [SourceFile("eac.csv", 4, unusable=1), SourceFile("log.csv", 4, others=9)])


def text(record: dict[str, object], width: int = 100) -> str:
    out = io.StringIO()
    write_provider_view(record, out, width)
    return out.getvalue()


def test_the_view_reads_as_an_answer_then_tables() -> None:
    shown = text(provider_view_record(view()))
    assert " ".join(shown.split()).startswith(
        "The provider lists 4 accounts, 2 of them with Basic. Compared with what we saw: 1 the same"
    )
    assert "1 device of ours logs in there inside TLS" in " ".join(shown.split())
    titles = [table.title for table in provider_view_tables(provider_view_record(view()))]
    assert titles == [
        "Accounts of which we and the provider say different things",
        "Accounts with Basic that no device of ours explains",
        "Accounts as both see them",
        "Accounts with nothing to compare",
        "Accounts of our devices that were not joined",
        "Public addresses",
    ]
    assert all(title in shown for title in titles)
    assert "2 refused: Invalid password" in shown


def test_every_row_is_as_long_as_its_head() -> None:
    for table in provider_view_tables(provider_view_record(view())):
        assert table.rows
        assert {len(row) for row in table.rows} == {len(table.head)}


def test_the_record_is_json() -> None:
    record = provider_view_record(view())
    assert json.loads(json.dumps(record)) == record


def test_what_was_left_out_is_told() -> None:
    notes = list(provider_view_notes(provider_view_record(replace(view(), unlisted={"addresses": 3}))))
    assert notes == [
        "eac.csv: 4 rows, 1 without a usable account.",
        "log.csv: 4 rows, 9 of other kinds left out.",
        "Limit reached, not listed: addresses 3.",
    ]


def test_redacted_users_are_in_no_part_of_it() -> None:
    shown = text(provider_view_record(view(), Redactor(b"key")))
    for user in ("scan@", "erp@", "far@", "gone@"):
        assert user not in shown
    assert "user-" in shown


@pytest.mark.parametrize("wire", HOSTILE.values(), ids=HOSTILE)
def test_nothing_that_an_export_holds_acts_on_a_terminal(wire: str) -> None:
    logged = [SignIns(wire, failures=1, last_reason=wire, last_failure=wire)]
    made = joined(
        [SmtpAuthClient(wire, "basic", 1, None)],
        logged,
        [device("password", accounts=(wire, wire + "x"))],
        [SourceFile(wire, 1)],
    )
    assert all(line.isprintable() for line in text(provider_view_record(made)).split("\n"))


@pytest.mark.parametrize("width", [60, 100, 160])
def test_no_line_is_wider_than_asked(width: int) -> None:
    assert max(map(display_width, text(provider_view_record(view()), width).splitlines())) <= width


def test_long_tables_are_cut_and_counted() -> None:
    clients = [SmtpAuthClient(f"{n}@b.example", "basic", 1, None) for n in range(SHOWN + 7)]
    record = provider_view_record(joined(clients, [], []))
    assert "... and 7 more (JSON has all)" in text(record)
    assert len(record["accounts"]) == SHOWN + 7


def test_without_anything_the_answer_is_still_one() -> None:
    record = provider_view_record(joined([], [], []))
    assert provider_view_sentence(record).startswith("The provider lists 0 accounts")
    assert list(provider_view_tables(record)) == []
