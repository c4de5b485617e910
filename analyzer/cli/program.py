"""Arguments, configuration, exit codes.

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

from analyzer import __version__
from analyzer.cli import explain, report, scan, scrub, sniff, store, verify, watch
from analyzer.cli.parser import EXIT_CODES, Parser
from analyzer.commands.console import discard, say
from analyzer.commands.exits import DONE, INCOMPLETE, INTERRUPTED, UNUSABLE
from analyzer.errors import UsageError

_DESCRIPTION = """\
Says which devices on a network still send mail with a password.

Reads packets, rebuilds the SMTP conversations, and tells for every device how
it logs in: with a password (PLAIN, LOGIN, CRAM-MD5, NTLM ...), with OAuth
(XOAUTH2, OAUTHBEARER), otherwise or not at all."""

_EPILOG = f"""\
{EXIT_CODES}

examples:
  smtpauth scan office.pcap                   one capture
  smtpauth scan /var/captures/                rotated captures, as one stream
  tcpdump -U -w - port 587 | smtpauth scan -  a pipe
  smtpauth verify office.pcap                 what does tshark say? (1: differs)
  smtpauth explain office.pcap --session 10.20.0.102:50704   why that verdict?
  smtpauth scrub office.pcap shared.pcap      a copy without credentials

'smtpauth COMMAND --help' tells the rest."""

_COMMANDS = (scan, sniff, watch, report, store, explain, scrub, verify)
"""In the order of the help."""


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = Parser(prog="smtpauth", description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("--version", action="version", version=f"smtpauth {__version__}")
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND", parser_class=Parser)
    for command in _COMMANDS:
        command.add(commands)
    return parser


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
