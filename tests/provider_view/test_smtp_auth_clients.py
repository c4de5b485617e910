"""The Exchange admin centre's export in all its spellings, and what is said of files that are none."""

from __future__ import annotations

import codecs
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzer.errors import InputError
from analyzer.provider_view import SmtpAuthClient, read_smtp_auth_clients
from analyzer.provider_view.smtp_auth_clients import LONGEST_ACCOUNT, count, percent
from tests.provider_view.exports import EAC_HEADER, cells, eac_row, written

PLAIN = cells(EAC_HEADER, eac_row("scan@example.com", messages="1,204", old="2.5"), eac_row("erp@example.com", "OAuth"))
EXPECTED = [
    SmtpAuthClient("scan@example.com", "basic", 1204, 2.5),
    SmtpAuthClient("erp@example.com", "oauth", 10, 0.0),
]


def refusal(name: str) -> str:
    with pytest.raises(InputError) as caught:
        read_smtp_auth_clients(name)
    said = str(caught.value)
    assert "\n" not in said
    assert said.isprintable()
    return said


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (b"", "utf-16-le"),
        (b"", "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (b"", "cp1252"),
    ],
)
def test_any_encoding_is_read(tmp_path: Path, mark: bytes, encoding: str) -> None:
    text = PLAIN + cells(eac_row("müller@example.com"))
    rows, source = read_smtp_auth_clients(written(tmp_path, mark + text.encode(encoding)))
    assert rows == [*EXPECTED, SmtpAuthClient("müller@example.com", "basic", 10, 0.0)]
    assert (source.rows, source.unusable) == (3, 0)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_any_delimiter_is_read(tmp_path: Path, delimiter: str) -> None:
    text = cells(EAC_HEADER, eac_row("scan@example.com"), delimiter=delimiter)
    rows, _ = read_smtp_auth_clients(written(tmp_path, text))
    assert rows == [SmtpAuthClient("scan@example.com", "basic", 10, 0.0)]


@pytest.mark.parametrize(
    "above",
    ["sep=;\r\n", "SMTP AUTH clients report\r\n\r\n", "\r\n\r\n", "Report,1 Nov 2026,2 Nov 2026,,,,,,\r\n"],
)
def test_what_stands_above_the_header_is_passed_over(tmp_path: Path, above: str) -> None:
    delimiter = ";" if above.startswith("sep") else ","
    text = above + cells(EAC_HEADER, eac_row("scan@example.com"), delimiter=delimiter)
    assert len(read_smtp_auth_clients(written(tmp_path, text))[0]) == 1


@pytest.mark.parametrize(
    "header",
    [
        ("Sender address", "Messages sent", "Authentication protocol"),
        ("SENDER_ADDRESS", "messages-sent", "AuthenticationProtocol"),
        ("Sender Email Address", "Message Count", "Authentication Type"),
        ("sender", "Messages", "auth protocol"),
        ("Indirizzo del mittente", "Messaggi inviati", "Protocollo di autenticazione"),
        ("Absenderadresse", "Gesendete Nachrichten", "Authentifizierungsprotokoll"),
        ("Adresse de l\u2019expéditeur", "Messages envoyés", "Protocole d\u2019authentification"),
        ("Dirección del remitente", "Mensajes enviados", "Protocolo de autenticación"),
    ],
)
def test_headers_are_known_in_any_spelling_order_and_several_languages(
    tmp_path: Path, header: tuple[str, str, str]
) -> None:
    row = ("scan@example.com", "7", "Basic")
    for order in ((0, 1, 2), (2, 1, 0), (1, 0, 2)):
        text = cells(tuple(header[i] for i in order), tuple(row[i] for i in order))
        assert read_smtp_auth_clients(written(tmp_path, text))[0] == [
            SmtpAuthClient("scan@example.com", "basic", 7, None)
        ]


@pytest.mark.parametrize(
    ("said", "protocols"),
    [
        ("Basic", ["basic"]),
        ("BASIC AUTH", ["basic"]),
        ("OAuth 2.0", ["oauth"]),
        ("Modern", ["oauth"]),
        ("Basic, OAuth", ["basic", "oauth"]),
        ("Both", ["basic", "oauth"]),
        ("", [None]),
        ("?", [None]),
    ],
)
def test_the_protocol_is_basic_oauth_both_or_not_said(tmp_path: Path, said: str, protocols: list[str]) -> None:
    rows, source = read_smtp_auth_clients(written(tmp_path, cells(EAC_HEADER, eac_row("a@b.example", said))))
    assert [row.protocol for row in rows] == protocols
    assert sum(row.messages or 0 for row in rows) == 10
    assert source.rows == 1


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *((text, 1204) for text in ("1204", "1,204", "1.204", "1 204", "1\u00a0204", "1\u2019204")),
        *((text, None) for text in ("", "-3", "many", "9" * 20, "\u0663")),
    ],
)
def test_numbers_have_any_separator(text: str, number: int | None) -> None:
    assert count(text) == number


@pytest.mark.parametrize(
    ("text", "number"), [("12.5", 12.5), ("12,5 %", 12.5), ("100%", 100.0), ("101", None), ("", None), ("x", None)]
)
def test_percentages_have_a_point_or_a_comma(text: str, number: float | None) -> None:
    assert percent(text) == number


def test_rows_without_an_account_are_counted_and_left_out(tmp_path: Path) -> None:
    text = PLAIN + cells(("", "", "", "", "", "", ""), (" ", "x"), ("a" * (LONGEST_ACCOUNT + 1), "x"))
    rows, source = read_smtp_auth_clients(written(tmp_path, text))
    assert rows == EXPECTED
    assert (source.rows, source.unusable) == (2, 2)  # a blank row is none


def test_short_rows_are_what_they_say(tmp_path: Path) -> None:
    rows, _ = read_smtp_auth_clients(written(tmp_path, cells(EAC_HEADER, ("scan@example.com",))))
    assert rows == [SmtpAuthClient("scan@example.com", None, None, None)]


def test_of_a_file_without_the_columns_what_was_looked_for_and_what_was_seen_is_told(tmp_path: Path) -> None:
    name = written(tmp_path, "Name,Place,\x1b[31mColour\r\nx,y,z\r\n")
    assert refusal(name) == (
        f"{name}: not an export of the SMTP AUTH clients report: no column 'Sender address', 'Messages sent'; "
        "headers seen: 'Name', 'Place', '?[31mColour'"
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "headers seen: none"),
        (b"PK\x03\x04rest", "it is a workbook or a ZIP archive; save it as CSV"),
        (b"\x1f\x8b\x08rest", "it is compressed with gzip; unpack it first"),
        (PLAIN.encode() + b'x@office.example,"Basic\ny@office.example,Basic,7\n', "it is no CSV file (unexpected end"),
        (PLAIN.encode() + b"a," * 600_000, "it is no CSV file (a row of more than 1,048,576 characters)"),
        (PLAIN.encode() + b'"\n",' * 300_000, "it is no CSV file (a row of more than 1,048,576 characters)"),
        (b"\x00" * 1000, "no column"),
        (("a," * 3000 + "\n").encode(), "more"),
        (PLAIN.encode() + b'"' + b"x" * 200_000, "it is no CSV file"),
        (PLAIN.encode() + b" " * 70_000 + b"\xff", "not utf-8 text"),
    ],
)
def test_what_is_no_such_export_is_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    assert said in refusal(written(tmp_path, content))


def test_what_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    assert "it cannot be read" in refusal(str(tmp_path / "none.csv"))
    assert "no file that can be read twice" in refusal(str(tmp_path))
    assert "no file can have such a name" in _refused("\0")
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    assert "no file that can be read twice" in refusal(str(fifo))


def _refused(name: str) -> str:
    with pytest.raises(InputError) as caught:
        read_smtp_auth_clients(name)
    return str(caught.value)


def test_a_file_that_is_too_long_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzer.provider_view.tables.LARGEST_FILE", 1 << 20)
    name = written(tmp_path, PLAIN + "\r\n" * (1 << 20))
    assert "more than 1 MB; export a shorter period" in refusal(name)


def test_limits_on_rows_and_accounts_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = written(tmp_path, PLAIN)
    monkeypatch.setattr("analyzer.provider_view.smtp_auth_clients.MOST_ACCOUNTS", 1)
    rows, source = read_smtp_auth_clients(name)
    assert (len(rows), source.unusable) == (1, 1)
    monkeypatch.setattr("analyzer.provider_view.tables.MOST_ROWS", 1)
    assert "more than 1 rows" in refusal(name)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=400) | st.binary(max_size=200).map(lambda tail: PLAIN.encode() + tail))
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    name = written(tmp_path, content)
    try:
        rows, source = read_smtp_auth_clients(name)
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017 - most bytes are refused, some are not
    else:
        assert len(rows) >= source.rows


@given(st.lists(st.tuples(st.emails(), st.sampled_from(["Basic", "OAuth"]), st.integers(0, 10**9)), max_size=8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_row_is_read_as_it_was_written(tmp_path: Path, rows: list[tuple[str, str, int]]) -> None:
    text = cells(EAC_HEADER, *(eac_row(account, protocol, messages) for account, protocol, messages in rows))
    read, _ = read_smtp_auth_clients(written(tmp_path, text))
    assert [(row.account, row.protocol, row.messages) for row in read] == [
        (account, protocol.lower(), messages) for account, protocol, messages in rows
    ]
