"""Headers are recognised whatever their spelling, the equal ones before those that only begin alike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.provider_view.columns import is_complete, missing, plain, positions
from analyzer.provider_view.sign_ins import COLUMNS as SIGN_IN_COLUMNS
from analyzer.provider_view.smtp_auth_clients import COLUMNS


@pytest.mark.parametrize(
    "text", ["Sender address", "sender-address ", "SENDER_ADDRESS", "Sénder Address", "\ufeffSenderAddress"]
)
def test_case_accents_spaces_and_signs_do_not_matter(text: str) -> None:
    assert plain(text) == "senderaddress"


def test_an_equal_name_goes_before_one_that_only_begins_alike() -> None:
    assert positions(["Sender address domain", "Sender address", "Messages sent"], COLUMNS) == {
        "account": 1,
        "messages": 2,
    }
    header = ["ipAddressFromResourceProvider", "userDisplayName", "ipAddress", "userPrincipalName", "clientAppUsed"]
    assert positions(header, SIGN_IN_COLUMNS) == {"address": 2, "account": 3, "client": 4}


def test_a_header_that_goes_on_is_known_by_its_beginning() -> None:
    assert positions(["Sender address (UPN)", "Messages sent (90 days)", "TLS 1.0 (%)"], COLUMNS) == {
        "account": 0,
        "messages": 1,
        "tls10": 2,
    }


def test_an_error_names_few_headers_and_none_at_length() -> None:
    said = str(missing("f.csv", "a report", ["x" * 500, *(f"h{n}" for n in range(100))], COLUMNS))
    assert said.endswith(" and 61 more")
    assert "x" * 61 not in said


@given(st.lists(st.text(max_size=80), max_size=12))
def test_no_header_is_taken_for_two_columns(header: list[str]) -> None:
    found = positions(header, COLUMNS)
    assert len(set(found.values())) == len(found)
    assert is_complete(header, COLUMNS) == ({"account", "messages"} <= found.keys())
