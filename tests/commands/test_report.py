"""``smtpauth report`` on real stores, as users and scheduled jobs meet it."""

from __future__ import annotations

import json
import os
import pty
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from analyzer.cli import main
from analyzer.commands.output import ENDINGS
from analyzer.commands.report import NAMED
from tests.commands.running import OFFICE, PATIENCE, run, start
from tests.support.reports import HOSTILE
from tests.support.stores import filled
from tests.support.weeks import COPIER, office, weekly

WEEK = ("--until", "2026-11-29")

Report = Callable[..., int]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("store") / "store.db"
    filled(path, office()).close()
    return str(path)


@pytest.fixture
def report(store: str) -> Report:
    return lambda *arguments: main(["report", "--store", store, *map(str, arguments)])


def test_the_last_week_that_was_over_and_what_changed_in_it(report: Report, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(*WEEK) == 0
    out = capsys.readouterr().out
    assert out.startswith("SMTP logins by device, 2026-W48 (2026-11-23 to 2026-11-29), compared with 2026-W47\n")
    assert "3 of 13 devices still use a password, as many as the week before; 1 new, 1 relapsed" in out


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["--until", "2026-11-28"], "2026-W47"),
        (["--period", "month", "--until", "2026-11-29"], "2026-10"),
        (["--period", "day", "--until", "2026-11-27"], "2026-11-27"),
        (["--since", "2026-11-16", "--until", "2026-11-22"], "2026-W47"),
        (["--since", "2026-11-10", "--until", "2026-11-22"], "2026-11-10 to 2026-11-22"),
    ],
)
def test_the_period_that_was_asked_for(
    report: Report, capsys: pytest.CaptureFixture[str], arguments: list[str], name: str
) -> None:
    assert report(*arguments, "--format", "json", "-q") == 0
    assert json.loads(capsys.readouterr().out)["period"]["name"] == name


@pytest.mark.parametrize("ending", [ending for ending in ENDINGS if ending != ".jsonl"])
def test_the_ending_of_the_file_tells_the_format(report: Report, tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"report{ending}"
    assert report(*WEEK, "--output", file) == 0
    heads = {"table": b"SMTP", "markdown": b"## SMTP", "json": b"{", "csv": b"device,", "xlsx": b"PK"}
    assert file.read_bytes().startswith(heads.get(ENDINGS[ending], b"<!doctype html>"))


def test_the_period_is_told_where_the_format_does_not_show_it(
    report: Report, capsys: pytest.CaptureFixture[str]
) -> None:
    report(*WEEK, "--format", "csv")
    assert "smtpauth: report on 2026-W48, 2026-11-23 to 2026-11-29 (UTC)" in capsys.readouterr().err


def test_a_period_that_has_no_name_is_told_by_its_days(report: Report, capsys: pytest.CaptureFixture[str]) -> None:
    report("--since", "2026-11-10", "--until", "2026-11-22", "--format", "csv")
    assert "smtpauth: report on 2026-11-10 to 2026-11-22 (UTC)\n" in capsys.readouterr().err


@pytest.mark.parametrize("unit", ["day", "week", "month"])
@pytest.mark.parametrize("day", ["1970-01-01", "2024-02-29", "2262-04-11"])
def test_any_day_that_packets_may_be_of_can_be_reported_on(report: Report, unit: str, day: str) -> None:
    assert report("--period", unit, "--until", day, "--format", "json") == 3


def test_a_period_without_traffic_is_said_and_passes_no_gate(
    report: Report, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report("--until", "2026-08-30", "--fail-on", "exposed") == 3
    said = capsys.readouterr()
    assert "No mail was seen in 2026-W35 (2026-08-24 to 2026-08-30)" in said.out
    assert "nothing was seen in it; the store reaches from 2026-09-07 to 2026-11-27" in said.err


def test_damage_that_is_met_when_it_is_to_be_shown_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "store.db"
    with filled(path, office()) as made:
        made.refresh()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE weeks SET sessions = x'ff'")
    assert main(["report", "--store", str(path), *WEEK, "--format", "json"]) == 2
    assert capsys.readouterr().err == f"smtpauth: {path}: the database is damaged; restore it from a backup\n"


def test_an_empty_store_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    filled(tmp_path / "empty.db", []).close()
    assert main(["report", "--store", str(tmp_path / "empty.db")]) == 3
    said = capsys.readouterr()
    assert "No mail was seen in" in said.out
    assert "the store is empty" in said.err


def test_a_first_week_is_said_to_be_one(report: Report, capsys: pytest.CaptureFixture[str]) -> None:
    assert report("--until", "2026-09-13") == 0
    assert "this is the first week on record" in capsys.readouterr().out.replace("\n", " ")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--fail-on", "exposed", *WEEK], 1),
        (["--fail-on", "mixed", *WEEK], 1),
        (["--fail-on", "exposed", "--until", "2026-11-22"], 0),
    ],
)
def test_the_gate(report: Report, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int) -> None:
    assert report(*arguments) == code
    assert ("at or above --fail-on: 10.0.0.20 (exposed)" in capsys.readouterr().err) is (code == 1)


def test_a_baseline_fails_only_on_what_is_worse(
    report: Report, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    accepted = tmp_path / "accepted.json"
    assert report("--until", "2026-11-22", "--output", accepted, "-q") == 0
    assert report("--until", "2026-11-22", "--baseline", accepted) == 0
    capsys.readouterr()
    assert report(*WEEK, "--baseline", accepted) == 1
    assert (
        "2 devices not in the baseline, or worse than there: 10.0.0.20 (exposed), 10.0.0.21 (password)"
        in capsys.readouterr().err
    )
    listed = tmp_path / "accepted.txt"
    listed.write_text("10.0.0.20 # until January\n10.0.0.21 password\n10.0.0.23\n")
    assert report(*WEEK, "--baseline", listed) == 0


def test_devices_that_fail_are_named_up_to_a_limit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seen = [one for n in range(1, NAMED + 4) for one in weekly(f"10.0.0.{n}", [11], mac=COPIER + n)]
    path = tmp_path / "store.db"
    filled(path, seen).close()
    assert main(["report", "--store", str(path), *WEEK, "--fail-on", "mixed"]) == 1
    err = capsys.readouterr().err
    assert "13 devices at or above --fail-on: 10.0.0.1 (password), " in err
    assert err.rstrip().endswith("10.0.0.10 (password) and 3 more")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--since", "2026-13-01"], "argument --since: '2026-13-01' is not a day (YYYY-MM-DD)"),
        (["--until", "2026-W47"], "'2026-W47' is not a day (YYYY-MM-DD)"),
        (["--until", "20261122"], "'20261122' is not a day (YYYY-MM-DD)"),
        (["--until", "0001-01-01"], "'0001-01-01' is not a day (YYYY-MM-DD) from 1970 to 2262"),
        (["--since", "9999-12-31"], "'9999-12-31' is not a day (YYYY-MM-DD) from 1970 to 2262"),
        (["--since", "2026-11-20", "--until", "2026-11-10"], "the period ends on 2026-11-10, before it begins"),
        (["--since", "2026-11-20", "--period", "week"], "give either --period or --since"),
        (["--output", "report.doc"], "report.doc: the ending tells the format"),
        (["--baseline", "nowhere"], "nowhere: it cannot be read"),
        (["--knowledge", "nowhere"], "nowhere: it cannot be read"),
        (["--assets", "nowhere"], "nowhere: "),
        (["--eac", "nowhere"], "nowhere: "),
        (["--sign-ins", "nowhere"], "nowhere: "),
        (["--limit", "0"], "'0' is not a positive whole number"),
        (["--mail", "nobody"], "'nobody' is no mail address"),
        (["--mail", "it@example.com", "--mail-from", "x"], "'x' is no mail address"),
        (["--mail", "it@example.com", "--sendmail", "/nowhere"], "/nowhere: no such program"),
    ],
)
def test_wrong_usage_is_one_line(
    report: Report,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert code_of(report, *arguments) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert said in err
    assert not list(tmp_path.iterdir())


def code_of(call: Report, *arguments: str) -> int:
    """The exit code, whether the parser of arguments ends the run or the command."""
    try:
        return call(*arguments)
    except SystemExit as ended:
        return int(ended.code or 0)


@pytest.mark.parametrize(
    ("arguments", "said"), [([], "which store?"), (["--store", "nowhere.db"], "there is no store yet")]
)
def test_a_store_is_needed_and_must_be_there(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["report", *arguments]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_users_can_be_replaced(report: Report, capsys: pytest.CaptureFixture[str]) -> None:
    report(*WEEK, "--redact-users", "--format", "json", "-q")
    out = capsys.readouterr().out
    assert "@example.com" not in out
    assert "user-" in out


def test_a_workbook_is_not_for_a_terminal_but_goes_through_a_pipe(store: str) -> None:
    piped = start("report", "--store", store, *WEEK, "--format", "xlsx")
    assert piped.communicate(timeout=PATIENCE)[0].startswith(b"PK")
    screen, terminal = pty.openpty()
    shown = start("report", "--store", store, *WEEK, "--format", "xlsx", stdout=terminal)
    assert b"a terminal, which cannot show a workbook" in shown.communicate(timeout=PATIENCE)[1]
    assert (piped.returncode, shown.returncode) == (0, 2)
    os.close(screen)
    os.close(terminal)


def test_a_report_says_of_devices_what_a_scan_of_the_same_captures_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, scanned, reported = tmp_path / "store.db", tmp_path / "scan.json", tmp_path / "report.json"
    main(["scan", str(OFFICE), "--store", str(path), "--format", "json", "--output", str(scanned), "-q"])
    day = ["--since", "2026-11-24", "--until", "2026-11-24"]
    assert main(["report", "--store", str(path), *day, "--output", str(reported), "-q"]) == 0
    theirs, ours = json.loads(scanned.read_text()), json.loads(reported.read_text())
    assert [{**device, "known_since": None, "change": None} for device in theirs["devices"]] == [
        {**device, "known_since": None} for device in ours["devices"]
    ]
    assert ours["summary"] == theirs["summary"]
    assert ours["complete"] is theirs["complete"] is True
    assert main(["report", "--store", str(path), *day, "--baseline", str(scanned), "-q"]) == 0
    capsys.readouterr()


def test_the_users_own_list_names_devices_and_their_owners(
    report: Report, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assets = tmp_path / "assets.csv"
    assets.write_text("ip,name,owner\n10.0.0.20,Franking machine,Mail room\n10.0.0.22,Old fax,Reception\n")
    assert report(*WEEK, "--assets", assets, "--format", "json", "-q") == 0
    made = json.loads(capsys.readouterr().out)
    changed = {change["device"]: change["name"] for change in made["changes"]}
    assert (changed["10.0.0.20"], changed["10.0.0.22"]) == ("Franking machine", "Old fax")
    (device,) = (device for device in made["devices"] if device["device"] == "10.0.0.20")
    assert device["asset"]["owner"] == "Mail room"


def test_the_providers_export_is_joined_by_account(
    report: Report, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export = tmp_path / "clients.csv"
    export.write_text(
        "Sender address,Authentication protocol,Messages sent\n"
        "10.0.0.9@example.com,Basic,12\nscan@elsewhere.example,Basic,3\n"
    )
    assert report(*WEEK, "--eac", export, "--format", "json", "-q") == 0
    said = json.loads(capsys.readouterr().out)["provider_view"]["accounts"]
    found = {account["account"]: (account["agreement"], account["devices"]) for account in said}
    assert found == {
        "10.0.0.9@example.com": ("conflict", ["10.0.0.9"]),
        "scan@elsewhere.example": ("unexplained", []),
    }
    assert report(*WEEK, "--eac", export, "-q") == 0
    out = capsys.readouterr().out
    assert "What the provider says" in out
    assert "Accounts with Basic that no device of ours explains" in out


def keeps_mail(folder: Path) -> tuple[str, Path]:
    """A sendmail that keeps its arguments and what it was given."""
    kept, path = folder / "kept", folder / "sendmail"
    body = f"open({str(kept)!r}, 'wb').write(' '.join(sys.argv[1:]).encode() + b'\\n' + sys.stdin.buffer.read())"
    path.write_text(f"#!{sys.executable}\nimport sys\n{body}\n")
    path.chmod(0o755)
    return str(path), kept


def test_mail_has_the_answer_as_its_subject_and_text_and_page(
    report: Report, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program, kept = keeps_mail(tmp_path)
    page = tmp_path / "page.html"
    code = report(*WEEK, "--mail", "it@example.com", "boss@example.com", "--sendmail", program, "--output", page)
    assert (code, capsys.readouterr().out) == (0, "")
    arguments, _, raw = kept.read_bytes().partition(b"\n")
    assert arguments == b"-t -i"
    message = message_from_bytes(raw, policy=default)
    assert message["To"] == "it@example.com, boss@example.com"
    assert message["Subject"].strip() == "3 of 13 devices still use a password, as many as the week before (2026-W48)"
    text, (attached,) = message.get_body(("plain",)), message.iter_attachments()
    assert text is not None
    assert text.get_content().startswith("SMTP logins by device, 2026-W48")
    assert attached.get_content().strip() == page.read_text().strip()
    assert attached.get_filename() == "mail-logins-2026-W48.html"


def test_mail_that_is_refused_ends_with_exit_code_2(
    report: Report, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "sendmail"
    path.write_text(f"#!{sys.executable}\nimport sys\nsys.stdin.read()\nsys.exit('no route')\n")
    path.chmod(0o755)
    assert report(*WEEK, "--mail", "it@example.com", "--sendmail", path) == 2
    assert "refused the mail (exit code 1): no route" in capsys.readouterr().err


def test_options_may_stand_in_the_configuration(store: str, tmp_path: Path) -> None:
    program, kept = keeps_mail(tmp_path)
    settings = tmp_path / "smtpauth.toml"
    settings.write_text(f'[report]\nstore = "{store}"\nmail = ["it@example.com"]\nsendmail = "{program}"\n')
    done = run("report", "--config", settings, *WEEK)
    assert (done.returncode, done.stdout) == (0, "")
    assert b"To: it@example.com" in kept.read_bytes()


@pytest.mark.parametrize("kind", ["newline", "html", "ansi", "formula"])
def test_names_that_clients_chose_do_no_harm_in_mail_or_on_the_screen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    name = HOSTILE[kind]
    seen = weekly("10.0.0.1", [11], mac=COPIER, ehlo=name, username=name, tls_sni=name, provider=None)
    path = tmp_path / "store.db"
    filled(path, seen).close()
    program, kept = keeps_mail(tmp_path)
    mail = ["--mail", "it@example.com", "--sendmail", program]
    assert main(["report", "--store", str(path), *WEEK, *mail, "--format", "table"]) == 0
    said = capsys.readouterr()
    assert not [char for char in said.out + said.err if not char.isprintable() and char != "\n"]
    message = message_from_bytes(kept.read_bytes().partition(b"\n")[2], policy=default)
    assert set(message.keys()) == {"To", "Subject", "Date", "Auto-Submitted", "MIME-Version", "Content-Type"}
    for part in message.walk():
        assert part.get_content_type() != "text/html" or "<script>alert" not in part.get_content()
