"""One capture read by tshark, as sessions to compare ours with.

tshark must be told which ports carry SMTP, and then sees no TLS from the first byte on them. So every port is read as
what it customarily carries, and only if something else shows itself there, the capture is read once more the other
way round. (Ports 25 and 587 need no second reading: tshark knows them, and looks for TLS there first.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Final

from analyzer.tshark.capture import ask
from analyzer.tshark.program import Tshark
from analyzer.tshark.question import Question
from analyzer.tshark.thread import Background
from analyzer.verify.peer import PeerSessions
from analyzer.verify.records import PeerSession
from analyzer.verify.rows import FIELDS, SHOWING, UNTOLD_SMTP, UNTOLD_TLS, Fingerprints, Row, RowParser

TLS_PORTS: Final = frozenset((465, 2465))
"""Where TLS from the first byte is customary (RFC 8314 section 3.3; the second by providers' custom)."""

_KNOWN_PORTS: Final = frozenset((25, 587))

_PREFERENCES: Final = {
    "tcp.desegment_tcp_streams": "TRUE",
    "tcp.reassemble_out_of_order": "TRUE",
    "tcp.try_heuristic_first": "TRUE",  # TLS shows itself by its bytes on ports that are set to SMTP
    "tls.desegment_ssl_records": "TRUE",
    "smtp.desegment_lines": "TRUE",
    "smtp.desegment_data": "FALSE",  # message text is of no interest, and costs memory
    "smtp.decryption": "TRUE",  # means: decode the base64 of user names
}


class TsharkReading:
    """One capture on its way through tshark, in a thread of its own.

    Use as a context manager: leaving it ends the process, whatever happened.

    Args:
        tshark: see :func:`~analyzer.tshark.program.find_tshark`.
        path: a regular file.
        ports: TCP ports of interest.
    """

    def __init__(self, tshark: Tshark, path: str, ports: Iterable[int]) -> None:
        self._tshark = tshark
        self._path = path
        self._ports = sorted(ports)
        self._parser = RowParser(Fingerprints())
        self._sessions = PeerSessions()
        self._fault: str | None = "it was interrupted"
        self._background = Background(self._read())

    @property
    def fingerprints(self) -> Fingerprints:
        """Makes user names comparable with those of the sessions."""
        return self._parser.fingerprints

    def finish(self) -> tuple[list[PeerSession], str | None]:
        """Wait for the end: the sessions, and what went wrong, as a sentence fragment for the user, or ``None``."""
        self._background.result()
        return self._sessions.sessions(), self._fault

    def __enter__(self) -> TsharkReading:
        """Nothing to do."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End the process if it still runs."""
        self._background.__exit__(kind, error, at)

    async def _read(self) -> None:
        customary = [port for port in self._ports if port not in TLS_PORTS]
        others = [port for port in self._ports if port in TLS_PORTS]
        untold = _either(
            _on_ports(set(customary) - _KNOWN_PORTS, UNTOLD_TLS),
            _on_ports(others, UNTOLD_SMTP),
        )
        fault = await self._pass(customary, untold, self._sessions.add)
        if fault is None and self._sessions.unfit:
            fault = await self._pass(others, None, self._sessions.second_reading())
        if fault is None and self._parser.unreadable:
            fault = f"{self._parser.unreadable:,} lines of tshark's output were not understood"
        self._fault = fault

    async def _pass(self, smtp_ports: list[int], untold: str | None, take: Callable[[Row], None]) -> str | None:
        parse = self._parser.parse

        def lines_read(lines: Iterable[bytes]) -> None:
            for line in lines:
                row = parse(line)
                if row is not None:
                    take(row)

        question = Question(
            fields=FIELDS,
            # A segment quoted in an ICMP error is not traffic.
            wanted=f"{_on_ports(self._ports, _either(SHOWING, untold))} && !icmp && !icmpv6",
            decode_as={**{f"tcp.port=={port}": "smtp" for port in smtp_ports}, "udp.port==8472": "vxlan"},
            preferences=_PREFERENCES,
            disabled="imf",  # message text
        )
        return await ask(self._tshark, question, self._path, lines_read)


def _either(*filters: str | None) -> str:
    return "(" + " || ".join(text for text in filters if text) + ")"


def _on_ports(ports: Iterable[int], text: str) -> str | None:
    """Display filter ``text`` on ``ports`` only; ``None`` where there are none."""
    on = " || ".join(f"tcp.port == {port}" for port in sorted(ports))
    return f"(({on}) && {text})" if on else None
