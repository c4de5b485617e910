"""What the program says of recorded traffic against what really happened there."""

from __future__ import annotations

import json
from typing import Any

import pytest

from analyzer.inventory.judgement import decisive
from analyzer.inventory.session import Session
from analyzer.smtp.mechanisms import mechanism
from analyzer.smtp.records import AuthAttempt
from tests.support.material import CORPUS, LAB, REPOSITORY, corpus_labels, lab_labels, needs_corpus, needs_lab
from tests.support.scans import sessions_of

_LAB_FILES = ("aiosmtpd", "dovecot", "exim", "postfix")


def _label_of(session: Session, labels: list[dict[str, Any]]) -> dict[str, Any]:
    ends = (session.client_ip, session.client_port, session.server_ip, session.server_port)
    found = [
        label
        for label in labels
        if (label["client_ip"], label["client_port"], label["server_ip"], label["port"]) == ends
        and abs(label["start"] - session.start / 1e9) < 1
    ]
    assert len(found) == 1, ends
    return found[0]


@needs_lab
@pytest.mark.parametrize("server", _LAB_FILES)
def test_every_labelled_connection_is_a_session_with_the_right_tls_mode(server: str) -> None:
    labels = [label for label in lab_labels() if label["file"] == f"{server}.pcap.zst"]
    sessions = sessions_of(LAB / f"{server}.pcap.zst")
    assert len(sessions) == sum(map(_spoke, labels))
    for session in sessions:
        label = _label_of(session, labels)
        assert session.tls_mode == label["tls"], label


@needs_lab
@pytest.mark.parametrize("server", _LAB_FILES)
def test_cleartext_sessions_show_mechanism_user_outcome_and_messages(server: str) -> None:
    labels = [label for label in lab_labels() if label["file"] == f"{server}.pcap.zst"]
    seen = 0
    for session in sessions_of(LAB / f"{server}.pcap.zst"):
        label = _label_of(session, labels)
        if label["tls"] != "none":
            continue
        seen += 1
        said = [(a.mechanism, a.initial_response, a.username, a.outcome, _code(a)) for a in session.auth]
        truth = [
            (a["mechanism"], a["initial_response"], a["username"], a["outcome"], a["code"])
            for a in label["auth_attempts"]
        ]
        assert said == truth, label["id"]
        assert session.messages == label["messages"], label["id"]
        assert session.ehlo == label["ehlo_name"], label["id"]
        assert (session.method == "none") == (not truth), label["id"]
    assert seen == sum(label["tls"] == "none" and _spoke(label) for label in labels)


@needs_lab
@pytest.mark.parametrize("server", _LAB_FILES)
def test_what_is_said_of_sessions_inside_tls_is_right(server: str) -> None:
    labels = [label for label in lab_labels() if label["file"] == f"{server}.pcap.zst"]
    wrong = []
    inside = answered = 0
    for session in sessions_of(LAB / f"{server}.pcap.zst"):
        label = _label_of(session, labels)
        if label["tls"] == "none":
            continue
        wrong += _wrong_inside(session, label)
        if session.tls_established and "CBC" not in (session.tls_cipher or "") and label["padding"] is None:
            inside += 1
            answered += session.method != "unknown"
    assert wrong == []
    assert answered >= 0.95 * inside


def _wrong_inside(session: Session, label: dict[str, Any]) -> list[str]:
    """What was said of a session inside TLS and is not so. That nothing was said is no mistake."""
    attempt = decisive(session.auth)
    said = {
        "method": None if session.method == "unknown" else session.method,
        "mechanism": attempt and attempt.mechanism,
        "initial_response": attempt and attempt.initial_response,
    }
    truth = {
        "method": mechanism(label["mechanism"].encode()).method if label["mechanism"] else "none",
        "mechanism": label["mechanism"],
        "initial_response": label["initial_response"],
    }
    return [
        f"{label['id']}: {key} {said[key]}, not {truth[key]}" for key in said if said[key] not in (None, truth[key])
    ]


def _spoke(label: dict[str, Any]) -> bool:
    """Two clients waited in vain for a greeting where TLS comes first: a connection without payload is no session."""
    return label["id"] not in ("special_s3041", "special_s3045")


def _code(attempt: AuthAttempt) -> str | None:
    return None if attempt.code is None else str(attempt.code)


_OWN = REPOSITORY / "captures"


def _own_labels() -> dict[str, list[dict[str, Any]]]:
    """Labels of the project's captures, by the file in which the connection begins."""
    by_file: dict[str, list[dict[str, Any]]] = {}
    for line in (_OWN / "labels.jsonl").read_text().splitlines():
        label = json.loads(line)
        by_file.setdefault(label["file"], []).append(label)
    return by_file


@pytest.mark.parametrize("name", sorted(_own_labels()))
def test_own_captures_show_what_took_place(name: str) -> None:
    labels = _own_labels()[name]
    further = {part: None for label in labels for part in label.get("continues_in", [])}
    sessions = sessions_of(_OWN / name, *(_OWN / part for part in further))
    for label in labels:
        session = _session_of(label, sessions)
        began = label["id"] != "starttls-never-started"  # agreed on, never spoken
        assert session.tls_mode == (label["tls"] if began else "none")
        if label["tls"] != "none":
            assert _wrong_inside(session, label) == []
        elif label.get("auth_hidden"):
            assert session.method == "unknown"
        else:
            said = [(a.mechanism, a.initial_response, a.username, a.outcome, _code(a)) for a in session.auth]
            assert said == [
                (a["mechanism"], a["initial_response"], a["username"], a["outcome"], a["code"])
                for a in label["auth_attempts"]
            ]
            assert (session.messages, session.ehlo) == (label["messages"], label["ehlo_name"])


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


"""SMTP after an HTTP CONNECT, which is not looked into: another protocol comes first."""


@needs_corpus
@pytest.mark.parametrize("entry", corpus_labels() if CORPUS.is_dir() else [], ids=lambda entry: str(entry["file"]))
def test_public_captures_show_their_logins(entry: dict[str, Any]) -> None:
    sessions = sessions_of(CORPUS / entry["file"], ports=entry["ports"])
    said = [
        (s.client_ip, s.client_port, s.server_ip, s.server_port, a.mechanism, a.outcome, a.code, s.tls_mode)
        for s in sessions
        for a in s.auth
        if a.evidence == "observed"
    ]
    truth = [
        (a["client"], a["client_port"], a["server"], a["port"], a["mechanism"], a["outcome"], a["code"], a["tls"])
        for a in entry["auths"]
    ]
    assert said == truth
    read = (a for s in sessions for a in s.auth if a.evidence == "observed")
    for attempt, label in zip(read, entry["auths"], strict=True):
        assert (attempt.username or attempt.authzid or "") in label.get("username_accept", [label["username"]])
    assert sum(s.tls_mode == "starttls" for s in sessions) == entry["starttls_sessions"]
    assert sum(s.tls_mode == "implicit" for s in sessions) == entry["implicit_tls_sessions"]
    smtp = sum(s.is_smtp or s.tls_mode != "none" for s in sessions)
    assert smtp == entry["smtp_connections"]
