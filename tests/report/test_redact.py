from __future__ import annotations

import re

from analyzer.report.redact import KEY_VARIABLE, Redactor

USER = "scan@example.com"


def test_an_alias_is_stable_under_its_key_and_differs_under_another() -> None:
    assert Redactor(b"one").alias(USER) == Redactor(b"one").alias(USER)
    assert Redactor(b"one").alias(USER) != Redactor(b"two").alias(USER)
    assert Redactor(b"one").alias(USER) != Redactor(b"one").alias("fax@example.com")


def test_an_alias_shows_nothing_of_the_name() -> None:
    assert re.fullmatch(r"user-[0-9a-f]{12}", Redactor(b"k").alias(USER))


def test_the_environments_key_is_used_and_without_it_every_run_has_its_own() -> None:
    assert Redactor.from_environment({KEY_VARIABLE: "k"}).alias(USER) == Redactor(b"k").alias(USER)
    assert Redactor.from_environment({}).alias(USER) != Redactor.from_environment({}).alias(USER)
    assert Redactor.from_environment({KEY_VARIABLE: ""}).alias(USER) != Redactor(b"").alias(USER)


def test_keys_of_any_length_and_names_of_any_bytes_are_taken() -> None:
    Redactor(b"k" * 1000).alias("a\udc80b")


def test_the_key_is_not_shown() -> None:
    assert "canary" not in repr(Redactor(b"canary"))
