"""``docs/alerts.md`` says what the code does: kinds, limits, examples, metrics."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from prometheus_client.core import Metric

from analyzer.alerts import KINDS
from analyzer.alerts.throttle import INTERVAL, MOST_OF_A_DEVICE, MOST_OF_A_KIND
from analyzer.alerts.watcher import MIGRATED_AFTER, REFUSED_IN_A_ROW
from analyzer.delivery.metrics import MetricsServer, Readings
from analyzer.delivery.syslog import MOST_WAITING, SyslogCounters
from analyzer.delivery.syslog_message import LONGEST, SEVERITIES
from analyzer.delivery.syslog_target import syslog_target
from analyzer.inventory.devices import MOST_DEVICES
from analyzer.inventory.status import SURE
from tests.alerts.document import shown
from tests.delivery.servers import RSYSLOGD, needs_rsyslogd
from tests.support.material import REPOSITORY

TEXT = (REPOSITORY / "docs" / "alerts.md").read_text()
PLAIN = " ".join(TEXT.split())


def table(first: str) -> list[tuple[str, ...]]:
    """Rows of the table whose first column is headed ``first``."""
    (found,) = [rows for rows in re.findall(r"(?:^\|.*\n)+", TEXT, re.MULTILINE) if rows.startswith(f"| {first} |")]
    return [tuple(cell.strip().strip("`") for cell in row.strip("|").split("|")) for row in found.splitlines()[2:]]


def metrics() -> list[Metric]:
    served = MetricsServer("0")
    served.readings = Readings(kernel_drops={"eth0": 0}, last_packet=1, syslog=SyslogCounters())
    collected = list(served._run.collect())
    served.close()
    return collected


def name_of(metric: Metric) -> str:
    return metric.name + ("_total" if metric.type == "counter" else "")


def test_kinds_are_those_of_the_table() -> None:
    assert table("kind") == [(kind.id, kind.severity, kind.title, kind.remedy) for kind in KINDS]


@pytest.mark.parametrize("form", ["jsonl", "ecs", "ocsf", "text", "syslog"])
def test_each_form_is_shown_as_it_is(form: str) -> None:
    assert f"\n{shown(form)}\n```" in TEXT


def test_limits_are_those_in_force() -> None:
    limits = {what: limit for what, limit, _ in table("what")}
    assert limits == {
        "events of one kind and device told apart": f"{MOST_OF_A_DEVICE} an hour",
        "events of one kind told apart": f"{MOST_OF_A_KIND} an hour",
        "devices remembered": f"{MOST_DEVICES:,}",
        "events waiting for a syslog server": str(MOST_WAITING),
    }
    assert (INTERVAL, MIGRATED_AFTER, REFUSED_IN_A_ROW, SURE) == (3600 * 10**9, 86_400 * 10**9, 5, 0.99)
    assert f"at most {LONGEST} bytes" in PLAIN
    assert f"the first {MOST_WAITING} of them" in PLAIN


def test_severities_are_those_of_messages() -> None:
    said = re.findall(r"(critical|high|medium|low|info)(?: is)? (\d) \(", PLAIN)
    assert {word: int(number) for word, number in said}.items() <= SEVERITIES.items()
    assert {word for word, _ in said} == {kind.severity for kind in KINDS}


def test_metrics_are_those_that_are_served() -> None:
    assert table("metric") == [
        (name_of(metric), metric.type, ",".join(metric.samples[0].labels), metric.documentation) for metric in metrics()
    ]


def test_rules_use_metrics_that_are_served() -> None:
    rules = re.findall(r"expr: (.*)", TEXT)
    assert len(rules) == 4
    used = {name for rule in rules for name in re.findall(r"smtpauth_\w+", rule)}
    assert used <= {name_of(metric) for metric in metrics()}


def test_servers_are_named_as_they_are_read() -> None:
    urls = re.findall(r"(?:udp|tcp|tls)://[^`'\s]+", TEXT)
    assert len(urls) == 4
    for url in urls:
        syslog_target(url.partition("?")[0])


@needs_rsyslogd
def test_rsyslogd_accepts_what_is_said_for_it(tmp_path: Path) -> None:
    (config,) = re.findall(r"```\n(module\(.*?)```", TEXT, re.DOTALL)
    (tmp_path / "rsyslog.conf").write_text(config)
    result = subprocess.run(
        [str(RSYSLOGD), "-N1", "-f", str(tmp_path / "rsyslog.conf")], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
