"""How long names, passwords and tokens are is told to nobody: no record has a place for it, and nothing shows it."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.cli import main
from analyzer.inventory.session import Session
from analyzer.smtp.records import AuthAttempt
from analyzer.tls.inference import Inference, records
from tests.smtp.canaries import reachable
from tests.tls.inference.connections import connection, seen
from tests.tls.inference.sealing import CBC_12, EXACT, GCM_12, GCM_13, Suite, Turn, inferred, written
from tests.tls.inference.worlds import METHOD, POSTFIX, WITH_FIRST, World, b64

SUITES = (GCM_13, GCM_12, CBC_12)
FEW = 20
"""Numbers up to this one count things: messages, attempts."""


def session(mechanism: str, *, first: bool, user: int, password: int, token: int) -> list[Turn]:
    """A dialogue in which the name, the password and the token have so many letters, and nothing else differs."""
    world = World("the same for all")
    world.server = POSTFIX
    world.user, world.password, world.token = "u" * user, "p" * password, "t" * token
    login = world.login(mechanism, first=first)
    again = World("the same message")
    again.server = POSTFIX
    return world.session(login, again.message(), starttls=True)


def told(inference: Inference) -> tuple[object, ...]:
    """All that leaves the program, and the reading."""
    return (
        inference.method,
        inference.confidence,
        inference.reason,
        inference.reasons,
        inference.attempts,
        inference.messages,
        inference.turns,
        inference.whole,
    )


def records_here() -> list[type]:
    return [thing for thing in vars(records).values() if dataclasses.is_dataclass(thing) and isinstance(thing, type)]


def test_no_field_of_what_is_inferred_can_hold_a_length() -> None:
    numbers = [
        (record.__name__, name)
        for record in records_here()
        for name, hint in get_type_hints(record).items()
        if int in (hint, *get_args(hint)) or any(int in get_args(part) for part in get_args(hint))
    ]
    assert len(records_here()) >= 3
    assert numbers == [("Inference", "messages")]


def test_no_field_of_an_attempt_in_a_session_can_hold_a_length() -> None:
    numbers = {name for name, hint in get_type_hints(AuthAttempt).items() if int in (hint, *get_args(hint))}
    assert numbers == {"code", "time"}
    assert not {name for name in get_type_hints(Session) if re.search("length|size|bytes|record", name)}


MARKED = {"user": 173, "password": 257, "token": 1987}


@pytest.mark.parametrize("suite", SUITES, ids=str)
@pytest.mark.parametrize("mechanism", sorted(METHOD))
def test_no_number_that_can_be_reached_from_an_inference_is_a_length(mechanism: str, suite: Suite) -> None:
    for first in (False, True)[: 1 + (mechanism in WITH_FIRST)]:
        turns = session(mechanism, first=first, **MARKED)
        inference = inferred(turns, suite, certificate=mechanism == "EXTERNAL", greeting="x ESMTP Postfix")
        numbers = {thing for thing in reachable(inference) if isinstance(thing, int)}
        assert max(numbers) <= FEW
        assert max(map(int, re.findall(r"(?<![\d.e-])\d+(?![\d.])", repr(inference))), default=0) <= FEW


@pytest.mark.parametrize("suite", [GCM_13, GCM_12], ids=str)
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "XOAUTH2", "CRAM-MD5"])
def test_sessions_and_reports_of_people_who_differ_in_nothing_else_are_the_same(
    mechanism: str, suite: Suite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found: list[Session] = []
    printed: list[str] = []
    for user, password, token in ((12, 9, 700), (17, 21, 1900)):
        turns = session(mechanism, first=False, user=user, password=password, token=token)
        found.append(seen(tmp_path, connection(turns, suite)))
        for form in ("jsonl", "csv", "markdown", "table"):
            main(["scan", str(tmp_path / "one.pcap"), "--sessions", "--format", form, "-q"])
        main(["explain", str(tmp_path / "one.pcap"), "--session", "10.0.0.1:40000"])
        printed.append(capsys.readouterr().out)
    assert found[0].method == METHOD[mechanism]
    one, other = (dataclasses.replace(session, likelihoods={}) for session in found)
    assert one == other
    assert printed[0] == printed[1]
    assert METHOD[mechanism] in printed[0]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    st.sampled_from(["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2", "OAUTHBEARER", "NTLM", "SCRAM-SHA-256"]),
    st.booleans(),
    st.sampled_from(EXACT),
    st.tuples(st.integers(6, 30), st.integers(8, 30), st.integers(500, 2500)),
    st.tuples(st.integers(6, 30), st.integers(8, 30), st.integers(500, 2500)),
)
def test_people_whose_names_and_passwords_differ_in_length_look_the_same(
    mechanism: str, first: bool, suite: Suite, one: tuple[int, int, int], other: tuple[int, int, int]
) -> None:
    both = [
        inferred(
            session(mechanism, first=first and mechanism in WITH_FIRST, user=user, password=password, token=token),
            suite,
            greeting="mail.example.org ESMTP Postfix",
            offered=("PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2", "OAUTHBEARER", "NTLM", "SCRAM-SHA-256"),
        )
        for user, password, token in (one, other)
    ]
    if both[0].confidence == both[1].confidence:
        assert told(both[0]) == told(both[1])
    else:
        assert both[0].method in (both[1].method, "unknown") or both[1].method == "unknown"


def test_a_password_of_any_length_in_two_steps_is_told_alike() -> None:
    seen_as = set()
    for length in range(6, 40):
        turns = written(
            *(
                "C: EHLO copier.office.example",
                "S: 250-mail.example.org",
                "S: 250-PIPELINING",
                "S: 250 AUTH PLAIN LOGIN",
            ),
            *("C: AUTH LOGIN", "S: 334 VXNlcm5hbWU6", f"C: {b64('scan@example.org')}", "S: 334 UGFzc3dvcmQ6"),
            *(f"C: {b64('p' * length)}", "S: 235 2.7.0 Authentication successful", "C: QUIT", "S: 221 2.0.0 Bye"),
        )
        seen_as.add(repr(told(inferred(turns, greeting="x ESMTP Postfix"))))
    assert len(seen_as) == 1
