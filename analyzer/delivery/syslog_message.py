"""Events as syslog messages (RFC 5424).

The facts stand in structured data, where a server reads them by name; the text repeats them for people. Both are made
of the cleaned record, so no control character from the wire comes near a log.
"""

from __future__ import annotations

import os
import re
import socket
from itertools import count

from analyzer import __version__
from analyzer.alerts.event import Event
from analyzer.inventory.findings import Severity
from analyzer.report.events import EventFormat, event_record, record_line
from analyzer.report.events.text import text_of
from analyzer.report.redact import Redactor
from analyzer.report.wording import Record

FACILITY = 10
"""Private messages of security and authorization, ``authpriv`` (RFC 5424 section 6.2.1): servers keep them from others'
eyes."""

SEVERITIES: dict[Severity, int] = {"critical": 2, "high": 3, "medium": 4, "low": 5, "info": 6}
"""Critical, error, warning, notice and informational (RFC 5424 section 6.2.1)."""

APP_NAME = "smtpauth"

SD_ID = "smtpauth@32473"
"""The number is the one that IANA sets aside for examples (RFC 5612), since this project has no enterprise number."""

LONGEST = 8096
"""Bytes of a message, four times what RFC 5424 section 6.1 asks servers to take: rsyslog's own limit. What is beyond,
it would read as another message, and whoever sends the traffic could write that. So it is cut off the text."""

LONGEST_PARAM = 128
"""Characters of a value in structured data: all of them together must leave room for the text, which has the rest."""

LAST_SEQUENCE_ID = 2**31 - 1
"""Then it begins again at 1 (RFC 5424 section 7.3.1)."""

_NIL = "-"
_BOM = b"\xef\xbb\xbf"
_NOT_PRINTUSASCII = re.compile(r"[^\x21-\x7e]")
_ESCAPED = str.maketrans({'"': r"\"", "\\": r"\\", "]": r"\]"})
"""RFC 5424 section 6.3.3."""


class SyslogMessages:
    """Makes the messages of one run.

    Args:
        format: of the text.
        redactor: replaces user names, where given.
        host: this machine's name.
    """

    def __init__(self, format: EventFormat = "text", redactor: Redactor | None = None, host: str | None = None) -> None:
        self._format: EventFormat = format
        self._redactor = redactor
        self._host = _header_field(socket.gethostname() if host is None else host, 255)
        self._process = str(os.getpid())
        self._sequence = count()

    def encode(self, event: Event) -> bytes:
        """One message, at most :data:`LONGEST` bytes, without framing."""
        record = event_record(event, self._redactor)
        priority = FACILITY * 8 + SEVERITIES[event.row.severity]
        header = f"<{priority}>1 {record['time']} {self._host} {APP_NAME} {self._process} {event.kind} "
        sequence = next(self._sequence) % LAST_SEQUENCE_ID + 1
        head = (header + _meta(sequence) + _facts(record) + " ").encode()
        line = text_of(record) if self._format == "text" else record_line(self._format, record)
        return head + _text(line, LONGEST - len(head))


def _meta(sequence: int) -> str:
    """Elements that RFC 5424 section 7 defines."""
    return f'[meta sequenceId="{sequence}"][origin software="{APP_NAME}" swVersion="{__version__}"]'


def _facts(record: Record) -> str:
    client, server, login = record["client"], record["server"], record["login"] or {}
    params = {
        "id": record["id"],
        "severity": record["severity"],
        "device": client["ip"],
        "devicePort": client["port"],
        "mac": client["mac"],
        "ehlo": client["ehlo"],
        "server": server["ip"],
        "serverPort": server["port"],
        "serverName": server["name"],
        "provider": server["provider"],
        "mechanism": login.get("mechanism"),
        "method": login.get("method"),
        "user": login.get("username"),
        "outcome": login.get("outcome"),
        "meaning": login.get("meaning"),
        "evidence": record["evidence"],
        "confidence": record["confidence"],
        "count": record["count"],
        "since": record["since"],
    }
    told = (f'{name}="{_param(value)}"' for name, value in params.items() if value is not None)
    return f"[{SD_ID} {' '.join(told)}]"


def _param(value: object) -> str:
    text = str(value)
    if len(text) > LONGEST_PARAM:
        text = text[: LONGEST_PARAM - 1] + "…"
    return text.translate(_ESCAPED)


def _text(line: str, room: int) -> bytes:
    """The byte order mark says that a text is UTF-8 (RFC 5424 section 6.4); ASCII does without, as JSON must."""
    text = line.encode()
    if line.isascii():
        return text[:room]
    return _BOM + text[: room - len(_BOM)].decode(errors="ignore").encode()


def _header_field(text: str, longest: int) -> str:
    """Printable ASCII without spaces (RFC 5424 section 6)."""
    return _NOT_PRINTUSASCII.sub("_", text)[:longest] or _NIL
