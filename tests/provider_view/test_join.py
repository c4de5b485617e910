"""Mailboxes and devices joined by account: who is explained, who is not, and where we and the provider differ."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.errors import InputError
from analyzer.inventory.device import Device
from analyzer.provider_view import AccountView, ProviderView, SignIns, SmtpAuthClient, provider_view
from analyzer.provider_view.join import joined
from tests.advice.devices import RELAY, device, server
from tests.provider_view.exports import (
    EAC_HEADER,
    ELSEWHERE,
    HERE,
    SIGN_IN_HEADER,
    cells,
    eac_row,
    sign_in_row,
    written,
)


def client(account: str, protocol: str | None = "basic", messages: int | None = 10) -> SmtpAuthClient:
    return SmtpAuthClient(account, protocol, messages, None)  # type: ignore[arg-type]


def sender(*accounts: str, status: str = "password", method: str = "basic", ip: str = "10.0.0.1") -> Device:
    return device(status, server("exchange-online", method=method), ip=ip, accounts=accounts)  # type: ignore[arg-type]


def only(view: ProviderView) -> AccountView:
    (account,) = view.accounts
    return account


def test_an_account_is_joined_without_regard_to_case() -> None:
    account = only(joined([client("Scan@Example.com")], [], [sender("scan@example.com")]))
    assert (account.account, account.devices, account.agreement) == ("Scan@Example.com", ("10.0.0.1",), "agrees")
    assert not account.by_local_part


@pytest.mark.parametrize(
    ("says", "status", "method", "agreement"),
    [
        ("basic", "password", "basic", "agrees"),
        ("oauth", "oauth", "oauth", "agrees"),
        ("oauth", "password", "basic", "conflict"),
        ("basic", "oauth", "oauth", "conflict"),
        (None, "password", "basic", "open"),
        ("basic", "unknown", "unknown", "open"),
    ],
)
def test_where_we_and_the_provider_differ_it_is_shown_as_a_conflict(
    says: str | None, status: str, method: str, agreement: str
) -> None:
    view = joined([client("a@b.example", says)], [], [sender("a@b.example", status=status, method=method)])
    assert only(view).agreement == agreement


def test_a_device_that_is_migrating_agrees_with_either() -> None:
    migrating = device(
        "mixed",
        server("exchange-online"),
        server("exchange-online", ip="192.0.43.9", method="oauth"),
        accounts=("a@b.example",),
    )
    for says in ("basic", "oauth"):
        assert only(joined([client("a@b.example", says)], [], [migrating])).agreement == "agrees"


def test_basic_accounts_without_a_device_are_unexplained_and_oauth_ones_are_no_matter() -> None:
    view = joined([client("far@b.example"), client("app@b.example", "oauth")], [], [])
    assert [account.account for account in view.of("unexplained")] == ["far@b.example"]
    assert [account.account for account in view.of("open")] == ["app@b.example"]


def test_devices_whose_account_lies_inside_tls_are_named_since_accounts_may_be_theirs() -> None:
    view = joined([client("far@b.example")], [], [sender(), sender("a@b.example", ip="10.0.0.2"), device("oauth")])
    assert view.hidden_devices == ["10.0.0.1"]


def test_rows_of_one_account_add_up() -> None:
    view = joined(
        [client("a@b.example", "basic", 3), client("A@b.example", "oauth", 4), client("a@b.example", None, 5)], [], []
    )
    account = only(view)
    assert account.says == ("basic", "oauth")
    assert account.messages == {"basic": 3, "oauth": 4, "unsaid": 5}


@pytest.mark.parametrize("ours", ["scan@corp.onmicrosoft.com", "CORP\\scan", "scan"])
def test_the_part_before_the_at_sign_joins_where_it_is_the_only_one(ours: str) -> None:
    account = only(joined([client("scan@example.com")], [], [sender(ours)]))
    assert (account.devices, account.by_local_part) == (("10.0.0.1",), True)


def test_the_part_before_the_at_sign_does_not_join_where_it_is_ambiguous() -> None:
    several = joined([client("scan@a.example"), client("scan@b.example")], [], [sender("scan")])
    assert several.ambiguous == ["scan"]
    assert all(not account.devices for account in several.accounts)
    rivals = joined([client("scan@a.example")], [], [sender("CORP\\scan"), sender("scan@c.example", ip="10.0.0.2")])
    assert sorted(rivals.ambiguous) == ["CORP\\scan", "scan@c.example"]
    taken = joined([client("scan@a.example")], [], [sender("scan@a.example"), sender("scan", ip="10.0.0.2")])
    assert taken.ambiguous == ["scan"]
    assert only(taken).devices == ("10.0.0.1",)


def test_accounts_of_ours_that_the_exports_lack_are_told() -> None:
    view = joined([client("a@b.example")], [], [sender("a@b.example", "new@b.example")])
    assert view.not_listed == ["new@b.example"]


def test_a_device_that_sends_elsewhere_explains_an_account_and_contradicts_nobody() -> None:
    elsewhere = device("password", server(ip=RELAY), accounts=("a@b.example", "local"))
    view = joined([client("a@b.example", "oauth"), client("local@b.example")], [], [elsewhere])
    views = {account.account: account for account in view.accounts}
    assert (views["a@b.example"].devices, views["a@b.example"].agreement) == (("10.0.0.1",), "open")
    assert views["local@b.example"].devices == ()
    assert view.not_listed == []


def test_what_needs_attention_comes_first_then_by_messages() -> None:
    view = joined(
        [
            client("d@b.example", "oauth", 99),
            client("c@b.example", "basic", 1),
            client("b@b.example", "basic", 5),
            client("a@b.example", "oauth"),
        ],
        [],
        [sender("a@b.example")],
    )
    assert [account.account[0] for account in view.accounts] == ["a", "b", "c", "d"]


def test_public_addresses_tell_our_network_from_other_sites() -> None:
    logged = [
        SignIns("scan@b.example", successes=3, addresses={HERE: 2, "10.0.0.1": 1}),
        SignIns("far@b.example", successes=9, addresses={ELSEWHERE: 9}),
        SignIns("roaming@b.example", successes=1, addresses={HERE: 1}),
    ]
    view = joined([client("scan@b.example")], logged, [sender("scan@b.example")])
    assert [(each.address, each.ours, each.accounts, each.explained, each.sign_ins) for each in view.addresses] == [
        (HERE, True, 2, 1, 3),
        (ELSEWHERE, False, 1, 0, 9),
    ]


def test_refused_sign_ins_make_no_address_ours() -> None:
    logged = [SignIns("scan@b.example", failures=3, refused_from={ELSEWHERE: 3}, last_reason="Invalid password")]
    view = joined([], logged, [sender("scan@b.example")])
    assert view.addresses == []
    assert only(view).sign_ins == logged[0]


def test_several_exports_are_one(tmp_path: Path) -> None:
    first = written(tmp_path, cells(EAC_HEADER, eac_row("scan@b.example")), "1.csv")
    second = written(tmp_path, cells(EAC_HEADER, eac_row("erp@b.example", "OAuth")), "2.csv")
    logs = [written(tmp_path, cells(SIGN_IN_HEADER, sign_in_row("scan@b.example")), f"log{n}.csv") for n in (1, 2)]
    view = provider_view([first, second], logs, [sender("scan@b.example")])
    assert {account.account for account in view.accounts} == {"scan@b.example", "erp@b.example"}
    (scan,) = view.of("agrees")
    assert scan.sign_ins is not None
    assert (scan.sign_ins.successes, scan.sign_ins.addresses) == (2, {HERE: 2})
    assert [source.name for source in view.sources] == [first, second, *logs]


def test_the_wrong_file_in_the_wrong_place_is_refused(tmp_path: Path) -> None:
    log = written(tmp_path, cells(SIGN_IN_HEADER, sign_in_row("scan@b.example")))
    with pytest.raises(InputError, match="not an export of the SMTP AUTH clients report"):
        provider_view([log], [], [])


_names = st.sampled_from(["a@x.example", "A@x.example", "a@y.example", "a", "X\\a", "b@x.example", "b", "", "@", "\\"])


@given(
    st.lists(st.tuples(_names.filter(bool), st.sampled_from(["basic", "oauth", None]), st.none() | st.integers(0, 9))),
    st.lists(st.tuples(st.lists(_names, max_size=3), st.sampled_from(["password", "oauth", "unknown"])), max_size=4),
)
def test_every_account_and_message_is_in_the_view_once(
    rows: list[tuple[str, str | None, int | None]], holders: list[tuple[list[str], str]]
) -> None:
    clients = [client(*row) for row in rows]
    methods = {"password": "basic", "oauth": "oauth", "unknown": "unknown"}
    devices = [
        sender(*accounts, status=status, method=methods[status], ip=f"10.0.0.{n}")
        for n, (accounts, status) in enumerate(holders)
    ]
    view = joined(clients, [], devices)
    names = [account.account.casefold() for account in view.accounts]
    assert sorted(names) == sorted({row.account.casefold() for row in clients})
    assert sum(sum(account.messages.values()) for account in view.accounts) == sum(row.messages or 0 for row in clients)
    joined_names = {name.casefold() for account in view.accounts if account.devices for name in [account.account]}
    for one in devices:
        for name in one.accounts:
            known = name.casefold() in names
            assert (
                known
                or name in view.not_listed
                or name in view.ambiguous
                or any(one.device in account.devices and account.by_local_part for account in view.accounts)
                or name.casefold() in {n.casefold() for n in [*view.not_listed, *view.ambiguous]}
            )
            assert not known or name.casefold() in joined_names
    for account in view.accounts:
        assert (account.agreement == "unexplained") == (not account.devices and "basic" in account.says)
