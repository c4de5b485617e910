from __future__ import annotations

import re
import time
import tracemalloc
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.inventory.providers import (
    CACHED_LOOKUPS,
    LONGEST_GREETING,
    LONGEST_HOST,
    MOST_CERTIFICATE_NAMES,
    Match,
    identify,
    provider,
    provider_of,
    providers,
)


@pytest.mark.parametrize(
    ("sni", "expected"),
    [
        ("smtp.office365.com", "exchange-online"),
        ("SMTP.Office365.COM.", "exchange-online"),
        ("smtp-hve.office365.com", "exchange-hve"),
        ("smtp-mail.outlook.com", "outlook-personal"),
        ("contoso-com.mail.protection.outlook.com", "exchange-online-relay"),
        ("smtp.gmail.com", "gmail"),
        ("smtp-relay.gmail.com", "google-relay"),
        ("alt1.aspmx.l.google.com", "google-mx"),
        ("email-smtp.eu-central-1.amazonaws.com", "amazon-ses"),
        ("smtp.sendgrid.net", "sendgrid"),
        ("smtp.eu.mailgun.org", "mailgun"),
        ("smtp.office365.com.evil.example", None),
        ("evil-smtp.office365.com", None),
        ("xsmtp.gmail.com", None),
        ("mail.protection.outlook.com", None),  # a suffix needs a host before it
        ("evilmail.protection.outlook.com", None),
        ("x.email-smtp.eu-central-1.amazonaws.com", None),
        ("email-smtp.a.b.amazonaws.com", None),
        ("", None),
        (".", None),
        (".*", None),
        ("smtp.gmail.com|x", None),
        ("email-smtp.*.amazonaws.com", None),  # a pattern is no host
        ("smtp.spar\u212apostmail.com", None),  # lower case makes the Kelvin sign a k
        ("x" * 300 + ".mail.protection.outlook.com", None),
    ],
)
def test_hosts_match_by_whole_labels_from_the_right(sni: str, expected: str | None) -> None:
    assert provider_of(sni) == expected


@pytest.mark.parametrize(
    ("greeting", "expected"),
    [
        (
            "AM0PR02CA0012.outlook.office365.com Microsoft ESMTP MAIL Service ready at Mon, 1 Jun 2026",
            "exchange-online",
        ),
        ("BMXPR01CA0083.INDPRD01.PROD.OUTLOOK.COM Microsoft ESMTP MAIL Service ready", "exchange-online"),
        ("DB5EUR01FT010.mail.protection.outlook.com Microsoft ESMTP MAIL Service ready", "exchange-online-relay"),
        ("smtp.gmail.com ESMTP a640c23a62f3a-b1 - gsmtp", "gmail"),
        ("mx.google.com ESMTP ffacd0b85a97d - gsmtp", "google-mx"),
        ("email-smtp.amazonaws.com ESMTP SimpleEmailService-d-VCSHDP1YZ", "amazon-ses"),
        ("SG ESMTP service ready at ismtpd0013p1las1.sendgrid.net", "sendgrid"),
        ("Mailgun Influx ready", "mailgun"),
        ("iCloud SMTP - outbound.st.icloud.com", "icloud"),
        ("2.0.0 smtp.sparkpostmail.com ESMTP ecelerity 4.1", "sparkpost"),
        ("mail.example.com Microsoft ESMTP MAIL Service ready", None),  # an Exchange server of one's own
        ("mail.example.com ESMTP relay for smtp.gmail.com", None),  # names it, is not it
        ("SG ESMTP service ready at sendgrid.net.evil.example", None),
        ("", None),
    ],
)
def test_greetings_name_the_provider(greeting: str, expected: str | None) -> None:
    assert provider_of(greeting=greeting) == expected


def test_the_clients_own_words_come_first() -> None:
    greeting = "AM0PR02CA0012.outlook.office365.com Microsoft ESMTP MAIL Service ready"
    assert identify("smtp-mail.outlook.com", None, greeting) == Match("outlook-personal", "sni")
    assert identify("mail.example.com", None, greeting) == Match("exchange-online", "greeting")
    assert identify(None, "smtp.gmail.com") == Match("gmail", "server-name")
    assert identify(cert_names=["mail.example.com", "smtp.zoho.com"]) == Match("zoho", "certificate")
    assert identify() is None


def test_wildcard_of_a_certificate_shows_a_provider_whose_hosts_all_end_so() -> None:
    assert identify(cert_names=["*.mail.protection.outlook.com"]) == Match("exchange-online-relay", "certificate")
    assert identify(cert_names=["*.outlook.com", "*.amazonaws.com", "*.com", "*"]) is None


@pytest.mark.parametrize(
    "text",
    [
        "a" * 255,
        "a." * 127,
        "a.email-smtp." * 19,
        "a.prod.outlook.com Microsoft " * 17,
        "2.0.0 " * 80,
        "." * 255,
        "-" * 500 + "!",
    ],
)
def test_names_made_to_be_slow_are_not(text: str) -> None:
    started = time.process_time()
    for n in range(1000):  # each is another one, so that nothing is remembered
        identify(f"{n}{text}"[:255], f"{n}x{text}"[:255], f"{n}{text}"[:512], [f"{n}y{text}"[:255]])
    assert time.process_time() - started < 1  # 0.05 s


def test_no_more_is_remembered_than_a_few_megabytes_however_long_the_names() -> None:
    for n in range(2 * CACHED_LOOKUPS):
        name = f"{n:05}" + "x" * 10_000
        identify(name, f"{n:05}.\U0001f4a9" * 50, name, [name])
    tracemalloc.start()
    for n in range(2 * CACHED_LOOKUPS):
        host = f"{n:05}." + "x" * (LONGEST_HOST - 6)
        identify(host, host, f"{host} {'x' * LONGEST_GREETING}"[:LONGEST_GREETING])
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 8_000_000


def test_of_a_certificate_with_names_without_end_only_the_first_are_looked_up() -> None:
    endless = (f"host{n}.example.com" for n in count())
    assert identify(cert_names=endless) is None
    assert next(endless) == f"host{MOST_CERTIFICATE_NAMES}.example.com"


@given(st.text(max_size=600), st.text(max_size=600), st.text(max_size=600), st.lists(st.text(), max_size=3))
def test_any_text_is_looked_up_without_error(sni: str, name: str, greeting: str, certificate: list[str]) -> None:
    identify(sni, name, greeting, certificate)


@pytest.mark.parametrize("id", list(providers()))
def test_every_row_can_be_found_by_its_own_hosts_and_says_where_it_was_read(id: str) -> None:
    row = provider(id)
    assert row is not None
    assert row.source
    assert row.basic in ("retiring", "ended", "app-passwords", "accepted", "none")
    assert row.as_of.isoformat() >= "2024"
    if row.basic in ("retiring", "ended"):
        assert row.note
        assert row.basic_ends
    for host in row.hosts:
        example = "x" + host if host.startswith(".") else host.replace("*", "eu-west-1")
        assert provider_of(example) == id
    for expression in row.greetings:
        assert re.compile(expression).groups == 0
        assert expression.startswith("^"), "a greeting is matched from its start, or it names whatever it likes"


def test_exchange_online_carries_the_date_that_superseded_the_others() -> None:
    row: Any = provider("exchange-online")
    assert row.basic == "retiring"
    assert row.basic_ends.isoformat() == "2026-12-31"
    assert row.as_of.isoformat() == "2026-01-27"
