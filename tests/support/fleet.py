"""A fleet that migrates: a report over a period of any number of devices, the same for the same arguments."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from analyzer.advice import packaged_knowledge, plans
from analyzer.history.model import Change, ChangeKind, Period, PeriodReport, Quality, SharedAccount, TrendPoint
from analyzer.inventory.device import Device, HostName, ProviderUse, Refusal, Server, Summary
from analyzer.inventory.findings import FINDINGS, in_table_order
from analyzer.inventory.status import STATUSES, STILL_PASSWORD, Status
from analyzer.provider_view.model import AGREEMENTS, AccountView, ProviderView, PublicAddress, SignIns, SourceFile
from analyzer.report.period.model import Deadline, PeriodDocument

PERIOD = Period(date(2026, 11, 16), date(2026, 11, 22), "week")
BEFORE = Period(date(2026, 11, 9), date(2026, 11, 15), "week")
WEEK = timedelta(weeks=1)
DAY = 86_400 * 10**9
START = 1_795_000_000 * 10**9 // DAY * DAY
"""A day of the period, nanoseconds since 1970."""

_MAKERS = (
    "Kyocera",
    "Ricoh",
    "Canon",
    "Hewlett Packard",
    "Lexmark",
    "Brother Industries",
    "Xerox",
    "Dell",
    "VMware",
    None,
)
_KINDS = ("copier", "scan", "mfp", "ups", "nas", "erp", "backup", "door", "monitor", "fax")
_SERVERS = (
    ("smtp.office365.com", "52.98.151.66", "exchange-online", 12),
    ("smtp.gmail.com", "142.250.110.108", "gmail", 3),
    ("relay.example.com", "10.0.0.25", None, 4),
    ("email-smtp.eu-west-1.amazonaws.com", "54.76.136.60", "amazon-ses", 1),
)
_WEIGHTS: dict[Status, int] = {
    "exposed": 3, "password": 30, "mixed": 6, "unknown": 8, "no-auth": 22, "certificate": 2, "kerberos": 1,
    "anonymous": 1, "oauth": 27,
}  # fmt: skip
_METHOD: dict[Status, str] = {
    "exposed": "basic", "password": "basic", "mixed": "basic", "unknown": "unknown", "no-auth": "none",
    "certificate": "certificate", "kerberos": "kerberos", "anonymous": "anonymous", "oauth": "oauth",
}  # fmt: skip
_MECHANISM = {
    "basic": "LOGIN",
    "oauth": "XOAUTH2",
    "certificate": "EXTERNAL",
    "kerberos": "GSSAPI",
    "anonymous": "ANONYMOUS",
}
_FINDINGS: dict[Status, tuple[str, ...]] = {
    "exposed": ("cleartext-auth", "starttls-not-offered"),
    "password": ("basic-to-retiring-provider",),
    "mixed": ("basic-to-retiring-provider", "oauth-available"),
}


def fleet(count: int, seed: int = 1) -> list[Device]:
    """``count`` devices, worst first."""
    random_ = random.Random(seed)  # noqa: S311 - for looks, not for secrets
    devices = [_device(number, random_) for number in range(count)]
    return sorted(devices, key=lambda device: (STATUSES.index(device.status), -device.sessions, device.device))


def _device(number: int, random_: random.Random) -> Device:
    status = random_.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
    name, ip, provider, _ = random_.choices(_SERVERS, [server[3] for server in _SERVERS])[0]
    kind = random_.choice(_KINDS)
    sessions = random_.randint(1, 400)
    refused = random_.randint(1, 9) if random_.random() < 0.12 else 0
    method = _METHOD[status]
    evidence = (
        None
        if status == "unknown"
        else "observed"
        if status == "exposed"
        else random_.choice(("inferred", "inferred", "observed"))
    )
    methods = {method: sessions}
    if status == "mixed":
        methods = {"basic": max(1, sessions // 3), "oauth": max(1, sessions * 2 // 3)}
    findings = set(_FINDINGS.get(status, ()))
    if provider not in ("exchange-online", "gmail"):
        findings.discard("basic-to-retiring-provider")
    if refused:
        findings.add("auth-failing")
    if random_.random() < 0.06:
        findings.add("shared-account")
    seen = START + random_.randint(0, 2 * DAY)
    address = f"10.{20 + number // 62_500}.{number // 250 % 250}.{number % 250 + 1}"
    accounts = (
        ()
        if status in ("no-auth", "unknown", "certificate") or evidence == "inferred"
        else (f"{kind}{number}@example.com",)
    )
    return Device(
        device=address,
        ips=(address,),
        mac=0x0017C8000000 + number,
        mac_is_router=False,
        vendor=random_.choice(_MAKERS),
        names=(f"{kind}-{number:04}.example.com",),
        status=status,
        evidence=evidence,  # type: ignore[arg-type]
        confidence=None
        if evidence is None
        else 1.0
        if evidence == "observed"
        else random_.choice((0.961, 0.987, 0.998)),
        methods=methods,
        mechanisms={_MECHANISM[method]: sessions} if method in _MECHANISM and evidence == "observed" else {},
        accounts=accounts,
        servers=(Server(ip, name, (587,), provider, sessions, methods),),
        sessions=sessions,
        messages=max(0, sessions - refused),
        auth_success=0 if method in ("none", "unknown") else sessions,
        auth_failure=refused,
        last_failure=Refusal(seen, 535, "5.7.139", "the provider refuses passwords") if refused else None,
        first_seen=seen - 3 * DAY,
        last_seen=seen,
        clients_behind=4 if random_.random() < 0.01 else 1,
        findings=in_table_order(findings),
        advice=f"{_ADVICE[status]}.",
        hostnames=(HostName(f"{kind}-{number:04}.example.com", "ehlo"),),
    )


_ADVICE: dict[Status, str] = {
    "exposed": "Change this account's password now, and turn on STARTTLS (587) or TLS (465)",
    "password": "Move this device to OAuth where its firmware can, else to a relay trusted by address or certificate; "
    "Exchange Online: password submission is switched off by default at the end of December 2026",
    "mixed": "Find what on this device still uses the password, move it to OAuth, then remove the password",
    "unknown": "The login lies inside TLS, and its turns fit more than one kind: capture more of its sessions",
    "no-auth": "Confirm that this device is meant to send without authentication (relay by address or direct delivery)",
    "certificate": "Nothing to do for passwords; watch the certificate's expiry",
    "kerberos": "Nothing to do: the device authenticates by Kerberos",
    "anonymous": "Confirm that anonymous sending is meant; the server cannot tell who it is",
    "oauth": "Nothing to do: the device uses OAuth",
}


def summary(devices: Sequence[Device]) -> Summary:
    """The counts over ``devices``."""
    statuses = Counter(device.status for device in devices)
    providers: dict[str, list[bool]] = {}
    for device in devices:
        for server in device.servers:
            if server.provider:
                providers.setdefault(server.provider, []).append(device.status in STILL_PASSWORD)
    found = Counter(finding for device in devices for finding in device.findings)
    return Summary(
        devices=len(devices),
        still_password=sum(statuses[status] for status in STILL_PASSWORD),
        statuses={status: statuses[status] for status in STATUSES},
        methods=dict(sum((Counter(device.methods) for device in devices), Counter())),
        providers={id: ProviderUse(len(uses), sum(uses)) for id, uses in providers.items()},
        findings={finding.id: found[finding.id] for finding in FINDINGS if found[finding.id]},
        sessions=sum(device.sessions for device in devices),
        messages=sum(device.messages for device in devices),
        not_smtp=0,
        first_seen=min((device.first_seen for device in devices), default=None),
        last_seen=max((device.last_seen for device in devices), default=None),
        unlisted={},
    )


def trend(now: Summary, weeks: int) -> list[TrendPoint]:
    """A number that falls week by week to what it is now."""
    points = []
    for ago in range(weeks - 1, -1, -1):
        more = 1 + ago * 0.06 + (0.08 if ago % 7 == 3 else 0)
        statuses = {
            status: round(count * more) if status in STILL_PASSWORD else count for status, count in now.statuses.items()
        }
        period = Period(PERIOD.first - ago * WEEK, PERIOD.last - ago * WEEK, "week")
        still = sum(statuses[status] for status in STILL_PASSWORD)
        points.append(TrendPoint(period, sum(statuses.values()), still, statuses, now.sessions))
    return points


def changes(devices: Sequence[Device]) -> list[Change]:
    """A few of each kind, from among ``devices``."""
    by_status: dict[str, list[Device]] = {}
    for device in devices:
        by_status.setdefault(device.status, []).append(device)
    wanted: tuple[tuple[ChangeKind, Status, Status | None, int], ...] = (
        ("new", "password", None, 2),
        ("relapsed", "password", "oauth", 1),
        ("worse", "exposed", "password", 1),
        ("unclear", "unknown", "password", 1),
        ("better", "mixed", "password", 2),
        ("migrated", "oauth", "password", 5),
    )
    found: list[Change] = []
    for kind, status, was, count in wanted:
        for device in by_status.get(status, [])[1 : count + 1]:
            found.append(Change(kind, device, None if was is None else replace(device, status=was)))
    gone = (
        replace(
            devices[0],
            device="10.99.0.7",
            names=(),
            hostnames=(HostName("fax-cellar.example.com", "dhcp"),),
            status="password",
        )
        if devices
        else None
    )
    if gone:
        found.insert(-7 if len(found) > 7 else len(found), Change("silent", None, gone))
    return found


def document(
    count: int = 60, weeks: int = 26, seed: int = 1, devices: Sequence[Device] | None = None
) -> PeriodDocument:
    """The report over :data:`PERIOD`, of ``count`` devices or those given."""
    devices = fleet(count, seed) if devices is None else devices
    now = summary(devices)
    points = trend(now, weeks)
    before = replace(points[-2] if len(points) > 1 else points[-1], period=BEFORE)
    concerned = [use.with_password for id, use in now.providers.items() if id == "exchange-online"]
    report = PeriodReport(
        period=PERIOD,
        devices=devices,
        summary=now,
        before=BEFORE,
        summary_before=before,
        changes=changes(devices),
        trend=points,
        first_seen={device.device: device.first_seen - 90 * DAY for device in devices},
        shared=[
            SharedAccount(
                f"scan{number}@example.com", "exchange-online", tuple(d.device for d in devices[number : number + 3])
            )
            for number in range(min(3, len(devices)))
        ],
        quality=Quality(
            now.sessions,
            now.sessions * 97 // 100,
            now.sessions // 200,
            now.methods.get("unknown", 0),
            168,
            1,
            0,
            0,
            ("east", "west"),
        ),
        returned=devices[5:6],
        absent=[replace(device, device=f"10.98.0.{number}") for number, device in enumerate(devices[:3], 1)],
        forecast=date(2027, 2, 14),
    )
    deadline = Deadline(
        provider="exchange-online",
        name="Exchange Online",
        day=date(2026, 12, 31),
        days_left=39,
        note="password submission is switched off by default at the end of December 2026",
        source="Exchange Team Blog",
        as_of=date(2026, 1, 27),
        devices=sum(concerned),
    )
    todo = plans(devices, packaged_knowledge(), PERIOD.last)
    return PeriodDocument(report, [deadline] if concerned else [], todo)


def provider_view(devices: Sequence[Device]) -> ProviderView:
    """Exports that name the accounts of some of ``devices``, and two that none of them has."""
    named = [device for device in devices if device.accounts][:12]
    accounts = [
        AccountView(
            account=device.accounts[0],
            agreement="conflict" if device.status == "oauth" else "agrees",
            says=("basic",),
            messages={"basic": device.messages},
            old_tls=0.0,
            devices=(device.device,),
            ours=("oauth",) if device.status == "oauth" else ("password",),
            by_local_part=False,
            sign_ins=SignIns(device.accounts[0], successes=9, failures=1, addresses={"192.0.2.7": 9}),
        )
        for device in named
    ]
    accounts += [
        AccountView(f"{who}@example.com", "unexplained", ("basic",), {"basic": 41}, 3.5, (), (), False, None)
        for who in ("alarm", "warehouse")
    ]
    accounts.sort(key=lambda account: AGREEMENTS.index(account.agreement))
    return ProviderView(
        accounts=accounts,
        not_listed=["door-cellar@example.com"],
        ambiguous=[],
        hidden_devices=[device.device for device in devices[:3]],
        addresses=[PublicAddress("192.0.2.7", ours=True, accounts=12, explained=12, sign_ins=108)],
        sources=[SourceFile("smtp-auth-clients.csv", rows=14)],
        unlisted={},
    )
