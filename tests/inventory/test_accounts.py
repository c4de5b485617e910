from __future__ import annotations

import random
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.inventory.accounts import COMPARED
from analyzer.inventory.builder import LISTED_ACCOUNTS
from analyzer.inventory.devices import Inventory
from analyzer.inventory.session import Session
from tests.support.sessions import DAY, START, attempt, session

COPIER, SCANNER, ERP, ROUTER = 0x0017C8000001, 0x0017C8000002, 0x00155D000001, 0x00000C000001
SHARED, MOVED = {"shared-account"}, {"account-on-device-change"}
NOTHING: set[str] = set()
ROUTED: dict[str, Any] = {"client_mac": ROUTER, "client_ttl": 63}
"""Sent through a router, so that no MAC tells devices apart."""


def use(client: str, day: float, user: str = "scan@example.com", **more: Any) -> Session:
    """One login, by a client that says no name of its own."""
    moment = START + int(day * DAY)
    fields: dict[str, Any] = {"ehlo": f"[{client}]", **more}
    return session(attempt(username=user, time=moment), client=client, start=moment, end=moment, **fields)


def account_findings(*seen: Session) -> dict[str, set[str]]:
    made = Inventory()
    for one in seen:
        made.add(one)
    return {device.device: (SHARED | MOVED) & set(device.findings) for device in made.devices()}


def test_an_account_on_two_devices_at_a_time_is_shared() -> None:
    seen = account_findings(
        use("10.0.0.1", 0, client_mac=COPIER),
        use("10.0.0.2", 0.5, client_mac=SCANNER),
        use("10.0.0.1", 1, client_mac=COPIER),
    )
    assert seen == {"10.0.0.1": SHARED, "10.0.0.2": SHARED}


def test_the_overview_names_the_account_and_who_shares_it() -> None:
    made = Inventory()
    for client, user, server in [
        ("10.0.0.10", "scan", "192.0.2.1"),
        ("10.0.0.9", "scan", "192.0.2.1"),
        ("10.0.0.8", "scan", "192.0.2.2"),  # another server's user of that name
        ("10.0.0.9", "own@example.com", "192.0.2.1"),
    ]:
        mac = COPIER + int(client.rpartition(".")[2])
        made.add(use(client, 0, user, client_mac=mac, server_ip=server))
    assert made.overview().shared == {("scan", "192.0.2.1"): ("10.0.0.9", "10.0.0.10")}


def test_an_account_that_rested_before_another_device_took_it_up_moved() -> None:
    seen = account_findings(use("10.0.0.1", 0, client_mac=COPIER), use("10.0.0.2", 1.5, client_mac=SCANNER))
    assert seen == {"10.0.0.1": NOTHING, "10.0.0.2": MOVED}


@pytest.mark.parametrize(("rest", "found"), [(0, SHARED), (1, NOTHING)])
def test_a_day_of_rest_to_the_nanosecond_separates_sharing_from_moving(rest: int, found: set[str]) -> None:
    seen = account_findings(
        use("10.0.0.1", 0, client_mac=COPIER),
        use("10.0.0.2", 0, client_mac=SCANNER, user="other@example.com"),
        session(
            attempt(time=START + DAY + rest),
            client="10.0.0.2",
            client_mac=SCANNER,
            ehlo="[10.0.0.2]",
            start=START + DAY + rest,
        ),
    )
    assert seen["10.0.0.1"] == found
    assert seen["10.0.0.2"] == (found or MOVED)


def test_an_account_can_move_and_then_be_shared() -> None:
    seen = account_findings(
        use("10.0.0.1", 0, client_mac=COPIER),
        use("10.0.0.2", 5, client_mac=SCANNER),
        use("10.0.0.3", 5.5, client_mac=ERP),
    )
    assert seen == {"10.0.0.1": NOTHING, "10.0.0.2": MOVED | SHARED, "10.0.0.3": SHARED}


def test_devices_that_take_an_account_up_at_the_same_moment_all_did_in_any_order() -> None:
    uses = [
        use("10.0.0.3", 0, client_mac=ERP),
        use("10.0.0.1", 5, client_mac=COPIER),
        use("10.0.0.2", 5, client_mac=SCANNER),
    ]
    expected = {"10.0.0.3": NOTHING, "10.0.0.1": MOVED | SHARED, "10.0.0.2": MOVED | SHARED}
    assert account_findings(*uses) == account_findings(*reversed(uses)) == expected


def test_a_device_that_returns_to_its_account_took_nothing_up() -> None:
    seen = account_findings(
        use("10.0.0.1", 0, client_mac=COPIER),
        use("10.0.0.2", 5, client_mac=SCANNER),
        use("10.0.0.1", 10, client_mac=COPIER),
    )
    assert seen == {"10.0.0.1": SHARED, "10.0.0.2": SHARED}


# --- which accounts are the same ---------------------------------------------------------------------


@pytest.mark.parametrize(("server", "found"), [("10.0.9.2", NOTHING), ("10.0.9.1", SHARED)])
def test_names_without_a_domain_are_other_accounts_on_other_servers(server: str, found: set[str]) -> None:
    seen = account_findings(
        use("10.0.0.1", 0, user="scan", client_mac=COPIER, server_ip="10.0.9.1"),
        use("10.0.0.2", 0, user="scan", client_mac=SCANNER, server_ip=server),
    )
    assert seen == {"10.0.0.1": found, "10.0.0.2": found}


@pytest.mark.parametrize(("user", "found"), [("apikey", NOTHING), ("apikey2", SHARED)])
def test_a_user_name_that_the_provider_gives_to_everyone_is_not_shared(user: str, found: set[str]) -> None:
    seen = account_findings(
        use("10.0.0.1", 0, user=user, client_mac=COPIER, provider="sendgrid"),
        use("10.0.0.2", 0, user=user, client_mac=SCANNER, provider="sendgrid"),
    )
    assert seen == {"10.0.0.1": found, "10.0.0.2": found}


@pytest.mark.parametrize(("outcome", "found"), [("failure", NOTHING), ("cancelled", NOTHING), ("unknown", SHARED)])
def test_who_is_refused_shares_nothing(outcome: str, found: set[str]) -> None:
    guess = session(attempt("PLAIN", outcome), client="10.0.0.66", client_mac=ERP, ehlo=None)
    assert account_findings(use("10.0.0.1", 0, client_mac=COPIER), guess) == {"10.0.0.1": found, "10.0.0.66": found}


def test_who_guesses_many_passwords_keeps_the_account_that_fits() -> None:
    made = Inventory()
    for n in range(2 * LISTED_ACCOUNTS):
        guess = attempt("PLAIN", "failure", username=f"a{n:04}@example.com")
        made.add(session(guess, client="10.0.0.66", client_mac=ERP, ehlo=None))
    made.add(use("10.0.0.66", 0, client_mac=ERP))
    made.add(use("10.0.0.1", 0, client_mac=COPIER))
    guesser = {device.device: device for device in made.devices()}["10.0.0.66"]
    assert "scan@example.com" in guesser.accounts
    assert len(guesser.accounts) == LISTED_ACCOUNTS
    assert "shared-account" in guesser.findings


# --- which addresses are the same device -------------------------------------------------------------


@pytest.mark.parametrize("later", [0, 5])
@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(
            use("10.0.0.1", 0, client_mac=COPIER, client_ttl=None),
            ("2001:db8::1", {"client_mac": COPIER, "client_ttl": None}),
            id="IPv4 and IPv6 of one interface",
        ),
        pytest.param(use("10.0.0.1", 0, **ROUTED), ("2001:db8::1", ROUTED), id="IPv4 and IPv6 behind a router"),
        pytest.param(use("2001:db8::9", 0, **ROUTED), ("2001:db8::1", ROUTED), id="temporary IPv6 addresses"),
        pytest.param(use("10.0.0.1", 0, client_mac=COPIER), ("8.8.4.4", ROUTED), id="both sides of a NAT"),
        pytest.param(
            use("10.0.0.1", 0, ehlo="copier3.example.com", **ROUTED),
            ("10.0.7.1", {"ehlo": "COPIER3", **ROUTED}),
            id="one name behind a router",
        ),
    ],
)
def test_what_may_be_one_device_by_two_addresses_neither_shares_nor_takes_up(
    first: Session, second: tuple[str, dict[str, Any]], later: int
) -> None:
    client, fields = second
    uses = [first, use(client, later, **fields)]
    assert account_findings(*uses) == dict.fromkeys(account_findings(*uses), NOTHING)
    assert len(account_findings(*uses)) == 2


def test_a_lease_that_changed_behind_a_router_is_no_other_device() -> None:
    seen = account_findings(use("10.0.0.1", 0, **ROUTED), use("10.0.0.2", 0.5, **ROUTED), use("10.0.0.3", 9, **ROUTED))
    assert set().union(*seen.values()) == NOTHING


def test_two_addresses_that_take_turns_behind_a_router_are_two_devices() -> None:
    seen = account_findings(use("10.0.0.1", 0, **ROUTED), use("10.0.0.2", 0.5, **ROUTED), use("10.0.0.1", 1, **ROUTED))
    assert seen == {"10.0.0.1": SHARED, "10.0.0.2": SHARED}


@pytest.mark.parametrize(("later", "found"), [(0, (SHARED, SHARED)), (5, (NOTHING, MOVED))])
@pytest.mark.parametrize("second", ["10.0.0.2", "8.8.4.4", "2001:db8::1"])
def test_names_tell_devices_apart_where_no_mac_does(second: str, later: int, found: tuple[set[str], set[str]]) -> None:
    seen = account_findings(
        use("10.0.0.1", 0, ehlo="copier.example.com", **ROUTED), use(second, later, ehlo="erp.example.com", **ROUTED)
    )
    assert (seen["10.0.0.1"], seen[second]) == found


def test_macs_tell_devices_apart_that_call_themselves_the_same() -> None:
    seen = account_findings(
        use("10.0.0.1", 0, ehlo="copier", client_mac=COPIER), use("10.0.0.2", 0, ehlo="copier", client_mac=SCANNER)
    )
    assert seen == {"10.0.0.1": SHARED, "10.0.0.2": SHARED}


def test_devices_on_the_inside_share_even_where_the_outside_of_their_nat_is_seen_too() -> None:
    names = {"10.0.0.1": "copier1", "10.0.0.2": "copier2"}
    inside = [use(ip, 0, ehlo=name, client_mac=int(ip[-1])) for ip, name in names.items()]
    outside = [use("8.8.4.4", 0, ehlo=name, **ROUTED) for name in names.values()]
    assert account_findings(*inside, *outside) == {"10.0.0.1": SHARED, "10.0.0.2": SHARED, "8.8.4.4": NOTHING}


@pytest.mark.parametrize(
    ("to_relay", "of_relay"),
    [
        pytest.param({"server_ip": "10.0.0.5"}, {}, id="its address"),
        pytest.param(
            {"server_ip": "10.0.7.5", "server_name": "Relay.example.com"}, {"ehlo": "relay.example.com"}, id="its name"
        ),
    ],
)
@pytest.mark.parametrize("later", [0, 5])
def test_a_relay_that_passes_logins_on_shares_them_with_nobody(
    to_relay: dict[str, Any], of_relay: dict[str, Any], later: int
) -> None:
    seen = account_findings(
        use("10.0.0.1", 0, client_mac=COPIER, **to_relay), use("10.0.0.5", later, client_mac=ERP, **of_relay)
    )
    assert seen == {"10.0.0.1": NOTHING, "10.0.0.5": NOTHING}


def test_devices_that_share_an_account_on_their_relay_are_found_beside_it() -> None:
    seen = account_findings(
        use("10.0.0.1", 0, client_mac=COPIER, server_ip="10.0.0.5"),
        use("10.0.0.2", 0, client_mac=SCANNER, server_ip="10.0.0.5"),
        use("10.0.0.5", 0, client_mac=ERP),
    )
    assert seen == {"10.0.0.1": SHARED, "10.0.0.2": SHARED, "10.0.0.5": NOTHING}


# --- all of it ---------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 80)), min_size=1, max_size=12))
def test_shared_and_moved_agree_with_comparing_every_pair(uses: list[tuple[int, int]]) -> None:
    seen = account_findings(*[use(f"10.0.0.{n}", hours / 24, client_mac=0x0017C8000000 + n) for n, hours in uses])
    spans = {
        n: (min(h for m, h in uses if m == n), max(h for m, h in uses if m == n))
        for n in {number for number, _ in uses}
    }
    for n, (first, last) in spans.items():
        others = [span for o, span in spans.items() if o != n]
        near = any(a <= last + 24 and first <= b + 24 for a, b in others)
        earlier = [b for a, b in others if a < first]
        moved = bool(earlier) and all(b + 24 < first for b in earlier)
        assert seen[f"10.0.0.{n}"] == (SHARED if near else NOTHING) | (MOVED if moved else NOTHING)


def test_one_account_on_thousands_of_devices_is_compared_in_reasonable_time() -> None:
    seen = Inventory()
    for n in range(4000):  # none of them can be told from another, which is the longest search
        seen.add(use(f"10.0.{n // 250}.{n % 250}", 0, ehlo="copier", **ROUTED))
    started = time.process_time()
    devices = seen.devices()
    assert time.process_time() - started < 10  # half a second; comparing all pairs takes minutes
    assert not any(SHARED & set(device.findings) for device in devices)


@settings(deadline=None, max_examples=10)
@given(st.randoms(use_true_random=False))
def test_more_lookalikes_than_are_compared_change_no_result_with_the_order(shuffler: random.Random) -> None:
    uses = [use(f"10.0.1.{n}", 0, ehlo="copier", **ROUTED) for n in range(2 * COMPARED)]
    uses += [use("10.0.0.1", 0, ehlo="erp", client_mac=ERP), use("10.0.2.1", 3, ehlo="mfp", client_mac=SCANNER)]
    expected = account_findings(*uses)
    shuffler.shuffle(uses)
    assert account_findings(*uses) == expected
    assert expected["10.0.2.1"] == MOVED
