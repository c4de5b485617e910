"""What the program says of recorded sessions inside TLS, given their keys, against what really happened there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from analyzer.inventory.session import Session
from tests.support.material import LAB, REPOSITORY, lab_labels, needs_lab
from tests.support.scans import sessions_of
from tests.support.tools import needs_tshark

pytestmark = needs_tshark

_CAPTURES = REPOSITORY / "captures"
_SETS = [_CAPTURES, _CAPTURES / "tls"]

_Attempt = tuple[str | None, bool | None, str | None, str, str | None]


def _labels(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Labels of sessions that began TLS, by the file in which they begin."""
    by_file: dict[str, list[dict[str, Any]]] = {}
    for line in (folder / "labels.jsonl").read_text().splitlines():
        label = json.loads(line)
        if label["tls"] != "none":
            by_file.setdefault(label["file"], []).append(label)
    return by_file


def _check(sessions: list[Session], labels: list[dict[str, Any]]) -> int:
    """Hold ``sessions`` against their labels; returns how many were decrypted."""
    decrypted = 0
    for label in labels:
        session = _session_of(label, sessions)
        assert _said(session) == _truth(label), label["id"]
        assert session.messages == label["messages"], label["id"]
        assert session.ehlo == label["ehlo_name"], label["id"]
        if session.tls_established is not False and session.tls_mode != "none":
            assert session.evidence == "decrypted" or session.reason == "cut-off", label["id"]
            decrypted += 1
        if session.method != "unknown":
            assert (session.method == "none") == (not label["auth_attempts"]), label["id"]
    return decrypted


def _session_of(label: dict[str, Any], sessions: list[Session]) -> Session:
    ends = (label["client_ip"], label["client_port"], label["server_ip"], label["port"])
    found = [
        session
        for session in sessions
        if (session.client_ip, session.client_port, session.server_ip, session.server_port) == ends
        and abs(label["start"] - session.start / 1e9) < 1
    ]
    assert len(found) == 1, ends
    return found[0]


def _said(session: Session) -> list[_Attempt]:
    attempts = [attempt for attempt in session.auth if attempt.evidence != "inferred"]
    codes = [None if attempt.code is None else str(attempt.code) for attempt in attempts]
    return [
        (a.mechanism, a.initial_response, _name(a.mechanism, a.username), a.outcome, code)
        for a, code in zip(attempts, codes, strict=True)
    ]


def _truth(label: dict[str, Any]) -> list[_Attempt]:
    return [
        (
            attempt["mechanism"],
            attempt["initial_response"],
            _name(attempt["mechanism"], attempt["username"]),
            # Some labels call the outcome of a login that nobody answered "none".
            attempt["outcome"] if attempt["code"] else attempt["outcome"].replace("none", "unknown"),
            attempt["code"],
        )
        for attempt in label["auth_attempts"]
    ]


def _name(mechanism: str | None, name: str | None) -> str | None:
    """A user name as both sides write it: labels leave out NTLM's domain, and some write no name as an empty one."""
    return (name or "").rpartition("\\")[2] or None if mechanism == "NTLM" else name or None


@needs_lab
@pytest.mark.parametrize("server", ["aiosmtpd", "dovecot", "exim", "postfix"])
def test_the_recorded_lab_is_read_inside_tls(server: str) -> None:
    labels = [
        label for label in lab_labels() if label["file"] == f"{server}.pcap.zst" and label["truth"] == "decrypted"
    ]
    sessions = sessions_of(LAB / f"{server}.pcap.zst", keys=LAB / "keys.log")
    assert _check(sessions, labels) >= 0.9 * len(labels)  # the handshakes of the others failed


@pytest.mark.parametrize(
    ("folder", "name"), [(folder, name) for folder in _SETS for name in sorted(_labels(folder))], ids=str
)
def test_the_projects_captures_are_read_inside_tls(folder: Path, name: str) -> None:
    labels = _labels(folder)[name]
    further = {part: None for label in labels for part in label.get("continues_in", [])}
    sessions = sessions_of(folder / name, *(folder / part for part in further), keys=folder / "keys.log")
    for label in labels:
        if label["id"] == "starttls-never-started":  # agreed on, never spoken
            assert _session_of(label, sessions).method == "none"
    _check(sessions, labels)
