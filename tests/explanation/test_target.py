"""Which session the user means: what can be written, and what it matches."""

from __future__ import annotations

import pytest

from analyzer.errors import UsageError
from analyzer.explanation.target import Target, target_from
from tests.support.sessions import session


@pytest.mark.parametrize(
    ("text", "client", "port"),
    [
        ("10.20.0.102", "10.20.0.102", None),
        ("10.20.0.102:50704", "10.20.0.102", 50704),
        (" 10.20.0.102:50704 ", "10.20.0.102", 50704),
        ("2001:db8::7", "2001:db8::7", None),
        ("2001:DB8:0:0::7", "2001:db8::7", None),
        ("[2001:db8::7]", "2001:db8::7", None),
        ("[2001:db8::7]:50704", "2001:db8::7", 50704),
        ("::ffff:10.20.0.102", "10.20.0.102", None),
        ("[::ffff:10.20.0.102]:7", "10.20.0.102", 7),
        ("fe80::1%eth0", "fe80::1", None),
    ],
)
def test_a_client_can_be_written_as_it_is_shown_anywhere(text: str, client: str, port: int | None) -> None:
    target = target_from(text)
    assert (target.client, target.port) == (client, port)
    assert target_from(str(target)) == target


@pytest.mark.parametrize(
    "text",
    ["", "copier", "10.20.0", "10.20.0.102:", "10.20.0.102:x", "[10.20.0.102", "2001:db8::7]:1", "1.2.3.4:5:6", ":25"],
)
def test_what_is_no_address_is_told_with_examples(text: str) -> None:
    with pytest.raises(UsageError, match=r"not an address; give one like .*\[2001:db8::7\]:50704"):
        target_from(text)


@pytest.mark.parametrize("port", ["0", "65536", "99999"])
def test_what_is_no_port_is_told(port: str) -> None:
    with pytest.raises(UsageError, match=f"{port} is not a TCP port"):
        target_from(f"10.20.0.102:{port}")


@pytest.mark.parametrize(
    "start",
    ["2026-11-24", "2026-11-24T", "2026-11-24T00:51", "2026-11-24 00:51:34", "2026-11-24T00:51:34.123Z", "00:51:34"],
)
def test_a_start_may_be_the_beginning_of_a_time_with_or_without_its_date(start: str) -> None:
    target = target_from("10.20.0.102", start)
    assert target.begins("2026-11-24T00:51:34.123456Z")
    assert not target.begins("2026-11-25T01:52:35.654321Z")
    assert not target.begins(None)


def test_without_a_start_any_will_do() -> None:
    assert target_from("10.20.0.102").begins(None)


@pytest.mark.parametrize("start", ["", "yesterday", "24.11.2026", "2026-11", "00:5", "T", "0.5"])
def test_what_is_no_time_is_told(start: str) -> None:
    with pytest.raises(UsageError, match="not a time; give one like 2026-11-24T00:51:34"):
        target_from("10.20.0.102", start)


def test_only_sessions_of_the_client_match() -> None:
    made = session(client="10.10.0.103")
    assert target_from("10.10.0.103").is_client_of(made)
    assert target_from("10.10.0.103:35878").is_client_of(made)
    assert not target_from("10.10.0.103:35879").is_client_of(made)
    assert not target_from("10.10.0.11").is_client_of(made)  # its server


def test_a_target_is_told_as_it_can_be_given_again() -> None:
    assert str(target_from("[2001:db8::7]:50704")) == "[2001:db8::7]:50704"
    assert str(target_from("10.0.0.1:25")) == "10.0.0.1:25"
    assert str(Target(int(target_from("10.0.0.1").address))) == "10.0.0.1"
