"""The state of a run for Prometheus to collect, at ``http://ADDR:PORT/metrics``.

The run sets :attr:`MetricsServer.readings` from time to time; each collection shows the last ones. Label values come
from tables of this program and from the command line alone: neither users nor devices are labels, for traffic must
not choose how many series a monitoring system keeps.

The server speaks to whoever can reach it, so it does as little as can be done: a request is one line, an answer is one
text, and connections are bounded in number and in silence.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer
from typing import Any, TypeVar, get_args

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from analyzer import __version__
from analyzer.alerts.event import KINDS
from analyzer.delivery.syslog import SyslogCounters
from analyzer.errors import UsageError
from analyzer.inventory.status import STATUSES
from analyzer.smtp.records import Method

LOOPBACK = "127.0.0.1"
"""Where only a port is given."""

MOST_CONNECTIONS = 8
"""At a time. A Prometheus server has one, a pair of them two; whoever is connected longest has to go."""

SILENCE = 10.0
"""Seconds without a byte after which a connection is closed."""

_POLL = 0.2
"""Seconds after which closing is noticed."""


@dataclass(frozen=True, slots=True)
class Readings:
    """What a run has to show, as of one moment.

    Attributes:
        packets, bytes, segments: seen so far.
        kernel_drops: packets that the kernel lost, by interface.
        open_conversations: at the moment.
        sessions: so far, by method. devices: at the moment, by status. events: told so far, by kind.
        held_back: events so far that others told the number of.
        events_lost: event lines that could not be written.
        forgotten: devices that had to make room for others in what alerts remember.
        last_packet: its time, nanoseconds since 1970-01-01 UTC; ``None`` before the first.
        syslog: ``None`` where there is no server.
    """

    packets: int = 0
    bytes: int = 0
    segments: int = 0
    kernel_drops: Mapping[str, int] = field(default_factory=dict)
    open_conversations: int = 0
    sessions: Mapping[str, int] = field(default_factory=dict)
    devices: Mapping[str, int] = field(default_factory=dict)
    events: Mapping[str, int] = field(default_factory=dict)
    held_back: int = 0
    events_lost: int = 0
    forgotten: int = 0
    last_packet: int | None = None
    syslog: SyslogCounters | None = None


_METHODS: tuple[str, ...] = get_args(Method)
_KINDS = tuple(kind.id for kind in KINDS)

_COUNTERS = {
    "packets": "Packets that were captured.",
    "bytes": "Bytes that were captured.",
    "segments": "TCP segments on the ports of interest.",
    "held_back": "Events that were held back and counted in others.",
    "events_lost": "Event lines that could not be written.",
    "forgotten": "Devices that had to make room for others in what alerts remember.",
}
_SYSLOG_COUNTERS = {
    "sent": "Messages handed to the syslog server.",
    "dropped": "Messages that found no room while the syslog server was away.",
    "failures": "Connections to the syslog server that failed.",
}
_SYSLOG_GAUGES = {
    "waiting": "Messages that wait for the syslog server.",
    "connected": "Whether there is a connection to the syslog server.",
}
_LABELLED_COUNTERS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("kernel_drops", "interface", "Packets that the kernel lost before they were read.", ()),
    ("sessions", "method", "SMTP sessions that ended, by how they logged in.", _METHODS),
    ("events", "kind", "Events that were told.", _KINDS),
)
"""Metrics by the field of the readings that they show; the label, and its values that are known."""


class _Run(Collector):
    """Makes metrics of readings."""

    def __init__(self) -> None:
        self.readings = Readings()

    def collect(self) -> Iterator[Metric]:
        now = self.readings  # once: it is replaced meanwhile
        for name, what in _COUNTERS.items():
            yield CounterMetricFamily(f"smtpauth_{name}", what, getattr(now, name))
        for name, label, what, known in _LABELLED_COUNTERS:
            yield _labelled(CounterMetricFamily(f"smtpauth_{name}", what, labels=[label]), known, getattr(now, name))
        devices = GaugeMetricFamily("smtpauth_devices", "Devices, by how they log in.", labels=["status"])
        yield _labelled(devices, STATUSES, now.devices)
        yield GaugeMetricFamily("smtpauth_open_conversations", "TCP conversations followed.", now.open_conversations)
        if now.last_packet is not None:
            seconds = now.last_packet / 1e9
            yield GaugeMetricFamily("smtpauth_last_packet_timestamp_seconds", "Time of the last packet.", seconds)
        if now.syslog is not None:
            for name, what in _SYSLOG_COUNTERS.items():
                yield CounterMetricFamily(f"smtpauth_syslog_{name}", what, getattr(now.syslog, name))
            for name, what in _SYSLOG_GAUGES.items():
                yield GaugeMetricFamily(f"smtpauth_syslog_{name}", what, getattr(now.syslog, name))


_Family = TypeVar("_Family", CounterMetricFamily, GaugeMetricFamily)


def _labelled(family: _Family, known: Collection[str], counts: Mapping[str, int]) -> _Family:
    """Series of what is known are there from the beginning, so that a rate over them sees the first one."""
    for name in [*known, *(name for name in counts if name not in known)]:
        family.add_metric([name], counts.get(name, 0))
    return family


class MetricsServer:
    """Serves metrics in threads of its own.

    Args:
        address: ``PORT``, ``ADDR:PORT`` or ``[ADDR]:PORT``; port 0 takes any.

    Raises:
        UsageError: it cannot be listened on.

    Attributes:
        port: the one that is listened on.
    """

    def __init__(self, address: str) -> None:
        host, port = _host_and_port(address)
        self._run = _Run()
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self._run)
        ProcessCollector(registry=registry)  # memory, processor time and the like under their usual names
        try:
            family, *_, bound = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
            self._server = _Server(family, bound, registry)
        except (OSError, UnicodeError) as error:
            problem = getattr(error, "strerror", None) or str(error)
            raise UsageError(f"{address}: metrics cannot be served there ({problem}); name another ADDR:PORT") from None
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(_POLL,), name="metrics", daemon=True)
        self._thread.start()

    @property
    def readings(self) -> Readings:
        """What the next collection shows."""
        return self._run.readings

    @readings.setter
    def readings(self, readings: Readings) -> None:
        self._run.readings = readings

    @property
    def evicted(self) -> int:
        """Connections that had to make room for others."""
        return self._server.evicted

    def close(self) -> None:
        """End every thread."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(TCPServer):
    """A thread for each connection, and few of them."""

    allow_reuse_address = True  # a restart finds the port in the last connection's hands otherwise
    request_queue_size = MOST_CONNECTIONS

    def __init__(self, family: socket.AddressFamily, address: Any, registry: CollectorRegistry) -> None:
        self.address_family = family
        self.registry = registry
        self.evicted = 0
        self._open: dict[threading.Thread, socket.socket] = {}  # longest first
        self._lock = threading.Lock()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = threading.Thread(target=self._serve, args=(request, client_address), name="metrics", daemon=True)
        with self._lock:
            full = len(self._open) >= MOST_CONNECTIONS
            longest = next(iter(self._open)) if full else None
            if longest is not None:
                self.evicted += 1
                _hang_up(self._open[longest])
        if longest is not None:
            longest.join()
        with self._lock:
            self._open[thread] = request
        thread.start()

    def _serve(self, request: socket.socket, client_address: Any) -> None:
        try:
            with contextlib.suppress(OSError, ValueError):  # whatever the other side does is its own affair
                self.finish_request(request, client_address)
        finally:
            with self._lock:
                del self._open[threading.current_thread()]
            self.shutdown_request(request)

    def server_close(self) -> None:
        super().server_close()
        with self._lock:
            threads = list(self._open)
            for request in self._open.values():
                _hang_up(request)
        for thread in threads:
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    """GET and HEAD of ``/metrics``."""

    server: _Server
    timeout = SILENCE
    server_version = f"smtpauth/{__version__}"
    sys_version = ""

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != "/metrics":
            self.send_error(404)
            return
        text = generate_latest(self.server.registry)
        self.send_response(200)
        self.send_header("Content-Type", CONTENT_TYPE_PLAIN_0_0_4)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Whoever asks must not be able to write into our log."""


def _hang_up(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise UsageError(f"{address}: an IPv6 address stands in brackets, as in [::1]:9464")
    if not (port.isascii() and port.isdigit() and int(port) < 1 << 16):
        raise UsageError(f"{address or repr(address)}: not PORT or ADDR:PORT, as in 9464 or 127.0.0.1:9464")
    return host or LOOPBACK, int(port)
