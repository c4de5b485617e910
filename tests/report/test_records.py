from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest

from analyzer.errors import Damage
from analyzer.inventory.session import Session
from analyzer.report import InputSummary
from analyzer.report.losses import LOSSES
from analyzer.report.records import context_record, device_record, mac_text, session_record, timestamp
from analyzer.report.redact import Redactor
from analyzer.smtp.records import AuthAttempt, StartTls
from analyzer.tls.certificate import Certificate
from tests.support.reports import HOSTILE, hostile_sessions, office, office_report, report
from tests.support.sessions import SECOND, attempt, session, silent


def test_a_session_record_is_the_documented_one() -> None:
    seen = session(
        attempt("LOGIN", code=235, enhanced="2.7.0"),
        starttls=StartTls(offered=True, requested=False),
        mechanisms_before_tls=("PLAIN", "LOGIN"),
        tls_sni=None,
        server_name="smtp.office365.com",
        provider="exchange-online",
        messages=1,
        complete=True,
        server_side_seen=True,
        client_side_seen=True,
    )
    seen.oddities["segment-duplicate"] = 2
    assert session_record(seen) == {
        "start": "2026-11-23T20:48:55.123456Z",
        "end": "2026-11-23T20:48:56.123456Z",
        "source": "office.pcap",
        "client": {
            "ip": "10.10.0.103",
            "port": 35878,
            "mac": "00-17-C8-00-01-03",
            "ehlo": "copier3.example.com",
            "mail_program": None,
        },
        "server": {
            "ip": "10.10.0.11",
            "port": 587,
            "name": "smtp.office365.com",
            "provider": "exchange-online",
            "greeting": None,
        },
        "tls": {
            "mode": "none",
            "version": None,
            "cipher": None,
            "sni": None,
            "alpn": None,
            "offered_versions": None,
            "ja3": None,
            "ja3_raw": None,
            "ja4": None,
            "ja4_raw": None,
            "established": None,
            "alert": None,
            "resumed": None,
            "certificate": None,
        },
        "auth": [
            {
                "mechanism": "LOGIN",
                "method": "basic",
                "evidence": "observed",
                "confidence": 1.0,
                "cleartext": True,
                "initial_response": False,
                "username": "scan@example.com",
                "authzid": None,
                "realm": None,
                "outcome": "success",
                "reply": "235 2.7.0",
                "meaning": None,
                "refusal": None,
            }
        ],
        "method": "basic",
        "evidence": "observed",
        "confidence": 1.0,
        "reason": None,
        "reasons": [],
        "starttls": {"offered": True, "requested": False, "accepted": None},
        "offered_mechanisms": {"before_tls": ["PLAIN", "LOGIN"], "after_tls": None},
        "messages": 1,
        "complete": True,
        "gaps": 0,
        "server_side_seen": True,
        "client_side_seen": True,
        "findings": [
            "cleartext-auth",
            "auth-before-starttls",
            "basic-to-retiring-provider",
            "password-offered-in-clear",
        ],
        "oddities": {"segment-duplicate": 2},
    }


def test_a_device_record_has_the_documented_fields() -> None:
    made = device_record(office_report().devices[0])
    assert list(made) == [
        "device", "name", "ips", "mac", "mac_is_router", "vendor", "names", "hostnames", "vendor_class",
        "mail_programs", "ja4", "asset", "status", "evidence", "confidence", "methods", "mechanisms", "accounts",
        "servers", "sessions", "messages", "auth_success", "auth_failure", "last_failure", "first_seen", "last_seen",
        "clients_behind", "findings", "advice", "unlisted",
    ]  # fmt: skip
    assert (made["device"], made["mac"], made["status"]) == ("10.10.0.103", "00-17-C8-00-01-03", "exposed")
    assert made["servers"] == [
        {
            "name": "smtp.example.com",
            "ip": "10.10.0.11",
            "ports": [587],
            "provider": None,
            "sessions": 1,
            "methods": {"basic": 1},
        }
    ]


def test_a_refused_login_is_reported_with_its_meaning() -> None:
    (fax,) = [d for d in office_report().devices if d.device == "10.10.0.104"]
    failure = device_record(fax)["last_failure"]
    assert failure == {
        "time": "2026-11-23T20:48:55.123456Z",
        "code": 535,
        "enhanced": "5.7.8",
        "meaning": "wrong credentials",
    }


def test_attempts_read_with_keys_are_not_called_cleartext() -> None:
    seen = session(attempt("PLAIN", evidence="decrypted"), evidence="decrypted", method="basic", confidence=1.0)
    (made,) = session_record(seen)["auth"]
    assert (made["cleartext"], made["evidence"]) == (False, "decrypted")


def test_a_connection_joined_inside_tls_has_no_mode() -> None:
    assert session_record(silent("unknown", tls_mode=None))["tls"]["mode"] is None


def test_what_was_seen_of_tls_is_reported() -> None:
    suites = ",".join(f"{suite:04x}" for suite in range(300))
    seen = silent(
        "unknown",
        tls_mode="implicit",
        tls_version="1.2",
        tls_alpn=("smtp",),
        tls_client_versions=("1.3", "1.2"),
        tls_ja3="ada70206e40642a3e4461f35503241d5",
        tls_ja3_raw="771,0,,,",
        tls_ja4="t13d9900sp_8daaf6152771_000000000000",
        tls_ja4_raw=f"t13d9900sp_{suites}_",
        tls_certificate=Certificate("mx", ("mx.example", "*.example"), 0, 253_402_300_799 * SECOND, self_issued=True),
    )
    made = session_record(seen)["tls"]
    assert (made["alpn"], made["offered_versions"]) == (["smtp"], ["1.3", "1.2"])
    assert (made["ja3"], made["ja3_raw"]) == ("ada70206e40642a3e4461f35503241d5", "771,0,,,")
    assert (made["ja4"], made["ja4_raw"]) == ("t13d9900sp_8daaf6152771_000000000000", f"t13d9900sp_{suites}_")
    assert made["certificate"] == {
        "subject": "mx",
        "names": ["mx.example", "*.example"],
        "not_before": "1970-01-01T00:00:00.000000Z",
        "not_after": "9999-12-31T23:59:59.000000Z",
        "self_issued": True,
    }


def test_no_protocols_offered_is_not_the_same_as_no_offer_seen() -> None:
    assert session_record(silent(tls_client_versions=("1.2",)))["tls"]["alpn"] == []
    assert session_record(silent())["tls"]["alpn"] is None


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (1_000, "1970-01-01T00:00:00.000001Z"),
        (1_795_466_935_123_456_999, "2026-11-23T20:48:55.123456Z"),
        (1_000_000_000, "1970-01-01T00:00:01.000000Z"),
        (2**63 - 1, "2262-04-11T23:47:16.854775Z"),
        (2**80, None),
        (-(2**80), None),
        (None, None),
    ],
)
def test_times_are_utc_with_microseconds_and_impossible_ones_unknown(nanoseconds: int | None, text: str | None) -> None:
    assert timestamp(nanoseconds) == text


def test_macs_are_written_as_the_ieee_does() -> None:
    assert mac_text(0x0017C8_0A0B0C) == "00-17-C8-0A-0B-0C"
    assert mac_text(0) == "00-00-00-00-00-00"
    assert mac_text(None) is None


@pytest.mark.parametrize("kind", HOSTILE)
def test_every_string_of_every_record_is_printable_and_short(kind: str) -> None:
    seen = hostile_sessions(HOSTILE[kind])
    made = report(seen)
    records = [
        *map(session_record, seen),
        *map(device_record, made.devices),
        context_record(made),
    ]
    for text in strings(records):
        assert text.isprintable()
        assert len(text) <= 600


def strings(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for pair in value.items() for part in pair for text in strings(part)]
    if isinstance(value, list | tuple):
        return [text for part in value for text in strings(part)]
    return [value] if isinstance(value, str) else []


def test_redaction_reaches_every_user_name_and_is_the_same_everywhere() -> None:
    seen = [session(attempt("PLAIN", username="canary@example.com", authzid="canary2@example.com"))]
    redactor = Redactor(b"key")
    made = report(seen)
    text = json.dumps([session_record(seen[0], redactor), device_record(made.devices[0], redactor)])
    assert "canary" not in text
    assert text.count(redactor.alias("canary@example.com")) == 2


def test_redaction_leaves_unknown_users_unknown() -> None:
    seen = session(attempt("LOGIN", username=None))
    assert session_record(seen, Redactor(b"key"))["auth"][0]["username"] is None


def test_the_context_carries_inputs_losses_and_oddities() -> None:
    made = context_record(office_report())
    assert made["inputs"][0]["first"] == "2026-11-23T20:48:55.123456Z"
    assert list(made["undecoded"].items()) == [("cut-header", 7), ("unknown-link-type", 3)]
    assert made["damage"] == [{"name": "office.pcap", "what": "cut off in its last record (17 bytes lost)"}]
    assert made["oddities"] == {"segment-duplicate": 2}


@pytest.mark.parametrize("oddity", LOSSES)
def test_a_limit_that_was_hit_makes_the_report_incomplete(oddity: str) -> None:
    assert context_record(report(office()))["complete"] is True
    assert context_record(report(office(), oddities={oddity: 1}))["complete"] is False


@pytest.mark.parametrize(
    "lost",
    [
        {"undecoded": {"truncated-header": 1}},
        {"damage": [Damage("a.pcap", "cut off")]},
        {"inputs": [InputSummary("a.pcapng", "pcapng", 1, 1, dropped=1)]},
        {"interrupted": True},
    ],
)
def test_anything_lost_makes_the_report_incomplete(lost: dict[str, Any]) -> None:
    assert context_record(report(office(), **lost))["complete"] is False


def test_records_are_made_of_fields_that_cannot_hold_a_secret() -> None:
    names = {field.name for record in (Session, AuthAttempt) for field in fields(record)}
    assert not {name for name in names if "password" in name or "secret" in name or "token" in name or "hash" in name}


def test_every_office_session_has_the_same_keys() -> None:
    keys = {tuple(session_record(seen)) for seen in office()}
    assert len(keys) == 1


def test_packets_without_time_stamps_have_no_time() -> None:
    assert timestamp(0) is None
    assert session_record(session(attempt(), start=0, end=0))["start"] is None
