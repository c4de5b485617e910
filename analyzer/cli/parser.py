"""What the arguments of all commands are made of."""

from __future__ import annotations

import argparse
import sys
from typing import Any, NoReturn, TypeAlias

from analyzer.commands.console import discard, say
from analyzer.commands.exits import UNUSABLE

EXIT_CODES = """\
exit codes:
  0    done
  1    a device is at or above --fail-on
  2    wrong usage, unreadable input, or output that cannot be written
  3    done, but part of the traffic is missing: a cut file, packets lost or
       not decoded, a limit on memory reached; so no gate passes on it
  130  interrupted, after writing what is known"""

OUTPUT = "write there, in one go, in place of standard output"
REDACT = "replace user names by a keyed hash; the same in every run where SMTPAUTH_REDACT_KEY holds a key"

FORMATS = ("table", "json", "jsonl", "csv", "markdown")
STATUSES = ("exposed", "password", "mixed", "unknown", "no-auth")


LARGEST = 1_000_000_000
"""Of numbers that are given. Seconds, days and MB beyond it mean no more, and would not fit what they are given to."""


class Parser(argparse.ArgumentParser):
    """One that says in a line what is wrong, and where help is."""

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


Commands: TypeAlias = "argparse._SubParsersAction[Parser]"
"""Where a command is added."""


def add_limits(command: argparse.ArgumentParser, conversations: int = 30_000) -> argparse._ArgumentGroup:
    """Limits on memory."""
    limits = command.add_argument_group("limits on memory")
    limits.add_argument(
        "--max-conversations",
        type=positive,
        metavar="N",
        help=f"conversations remembered at once (default: {conversations})",
    )
    limits.add_argument(
        "--max-held", type=positive, metavar="MB", help="payload waiting for reassembly, in MB (default: 64)"
    )
    limits.add_argument(
        "--idle", type=positive, metavar="SECONDS", help="silence that ends a conversation (default: 900)"
    )
    return limits


def add_workers(command: argparse.ArgumentParser) -> None:
    """How many processes share the work."""
    speed = command.add_argument_group("speed")
    speed.add_argument(
        "--workers",
        type=positive,
        metavar="N",
        help="processes that share the work; 1: one does all (default: one for each processor, up to 4, where there "
        "is much mail to read and there are no TLS keys)",
    )


def add_knowledge(command: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """What is known of providers and makers."""
    knowledge = command.add_argument_group("knowledge")
    knowledge.add_argument(
        "--knowledge", metavar="FILE", help="TOML: what you know of providers, makers and devices (docs/advice.md)"
    )
    return knowledge


def add_names(command: argparse.ArgumentParser) -> None:
    """What devices are called by others than the traffic."""
    names = command.add_argument_group("names")
    names.add_argument(
        "--assets", metavar="FILE", help="CSV: your own list of devices (ip, mac, name, owner, location, notes)"
    )
    names.add_argument("--rdns", action="store_true", help="ask DNS what the devices' addresses are called")
    names.add_argument("--dns-server", metavar="ADDR[:PORT]", help="whom to ask, not the system's resolvers")


def add_store(command: argparse.ArgumentParser) -> None:
    """A store to put sessions into."""
    store = command.add_argument_group("store")
    store.add_argument(
        "--store", metavar="URL", help="put sessions there: a file of SQLite, or postgresql://... (docs/store.md)"
    )
    store.add_argument("--sensor", metavar="NAME", help="who saw them (default: this host's name)")


def add_keys(command: argparse.ArgumentParser) -> None:
    """TLS keys."""
    keys = command.add_argument_group("TLS keys")
    keys.add_argument(
        "--keylog",
        action="append",
        default=[],
        metavar="FILE",
        help="keys that programs wrote down (SSLKEYLOGFILE), to look inside TLS with (repeatable); needs tshark",
    )
    keys.add_argument("--tshark", metavar="FILE", help="the tshark program, where it is not on the PATH")


def add_shared(command: argparse.ArgumentParser) -> None:
    """Options of every command that reads packets."""
    shared = command.add_argument_group("general")
    shared.add_argument(
        "--port",
        type=port,
        action="append",
        default=[],
        metavar="N",
        help="also look at this TCP port (repeatable); always: 25, 465, 587, 2465, 2525, 2587",
    )
    shared.add_argument("--config", metavar="FILE", help="TOML file with defaults for these options")
    shared.add_argument("-q", "--quiet", action="store_true", help="no progress and no warnings on stderr")
    shared.add_argument("-v", "--verbose", action="store_true", help="tell more on stderr")


def positive(text: str) -> int:
    """A positive whole number, not larger than :data:`LARGEST`."""
    digits = text.lstrip("0")
    if not text.isascii() or not text.isdigit() or not digits:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    if len(digits) > len(str(LARGEST)) or int(digits) > LARGEST:
        raise argparse.ArgumentTypeError(f"it is more than {LARGEST:,}")
    return int(digits)


def port(text: str) -> int:
    """A TCP port."""
    number = positive(text)
    if number > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a TCP port (1 to 65535)")
    return number
