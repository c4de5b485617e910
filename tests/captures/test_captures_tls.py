"""The sessions recorded inside TLS are labelled, each of them, and varied."""

from __future__ import annotations

import json
import lzma
from collections import Counter
from typing import Any

import pytest

from scripts.labkit import pcapfile
from tests.captures.test_captures import CANARY, CAPTURES, FIELDS, TEXTS, TEXTS_OR_NULL
from tests.captures.test_captures import NUMBERS as COMMON_NUMBERS

FOLDER = CAPTURES / "tls"
NUMBERS = COMMON_NUMBERS | {"recipients"}
FLAGS = {"resumed", "retried", "client_certificate", "pipelined"}
STACKS = {"OpenSSL", "GnuTLS", "Go", "Java"}


def read_labels() -> list[dict[str, Any]]:
    with (FOLDER / "labels.jsonl").open() as lines:
        return [json.loads(line) for line in lines]


LABELS = read_labels()


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.glob("*.pcap.xz")))
def test_every_connection_is_labelled(name: str, tmp_path: Any) -> None:
    plain = tmp_path / "plain.pcap"
    plain.write_bytes(lzma.decompress((FOLDER / name).read_bytes()))
    recorded = Counter(
        ends
        for frame in pcapfile.read(plain)
        if (ends := pcapfile.endpoints(frame)) is not None and _is_first(frame.data)
    )
    labelled = Counter(
        frozenset({(label["client_ip"], label["client_port"]), (label["server_ip"], label["port"])})
        for label in LABELS
        if label["file"] == name
    )
    assert recorded == labelled


def _is_first(frame: bytes) -> bool:
    """Whether an Ethernet frame with IPv4 holds a SYN without ACK."""
    return frame[12:14] == b"\x08\0" and frame[14 + (frame[14] & 15) * 4 + 13] & 0x12 == 0x02


def test_every_label_has_its_capture() -> None:
    assert {label["file"] for label in LABELS} == {path.name for path in FOLDER.glob("*.pcap.xz")}


@pytest.mark.parametrize("label", LABELS, ids=lambda label: label["id"])
def test_label_is_well_formed(label: dict[str, Any]) -> None:
    assert set(label) == FIELDS | FLAGS | {"recipients", "stack", "server_stack", "padding", "encrypt_then_mac"}
    assert all(isinstance(label[name], str) for name in TEXTS)
    assert all(isinstance(label[name], str | None) for name in TEXTS_OR_NULL)
    assert all(type(label[name]) is int for name in NUMBERS)
    assert all(type(label[name]) is bool for name in FLAGS)
    assert {label["stack"], label["server_stack"]} <= STACKS
    assert label["padding"] is None or set(label["padding"]) == {"client", "server"}
    assert label["tls"] in {"starttls", "implicit"}
    assert label["truth"] == "decrypted"
    assert (label["outcome"] == "none") == (not label["auth_attempts"])
    decisive = next((a for a in reversed(label["auth_attempts"]) if a["outcome"] == "success"), None)
    if decisive is not None:
        assert (label["mechanism"], label["outcome"]) == (decisive["mechanism"], "success")


def test_names_of_sessions_are_unique() -> None:
    assert max(Counter(label["id"] for label in LABELS).values()) == 1


def test_the_sessions_are_varied() -> None:
    attempts = [(label, attempt) for label in LABELS for attempt in label["auth_attempts"]]
    succeeded = {attempt["mechanism"] for _, attempt in attempts if attempt["outcome"] == "success"}
    assert succeeded >= {
        "PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256",
        "NTLM", "GSSAPI", "XOAUTH2", "OAUTHBEARER", "EXTERNAL",
    }  # fmt: skip
    assert {attempt["outcome"] for _, attempt in attempts} >= {"success", "failure"}
    assert {label["tls_version"] for label in LABELS} == {"1.0", "1.1", "1.2", "1.3"}
    assert {label["stack"] for label in LABELS} == STACKS
    for flag in FLAGS:
        assert {label[flag] for label in LABELS} == {True, False}, flag
    assert {label["encrypt_then_mac"] for label in LABELS} == {True, False, None}
    without_auth = [label for label in LABELS if not label["auth_attempts"]]
    assert any(label["messages"] for label in without_auth)
    assert any(not label["messages"] for label in without_auth)
    assert any(label["padding"] and label["padding"]["client"] for label in LABELS)
    assert any(label["messages"] > 1 for label in LABELS)
    ciphers = {label["cipher"] for label in LABELS}
    for kind in ("AES128-GCM", "AES256-GCM", "CHACHA20", "CCM", "AES128-SHA", "AES256-SHA", "TLS_AES_128_GCM"):
        assert any(kind in cipher for cipher in ciphers), kind


def test_secrets_are_in_no_label() -> None:
    assert CANARY not in (FOLDER / "labels.jsonl").read_bytes()
