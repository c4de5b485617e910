from __future__ import annotations

import contextlib
import http.client
import os
import socket
import threading
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from analyzer.alerts import KINDS
from analyzer.delivery import metrics
from analyzer.delivery.metrics import MOST_CONNECTIONS, MetricsServer, Readings
from analyzer.delivery.syslog import SyslogCounters
from analyzer.errors import UsageError
from analyzer.inventory.status import STATUSES
from tests.delivery.servers import eventually
from tests.support.sessions import START


@pytest.fixture
def server() -> Iterator[MetricsServer]:
    served = MetricsServer("0")
    yield served
    served.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "metrics"]


def ask(port: int, path: str = "/metrics", method: str = "GET", host: str = "127.0.0.1") -> tuple[int, str, str]:
    connection = http.client.HTTPConnection(host, port, timeout=20)
    connection.request(method, path)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, answer.headers["Content-Type"] or "", text


def samples(server: MetricsServer) -> dict[str, float]:
    """Values by name and label value, as a Prometheus server reads them."""
    _, _, text = ask(server.port)
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[" ".join([sample.name, *sample.labels.values()])] = sample.value
    return found


READINGS = Readings(
    packets=1000,
    bytes=500_000,
    segments=900,
    kernel_drops={"eth0": 3, "eth1": 0},
    open_conversations=7,
    sessions={"basic": 5, "oauth": 2},
    devices={"exposed": 1, "oauth": 2},
    events={"password-in-clear": 4},
    held_back=11,
    events_lost=1,
    forgotten=2,
    last_packet=START,
    syslog=SyslogCounters(sent=4, waiting=2, dropped=1, failures=3, connected=True),
)


def test_each_reading_is_a_metric(server: MetricsServer) -> None:
    server.readings = READINGS
    shown = samples(server)
    expected = {
        "smtpauth_packets_total": 1000,
        "smtpauth_bytes_total": 500_000,
        "smtpauth_segments_total": 900,
        "smtpauth_kernel_drops_total eth0": 3,
        "smtpauth_kernel_drops_total eth1": 0,
        "smtpauth_open_conversations": 7,
        "smtpauth_sessions_total basic": 5,
        "smtpauth_sessions_total oauth": 2,
        "smtpauth_devices exposed": 1,
        "smtpauth_events_total password-in-clear": 4,
        "smtpauth_held_back_total": 11,
        "smtpauth_events_lost_total": 1,
        "smtpauth_forgotten_total": 2,
        "smtpauth_syslog_sent_total": 4,
        "smtpauth_syslog_waiting": 2,
        "smtpauth_syslog_dropped_total": 1,
        "smtpauth_syslog_failures_total": 3,
        "smtpauth_syslog_connected": 1,
    }
    assert expected.items() <= shown.items()
    assert shown["smtpauth_last_packet_timestamp_seconds"] == pytest.approx(START / 1e9)


def test_metrics_follow_the_readings(server: MetricsServer) -> None:
    assert samples(server)["smtpauth_packets_total"] == 0
    server.readings = Readings(packets=5)
    assert samples(server)["smtpauth_packets_total"] == 5


def test_every_kind_and_status_is_there_from_the_beginning(server: MetricsServer) -> None:
    shown = samples(server)
    assert {f"smtpauth_events_total {kind.id}" for kind in KINDS} <= shown.keys()
    assert {f"smtpauth_devices {status}" for status in STATUSES} <= shown.keys()
    assert "smtpauth_syslog_sent_total" not in shown
    assert "smtpauth_last_packet_timestamp_seconds" not in shown


def test_labels_are_interface_method_status_and_kind_alone(server: MetricsServer) -> None:
    server.readings = READINGS
    _, _, text = ask(server.port)
    families = [f for f in text_string_to_metric_families(text) if f.name.startswith("smtpauth_")]
    assert {label for family in families for sample in family.samples for label in sample.labels} == {
        "interface",
        "method",
        "status",
        "kind",
    }


def test_memory_and_processor_time_are_there_under_their_usual_names(server: MetricsServer) -> None:
    if not os.path.exists("/proc/self/stat"):
        pytest.skip("this system has no /proc")
    shown = samples(server)
    assert shown["process_resident_memory_bytes"] > 1 << 20
    assert shown["process_cpu_seconds_total"] > 0


def test_it_is_served_as_text_at_its_path_alone(server: MetricsServer) -> None:
    status, kind, _ = ask(server.port)
    assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert ask(server.port, "/metrics?x=1")[0] == 200
    assert ask(server.port, method="HEAD")[::2] == (200, "")
    assert ask(server.port, "/")[0] == 404
    assert ask(server.port, method="POST")[0] == 501


def test_only_a_port_means_loopback() -> None:
    for address in ("0", ":0"):
        served = MetricsServer(address)
        assert served._server.server_address[0] == "127.0.0.1"
        served.close()


@pytest.mark.parametrize("address", ["127.0.0.1:0", "localhost:0", "[::1]:0"])
def test_an_address_is_listened_on(address: str) -> None:
    served = MetricsServer(address)
    assert ask(served.port, host="::1" if "::1" in address else "127.0.0.1")[0] == 200
    served.close()


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("", "not PORT or ADDR:PORT"),
        ("http", "not PORT or ADDR:PORT"),
        ("127.0.0.1", "not PORT or ADDR:PORT"),
        ("127.0.0.1:", "not PORT or ADDR:PORT"),
        ("127.0.0.1:65536", "not PORT or ADDR:PORT"),
        ("127.0.0.1:²", "not PORT or ADDR:PORT"),
        ("::1:9464", "stands in brackets"),
        ("192.0.2.1:0", "cannot be served there"),
        ("nowhere.invalid:0", "cannot be served there"),
        ("x" * 64 + ".example.com:0", "cannot be served there"),
    ],
)
def test_what_cannot_be_listened_on_is_said_in_one_line(address: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        MetricsServer(address)
    assert "\n" not in str(caught.value)


def test_a_port_in_use_is_said(server: MetricsServer) -> None:
    with pytest.raises(UsageError, match="Address already in use"):
        MetricsServer(str(server.port))


def test_a_port_is_free_again_after_closing(server: MetricsServer) -> None:
    first = MetricsServer("0")
    ask(first.port)
    first.close()
    second = MetricsServer(str(first.port))
    assert ask(second.port)[0] == 200
    second.close()


def test_connections_that_say_nothing_make_room_for_others(server: MetricsServer) -> None:
    silent = [socket.create_connection(("127.0.0.1", server.port), 20) for _ in range(3 * MOST_CONNECTIONS)]
    assert ask(server.port)[0] == 200
    assert server.evicted == 2 * MOST_CONNECTIONS + 1
    assert len([thread for thread in threading.enumerate() if thread.name == "metrics"]) <= MOST_CONNECTIONS + 2
    for connection in silent:
        connection.close()


def test_a_connection_that_falls_silent_is_closed(server: MetricsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics._Handler, "timeout", 0.05)
    with socket.create_connection(("127.0.0.1", server.port), 20) as connection:
        connection.sendall(b"GET /met")
        assert connection.recv(100) == b""


@pytest.mark.parametrize(
    "request_line",
    [
        b"\x1b[31m\r\n\r\n",
        b"GET / HTTP/9\r\n\r\n",
        b"\0" * 70_000 + b"\n",
        b"GET /metrics HTTP/1.1\r\n" + b"a:b\r\n" * 200,
    ],
)
def test_whatever_is_asked_nothing_is_written_to_the_log(
    request_line: bytes, server: MetricsServer, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 20) as connection:
        connection.sendall(request_line + b"\r\n")
        connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):  # it did not read all of that
            while connection.recv(65536):
                pass
    assert ask(server.port)[0] == 200
    assert capfd.readouterr() == ("", "")


def test_closing_ends_connections_that_are_still_open() -> None:
    served = MetricsServer("0")
    with socket.create_connection(("127.0.0.1", served.port), 20):
        eventually(lambda: len([thread for thread in threading.enumerate() if thread.name == "metrics"]) == 2)
        served.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "metrics"]
