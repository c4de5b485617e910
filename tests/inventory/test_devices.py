from __future__ import annotations

import random
from dataclasses import fields, replace
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.inventory import builder
from analyzer.inventory.builder import LISTED_ACCOUNTS, LISTED_SERVERS, LONGEST_TEXT
from analyzer.inventory.device import Device
from analyzer.inventory.devices import Inventory
from analyzer.inventory.findings import session_findings
from analyzer.inventory.presence import LISTED_NAMES
from analyzer.inventory.session import Session
from analyzer.smtp.records import AuthAttempt
from tests.support.sessions import DAY, SECOND, START, attempt, session, sessions, silent

COPIER, SCANNER, ERP, ROUTER = 0x0017C8000001, 0x0017C8000002, 0x00155D000001, 0x00000C000001


def inventory(*seen: Session, most_devices: int = 1000) -> Inventory:
    made = Inventory(most_devices)
    for one in seen:
        made.add(one)
    return made


def devices(*seen: Session) -> list[Device]:
    return inventory(*seen).devices()


def device(*seen: Session) -> Device:
    (only,) = devices(*seen)
    return only


@st.composite
def crowded_sessions(draw: st.DrawFn) -> Session:
    """Sessions that begin at few moments and send to each other, so that times are equal and devices are servers."""
    seen = draw(sessions())
    moments = st.integers(0, 4).map(lambda day: START + day * DAY)
    seen.start = draw(moments)
    seen.end = seen.start + draw(st.sampled_from([0, SECOND]))
    seen.auth = [replace(tried, time=draw(moments)) for tried in seen.auth]
    seen.server_ip = draw(st.sampled_from(["10.10.0.11", "10.0.0.2", "203.0.113.7"]))
    seen.tls_mode = draw(st.sampled_from(["none", "starttls", "implicit", None]))
    seen.tls_established = draw(st.sampled_from([None, True, False]))
    seen.findings = session_findings(seen)
    return seen


TABLES = ("LISTED_ACCOUNTS", "LISTED_LINKS", "LISTED_MECHANISMS", "LISTED_NAMES", "LISTED_SERVERS")


@settings(deadline=None)
@given(
    st.lists(sessions(), max_size=25) | st.lists(crowded_sessions(), max_size=25),
    st.randoms(use_true_random=False),
    st.integers(1, 5),
    st.sampled_from([1, 2, 3, 1000]),
    st.sampled_from([1, 2, 1000]),
)
def test_any_split_in_any_order_gives_the_same_records(
    seen: list[Session], shuffler: random.Random, parts: int, most: int, listed: int
) -> None:
    with patch.dict(vars(builder), dict.fromkeys(TABLES, listed)):
        whole = inventory(*seen, most_devices=most)
        shuffled = list(seen)
        shuffler.shuffle(shuffled)
        pieces = [inventory(*shuffled[part::parts], most_devices=most) for part in range(parts)]
        while len(pieces) > 1:  # any grouping: merge any two until one is left
            other = pieces.pop(shuffler.randrange(len(pieces)))
            pieces[shuffler.randrange(len(pieces))].merge(other)
        assert pieces[0].devices() == whole.devices()
        assert pieces[0].summary() == whole.summary()


@given(st.lists(sessions(), max_size=12))
def test_asking_for_devices_changes_nothing(seen: list[Session]) -> None:
    asked = Inventory()
    for one in seen:
        asked.add(one)
        asked.devices()
    assert asked.devices() == inventory(*seen).devices()


def test_a_device_sums_up_its_sessions() -> None:
    seen = device(
        session(attempt("LOGIN"), messages=2, tls_sni="smtp.office365.com", provider="exchange-online"),
        session(attempt("PLAIN", "failure", time=START - 9), start=START - 9, ehlo="copier3", server_port=25),
        silent("none", start=START + 5, end=START + 9 * SECOND, server_name="relay.example.com", server_ip="10.10.0.1"),
    )
    assert (seen.device, seen.ips, seen.vendor) == ("10.10.0.103", ("10.10.0.103",), "KYOCERA Display")
    assert seen.status == "exposed"
    assert (seen.sessions, seen.messages, seen.auth_success, seen.auth_failure) == (3, 3, 1, 1)
    assert seen.methods == {"basic": 2, "none": 1}
    assert seen.mechanisms == {"LOGIN": 1, "PLAIN": 1}
    assert seen.accounts == ("scan@example.com",)
    assert seen.names == ("copier3.example.com", "copier3")
    assert (seen.first_seen, seen.last_seen) == (START - 9, START + 9 * SECOND)
    assert [(s.ip, s.name, s.ports, s.provider, s.sessions) for s in seen.servers] == [
        ("10.10.0.11", "smtp.office365.com", (25, 587), "exchange-online", 2),
        ("10.10.0.1", "relay.example.com", (587,), None, 1),
    ]
    assert seen.clients_behind == 1


def test_devices_come_worst_first_and_then_by_address_as_a_number() -> None:
    found = devices(
        silent("none", client="10.0.0.10"),
        session(attempt(), client="10.0.0.9"),
        session(attempt(), client="10.0.0.10", start=START + 1),
        silent("none", client="10.0.0.2"),
        session(attempt(), client="8.8.8.8"),
    )
    assert [(d.device, d.status) for d in found] == [
        ("10.0.0.9", "exposed"),
        ("10.0.0.10", "exposed"),
        ("8.8.8.8", "exposed"),
        ("10.0.0.2", "no-auth"),
    ]


def test_conversations_that_were_not_smtp_make_no_device_but_are_counted() -> None:
    seen = inventory(
        silent("none", is_smtp=False), silent("unknown", is_smtp=False, tls_mode="implicit", server_port=465)
    )
    assert [d.status for d in seen.devices()] == ["unknown"]
    assert (seen.summary().sessions, seen.summary().not_smtp) == (1, 1)


@pytest.mark.parametrize(
    ("tried", "listed"),
    [
        (attempt("LOGIN"), True),
        (attempt("PLAIN", "failure", code=535), True),
        (AuthAttempt(None, "unknown", outcome="success", code=235), True),  # one direction captured
        (AuthAttempt(None, "unknown", outcome="failure", code=535), False),  # FTP says so, too (RFC 2228)
        (attempt("PLAIN", "failure", code=504), False),  # FTP's AUTH is answered like this
        (attempt("PLAIN", "unknown"), False),  # POP3's AUTH is never answered with a number
    ],
)
def test_a_login_is_not_counted_away_however_little_the_rest_looks_like_smtp(tried: AuthAttempt, listed: bool) -> None:
    seen = inventory(session(tried, is_smtp=False))
    assert (len(seen.devices()), seen.summary().sessions, seen.summary().not_smtp) == (listed, listed, not listed)


@pytest.mark.parametrize(
    ("reasons", "said"),
    [
        (["inside-tls", "inside-tls"], "lies inside TLS"),
        (["gap", "mid-stream"], "Packets of the login are missing"),
        (["inside-tls", "gap"], "could not be seen"),
        (["inside-tls", "mechanism-unknown"], "could not be seen"),
    ],
)
def test_the_advice_knows_why_no_login_was_seen(reasons: list[str], said: str) -> None:
    seen = device(*[silent("unknown", reason=reason) for reason in reasons])
    assert seen.status == "unknown"
    assert said in seen.advice


# --- router, dual stack, lease -----------------------------------------------------------------------


def test_one_mac_behind_many_addresses_is_a_router_and_no_device_gets_its_maker() -> None:
    found = devices(*[silent("none", client=f"10.0.0.{n}", client_mac=ROUTER, ehlo=f"host{n}") for n in range(1, 5)])
    assert [(d.mac, d.vendor, d.mac_is_router) for d in found] == [(None, None, True)] * 4


def test_one_mac_in_two_subnets_is_a_router() -> None:
    found = devices(
        silent("none", client="10.0.0.1", client_mac=ROUTER, ehlo="copier"),
        silent("none", client="10.0.1.1", client_mac=ROUTER, ehlo="copier", start=START + DAY, end=START + DAY),
    )
    assert [d.mac_is_router for d in found] == [True, True]


@pytest.mark.parametrize("ttl", [63, 126, 254, 60])
def test_a_lowered_ttl_gives_a_router_away_even_with_one_device_behind_it(ttl: int) -> None:
    seen = device(silent("none", client_mac=ROUTER, client_ttl=ttl))
    assert (seen.mac, seen.vendor, seen.mac_is_router) == (None, None, True)


def test_a_tap_on_both_sides_of_the_router_still_finds_the_devices_own_mac() -> None:
    seen = device(
        silent("none", client_mac=COPIER, client_ttl=64),
        silent("none", client_mac=ROUTER, client_ttl=63, start=START + 1),
    )
    assert (seen.mac, seen.mac_is_router) == (COPIER, False)


def test_ipv4_and_ipv6_of_one_interface_are_one_device() -> None:
    seen = device(
        silent("none", client="10.0.0.7"), silent("oauth", client="fe80::7"), silent("oauth", client="2001:db8::7")
    )
    assert (seen.device, seen.ips) == ("10.0.0.7", ("10.0.0.7", "2001:db8::7", "fe80::7"))
    assert (seen.sessions, seen.status) == (3, "no-auth")


def test_without_proof_that_frames_came_straight_from_it_addresses_stay_apart() -> None:
    for ttl in (None, 63):
        found = devices(
            silent("none", client="10.0.0.7", client_ttl=ttl), silent("none", client="2001:db8::7", client_ttl=ttl)
        )
        assert [d.ips for d in found] == [("10.0.0.7",), ("2001:db8::7",)]


def test_a_session_without_a_ttl_takes_nothing_from_the_proof_of_others() -> None:
    seen = device(
        silent("none", client="10.0.0.7"),
        silent("none", client="2001:db8::7"),
        silent("none", client="2001:db8::7", client_ttl=None),
    )
    assert seen.ips == ("10.0.0.7", "2001:db8::7")


def test_many_ipv6_addresses_on_one_mac_are_a_router() -> None:
    found = devices(*[silent("none", client=f"2001:db8::{n}", client_mac=ROUTER) for n in range(1, 6)])
    assert len(found) == 5
    assert all(d.mac_is_router for d in found)


def test_an_address_that_changed_with_the_lease_is_one_device_under_its_last_address() -> None:
    seen = device(
        silent("none", client="10.0.0.7"),
        silent("none", client="10.0.0.20", start=START + DAY, end=START + DAY),
    )
    assert (seen.device, seen.ips) == ("10.0.0.20", ("10.0.0.20", "10.0.0.7"))


@pytest.mark.parametrize(
    ("ehlo", "later"), [("other.example.com", DAY), ("copier3.example.com", 0), ("localhost", DAY)]
)
def test_two_addresses_at_a_time_or_under_two_names_are_two_devices(ehlo: str, later: int) -> None:
    found = devices(
        silent("none", client="10.0.0.7", ehlo=ehlo if ehlo == "localhost" else "copier3.example.com"),
        silent("none", client="10.0.0.20", ehlo=ehlo, start=START + later, end=START + later),
    )
    assert [d.mac_is_router for d in found] == [True, True]


def test_an_address_that_passed_from_one_device_to_another_has_no_single_mac() -> None:
    seen = device(silent("none", client_mac=COPIER), silent("none", client_mac=SCANNER, start=START + DAY))
    assert (seen.mac, seen.mac_is_router) == (None, False)


def test_a_link_without_macs_has_none() -> None:
    seen = device(silent("none", client_mac=None, client_ttl=63))
    assert (seen.mac, seen.mac_is_router) == (None, False)


def test_the_zeros_of_loopback_are_no_mac_that_addresses_could_share() -> None:
    found = devices(silent("none", client="127.0.0.1", client_mac=0), silent("none", client="10.0.0.7", client_mac=0))
    assert [(d.mac, d.vendor, d.mac_is_router) for d in found] == [(None, None, False)] * 2


# --- clients behind one address ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "clients"),
    [
        (["copier3", "copier3.example.com", "COPIER3.example.com."], 1),
        (["copier3", "localhost", "[127.0.0.1]", "localhost.localdomain"], 1),
        (["copier1.example.com", "copier2.example.com"], 2),
        (["[192.168.1.5]", "[192.168.1.6]", "[192.168.1.5]", "[IPv6:2001:db8::1]"], 3),
        (["host", "[192.168.1.5]"], 1),  # one host may show both
        (["[999.1.1.1]", "[", ""], 1),
        (["192.168.1.5", "[192.168.1.5]", "192.168.1.6"], 2),  # many printers leave the brackets out
        (["[10.10.0.103]", "192.168.1.6"], 2),  # its own, and one that it forwards for
        (["999.1.1.1", "998.1.1.1", "1.2.3", "[IPv6:fe80::1%eth0]"], 1),  # neither names nor addresses, but for one
    ],
)
def test_names_show_how_many_clients_share_an_address(names: list[str], clients: int) -> None:
    seen = device(*[silent("none", ehlo=name, start=START + n) for n, name in enumerate(names)])
    assert seen.clients_behind == clients
    assert ("several-clients-behind" in seen.findings) is (clients > 1)


@pytest.mark.parametrize(("ttls", "clients"), [((63, 62, 64), 1), ((63, 127), 2), ((63, 127, 250), 3), ((None, 64), 1)])
def test_initial_ttls_show_different_systems_behind_one_address(ttls: tuple[int | None, ...], clients: int) -> None:
    seen = device(*[silent("none", client_ttl=ttl, start=START + n) for n, ttl in enumerate(ttls)])
    assert seen.clients_behind == clients


def test_a_client_that_names_itself_by_each_of_its_addresses_is_one() -> None:
    seen = device(
        silent("none", client="10.0.0.7", ehlo="[10.0.0.7]"),
        silent("none", client="2001:db8::7", ehlo="[ipv6:2001:DB8::7]"),
        silent("none", client="fe80::7", ehlo="[IPv6:fe80::7]"),
    )
    assert (len(seen.ips), seen.clients_behind) == (3, 1)


def test_different_defaults_of_ipv4_and_ipv6_are_no_sign_of_two_systems() -> None:
    seen = device(silent("none", client="10.0.0.7", client_ttl=255), silent("none", client="fe80::7", client_ttl=64))
    assert seen.clients_behind == 1


# --- failures ----------------------------------------------------------------------------------------


def test_a_failure_that_a_later_success_settled_is_no_standing_finding() -> None:
    failed = session(
        attempt("LOGIN", "failure", enhanced="5.7.139", meaning="basic authentication disabled", time=START)
    )
    worked = session(attempt("LOGIN", time=START + SECOND), start=START + SECOND)
    assert {"auth-failing", "basic-disabled"} <= set(device(failed).findings)
    settled = device(failed, worked)
    assert not {"auth-failing", "basic-disabled"} & set(settled.findings)
    assert settled.last_failure is not None
    assert (settled.last_failure.code, settled.last_failure.enhanced) == (535, "5.7.139")
    assert settled.last_failure.meaning == "basic authentication disabled"
    assert (
        "auth-failing"
        in device(worked, session(attempt("LOGIN", "failure", time=START + DAY), start=START + DAY)).findings
    )


# --- limits ------------------------------------------------------------------------------------------


def test_names_accounts_and_servers_of_one_address_are_bounded_and_the_rest_counted() -> None:
    seen = Inventory()
    for n in range(1000):
        seen.add(
            session(
                attempt(username=f"user{n:04}@example.com"),
                ehlo=f"host{n:04}.example.com",
                server_ip=f"10.9.{n // 250}.{n % 250}",
                start=START + n,
            )
        )
    (only,) = seen.devices()
    assert (len(only.names), len(only.accounts), len(only.servers)) == (LISTED_NAMES, LISTED_ACCOUNTS, LISTED_SERVERS)
    assert only.unlisted == {
        "accounts": 1000 - LISTED_ACCOUNTS,
        "names": 1000 - LISTED_NAMES,
        "servers": 1000 - LISTED_SERVERS,
    }
    assert only.sessions == 1000
    assert seen.summary().unlisted == only.unlisted


def test_long_names_are_cut_visibly() -> None:
    seen = device(session(attempt(username="u" * 10_000), ehlo="e" * 10_000, tls_sni="s" * 10_000))
    for text in (seen.names[0], seen.accounts[0], seen.servers[0].name or ""):
        assert len(text) == LONGEST_TEXT
        assert text.endswith("…")


def test_devices_are_bounded_private_addresses_kept_first_and_sessions_of_the_rest_counted() -> None:
    public = [silent("none", client=f"8.8.{n // 250}.{n % 250}", client_mac=None) for n in range(500)]
    private = [silent("none", client=f"10.0.0.{n}", client_mac=None) for n in range(1, 9)]
    seen = inventory(*public, *private, most_devices=10)
    assert [d.device for d in seen.devices()] == [f"10.0.0.{n}" for n in range(1, 9)] + ["8.8.0.0", "8.8.0.1"]
    summary = seen.summary()
    assert (summary.devices, summary.sessions, summary.unlisted) == (10, 508, {"devices": 498})


def test_memory_holds_tables_for_devices_not_for_sessions() -> None:
    seen = Inventory(most_devices=10)
    for n in range(300):
        seen.add(silent("none", client=f"8.8.{n // 250}.{n % 250}", client_mac=None))
        assert len(seen._builders) <= 12


# --- summary -----------------------------------------------------------------------------------------


def test_the_summary_counts_devices_by_status_provider_and_finding() -> None:
    seen = inventory(
        session(attempt(), client="10.0.0.1", client_mac=1, provider="exchange-online"),
        silent(
            "oauth", client="10.0.0.2", client_mac=2, provider="exchange-online", evidence="inferred", confidence=0.9
        ),
        session(attempt("NTLM"), client="10.0.0.3", client_mac=3),
    ).summary()
    assert (seen.devices, seen.still_password) == (3, 2)
    assert {status: n for status, n in seen.statuses.items() if n} == {"exposed": 1, "password": 1, "oauth": 1}
    assert seen.methods == {"basic": 1, "challenge": 1, "oauth": 1}
    assert (seen.providers["exchange-online"].devices, seen.providers["exchange-online"].with_password) == (2, 1)
    assert seen.findings["basic-to-retiring-provider"] == 1


def test_an_empty_inventory_has_an_empty_summary() -> None:
    seen = Inventory()
    assert seen.devices() == []
    assert (seen.summary().devices, seen.summary().first_seen, seen.summary().last_seen) == (0, None, None)


def test_a_device_has_no_field_for_a_secret() -> None:
    assert not {"password", "token", "secret", "hash", "response"} & {field.name for field in fields(Device)}


def test_sessions_without_time_stamps_do_not_reach_back_to_1970() -> None:
    timed, timeless = session(attempt()), session(attempt(), start=0, end=0)
    for seen in ((timed, timeless), (timeless, timed)):
        whole = inventory(*seen)
        halves = inventory(seen[0])
        halves.merge(inventory(seen[1]))
        for kept in (whole, halves):
            (device,) = kept.devices()
            assert (device.first_seen, kept.summary().first_seen) == (timed.start, timed.start)
    (device,) = inventory(timeless).devices()
    assert (device.first_seen, device.last_seen, inventory(timeless).summary().first_seen) == (0, 0, None)
