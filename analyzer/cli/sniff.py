"""The arguments of ``smtpauth sniff``."""

from __future__ import annotations

from analyzer.cli.parser import REDACT, STATUSES, Commands, add_limits, add_shared, add_store, positive

_SNIFF = """\
Listens on network interfaces, such as the end of a mirror port, and tells at
once when a password crosses the network in the clear, a device logs in with a
password for the first time, falls back from OAuth to one, or keeps failing.
Meanwhile the inventory of devices grows.

FILTER is a further restriction in the language of tcpdump (pcap-filter(7));
what is on other ports than those of mail is never looked at.

On a terminal it shows a live table, and the inventory in the end. Elsewhere it
prints one JSON object a line for each event."""

_SNIFF_EPILOG = """\
It needs the right to capture: run it with sudo, or grant the capability
CAP_NET_RAW. Started as root, it becomes an unprivileged user (--user) as soon
as the interfaces are open.

signals:
  SIGINT, SIGTERM  write what is known, and end; again: end at once
  SIGHUP           open files anew (log rotation), read --config anew
  SIGUSR1          print statistics on stderr

exit codes:
  0    --duration is over
  1    a device is at or above --fail-on
  2    wrong usage, no permission, an interface, filter or file is not usable
  3    done, but packets were dropped, or a limit on memory was reached
  130  ended by a signal, after writing what is known

examples:
  sudo smtpauth sniff -i eth1                      a table that grows
  sudo smtpauth sniff -i eth1 -i eth2 net 10.20.0.0/16
  sudo smtpauth sniff -i eth1 --duration 3600 --fail-on mixed
  sudo smtpauth sniff -i eth1 --events /var/log/smtpauth.jsonl \\
    --inventory /var/lib/smtpauth/devices.json --state /var/lib/smtpauth/known
  sudo smtpauth sniff -i eth1 --syslog tls://logs.example.com --format ecs"""

LIVE_FORMATS = ("table", "jsonl", "text", "ecs", "ocsf")


def add(commands: Commands) -> None:
    """``sniff``, with its options."""
    sniff = commands.add_parser(
        "sniff",
        help="network interfaces -> alerts, and an inventory that grows",
        description=_SNIFF,
        epilog=_SNIFF_EPILOG,
    )
    sniff.add_argument("filter", nargs="*", metavar="FILTER", help="look only at what this tcpdump filter lets through")
    capture = sniff.add_argument_group("capture")
    capture.add_argument(
        "-i", "--interface", action="append", default=[], metavar="IFACE", help="listen there (repeatable); any: on all"
    )
    capture.add_argument("--decap", action="store_true", help="look into tunnels, too (GRE, VXLAN, MPLS, PPPoE ...)")
    capture.add_argument(
        "--no-names", action="store_true", help="learn no host names from DHCP, DNS, multicast DNS and NetBIOS"
    )
    capture.add_argument(
        "--buffer", type=positive, metavar="MB", help="packets the kernel keeps while we are busy (default: 96)"
    )
    capture.add_argument("--no-promiscuous", action="store_true", help="only packets meant for this machine")
    capture.add_argument("--user", metavar="NAME", help="whom to become when started as root (default: nobody)")
    capture.add_argument("--duration", type=positive, metavar="SECONDS", help="end after that time")
    events = sniff.add_argument_group("events")
    events.add_argument(
        "--format",
        choices=LIVE_FORMATS,
        help="table: a live one (default on a terminal); else events, one a line: jsonl (default), text, "
        "ecs (Elastic Common Schema), ocsf (Open Cybersecurity Schema Framework)",
    )
    events.add_argument("--events", metavar="FILE", help="append them to this file, not to standard output")
    events.add_argument(
        "--syslog", metavar="URL", help="send them there, too: udp://HOST, tcp://HOST, tls://HOST?ca=FILE (RFC 5424)"
    )
    events.add_argument(
        "--throttle", type=positive, metavar="SECONDS", help="tell the same event once in that time (default: 3600)"
    )
    events.add_argument(
        "--state", metavar="FILE", help="remember known devices there, so that a new start does not tell all anew"
    )
    output = sniff.add_argument_group("inventory")
    output.add_argument(
        "--inventory", metavar="FILE", help="write it there from time to time: .json, .jsonl, .csv, .md or .txt"
    )
    output.add_argument(
        "--every", type=positive, default=300, metavar="SECONDS", help="how often (default: 300), and in the end"
    )
    output.add_argument("--redact-users", action="store_true", help=REDACT)
    output.add_argument(
        "--fail-on",
        choices=STATUSES,
        metavar="STATUS",
        help="exit code 1 when a device has this status or a worse one: " + ", ".join(STATUSES),
    )
    packets = sniff.add_argument_group("packets")
    packets.add_argument(
        "--write",
        metavar="FILE",
        help="keep the packets of sessions that log in with a password or show a secret, credentials blanked (pcapng)",
    )
    packets.add_argument(
        "--write-size", type=positive, default=100, metavar="MB", help="begin a new file then (default: 100)"
    )
    packets.add_argument(
        "--write-files", type=positive, default=10, metavar="N", help="files kept: FILE, FILE.1, ... (default: 10)"
    )
    packets.add_argument("--keep-messages", action="store_true", help="keep the text of messages, too")
    output.add_argument("--metrics", metavar="[ADDR:]PORT", help="figures for Prometheus, on 127.0.0.1 by default")
    add_store(sniff)
    limits = add_limits(sniff, conversations=20_000)
    limits.add_argument("--max-devices", type=positive, metavar="N", help="devices listed (default: 4096)")
    add_shared(sniff)
