"""The provider's view as a dictionary, and as tables that every format can show."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TextIO

from analyzer.provider_view import AccountView, ProviderView, PublicAddress, SignIns, SourceFile
from analyzer.report.redact import Redactor
from analyzer.report.table import NARROWEST, PROSE, Column, render
from analyzer.report.text import clean, clean_or_none
from analyzer.report.width import fold
from analyzer.report.wording import Record, counted, plural

SHOWN = 100
"""Rows of a table that text shows; JSON has all."""

_SAYS = {"basic": "Basic", "oauth": "OAuth"}
_NAMED = 3


@dataclass(frozen=True, slots=True)
class ViewTable:
    """One table of the view.

    Attributes:
        title: heading. explanation: what its rows mean, a sentence or two.
        head: one title for each column. rows: texts, as long as ``head``.
    """

    title: str
    explanation: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def provider_view_record(view: ProviderView, redactor: Redactor | None = None) -> Record:
    """The view, as ``--format json`` prints it."""
    name = _namer(redactor)
    return {
        "accounts": [_account_record(account, name) for account in view.accounts],
        "not_listed": [name(account) for account in view.not_listed],
        "ambiguous": [name(account) for account in view.ambiguous],
        "hidden_devices": list(view.hidden_devices),
        "addresses": [_address_record(address) for address in view.addresses],
        "sources": [_source_record(source) for source in view.sources],
        "unlisted": dict(view.unlisted),
    }


def _namer(redactor: Redactor | None) -> Callable[[str], str]:
    return clean if redactor is None else redactor.alias


def _account_record(account: AccountView, name: Callable[[str], str]) -> Record:
    return {
        "account": name(account.account),
        "agreement": account.agreement,
        "says": list(account.says),
        "messages": dict(account.messages),
        "old_tls": account.old_tls,
        "devices": list(account.devices),
        "ours": list(account.ours),
        "by_local_part": account.by_local_part,
        "sign_ins": account.sign_ins and _sign_ins_record(account.sign_ins),
    }


def _sign_ins_record(sign_ins: SignIns) -> Record:
    return {
        "successes": sign_ins.successes,
        "failures": sign_ins.failures,
        "addresses": _by_count(sign_ins.addresses),
        "refused_from": _by_count(sign_ins.refused_from),
        "last_reason": clean_or_none(sign_ins.last_reason),
        "last_failure": clean(sign_ins.last_failure) or None,
    }


def _by_count(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])))


def _address_record(address: PublicAddress) -> Record:
    return {
        "address": address.address,
        "ours": address.ours,
        "accounts": address.accounts,
        "explained": address.explained,
        "sign_ins": address.sign_ins,
    }


def _source_record(source: SourceFile) -> Record:
    return {"name": clean(source.name), "rows": source.rows, "others": source.others, "unusable": source.unusable}


def provider_view_sentence(record: Record) -> str:
    """The answer in one sentence or two."""
    counts = dict.fromkeys(("conflict", "unexplained", "agrees", "open"), 0)
    for account in record["accounts"]:
        counts[account["agreement"]] += 1
    basic = sum("basic" in account["says"] for account in record["accounts"])
    text = (
        f"The provider lists {plural(len(record['accounts']), 'account')}, {basic:,} of them with Basic. "
        f"Compared with what we saw: {counts['agrees']:,} the same, {counts['conflict']:,} different, "
        f"{counts['unexplained']:,} that no device of ours explains, {counts['open']:,} with nothing to compare."
    )
    if hidden := len(record["hidden_devices"]):
        text += (
            f" {plural(hidden, 'device')} of ours {'logs' if hidden == 1 else 'log'} in there inside TLS, where "
            "accounts cannot be seen: accounts that no device explains may be theirs."
        )
    return text


def provider_view_tables(record: Record) -> Iterator[ViewTable]:
    """Everything worth a table, those that have rows, what needs attention first."""
    accounts = record["accounts"]
    head = ("Account", "Provider says", "Messages", "Devices", "We saw", "Signs in from")
    for agreement, title, explanation in (
        (
            "conflict",
            "Accounts of which we and the provider say different things",
            "Neither is taken to be right: the export may cover other days, or somebody else may use the account.",
        ),
        (
            "unexplained",
            "Accounts with Basic that no device of ours explains",
            "Another site, a device that was not captured, or one whose account lies inside TLS.",
        ),
        ("agrees", "Accounts as both see them", "Provider and capture say the same."),
        ("open", "Accounts with nothing to compare", "The provider does not say how they log in, or nothing was seen."),
    ):
        rows = [_account_row(account) for account in accounts if account["agreement"] == agreement]
        if rows:
            yield ViewTable(title, explanation, head, rows)
    names = [(account, "not in the exports") for account in record["not_listed"]]
    names += [(account, "several of the provider's accounts could be it") for account in record["ambiguous"]]
    if names:
        yield ViewTable(
            "Accounts of our devices that were not joined",
            "Devices log in to the provider with these names.",
            ("Account", "Why"),
            names,
        )
    if record["addresses"]:
        yield ViewTable(
            "Public addresses",
            "Ours are those from which accounts of our devices signed in; the others are other sites, or home offices.",
            ("Address", "Whose", "Accounts", "Our devices'", "Sign-ins"),
            [_address_row(address) for address in record["addresses"]],
        )


def _account_row(account: Record) -> tuple[str, ...]:
    sign_ins = account["sign_ins"]
    where = list(sign_ins["addresses"]) if sign_ins else []
    if sign_ins and not where and sign_ins["failures"]:
        where = [f"{sign_ins['failures']:,} refused: {sign_ins['last_reason'] or 'no reason given'}"]
    same = " (by the part before @)" if account["by_local_part"] else ""
    return (
        account["account"],
        " and ".join(_SAYS[protocol] for protocol in account["says"]) or "-",
        f"{sum(account['messages'].values()):,}" if account["messages"] else "-",
        (_some(account["devices"]) + same) if account["devices"] else "-",
        " and ".join(account["ours"]) or "-",
        _some(where),
    )


def _address_row(address: Record) -> tuple[str, ...]:
    return (
        address["address"],
        "ours" if address["ours"] else "elsewhere",
        f"{address['accounts']:,}",
        f"{address['explained']:,}",
        f"{address['sign_ins']:,}",
    )


def provider_view_notes(record: Record) -> Iterator[str]:
    """What was read, and what was left out."""
    for source in record["sources"]:
        text = f"{source['name']}: {plural(source['rows'], 'row')}"
        if source["others"]:
            text += f", {source['others']:,} of other kinds left out"
        if source["unusable"]:
            text += f", {source['unusable']:,} without a usable account"
        yield text + "."
    if record["unlisted"]:
        yield f"Limit reached, not listed: {counted(record['unlisted'])}."


def write_provider_view(record: Record, out: TextIO, width: int) -> None:
    """The view for people at a terminal.

    Args:
        width: columns.
    """
    width = max(width, NARROWEST)
    _write(provider_view_sentence(record), out, width)
    for table in provider_view_tables(record):
        out.write("\n")
        _write(table.title, out, width)
        _write(table.explanation, out, width)
        columns = [
            Column(title, least=len(title) + 4, leave=0 if n < 2 else len(table.head) - n, right=title in _NUMBERS)
            for n, title in enumerate(table.head)
        ]
        out.write(render(columns, table.rows[:SHOWN], width) + "\n")
        if len(table.rows) > SHOWN:
            out.write(f"... and {len(table.rows) - SHOWN:,} more (JSON has all)\n")
    out.write("\n")
    for note in provider_view_notes(record):
        _write(note, out, width)


_NUMBERS = ("Messages", "Accounts", "Our devices'", "Sign-ins")


def _write(text: str, out: TextIO, width: int) -> None:
    for line in fold(text, min(width, PROSE)):
        out.write(f"{line}\n")


def _some(values: Sequence[str]) -> str:
    if not values:
        return "-"
    text = ", ".join(values[:_NAMED])
    return text if len(values) <= _NAMED else f"{text} and {len(values) - _NAMED:,} more"
