"""The event that ``docs/alerts.md`` shows, in each of its forms as the document has them."""

from __future__ import annotations

import json
from unittest import mock

from analyzer import __version__
from analyzer.alerts import Event
from analyzer.delivery.syslog_message import SyslogMessages
from analyzer.report.events import event_line
from tests.support.sessions import SECOND, START

EXAMPLE = Event(
    "password-in-clear",
    START,
    START - 2 * SECOND,
    "10.20.0.101",
    49152,
    "10.20.0.11",
    587,
    client_mac=0x00C0EE_000101,
    ehlo="KMBT6D21",
    server_name="relay.office.example",
    mechanism="LOGIN",
    method="basic",
    evidence="observed",
    confidence=1.0,
    username="scan@office.example",
    outcome="success",
    count=12,
    since=START - 3000 * SECOND,
)

VERSION = "0.1.0"
"""What the document has in the place of the program's version."""


def shown(form: str) -> str:
    """The example in ``form``: JSON over several lines, for people to read."""
    if form == "syslog":
        with mock.patch("os.getpid", return_value=4711):
            text = SyslogMessages(host="sensor.example.com").encode(EXAMPLE).decode()
    elif form == "text":
        text = event_line("text", EXAMPLE)
    else:
        text = json.dumps(json.loads(event_line(form, EXAMPLE)), indent=2)  # type: ignore[arg-type]
    return text.replace(f'"{__version__}"', f'"{VERSION}"')
