"""The ``smtpauth`` command: arguments, configuration, exit codes.

Little more than :mod:`argparse` is imported here, so that ``--help`` answers at once; a command's module is imported
when it runs.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

from analyzer import __version__
from analyzer.commands.console import discard, say
from analyzer.commands.exits import DONE, INCOMPLETE, INTERRUPTED, UNUSABLE
from analyzer.errors import UsageError

_DESCRIPTION = """\
Says which devices on a network still send mail with a password.

Reads packets, rebuilds the SMTP conversations, and tells for every device how
it logs in: with a password (PLAIN, LOGIN, CRAM-MD5, NTLM ...), with OAuth
(XOAUTH2, OAUTHBEARER), otherwise or not at all."""

_EXIT_CODES = """\
exit codes:
  0    done
  1    a device is at or above --fail-on
  2    wrong usage, unreadable input, or output that cannot be written
  3    done, but part of the traffic is missing: a cut file, packets lost or
       not decoded, a limit on memory reached; so no gate passes on it
  130  interrupted, after writing what is known"""

_EPILOG = f"""\
{_EXIT_CODES}

examples:
  smtpauth scan office.pcap                   one capture
  smtpauth scan /var/captures/                rotated captures, as one stream
  tcpdump -U -w - port 587 | smtpauth scan -  a pipe
  smtpauth verify office.pcap                 what does tshark say? (1: differs)
  smtpauth explain office.pcap --session 10.20.0.102:50704   why that verdict?
  smtpauth scrub office.pcap shared.pcap      a copy without credentials

'smtpauth COMMAND --help' tells the rest."""

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

{_EXIT_CODES}

examples:
  smtpauth scan office.pcap
  smtpauth scan captures/ --format csv --output devices.csv
  smtpauth scan captures/ --fail-on mixed     1 while a password is in use
  smtpauth scan captures/ --fail-on unknown   1 also where that cannot be seen
  smtpauth scan captures/ --keylog keys.log   look inside TLS with these keys
  smtpauth scan captures/ --format json | jq -r '.devices[].device'
  smtpauth scan captures/ --sessions --format jsonl |
    jq -r 'select(.method == "basic") | .client.ip' | sort -u
  SMTPAUTH_REDACT_KEY=... smtpauth scan captures/ --redact-users

a file for --config:
  port = [1025]          # top level: every command that has the option

  [scan]                 # this command alone
  format = "csv"
  fail-on = "mixed\""""

_VERIFY = """\
Reads captures once more through tshark and compares session by session: where
both agree, what only one of them saw, and where they differ.

With TLS keys (--keylog, or in a pcapng file), what is inferred of sessions
inside TLS without keys is held against what the keys show: right, wrong or
abstained, by method."""

_VERIFY_EPILOG = """\
exit codes:
  0    both agree, as far as both saw the same
  1    they differ, tshark saw a session that we did not, or the keys show
       that an inference was wrong
  2    wrong usage, unreadable input, or no tshark
  3    done, but part of an input could not be compared
  130  interrupted, after writing what is known

examples:
  smtpauth verify office.pcap
  smtpauth verify office.pcap --keylog keys.log
  smtpauth verify captures/ --format json | jq '.summary'"""

_EXPLAIN = """\
Shows one session turn by turn, with what each turn was taken for and why: the
dialogue in the clear as it was read, the TLS handshake, and what was inferred
of the dialogue inside, with the reasons, in words, and how probable it is.

Passwords, tokens and challenges are withheld, and so is how long they are."""

_EXPLAIN_EPILOG = """\
Where several sessions match, they are listed: choose one by its client's port,
by its start, or by its number in the list.

exit codes:
  0    one session was found, and is explained
  2    no session matches, or several; wrong usage, unreadable input
  3    explained, but part of the traffic is missing
  130  interrupted, after writing what is known

examples:
  smtpauth scan captures/ --sessions          which sessions are there?
  smtpauth explain captures/ --session 10.20.0.102:50704
  smtpauth explain captures/ --session 10.20.0.102 --start 2026-11-24T00:51
  smtpauth explain captures/ --session 10.20.0.102 --nth 2
  smtpauth explain office.pcap --session '[2001:db8:20::109]:57712'
  smtpauth explain office.pcap --session 2001:db8:20::109 --format json
  smtpauth explain office.pcap --session 10.20.0.102 --keylog keys.log"""

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

_SCRUB = """\
Writes a copy of captures that can be shared. Passwords, tokens, responses and
challenges are blanked, and whatever else a client says that is no command of a
known form; message text is overwritten. Everything else stays as it was, with
sequence numbers, lengths and checksums repaired: 'smtpauth scan' says the same
of the copy.

Only packets of SMTP and TLS conversations on the ports of interest are kept:
what cannot be understood may hold secrets. Host names, addresses and user names
stay, and TLS records, which are encrypted.

OUT is a pcap file with nanoseconds, or pcapng where packets of several link
types meet; - is standard output. It is written in one go, never over a capture."""

_SCRUB_EPILOG = """\
exit codes:
  0    done
  2    wrong usage, unreadable input, or output that cannot be written
  3    done, but part of the traffic is missing from the copy: a cut file,
       packets not decoded, a limit on memory reached
  130  interrupted: nothing was written; of a pipe, what had come by then

examples:
  smtpauth scrub office.pcap shared.pcap
  smtpauth scrub monday/ tuesday.pcap.gz shared.pcap
  smtpauth scrub office.pcap shared.pcap --redact-users
  tcpdump -U -w - port 587 | smtpauth scrub - shared.pcap
  smtpauth scrub office.pcap - | gzip > shared.pcap.gz"""

_OUTPUT = "write there, in one go, in place of standard output"
_REDACT = "replace user names by a keyed hash; the same in every run where SMTPAUTH_REDACT_KEY holds a key"

FORMATS = ("table", "json", "jsonl", "csv", "markdown")
LIVE_FORMATS = ("table", "jsonl", "text", "ecs", "ocsf")
STATUSES = ("exposed", "password", "mixed", "unknown", "no-auth")


class _Parser(argparse.ArgumentParser):
    def __init__(self, **options: Any) -> None:
        # No abbreviations: an option of a later version would change what they mean in somebody's scheduled job.
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        """One line that says what is wrong and where help is, in place of the whole usage."""
        say(f"{message} (see '{self.prog} --help')")
        sys.exit(UNUSABLE)

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """End after ``--help`` or ``--version``, quietly even where nobody can read what they say."""
        try:
            if sys.stdout is not None:
                sys.stdout.flush()
        except OSError:
            discard(sys.stdout)
            status = UNUSABLE
        super().exit(status, message)


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = _Parser(prog="smtpauth", description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("--version", action="version", version=f"smtpauth {__version__}")
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND", parser_class=_Parser)

    scan = commands.add_parser("scan", help="captures -> inventory of devices", description=_SCAN, epilog=_SCAN_EPILOG)
    scan.add_argument("paths", nargs="+", metavar="PATH", help="capture, directory, glob pattern, or - for stdin")
    output = scan.add_argument_group("output")
    output.add_argument("--format", choices=FORMATS, default="table", help="default: table")
    output.add_argument("--sessions", action="store_true", help="one record per session, not one per device")
    output.add_argument("--output", metavar="FILE", help=_OUTPUT)
    output.add_argument("--redact-users", action="store_true", help=_REDACT)
    output.add_argument(
        "--fail-on",
        choices=STATUSES,
        metavar="STATUS",
        help="exit code 1 when a device has this status or a worse one: " + ", ".join(STATUSES),
    )
    _add_keys(scan)
    _add_limits(scan)
    _add_shared(scan)

    _add_sniff(commands)
    _add_explain(commands)

    _add_scrub(commands)

    verify = commands.add_parser(
        "verify", help="second opinion from tshark", description=_VERIFY, epilog=_VERIFY_EPILOG
    )
    verify.add_argument("paths", nargs="+", metavar="PATH", help="capture to read with both")
    verify.add_argument("--format", choices=("table", "json"), default="table", help="default: table")
    verify.add_argument("--output", metavar="FILE", help=_OUTPUT)
    _add_keys(verify)
    _add_shared(verify)
    return parser


def _add_sniff(commands: argparse._SubParsersAction[_Parser]) -> None:
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
        "--buffer", type=_positive, metavar="MB", help="packets the kernel keeps while we are busy (default: 96)"
    )
    capture.add_argument("--no-promiscuous", action="store_true", help="only packets meant for this machine")
    capture.add_argument("--user", metavar="NAME", help="whom to become when started as root (default: nobody)")
    capture.add_argument("--duration", type=_positive, metavar="SECONDS", help="end after that time")
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
        "--throttle", type=_positive, metavar="SECONDS", help="tell the same event once in that time (default: 3600)"
    )
    events.add_argument(
        "--state", metavar="FILE", help="remember known devices there, so that a new start does not tell all anew"
    )
    output = sniff.add_argument_group("inventory")
    output.add_argument(
        "--inventory", metavar="FILE", help="write it there from time to time: .json, .jsonl, .csv, .md or .txt"
    )
    output.add_argument(
        "--every", type=_positive, default=300, metavar="SECONDS", help="how often (default: 300), and in the end"
    )
    output.add_argument("--redact-users", action="store_true", help=_REDACT)
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
        "--write-size", type=_positive, default=100, metavar="MB", help="begin a new file then (default: 100)"
    )
    packets.add_argument(
        "--write-files", type=_positive, default=10, metavar="N", help="files kept: FILE, FILE.1, ... (default: 10)"
    )
    packets.add_argument("--keep-messages", action="store_true", help="keep the text of messages, too")
    output.add_argument("--metrics", metavar="[ADDR:]PORT", help="figures for Prometheus, on 127.0.0.1 by default")
    limits = _add_limits(sniff, conversations=20_000)
    limits.add_argument("--max-devices", type=_positive, metavar="N", help="devices listed (default: 8192)")
    _add_shared(sniff)


def _add_limits(command: argparse.ArgumentParser, conversations: int = 30_000) -> argparse._ArgumentGroup:
    limits = command.add_argument_group("limits on memory")
    limits.add_argument(
        "--max-conversations",
        type=_positive,
        metavar="N",
        help=f"conversations remembered at once (default: {conversations})",
    )
    limits.add_argument(
        "--max-held", type=_positive, metavar="MB", help="payload waiting for reassembly, in MB (default: 64)"
    )
    limits.add_argument(
        "--idle", type=_positive, metavar="SECONDS", help="silence that ends a conversation (default: 900)"
    )
    return limits


def _add_scrub(commands: argparse._SubParsersAction[_Parser]) -> None:
    scrub = commands.add_parser(
        "scrub", help="captures -> a capture without credentials", description=_SCRUB, epilog=_SCRUB_EPILOG
    )
    scrub.add_argument(
        "paths",
        nargs="+",
        metavar="IN",
        help="capture, directory, glob pattern, or - for stdin; several are one stream",
    )
    scrub.add_argument("out", metavar="OUT", help="the file to write, or - for stdout")
    shown = scrub.add_argument_group("what is shown")
    shown.add_argument("--redact-users", action="store_true", help=_REDACT + "; addresses of senders and recipients go")
    shown.add_argument(
        "--keep-messages", action="store_true", help="leave message text as it is; it may hold passwords"
    )
    shown.add_argument(
        "--same-lengths",
        action="store_true",
        help="overwrite in place; how long a password is can then be told from the copy",
    )
    _add_shared(scrub)


def _add_explain(commands: argparse._SubParsersAction[_Parser]) -> None:
    explain = commands.add_parser(
        "explain", help="one session, turn by turn, and why", description=_EXPLAIN, epilog=_EXPLAIN_EPILOG
    )
    explain.add_argument("paths", nargs="+", metavar="PATH", help="capture, directory, glob pattern, or - for stdin")
    which = explain.add_argument_group("which session")
    which.add_argument(
        "--session",
        required=True,
        metavar="CLIENT[:PORT]",
        help="address of the client, and its port where it has several sessions; IPv6 with a port in brackets",
    )
    which.add_argument(
        "--start", metavar="TIME", help="when it began, UTC, or the beginning of that: 2026-11-24T00:51, 00:51:34"
    )
    which.add_argument("--nth", type=_positive, metavar="N", help="the Nth of those that match, in order of time")
    output = explain.add_argument_group("output")
    output.add_argument("--format", choices=("table", "json"), default="table", help="default: table")
    output.add_argument("--output", metavar="FILE", help=_OUTPUT)
    output.add_argument("--redact-users", action="store_true", help=_REDACT)
    _add_keys(explain)
    _add_shared(explain)


def _add_keys(command: argparse.ArgumentParser) -> None:
    keys = command.add_argument_group("TLS keys")
    keys.add_argument(
        "--keylog",
        action="append",
        default=[],
        metavar="FILE",
        help="keys that programs wrote down (SSLKEYLOGFILE), to look inside TLS with (repeatable); needs tshark",
    )
    keys.add_argument("--tshark", metavar="FILE", help="the tshark program, where it is not on the PATH")


def _add_shared(command: argparse.ArgumentParser) -> None:
    shared = command.add_argument_group("general")
    shared.add_argument(
        "--port",
        type=_port,
        action="append",
        default=[],
        metavar="N",
        help="also look at this TCP port (repeatable); always: 25, 465, 587, 2465, 2525, 2587",
    )
    shared.add_argument("--config", metavar="FILE", help="TOML file with defaults for these options")
    shared.add_argument("-q", "--quiet", action="store_true", help="no progress and no warnings on stderr")
    shared.add_argument("-v", "--verbose", action="store_true", help="tell more on stderr")


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return int(text)


def _port(text: str) -> int:
    number = _positive(text)
    if number > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a TCP port (1 to 65535)")
    return number


def _configured(
    parser: argparse.ArgumentParser, options: argparse.Namespace, arguments: Sequence[str] | None
) -> argparse.Namespace:
    """``options`` with the defaults of the configuration file, and ``again``, which reads them anew from there."""
    if options.config:
        from analyzer.commands.config import with_config

        options = with_config(parser, options, arguments)

    def again() -> argparse.Namespace:
        anew = build_parser()
        return _configured(anew, anew.parse_args(arguments), arguments)

    options.again = again
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line ``arguments`` (default: the process's) and return the exit code."""
    # numpy brings a library for linear algebra, of which nothing is used; its threads would cost time at every start.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    parser = build_parser()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help(sys.stderr)
        return UNUSABLE
    try:
        options = _configured(parser, options, arguments)
        code: int = import_module(f"analyzer.commands.{options.command}").run(options)
    except UsageError as error:
        say(str(error))
        return UNUSABLE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        discard(sys.stdout)  # whoever read it has seen enough
        return INCOMPLETE if getattr(options, "fail_on", None) else DONE
    except MemoryError:
        say("out of memory; lower --max-held and --max-conversations, or give fewer captures at a time")
        return UNUSABLE
    except OSError as error:
        if error.errno not in (errno.EMFILE, errno.ENFILE):
            raise  # a bug: what the user handed us is told by the rooms that touch it
        say(f"{error.strerror}; raise the limit (ulimit -n), or give fewer captures at a time")
        return UNUSABLE
    return code


if __name__ == "__main__":
    sys.exit(main())
