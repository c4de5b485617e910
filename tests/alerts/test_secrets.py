"""Every password and token of the recorded captures holds a marked word, and no event may show it in any form."""

from __future__ import annotations

import json
import pickle

from analyzer.alerts import Watcher
from analyzer.delivery.syslog_message import SyslogMessages
from analyzer.report.events import EVENT_FORMATS, event_line
from tests.smtp.canaries import shows
from tests.support.material import REPOSITORY
from tests.support.scans import sessions_of

CANARY = "c4n4ry"


def test_no_event_in_any_form_shows_a_secret_and_nothing_remembered_holds_one() -> None:
    watcher, told = Watcher(), []
    for session in sessions_of(REPOSITORY / "captures" / "mechanisms", REPOSITORY / "captures" / "office"):
        told += watcher.ended(session)
    assert {event.kind for event in told} > {"password-in-clear", "token-in-clear"}
    messages = SyslogMessages()
    for event in told:
        for format in EVENT_FORMATS:
            assert not shows(event_line(format, event).encode(), CANARY)
        assert not shows(messages.encode(event), CANARY)
    assert not shows(pickle.dumps(told), CANARY)
    assert not shows(json.dumps(watcher.snapshot()).encode(), CANARY)
