"""A report by mail: its text, and the page as a file beside it, handed to the machine's own ``sendmail``.

Where mail goes, and with which credentials, is that program's business; this one has none. Recipients are read from the
message's head (``-t``), so no address ever stands in a command line.

The page is attached, not shown in the message: programs that read mail leave out scripts, most styles and drawings,
and cut what is long. What they show is the text, in letters of one width, which its tables need.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from tempfile import TemporaryFile
from typing import Final

from analyzer.errors import UsageError
from analyzer.report.text import clean

PATIENCE: Final = 120
"""Seconds that ``sendmail`` may take. It usually puts the message into a queue; some deliver it at once."""

LONGEST_SUBJECT: Final = 200
"""Characters; more is not read in a list of messages."""

LONGEST_COMPLAINT: Final = 300
"""Characters of what ``sendmail`` says when it fails that are passed on."""

LONGEST_ADDRESS: Final = 254
"""Characters; with its brackets it is a path (RFC 5321 section 4.5.3.1.3)."""

MOST_RECIPIENTS: Final = 100
"""A report goes to a few people or to a list."""

_PLACES: Final = ("/usr/sbin", "/usr/lib", "/usr/local/sbin")
"""Where ``sendmail`` stands beside the PATH, of which the one of a scheduled job is short."""

_OPTIONS: Final = ("-t", "-i")
"""Recipients from the head; a line with a single dot is text."""

_PREFORMATTED: Final = (
    '<!doctype html><html lang="en"><body><pre style="font: 13px/1.4 Consolas, Menlo, monospace">{}</pre></body></html>'
)

_POLICY: Final = SMTP.clone(linesep="\n", raise_on_defect=True)
"""What ``sendmail`` reads are lines of this machine."""


def recipient(text: str) -> Address:
    """The address of one recipient or sender.

    Raises:
        UsageError: it is none.
    """
    address = None
    if len(text) <= LONGEST_ADDRESS and text.isascii() and text.isprintable() and " " not in text:
        with suppress(HeaderParseError, ValueError, IndexError):
            address = Address(addr_spec=text)
    if address is None or not address.domain:
        raise UsageError(f"'{clean(text)}' is no mail address (somebody@example.com)")
    return address


def compose(
    to: Sequence[str], subject: str, text: str, page: str, *, name: str, sender: str | None = None, date: datetime
) -> bytes:
    """The message: ``text``, plain and in letters of one width (RFC 2046 section 5.1.4), and ``page`` (HTML) attached.

    Args:
        name: of the attached file.
        sender: address in ``From``; ``sendmail`` puts one in where it is not given.

    Raises:
        UsageError: a recipient or the sender is no address.
    """
    if len(to) > MOST_RECIPIENTS:
        raise UsageError(f"{len(to)} recipients are more than {MOST_RECIPIENTS}; send it to a list")
    message = EmailMessage(_POLICY)
    message["To"] = [recipient(address) for address in to]
    if sender is not None:
        message["From"] = recipient(sender)
    message["Subject"] = _subject(subject)
    message["Date"] = format_datetime(date)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834 section 5: nobody's holiday answers it
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(_PREFORMATTED.format(escape(text)), subtype="html", cte="quoted-printable")
    message.add_attachment(page, subtype="html", cte="base64", filename=name)
    return message.as_bytes()


def _subject(text: str) -> str:
    """``text`` on one line, as printable characters: nothing in it can begin another field."""
    line = clean(" ".join(text.split()))
    return line if len(line) <= LONGEST_SUBJECT else line[: LONGEST_SUBJECT - 1] + "…"


def sendmail_command(given: str | None = None) -> list[str]:
    """The program that takes the message, with its options.

    Args:
        given: a program with options of its own, as in a shell; by default ``sendmail`` where it usually stands.

    Raises:
        UsageError: there is none.
    """
    if given is None:
        places = os.pathsep.join((os.environ.get("PATH", os.defpath), *_PLACES))
        found = shutil.which("sendmail", path=places)
        if found is None:
            raise UsageError(
                "no sendmail on this machine; install one (msmtp-mta is small), or name it with --sendmail"
            )
        return [found, *_OPTIONS]
    try:
        words = shlex.split(given)
    except ValueError:
        words = []
    if not words:
        raise UsageError(f"--sendmail '{clean(given)}' is no command")
    if shutil.which(words[0]) is None:
        raise UsageError(f"{clean(words[0])}: no such program (--sendmail)")
    return [*words, *_OPTIONS]


def hand_over(message: bytes, command: Sequence[str], patience: float = PATIENCE) -> None:
    """Give ``message`` to ``command``.

    Raises:
        UsageError: it did not take it.
    """
    name = clean(command[0])
    try:
        with TemporaryFile() as complaint:  # a pipe would be held open by a delivery that it leaves in the background
            done = subprocess.run(  # noqa: S603 - the user's own program; nothing from the wire is in its arguments
                command, input=message, stdout=subprocess.DEVNULL, stderr=complaint, timeout=patience, check=False
            )
            complaint.seek(0)
            words = complaint.read(4 * LONGEST_COMPLAINT).decode("utf-8", "replace").split()
    except subprocess.TimeoutExpired:
        raise UsageError(
            f"{name} did not take the mail within {patience:g} seconds; was it sent? See its log"
        ) from None
    except OSError as error:
        raise UsageError(f"{name}: it cannot be run ({error.strerror})") from None
    if done.returncode:
        said = clean(" ".join(words))[:LONGEST_COMPLAINT]
        raise UsageError(f"{name} refused the mail (exit code {done.returncode}){': ' if said else ''}{said}")
