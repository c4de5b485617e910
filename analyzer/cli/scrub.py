"""The arguments of ``smtpauth scrub``."""

from __future__ import annotations

from analyzer.cli.parser import REDACT, Commands, add_shared

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


def add(commands: Commands) -> None:
    """``scrub``, with its options."""
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
    shown.add_argument("--redact-users", action="store_true", help=REDACT + "; addresses of senders and recipients go")
    shown.add_argument(
        "--keep-messages", action="store_true", help="leave message text as it is; it may hold passwords"
    )
    shown.add_argument(
        "--same-lengths",
        action="store_true",
        help="overwrite in place; how long a password is can then be told from the copy",
    )
    add_shared(scrub)
