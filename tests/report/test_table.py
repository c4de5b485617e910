from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.inventory.devices import Inventory
from analyzer.inventory.session import Session
from analyzer.report import InputSummary, Report, SessionWriter, write
from analyzer.report.table import DEVICE_COLUMNS, NARROWEST, PROSE, SESSIONS_A_TABLE, render
from analyzer.report.width import display_width
from tests.support.reports import HOSTILE, hostile_sessions, office, office_report, report
from tests.support.sessions import START, attempt, session, silent


def table(made: Report | None = None, width: int = 100, colour: bool = False) -> str:
    out = io.StringIO()
    write("table", made or office_report(), out, width=width, colour=colour)
    return out.getvalue()


def test_the_office_reads_as_a_table_that_answers_the_question() -> None:
    assert table() == GOLDEN


GOLDEN = """\
Status    Device         Name             Vendor      Login       Account           Server
--------  -------------  ---------------  ----------  ----------  ----------------  ----------------
exposed   10.10.0.103    copier3.exampl…  KYOCERA D…  LOGIN       scan@example.com  smtp.example.com
password  10.10.0.104    fax              Xerox       CRAM-MD5    fax               10.10.0.11
unknown   2001:db8::107  -                -           unknown     -                 10.10.0.11
no-auth   10.10.0.106    monitor          -           -           -                 10.10.0.11
oauth     10.10.0.105    erp.example.com  Microsoft   oauth ~97%  -                 smtp.office365.…

2 of 5 devices still use a password: 1 exposed, 1 password; 1 unknown, 1 no-auth, 1 oauth.
5 sessions, 3 messages, 1 input, 2026-11-23 20:48 to 2026-11-23 20:48 UTC. The result is incomplete,
see below.

Findings (devices)
  critical  cleartext-auth (1): A password (AUTH PLAIN or LOGIN) crossed the network unencrypted.
  high      auth-before-starttls (1): The server offered STARTTLS and the client authenticated
            without it.
  medium    auth-failing (1): Authentication was refused and did not succeed afterwards.
  medium    cleartext-challenge (1): A challenge response (CRAM-MD5, DIGEST-MD5, SCRAM, NTLM)
            crossed unencrypted.

What to do (steps: scan --advice)
  10.10.0.103: Change this account's password (or revoke its token) now, and turn on STARTTLS (587)
    or TLS (465).
  10.10.0.104: This password goes to a relay or server of your own, so nobody ends it for you: see
    how that one sends on, and whether it uses a password for it.
  2001:db8::107: Packets of the login are missing: capture whole sessions at a point that sees both
    directions.
  10.10.0.106: Confirm that this device is meant to send without authentication (relay by address or
    direct delivery).

~99%: inferred from the sizes and the order of turns inside TLS, with this confidence; 'smtpauth
  explain' tells how.
Not decoded: 10 frames (cut-header 7, unknown-link-type 3).
Incomplete: office.pcap: cut off in its last record (17 bytes lost).
"""


@pytest.mark.parametrize("width", [NARROWEST, 60, 80, 100, 140])
@pytest.mark.parametrize("kind", HOSTILE)
def test_no_line_is_wider_than_the_terminal_whatever_the_names(kind: str, width: int) -> None:
    seen = [*office(), *hostile_sessions(HOSTILE[kind])]
    for line in table(report(seen), width).splitlines():
        assert display_width(line) <= width
        assert line.isprintable()


def test_narrow_terminals_lose_columns_but_never_status_and_device() -> None:
    head = table(width=NARROWEST).splitlines()[0].split()
    assert head[:2] == ["Status", "Device"]
    assert len(table(width=160).splitlines()[0].split()) == len(DEVICE_COLUMNS)


def test_on_a_narrow_terminal_names_stay_longer_than_servers() -> None:
    head = table(width=70).splitlines()[0].split()
    assert head == ["Status", "Device", "Name", "Login", "Account"]


def test_a_column_that_says_nothing_leaves_its_room_to_the_others() -> None:
    assert "Vendor" not in table(report([silent("none", client_mac=None)]), 160).splitlines()[0]


def test_wider_terminals_show_whole_names_while_prose_stays_readable() -> None:
    name = "a-rather-long-host-name." * 5 + "example"
    lines = table(report([session(attempt(), ehlo=name, server_name=name, tls_sni=None)]), 400).splitlines()
    assert lines[2].count(name) == 2
    assert max(len(line) for line in lines[3:]) <= PROSE


def test_the_number_of_sessions_is_shown_only_where_everything_else_is_whole() -> None:
    assert "Sessions" not in table(width=100).splitlines()[0]
    assert "…" in table(width=100)
    assert "Sessions" in table(width=140).splitlines()[0]
    assert "…" not in table(width=140)


def test_whatever_makes_the_result_incomplete_is_said() -> None:
    lost = InputSummary("span.pcapng", "pcapng", 9, 999, dropped=1)
    text = table(report([], inputs=[lost], oddities={"reassembly-limit": 3}, interrupted=True))
    assert "The result is incomplete" in text
    assert "Interrupted: the result covers what had been read until then." in text
    assert "Incomplete: span.pcapng: 1 packet lost while it was captured." in text
    assert "(reassembly-limit 3); raise --max-held." in " ".join(text.split())


def test_peculiar_traffic_alone_makes_nothing_incomplete() -> None:
    assert "ncomplete" not in table(report(office(), oddities={"segment-duplicate": 5}))


def test_columns_stay_aligned_beside_wide_characters() -> None:
    seen = [silent("none", client="10.0.0.1", ehlo="複合機三階"), silent("none", client="10.0.0.2", ehlo="copier")]
    lines = table(report(seen)).splitlines()
    starts = {display_width(line[: line.index("10.10.0.11")]) for line in lines[2:4]}
    assert len(starts) == 1


def test_colour_only_where_asked_and_alignment_unharmed() -> None:
    assert "\x1b" not in table()
    coloured = table(colour=True)
    assert "\x1b[31;1mexposed\x1b[0m" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == table()


@pytest.mark.parametrize(
    ("seen", "answer"),
    [
        ([], "No device was seen sending mail."),
        ([session(attempt())], "1 of 1 device still uses a password: 1 exposed."),
        ([silent("none")], "None of 1 device was seen using a password: 1 no-auth."),
        (
            [silent("unknown", reason="inside-tls"), silent("none", client="10.10.0.9")],
            "None of 2 devices was seen using a password, but how 1 logs in could not be seen: 1 unknown, 1 no-auth.",
        ),
    ],
)
def test_the_answer_is_a_sentence(seen: list[Session], answer: str) -> None:
    above = len({one.client_ip for one in seen})
    assert table(report(seen), 120).splitlines()[above + 3 if seen else 0] == answer


def test_several_clients_behind_one_address_are_said_in_place_of_a_name() -> None:
    seen = [silent("none", ehlo=f"host{n}", start=START + n) for n in range(3)]
    assert "3 clients" in table(report(seen))


def test_a_router_is_said_in_place_of_a_maker() -> None:
    assert "(router)" in table(report([silent("none", client_ttl=63)]))


def test_what_does_not_fit_into_memory_is_said() -> None:
    inventory = Inventory(most_devices=1)
    for n in range(3):
        inventory.add(silent("none", client=f"10.0.0.{n}", client_mac=None))
    text = table(Report(inventory.devices(), inventory.summary()))
    assert "Limit reached: 2 sessions of further devices are counted but not listed." in text


def test_what_was_not_smtp_and_what_single_devices_could_not_list_is_said() -> None:
    inventory = Inventory()
    for n in range(100):
        inventory.add(session(attempt(username=f"user{n:03}@example.com"), start=START + n, tls_ja4=f"t13d{n:04}"))
    inventory.add(silent("none", is_smtp=False))
    text = table(Report(inventory.devices(), inventory.summary()))
    assert "1 conversation that was not SMTP" in text
    assert "Limit reached: further values are counted but not listed (accounts 36, TLS fingerprints 68)." in text


def test_many_devices_with_the_same_advice_are_named_in_part() -> None:
    seen = [silent("none", client=f"10.0.0.{n}", client_mac=None) for n in range(1, 6)]
    assert "10.0.0.1, 10.0.0.2, 10.0.0.3 and 2 more: Confirm" in table(report(seen))


@given(st.lists(st.lists(st.text(st.sampled_from("ab複 …é"), max_size=30), min_size=8, max_size=8), max_size=5))
def test_rendering_keeps_one_line_for_each_row(rows: list[list[str]]) -> None:
    rows = [[cell.strip() or "-" for cell in row] for row in rows]
    assert len(render(DEVICE_COLUMNS, rows, 100).splitlines()) == 2 + len(rows)


def sessions_table(seen: list[Session], width: int = 100) -> str:
    out = io.StringIO()
    writer = SessionWriter("table", out, width=width)
    for one in seen:
        writer.write(one)
    writer.close(report(seen))
    return out.getvalue()


def test_sessions_read_as_a_table() -> None:
    assert sessions_table(office()).startswith(SESSIONS)


SESSIONS = """\
Start (UTC)          Client                 Server          Login       Account          Result
-------------------  ---------------------  --------------  ----------  ---------------  -----------
2026-11-23 20:48:55  10.10.0.103:35878      10.10.0.11:587  LOGIN       scan@example.c…  success 235
2026-11-23 20:48:56  10.10.0.104:35878      10.10.0.11:587  CRAM-MD5    fax              failure 535
2026-11-23 20:48:55  10.10.0.105:35878      10.10.0.11:587  oauth ~97%  -                -
2026-11-23 20:48:55  10.10.0.106:35878      10.10.0.11:587  none        -                -
2026-11-23 20:48:55  [2001:db8::107]:35878  10.10.0.11:587  unknown     -                gap
"""


def test_a_session_shows_the_login_that_succeeded_not_what_came_after() -> None:
    seen = [session(attempt("PLAIN", username="good"), attempt("LOGIN", "failure", username="late", code=503))]
    row = sessions_table(seen).splitlines()[2]
    assert "PLAIN" in row
    assert "good" in row
    assert "success 235" in row
    assert "late" not in row


def test_many_sessions_are_written_in_several_tables() -> None:
    seen = [silent("none", start=START + n) for n in range(SESSIONS_A_TABLE + 1)]
    assert sessions_table(seen).count("Client") == 2


def test_no_sessions_make_no_table() -> None:
    assert sessions_table([]).startswith("No device was seen")
