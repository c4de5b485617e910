"""The world of the lab as data: segments, the office's devices, the servers. A new device is a new row.

Addresses are private (RFC 1918) or set aside for documentation (RFC 5737, RFC 3849); MAC addresses carry
the real prefixes of the makers, as they would in an office.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Segment:
    """One Ethernet segment and the router's leg in it."""

    name: str
    router_ipv4: str
    router_ipv6: str
    router_mac: str


@dataclass(frozen=True, slots=True)
class Host:
    """One host: ``name`` is its namespace, ``names`` are its names in DNS, ``about`` is for the reader."""

    name: str
    segment: str
    number: int
    mac: str
    about: str
    names: tuple[str, ...] = ()

    @property
    def ipv4(self) -> str:
        """Its IPv4 address."""
        return f"{'10.20.0' if self.segment == 'office' else '198.51.100'}.{self.number}"

    @property
    def ipv6(self) -> str:
        """Its IPv6 address."""
        # The decimal number in the last group, so that both addresses of a host look alike.
        return f"2001:db8:{20 if self.segment == 'office' else 100}::{self.number}"


SEGMENTS = (
    Segment("office", "10.20.0.1", "2001:db8:20::1", "00:0c:42:5e:10:01"),
    Segment("internet", "198.51.100.1", "2001:db8:100::1", "00:0c:42:5e:10:02"),
)

ROUTER = Host("router", "office", 1, SEGMENTS[0].router_mac, "the office's router (MikroTik)")

DEVICES = (
    Host("copier-reception", "office", 101, "00:c0:ee:21:40:65", "Kyocera copier at reception"),
    Host("copier-2nd-floor", "office", 102, "58:38:79:4b:9c:02", "Ricoh copier on the second floor"),
    Host("copier-accounting", "office", 103, "18:0c:ac:77:31:5d", "Canon copier in accounting"),
    Host(
        "scanner-archive", "office", 104, "00:1b:a9:0e:72:c4", "Brother document scanner in the archive, old firmware"
    ),
    Host("printer-warehouse", "office", 105, "3c:d9:2b:58:0a:e1", "HP printer in the warehouse"),
    Host("copier-legal", "office", 106, "00:20:6b:a1:5f:33", "Konica Minolta copier, being moved to OAuth"),
    Host("ups-basement", "office", 107, "00:c0:b7:6d:22:19", "APC power supply with a network card"),
    Host("nas-backup", "office", 108, "00:11:32:c8:04:7b", "Synology storage box"),
    Host("camera-gate", "office", 109, "00:40:8c:93:d1:08", "Axis camera at the gate"),
    Host("monitoring", "office", 40, "b8:27:eb:3f:5a:c6", "monitoring box (Raspberry Pi)"),
    Host("erp", "office", 41, "00:50:56:8e:41:29", "ERP server (virtual machine)"),
    Host("app-modern", "office", 42, "00:50:56:8e:42:2a", "ticket system, sends with OAuth (virtual machine)"),
    Host("intranet", "office", 43, "00:50:56:8e:43:2b", "intranet server with several programs (virtual machine)"),
    Host("branch-router", "office", 250, "24:a4:3c:90:17:e5", "router of the branch office, hides its devices (NAT)"),
)
"""The office, as its router's switch port sees it."""

BENCH = Host(
    "bench", "office", 200, "00:14:22:b7:20:c8", "a workstation (Dell) from which single behaviours are recorded"
)

SERVERS = (
    Host(
        "relay",
        "office",
        25,
        "00:50:56:8e:25:19",
        "the office's own mail server: Postfix with Dovecot SASL",
        ("relay.office.example",),
    ),
    Host("exchange", "internet", 10, "00:00:5e:00:53:10", "speaks Exchange Online's dialogue", ("smtp.office365.com",)),
    Host("gmail", "internet", 20, "00:00:5e:00:53:20", "speaks Gmail's dialogue", ("smtp.gmail.com",)),
    Host(
        "exim",
        "internet",
        30,
        "00:00:5e:00:53:30",
        "a hosting provider and MX: Exim",
        ("mail.hosting.example", "mx.partner.example"),
    ),
    Host(
        "dovecot",
        "internet",
        40,
        "00:00:5e:00:53:40",
        "a mailbox provider: Dovecot submission",
        ("submission.mailbox.example",),
    ),
    Host("aiosmtpd", "internet", 50, "00:00:5e:00:53:50", "an alerting service: aiosmtpd", ("alerts.service.example",)),
    Host(
        "nodemailer",
        "internet",
        60,
        "00:00:5e:00:53:60",
        "an application's inbox: nodemailer's smtp-server",
        ("inbox.apps.example",),
    ),
    Host(
        "campus",
        "internet",
        70,
        "00:00:5e:00:53:70",
        "a university: Postfix with Cyrus SASL, and the Kerberos key distribution center",
        ("smtp.campus.example",),
    ),
    Host(
        "institute",
        "internet",
        71,
        "00:00:5e:00:53:71",
        "one of its institutes: Dovecot submission with Kerberos",
        ("smtp.institute.example",),
    ),
    Host("chasquid", "internet", 90, "00:00:5e:00:53:90", "a private server: chasquid", ("mail.home.example",)),
    Host(
        "padded",
        "internet",
        110,
        "00:00:5e:00:53:b0",
        "a careful service: aiosmtpd, pads its records of TLS 1.3",
        ("careful.service.example",),
    ),
)

HOSTS = (*DEVICES, BENCH, *SERVERS)

BY_NAME = {host.name: host for host in HOSTS}


def server_name(server: str, *, ipv6: bool = False) -> str:
    """The DNS name by which clients address ``server``; a name of its own stands for its IPv6 address."""
    name = BY_NAME[server].names[0]
    return f"ipv6.{name}" if ipv6 else name


def hosts_file() -> str:
    """``/etc/hosts`` of the lab, in place of DNS."""
    lines = ["127.0.0.1 localhost", "::1 localhost"]
    for host in HOSTS:
        for name in host.names:
            lines += [f"{host.ipv4} {name}", f"{host.ipv6} ipv6.{name}"]
    return "\n".join(lines) + "\n"
