"""The arguments of ``smtpauth explain``."""

from __future__ import annotations

from analyzer.cli.parser import OUTPUT, REDACT, Commands, add_keys, add_shared, positive

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


def add(commands: Commands) -> None:
    """``explain``, with its options."""
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
    which.add_argument("--nth", type=positive, metavar="N", help="the Nth of those that match, in order of time")
    output = explain.add_argument_group("output")
    output.add_argument("--format", choices=("table", "json"), default="table", help="default: table")
    output.add_argument("--output", metavar="FILE", help=OUTPUT)
    output.add_argument("--redact-users", action="store_true", help=REDACT)
    add_keys(explain)
    add_shared(explain)
