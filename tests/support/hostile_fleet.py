"""A report in which every field that somebody else fills holds the same text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from analyzer.history.model import Change, SharedAccount
from analyzer.inventory.device import Asset, Device, HostName, Refusal
from analyzer.provider_view.model import ProviderView, SignIns
from analyzer.report.period.model import PeriodDocument
from tests.support.fleet import document, fleet, provider_view


def poisoned(device: Device, text: str) -> Device:
    """``device``, named, owned, served and refused by ``text``."""
    return replace(
        device,
        names=(text, "2" + text),
        mechanisms={text: 3},
        accounts=(text, "2" + text),
        servers=tuple(replace(server, name=text) for server in device.servers) * 2,
        last_failure=Refusal(device.last_seen, 535, text, text),
        hostnames=(HostName(text, "dhcp"), HostName("3" + text, "mdns")),
        mail_programs=(text,),
        vendor_class=text,
        asset=Asset(text, text, text, text),
    )


def hostile_document(text: str, count: int = 12) -> PeriodDocument:
    """The report over ``count`` devices full of ``text``."""
    devices = [poisoned(device, text) for device in fleet(count)]
    whole = document(devices=devices)
    report = replace(
        whole.report,
        changes=[Change("new", devices[0], None), Change("migrated", devices[-1], devices[0])],
        shared=[SharedAccount(text, text, (devices[0].device, devices[1].device))],
        quality=replace(whole.report.quality, sensors=(text,)),
    )
    return replace(whole, report=report, provider_view=_poisoned_view(devices, text))


def _poisoned_view(devices: Sequence[Device], text: str) -> ProviderView:
    whole = provider_view(devices)
    sign_ins = SignIns(text, 1, 1, {text: 1}, {text: 1}, text, text)
    return replace(
        whole,
        accounts=[replace(account, account=text, sign_ins=sign_ins) for account in whole.accounts],
        not_listed=[text],
        ambiguous=[text],
        addresses=[replace(address, address=text) for address in whole.addresses],
        sources=[replace(source, name=text) for source in whole.sources],
    )
