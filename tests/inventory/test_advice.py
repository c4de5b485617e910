from __future__ import annotations

import pytest

from analyzer.inventory.advice import advice
from analyzer.inventory.status import STATUSES, Status


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_has_one_sentence(status: Status) -> None:
    text = advice(status, (), ())
    assert text.endswith(".")
    assert text.count(". ") == 0


def test_a_retiring_provider_adds_what_it_announced() -> None:
    text = advice("password", ["basic-to-retiring-provider"], ["postmark", "exchange-online"])
    assert "December 2026" in text
    assert "December 2026" not in advice("password", [], ["exchange-online"])


def test_mail_that_is_being_refused_comes_first() -> None:
    assert "refused because passwords are switched off" in advice("exposed", ["basic-disabled"], [])
    assert "until it authenticates" in advice("no-auth", ["auth-required"], [])


def test_an_unknown_provider_adds_nothing() -> None:
    assert advice("password", ["basic-to-retiring-provider"], ["of-a-later-version"]).count(";") == 0
