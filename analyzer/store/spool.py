"""Sessions of a run that is not over yet, on disk: a run may have millions, and they are stored when it is over."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator

from analyzer.inventory.session import Session
from analyzer.store.facts import content_of, restored


class SessionSpool:
    """Takes sessions, and gives back what a store keeps of them, in a temporary file without a name.

    Raises ``OSError`` where there is no room for it.
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile("w+", encoding="ascii", prefix="smtpauth-")  # noqa: SIM115 - see close()

    def add(self, session: Session) -> None:
        """Keep ``session``."""
        occurrence = (
            session.start,
            session.end,
            session.client_ip,
            session.client_port,
            session.serial,
            session.messages,
            session.complete,
            session.gaps,
            session.server_ip,
            session.server_port,
        )
        self._file.write(json.dumps(occurrence) + "\t" + content_of(session) + "\n")

    def __iter__(self) -> Iterator[Session]:
        self._file.seek(0)
        for line in self._file:
            occurrence, content = line.rstrip("\n").split("\t")
            start, end, ip, port, serial, messages, complete, gaps, server_ip, server_port = json.loads(occurrence)
            session = restored(content, ip)
            session.start, session.end = start, end
            session.client_port, session.serial = port, serial
            session.messages, session.complete, session.gaps = messages, complete, gaps
            session.server_ip, session.server_port = server_ip, server_port
            yield session

    def close(self) -> None:
        """Forget everything."""
        self._file.close()
