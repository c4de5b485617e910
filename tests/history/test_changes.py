from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.history.changes import change_of
from analyzer.inventory.device import Device
from analyzer.inventory.devices import Inventory
from analyzer.inventory.session import Session
from analyzer.inventory.status import STATUSES, STILL_PASSWORD
from tests.support.sessions import attempt, session, sessions, silent

IN_TLS: dict[str, Any] = {"tls_mode": "implicit", "tls_version": "1.3"}


GOOD = STATUSES[STATUSES.index("unknown") + 1 :]


def device(*seen: Session) -> Device:
    made = Inventory()
    for one in seen:
        made.add(one)
    (only,) = made.devices()
    return only


def exposed() -> list[Session]:
    return [session(attempt("LOGIN"))]


def password(count: int = 1) -> list[Session]:
    return [session(attempt("LOGIN", evidence="decrypted"), **IN_TLS)] * count


def oauth(count: int = 1) -> list[Session]:
    return [session(attempt("XOAUTH2", evidence="decrypted"), **IN_TLS)] * count


def unknown() -> list[Session]:
    return [silent("unknown", messages=0, reason="inside-tls", **IN_TLS)]


def relayed() -> list[Session]:
    return [silent("none", messages=1)]


def probed() -> list[Session]:
    return [silent("none", messages=0)]


@pytest.mark.parametrize(
    ("before", "now", "kind"),
    [
        (password(), exposed(), "worse"),
        (exposed(), password(), "better"),
        (password() + oauth(), password(), "worse"),
        (password(), password() + oauth(), "better"),
        (password(), oauth(), "migrated"),
        (password(), relayed(), "migrated"),
        (exposed(), oauth(), "migrated"),
        (password(), unknown(), "unclear"),
        (password(), probed(), "unclear"),  # it sends nothing
        (oauth(), password(), "relapsed"),
        (relayed(), exposed(), "relapsed"),
        (oauth(), password() + oauth(), "relapsed"),
        (unknown(), password(), "worse"),
        (unknown(), oauth(), "better"),
        (oauth(), unknown(), None),
        (oauth(), relayed(), "worse"),
        (relayed(), oauth(), "better"),
        (oauth(), oauth(), None),
        (password(), password(), None),
    ],
)
def test_what_becomes_of_a_device(before: list[Session], now: list[Session], kind: str | None) -> None:
    assert change_of(device(*now), device(*before)) == kind


@pytest.mark.parametrize(("sessions_now", "kind"), [(9, "unclear"), (10, "migrated")])
def test_a_rare_password_is_not_gone_before_it_should_have_been_seen(sessions_now: int, kind: str) -> None:
    """One session in two used the password; that none of nine does may be chance."""
    assert change_of(device(*oauth(sessions_now)), device(*password(3), *oauth(3))) == kind


def test_a_token_in_the_clear_ends_with_tls() -> None:
    assert change_of(device(*oauth()), device(session(attempt("XOAUTH2")))) == "migrated"


MIRRORED = {"worse": "better", "better": "worse", None: None}


@given(st.lists(sessions(), min_size=1, max_size=4), st.lists(sessions(), min_size=1, max_size=4))
def test_the_way_back_is_told_as_such(one: list[Session], other: list[Session]) -> None:
    a, b = (_of_one_client(seen) for seen in (one, other))
    if a is None or b is None:
        return
    there, back = change_of(b, a), change_of(a, b)
    uses = [device.status in STILL_PASSWORD for device in (a, b)]
    unknown = [device.status == "unknown" for device in (a, b)]
    if uses == [True, False]:
        assert there == "unclear" if unknown[1] else there in ("migrated", "unclear")
        assert back == ("worse" if unknown[1] else "relapsed")
    elif uses == [False, True]:
        assert there == ("worse" if unknown[0] else "relapsed")
    elif unknown == [True, False]:
        assert (there, back) == ("better" if b.status in GOOD else "worse", None)
    elif unknown == [False, False]:
        assert back == MIRRORED[there]


def _of_one_client(seen: list[Session]) -> Device | None:
    made = Inventory()
    for one in seen:
        one.client_ip = "10.0.0.1"
        made.add(one)
    devices = made.devices()
    return devices[0] if devices else None
