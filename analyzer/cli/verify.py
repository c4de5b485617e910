"""The arguments of ``smtpauth verify``."""

from __future__ import annotations

from analyzer.cli.parser import OUTPUT, Commands, add_keys, add_shared

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


def add(commands: Commands) -> None:
    """``verify``, with its options."""
    verify = commands.add_parser(
        "verify", help="second opinion from tshark", description=_VERIFY, epilog=_VERIFY_EPILOG
    )
    verify.add_argument("paths", nargs="+", metavar="PATH", help="capture to read with both")
    verify.add_argument("--format", choices=("table", "json"), default="table", help="default: table")
    verify.add_argument("--output", metavar="FILE", help=OUTPUT)
    add_keys(verify)
    add_shared(verify)
