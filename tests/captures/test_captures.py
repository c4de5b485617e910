"""The captures folder is consistent: every file labelled, labels well-formed, small, and free of surprises."""

from __future__ import annotations

import base64
import gzip
import ipaddress
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.support.material import REPOSITORY

CAPTURES = REPOSITORY / "captures"
LIMIT_BYTES = 10_000_000
CANARY = b"c4n4ry"
MECHANISMS = {
    "PLAIN",
    "LOGIN",
    "CRAM-MD5",
    "DIGEST-MD5",
    "SCRAM-SHA-1",
    "SCRAM-SHA-256",
    "NTLM",
    "XOAUTH2",
    "OAUTHBEARER",
    "EXTERNAL",
}
TEXTS = {"file", "id", "client_ip", "server_ip", "device", "client", "server", "server_name", "tls", "outcome", "truth"}
TEXTS_OR_NULL = {"client_mac", "tls_version", "cipher", "mechanism", "username", "auth_code", "ehlo_name"}
NUMBERS = {"client_port", "port", "messages"}
FIELDS = TEXTS | TEXTS_OR_NULL | NUMBERS | {"start", "initial_response", "auth_attempts"}
OPTIONAL_FIELDS = {"continues_in", "generated_from", "auth_hidden"}


def read_labels() -> list[dict[str, Any]]:
    with (CAPTURES / "labels.jsonl").open() as lines:
        return [json.loads(line) for line in lines]


LABELS = read_labels()
RECORDED = [label for label in LABELS if "generated_from" not in label]
CAPTURE_FILES = sorted(
    path for folder in ("office", "mechanisms", "generated") for path in (CAPTURES / folder).iterdir()
)  # fmt: skip


def test_every_capture_is_labelled_and_every_label_has_its_capture() -> None:
    labelled = {name for label in LABELS for name in (label["file"], *label.get("continues_in", []))}
    assert labelled == {str(path.relative_to(CAPTURES)) for path in CAPTURE_FILES}


def test_the_folder_stays_small() -> None:
    assert sum(path.stat().st_size for path in CAPTURES.rglob("*") if path.is_file()) <= LIMIT_BYTES


@pytest.mark.parametrize("label", LABELS, ids=lambda label: label["id"])
def test_label_is_well_formed(label: dict[str, Any]) -> None:
    assert set(label) - OPTIONAL_FIELDS == FIELDS
    assert all(isinstance(label[name], str) for name in TEXTS)
    assert all(isinstance(label[name], str | None) for name in TEXTS_OR_NULL)
    assert all(type(label[name]) is int for name in NUMBERS)
    assert isinstance(label["start"], float)
    assert ipaddress.ip_address(label["client_ip"]).compressed == label["client_ip"]
    assert ipaddress.ip_address(label["server_ip"]).compressed == label["server_ip"]
    assert label["tls"] in {"none", "starttls", "implicit"}
    assert label["truth"] in {"cleartext", "decrypted", "intent"}
    assert (label["truth"] == "cleartext") == (label["tls"] == "none")
    assert label["outcome"] in {"success", "failure", "cancelled", "unknown", "none"}
    assert (label["outcome"] == "none") == (not label["auth_attempts"] and not label.get("auth_hidden", False))


@pytest.mark.parametrize("label", LABELS, ids=lambda label: label["id"])
def test_session_verdict_is_that_of_the_last_success_or_else_of_the_last_attempt(label: dict[str, Any]) -> None:
    attempts = label["auth_attempts"]
    if not attempts:
        assert label["mechanism"] is None
        return
    decisive = next((attempt for attempt in reversed(attempts) if attempt["outcome"] == "success"), attempts[-1])
    for name in ("mechanism", "initial_response", "username", "outcome"):
        assert label[name] == decisive[name]
    assert label["auth_code"] == decisive["code"]


def test_connections_are_told_apart_by_their_key() -> None:
    keys = Counter(
        tuple(label[name] for name in ("file", "client_ip", "client_port", "server_ip", "port", "start"))
        for label in LABELS
    )
    assert max(keys.values()) == 1


def test_the_matrix_is_covered() -> None:
    attempts = [(label, attempt) for label in RECORDED for attempt in label["auth_attempts"]]
    assert {attempt["mechanism"] for _, attempt in attempts} >= MECHANISMS
    succeeded = [
        (label["tls"] == "none", attempt["mechanism"]) for label, attempt in attempts if attempt["code"] == "235"
    ]
    assert {mechanism for clear, mechanism in succeeded if not clear} == MECHANISMS
    assert {mechanism for clear, mechanism in succeeded if clear} == MECHANISMS - {"EXTERNAL"}, "needs TLS"
    for mechanism in ("PLAIN", "LOGIN", "NTLM", "XOAUTH2", "OAUTHBEARER"):
        assert {a["initial_response"] for _, a in attempts if a["mechanism"] == mechanism} == {True, False}, mechanism
    assert {label["port"] for label in RECORDED} == {25, 465, 587, 2525}
    assert {ipaddress.ip_address(label["client_ip"]).version for label in RECORDED} == {4, 6}
    assert {attempt["outcome"] for _, attempt in attempts} == {"success", "failure", "cancelled", "unknown"}
    assert {"postfix", "dovecot", "exim", "aiosmtpd", "nodemailer", "exchange-dialogue"} <= {
        label["server"] for label in RECORDED
    }
    assert {"curl", "swaks", "msmtp", "smtplib", "nodemailer", "netsmtp"} <= {label["client"] for label in RECORDED}


def test_what_was_recorded_inside_tls_was_verified_by_decryption() -> None:
    unverified = {label["id"] for label in LABELS if label["truth"] == "intent"}
    assert unverified == {"starttls-never-started", "starttls-untrusted-certificate"}, (
        "these two carry no SMTP inside TLS"
    )


def test_a_connection_of_the_office_crosses_from_one_file_into_the_next() -> None:
    assert any("continues_in" in label for label in RECORDED)


def test_readme_names_every_device_and_folder() -> None:
    readme = (CAPTURES / "README.md").read_text()
    missing = [label["device"] for label in RECORDED if f"`{label['device']}`" not in readme]
    assert not missing
    assert all(f"`{folder}/`" in readme for folder in ("office", "mechanisms", "generated"))


def test_secrets_are_recognisable_in_the_captures_and_absent_from_labels_and_readme() -> None:
    """The canary lets other tests look for leaks; it must therefore be in the traffic and nowhere else."""
    forms = [CANARY, *(base64.b64encode(b"x" * shift + CANARY)[4 if shift else 0 : 8] for shift in range(3))]
    wire = (CAPTURES / "mechanisms" / "clear-plain-initial-response.pcap").read_bytes()
    assert any(form in wire for form in forms)
    assert CANARY not in (CAPTURES / "labels.jsonl").read_bytes()
    assert CANARY not in (CAPTURES / "README.md").read_bytes()


def test_labelled_addresses_are_private_or_for_documentation() -> None:
    allowed = [ipaddress.ip_network(net) for net in ("10.20.0.0/24", "198.51.100.0/24", "2001:db8::/32")]
    for label in LABELS:
        for name in ("client_ip", "server_ip"):
            address = ipaddress.ip_address(label[name])
            assert any(address.version == net.version and address in net for net in allowed), label["id"]


def test_generated_captures_are_what_the_generator_makes(tmp_path: Path) -> None:
    for name in ("labels.jsonl", "keys.log"):
        (tmp_path / name).write_bytes((CAPTURES / name).read_bytes())
    (tmp_path / "mechanisms").symlink_to(CAPTURES / "mechanisms")
    generate = REPOSITORY / "scripts" / "generate-captures"
    subprocess.run([sys.executable, str(generate), "--captures", str(tmp_path)], check=True)
    assert (tmp_path / "labels.jsonl").read_text() == (CAPTURES / "labels.jsonl").read_text()
    for path in sorted((CAPTURES / "generated").iterdir()):
        again = (tmp_path / "generated" / path.name).read_bytes()
        if path.suffix == ".gz":
            # Compressed bytes depend on the version of zlib.
            if "cut" not in path.name:
                assert gzip.decompress(again) == gzip.decompress(path.read_bytes())
        elif not path.name.startswith("compressed"):
            assert again == path.read_bytes(), path.name
    assert len(list((tmp_path / "generated").iterdir())) == len(list((CAPTURES / "generated").iterdir()))
