"""The sign-in log as CSV and as JSON: SMTP alone, added up by account."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzer.errors import InputError
from analyzer.provider_view import SignIns, SourceFile, read_sign_ins
from analyzer.provider_view.sign_ins import LARGEST_JSON, LISTED_ADDRESSES
from analyzer.provider_view.tables import MOST_COLUMNS
from tests.provider_view.exports import ELSEWHERE, HERE, SIGN_IN_HEADER, cells, graph_entry, sign_in_row, written


def refusal(name: str) -> str:
    with pytest.raises(InputError) as caught:
        read_sign_ins(name)
    said = str(caught.value)
    assert "\n" not in said
    return said


def test_csv_of_the_portal_is_added_up_by_account_without_regard_to_case(tmp_path: Path) -> None:
    text = cells(
        SIGN_IN_HEADER,
        sign_in_row("Scan@example.com"),
        sign_in_row("scan@example.com"),
        sign_in_row("scan@example.com", ELSEWHERE, reason="Invalid password", time="2026-11-21T10:00:00Z"),
        sign_in_row("scan@example.com", ELSEWHERE, reason="Older", time="2026-11-19T10:00:00Z"),
        sign_in_row("scan@example.com", client="Browser"),
        sign_in_row(""),
    )
    name = written(tmp_path, text)
    accounts, source = read_sign_ins(name)
    assert accounts == [
        SignIns("Scan@example.com", 2, 2, {HERE: 2}, {ELSEWHERE: 2}, "Invalid password", "2026-11-21T10:00:00Z")
    ]
    assert source == SourceFile(name, 4, others=1, unusable=1)


@pytest.mark.parametrize("form", ["list", "value", "lines", "properties"])
def test_json_of_the_portal_of_graph_and_of_a_workspace(tmp_path: Path, form: str) -> None:
    entries: list[Any] = [graph_entry("scan@example.com"), graph_entry("scan@example.com", ELSEWHERE, code=50126)]
    entries.append(graph_entry("scan@example.com", client="Mobile Apps and Desktop clients"))
    content: Any = entries
    if form == "value":
        content = {"@odata.context": "x", "value": entries}
    elif form == "lines":
        content = "\n".join(map(json.dumps, entries))
    elif form == "properties":
        content = {"records": [{"category": "SignInLogs", "properties": entry} for entry in entries]}
    accounts, source = read_sign_ins(written(tmp_path, content, "export.json"))
    assert accounts == [
        SignIns("scan@example.com", 1, 1, {HERE: 1}, {ELSEWHERE: 1}, "Invalid password", "2026-11-20T10:00:00Z")
    ]
    assert (source.rows, source.others) == (2, 1)


@pytest.mark.parametrize("client", ["Authenticated SMTP", "SMTP AUTH", "SMTP", "authenticated smtp"])
def test_smtp_is_known_by_each_of_its_names(tmp_path: Path, client: str) -> None:
    accounts, _ = read_sign_ins(written(tmp_path, cells(SIGN_IN_HEADER, sign_in_row("a@b.example", client=client))))
    assert len(accounts) == 1


def test_addresses_that_are_none_and_too_many_of_them_are_no_matter(tmp_path: Path) -> None:
    rows = [sign_in_row("a@b.example", f"9.9.{n // 256}.{n % 256}") for n in range(LISTED_ADDRESSES + 5)]
    text = cells(SIGN_IN_HEADER, sign_in_row("a@b.example", "not an address"), *rows)
    ((account,), _) = read_sign_ins(written(tmp_path, text))
    assert account.successes == LISTED_ADDRESSES + 6
    assert (len(account.addresses), account.unlisted) == (LISTED_ADDRESSES, 5)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("Name,Place\r\nx,y\r\n", "no column 'Username', 'Client app', 'IP address'; headers seen: 'Name', 'Place'"),
        ("[", "it is no JSON"),
        ("{} x", "it is no JSON"),
        ("[3]", "it holds no list of sign-ins"),
        ('[{"a": 1}]', "no column 'Username', 'Client app', 'IP address'; headers seen: 'a'"),
        ("[" * 100_000, "it is no JSON"),
        (b"[\xff\xfe\x00]", "it is no JSON"),
    ],
)
def test_what_is_no_such_export_is_one_line(tmp_path: Path, content: str | bytes, said: str) -> None:
    assert said in refusal(written(tmp_path, content)) or "nested too deeply" in refusal(written(tmp_path, content))


def test_json_that_is_too_long_is_to_be_exported_as_csv(tmp_path: Path) -> None:
    assert "export the log as CSV" in refusal(written(tmp_path, b"[" + b" " * LARGEST_JSON))


def test_of_an_object_only_so_many_keys_are_looked_at_as_a_table_may_have_columns(tmp_path: Path) -> None:
    others = {f"key{number}": number for number in range(MOST_COLUMNS)}
    entry = graph_entry("scan@example.com")
    assert "no column 'Username'" in refusal(written(tmp_path, [{**others, **entry}]))
    assert len(read_sign_ins(written(tmp_path, [{**entry, **others}]))[0]) == 1


def test_an_empty_log_has_no_accounts(tmp_path: Path) -> None:
    assert read_sign_ins(written(tmp_path, "[]"))[0] == []
    assert read_sign_ins(written(tmp_path, cells(SIGN_IN_HEADER)))[0] == []


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*graph_entry("x"), "y"]), inner),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_json.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=300))
def test_any_content_is_read_or_refused(tmp_path: Path, content: bytes) -> None:
    name = written(tmp_path, content)
    try:
        accounts, source = read_sign_ins(name)
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017 - most contents are refused, some are not
    else:
        assert sum(account.successes + account.failures for account in accounts) == source.rows
