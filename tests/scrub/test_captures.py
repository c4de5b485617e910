"""Every recorded capture, scrubbed, gives the same verdicts, shows no secret, and is sound in tshark's eyes."""

from __future__ import annotations

import io
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from analyzer.capture import open_captures
from analyzer.inventory.devices import Inventory
from analyzer.scrub import Plans, Policy, Scrubber, Spool, Survey
from analyzer.scrub.writer import CaptureWriter
from tests.scrub.scrubbing import verdict
from tests.smtp.canaries import shows
from tests.support.material import LAB, REPOSITORY, needs_lab
from tests.support.scans import sessions_of
from tests.support.tools import needs_tshark
from tests.test_secrets import CANARY

CAPTURES = sorted(path for path in (REPOSITORY / "captures").glob("*/*.pcap*") if path.is_file())


def scrubbed(source: Path, folder: Path, policy: Policy | None = None) -> Path:
    """The capture at ``source`` as it may be shown."""
    out = io.BytesIO()
    with Spool() as spool:
        plans = Plans()
        survey = Survey(policy or Policy(), spool, plans)
        with open_captures([str(source)]) as captures:
            for batch in captures.batches():
                survey.feed(batch)
            links = {link for known in captures.sources for link in known.link_types}
        survey.finish()
        scrubber, writer = Scrubber(plans, spool), CaptureWriter(out, links)
        with open_captures([str(source)]) as captures:
            for batch in captures.batches():
                for frame in scrubber.scrub(batch):
                    writer.write(frame)
    path = folder / "scrubbed"
    path.write_bytes(out.getvalue())
    return path


def assert_says_the_same(source: Path, shown: Path) -> None:
    before = [session for session in sessions_of(source) if session.is_smtp or session.tls_mode != "none"]
    after = sessions_of(shown)
    assert [*map(verdict, after)] == [*map(verdict, before)]
    inventories = []
    for sessions in (before, after):
        inventory = Inventory()
        for session in sessions:
            inventory.add(session)
        inventories.append(inventory.devices())
    assert [(d.device, d.status, d.methods, d.mechanisms, d.accounts) for d in inventories[0]] == [
        (d.device, d.status, d.methods, d.mechanisms, d.accounts) for d in inventories[1]
    ]


@pytest.mark.parametrize("source", CAPTURES, ids=lambda path: path.name)
def test_a_recorded_capture_keeps_its_verdicts_and_shows_no_secret(source: Path, tmp_path: Path) -> None:
    shown = scrubbed(source, tmp_path)
    assert not shows(shown.read_bytes(), CANARY.decode())
    assert_says_the_same(source, shown)


@pytest.mark.parametrize("name", ["office/office-1.pcap", "mechanisms/clear-xoauth2-refused-token.pcap"])
def test_with_same_lengths_too(name: str, tmp_path: Path) -> None:
    source = REPOSITORY / "captures" / name
    shown = scrubbed(source, tmp_path, Policy(same_lengths=True, keep_messages=True))
    assert not shows(shown.read_bytes(), CANARY.decode())
    assert_says_the_same(source, shown)


@needs_lab
@pytest.mark.parametrize("server", ["aiosmtpd", "dovecot", "exim", "postfix"])
def test_recorded_sessions_keep_their_verdicts(server: str, tmp_path: Path) -> None:
    source = LAB / f"{server}.pcap.zst"
    assert_says_the_same(source, scrubbed(source, tmp_path))


def test_names_and_addresses_of_users_go_where_that_is_asked_for(tmp_path: Path) -> None:
    office = REPOSITORY / "captures" / "office" / "office-1.pcap"
    users = {attempt.username for session in sessions_of(office) for attempt in session.auth if attempt.username}
    shown = scrubbed(office, tmp_path, Policy(rename=lambda name: f"alias-{len(name)}"))
    assert len(users) > 2
    for user in users:
        if len(user) > 4:  # "erp" is in a host name as well
            assert not shows(shown.read_bytes(), user)
    found = {attempt.username for session in sessions_of(shown) for attempt in session.auth if attempt.username}
    assert found == {f"alias-{len(user)}" for user in users}


def complaints(path: Path) -> Counter[str]:
    """What tshark finds wrong or odd in a capture, and how often; numbers aside."""
    checks = [option for layer in ("ip", "tcp", "udp") for option in ("-o", f"{layer}.check_checksum:TRUE")]
    fields = ["-e", "_ws.expert.message", "-e", "_ws.malformed"]
    command = ["tshark", "-n", "-r", str(path), *checks, "-d", "tcp.port==2525,smtp", "-T", "fields", *fields]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    return Counter(re.sub(r"\d+", "N", note).strip() for note in re.split(r"[,\t\n]", told) if note.strip())


@needs_tshark
@pytest.mark.parametrize(
    "name",
    [
        "generated/gap-in-auth.pcap",
        "generated/ipv6-fragments.pcap",
        "generated/keep-alives.pcap",
        "generated/retransmissions.pcap",
        "generated/vxlan.pcap",
        "mechanisms/clear-commands-byte-by-byte.pcap",
        "office/office-1.pcap",
    ],
)
def test_tshark_complains_of_nothing_that_it_did_not_complain_of_before(name: str, tmp_path: Path) -> None:
    source = REPOSITORY / "captures" / name
    assert not complaints(scrubbed(source, tmp_path)) - complaints(source)
