from __future__ import annotations

import io
import re

import pytest

from analyzer.inventory.session import Session
from analyzer.report import Report, SessionWriter, write
from analyzer.report.markdown import escaped
from tests.support.reports import HOSTILE, hostile_sessions, office, office_report, report


def devices(made: Report | None = None) -> str:
    out = io.StringIO()
    write("markdown", made or office_report(), out)
    return out.getvalue()


def sessions(seen: list[Session]) -> str:
    out = io.StringIO()
    writer = SessionWriter("markdown", out)
    for one in seen:
        writer.write(one)
    writer.close(report(seen))
    return out.getvalue()


def test_the_office_reads_as_markdown() -> None:
    lines = devices().splitlines()
    assert lines[0] == "**2 of 5 devices still use a password: 1 exposed, 1 password; 1 unknown, 1 no-auth, 1 oauth.**"
    assert lines[4] == "| Status | Device | Name | Vendor | Login | Account | Server | Sessions | Advice |"
    assert lines[5] == "| --- | --- | --- | --- | --- | --- | --- | ---: | --- |"
    cells = lines[6].strip("| ").split(" | ")
    assert cells[:4] == ["exposed", "10.10.0.103", "copier3.example.com", "KYOCERA Display"]
    assert cells[4:8] == ["LOGIN", "scan@example.com", "smtp.example.com", "1"]
    assert lines[-2] == "- Not decoded: 10 frames (cut-header 7, unknown-link-type 3)."
    assert lines[-1] == "- Incomplete: office.pcap: cut off in its last record (17 bytes lost)."


@pytest.mark.parametrize("kind", HOSTILE)
def test_names_become_no_markup_and_no_further_cells(kind: str) -> None:
    seen = hostile_sessions(HOSTILE[kind])
    clean = hostile_sessions("ordinary")
    for made, expected in ((devices(report(seen)), devices(report(clean))), (sessions(seen), sessions(clean))):
        assert made.count("|") == expected.count("|")
        assert made.count("\n") == expected.count("\n")
        wire = "".join(line for line in made.splitlines() if line.startswith(("| exposed", "| 2026")))
        assert not re.search(r"[<>`*\[\]\\!]|://|www\.|(?<!\w)@", wire)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("scan@example.com", "scan@example.com"),
        ("a|b", "a&#124;b"),
        ("<b>", "&#60;b&#62;"),
        ("&lt;", "&#38;lt;"),
        ("https://x", "https&#58;&#47;&#47;x"),
        ("WWW.x", "WWW&#46;x"),
        ("@everyone", "&#64;everyone"),
    ],
)
def test_escapes_are_character_references(text: str, shown: str) -> None:
    assert escaped(text) == shown


def test_sessions_become_one_table() -> None:
    rows = [line for line in sessions(office()).splitlines() if line.startswith("| 2026")]
    assert len(rows) == 5
    assert "| LOGIN | scan@example.com | success 235 | cleartext-auth |" in rows[0]
