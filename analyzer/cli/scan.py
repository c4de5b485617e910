"""The arguments of ``smtpauth scan``."""

from __future__ import annotations

from analyzer.cli.parser import (
    EXIT_CODES,
    FORMATS,
    OUTPUT,
    REDACT,
    STATUSES,
    Commands,
    add_keys,
    add_knowledge,
    add_limits,
    add_names,
    add_shared,
    add_store,
    add_workers,
)

DEVICE_FORMATS = (*FORMATS, "html", "xlsx")
"""Of the last two there are none for sessions."""

_SCAN = """\
Reads captures and says for every device how it logs in to send mail.

PATH is a capture (pcap or pcapng, plain or compressed with gzip, zstd, xz,
bzip2 or lz4), a directory, a glob pattern, or - for standard input. All inputs
are one stream in order of time: a connection that crosses rotated files is one
session, and what was captured twice counts once."""

_SCAN_EPILOG = f"""\
status of a device, worst first:
  exposed      a password or token crossed the network in the clear
  password     logs in with a password, inside TLS or not reusable
  mixed        password and OAuth both in use
  unknown      not visible: packets are missing, or several readings fit
  no-auth      sends without logging in (relay by address, direct send)
  certificate, kerberos, anonymous
  oauth        logs in with OAuth only

{EXIT_CODES}

examples:
  smtpauth scan office.pcap
  smtpauth scan captures/ --output devices.csv
  smtpauth scan captures/ --output devices.html   a page for people
  smtpauth scan captures/ --fail-on mixed     1 while a password is in use
  smtpauth scan captures/ --fail-on unknown   1 also where that cannot be seen
  smtpauth scan captures/ --keylog keys.log   look inside TLS with these keys
  smtpauth scan captures/ --advice            what to do, device by device
  smtpauth scan captures/ --assets devices.csv --rdns   what are they called?
  smtpauth scan captures/ --store mail.db     for 'smtpauth report'
  smtpauth scan captures/ --format json | jq -r '.devices[].device'
  smtpauth scan captures/ --sessions --format jsonl |
    jq -r 'select(.method == "basic") | .client.ip' | sort -u
  SMTPAUTH_REDACT_KEY=... smtpauth scan captures/ --redact-users

a file for --config:
  port = [1025]          # top level: every command that has the option

  [scan]                 # this command alone
  format = "csv"
  fail-on = "mixed\""""


def add(commands: Commands) -> None:
    """``scan``, with its options."""
    scan = commands.add_parser("scan", help="captures -> inventory of devices", description=_SCAN, epilog=_SCAN_EPILOG)
    scan.add_argument("paths", nargs="+", metavar="PATH", help="capture, directory, glob pattern, or - for stdin")
    output = scan.add_argument_group("output")
    output.add_argument(
        "--format", choices=DEVICE_FORMATS, help="default: what the ending of --output says, else table"
    )
    output.add_argument("--sessions", action="store_true", help="one record per session, not one per device")
    output.add_argument("--output", metavar="FILE", help=OUTPUT)
    output.add_argument(
        "--advice", action="store_true", help="a plan for each device: until when, which way, which steps"
    )
    output.add_argument("--redact-users", action="store_true", help=REDACT)
    output.add_argument(
        "--fail-on",
        choices=STATUSES,
        metavar="STATUS",
        help="exit code 1 when a device has this status or a worse one: " + ", ".join(STATUSES),
    )
    add_names(scan)
    add_knowledge(scan)
    add_keys(scan)
    add_store(scan)
    add_workers(scan)
    add_limits(scan)
    add_shared(scan)
