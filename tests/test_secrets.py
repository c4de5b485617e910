"""Every password and token of the recorded captures holds a marked word, and no output may show it in any form."""

from __future__ import annotations

import base64
import gc
import pickle
from pathlib import Path
from zipfile import ZipFile

import pytest

from analyzer.cli import main
from analyzer.decryption import decryptor
from analyzer.decryption.rows import Row, parse
from analyzer.smtp import DialogueParser
from analyzer.smtp.records import AuthAttempt, Dialogue
from tests.support.material import REPOSITORY
from tests.support.scans import sessions_of
from tests.support.stores import filled
from tests.support.tools import needs_tshark

CANARY = b"c4n4ry"
_CAPTURES = REPOSITORY / "captures"


def _forms() -> list[bytes]:
    """The word as it is, in hexadecimal, and what base64 makes of it at each of the three alignments."""
    aligned = [base64.b64encode(b"\0" * shift + CANARY)[shift + bool(shift) : -4] for shift in range(3)]
    return [CANARY, CANARY.hex().encode(), *aligned]


def _assert_silent(text: bytes) -> None:
    for form in _forms():
        assert form not in text


def test_the_captures_do_hold_the_marked_word() -> None:
    sent = b"".join(path.read_bytes() for path in (_CAPTURES / "mechanisms").glob("clear-*.pcap"))
    assert any(form in sent for form in _forms()[2:])


@pytest.mark.parametrize("sessions", [[], ["--sessions"]], ids=["devices", "sessions"])
@pytest.mark.parametrize("format", ["table", "json", "jsonl", "csv", "markdown"])
def test_no_output_shows_a_secret(
    format: str, sessions: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    main(["scan", str(_CAPTURES), "--format", format, "--output", str(output), "-v", *sessions])
    assert output.stat().st_size
    _assert_silent(output.read_bytes())
    said = capsys.readouterr()
    _assert_silent((said.out + said.err).encode())


@pytest.mark.parametrize("format", ["table", "json", "csv", "markdown", "html", "xlsx"])
def test_no_report_on_a_period_shows_a_secret(
    format: str, stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output, since = tmp_path / "out", ["--since", "2026-01-01", "--until", "2026-12-31"]
    main(["report", "--store", str(stored), *since, "--format", format, "--output", str(output)])
    written = output.read_bytes()
    if format == "xlsx":
        with ZipFile(output) as workbook:
            written = b"".join(map(workbook.read, workbook.namelist()))
    assert b"scan@" in written
    _assert_silent(written)
    said = capsys.readouterr()
    _assert_silent((said.out + said.err).encode())


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of all recorded captures."""
    path = tmp_path_factory.mktemp("store") / "store.db"
    filled(path, sessions_of(_CAPTURES / "office", _CAPTURES / "mechanisms")).close()
    return path


def test_no_store_holds_a_secret(tmp_path: Path) -> None:
    name = tmp_path / "mail.db"
    main(["scan", str(_CAPTURES / "mechanisms"), "--store", str(name), "--output", str(tmp_path / "out"), "-q"])
    main(["store", "export", str(name), str(tmp_path / "lines")])
    written = b"".join(path.read_bytes() for path in tmp_path.glob("mail.db*")) + (tmp_path / "lines").read_bytes()
    assert b'"username":"' in written
    _assert_silent(written)


_WITH_KEYS = [("office", "keys.log"), ("mechanisms", "keys.log"), ("tls", "tls/keys.log")]


@needs_tshark
@pytest.mark.parametrize(
    ("command", "folder", "keys"),
    [(command, *where) for command in ("scan", "scan --sessions") for where in _WITH_KEYS]
    + [("verify", *_WITH_KEYS[0])],
)
def test_no_output_shows_a_secret_that_was_decrypted(
    command: str, folder: str, keys: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    arguments = [*command.split(), str(_CAPTURES / folder), "--keylog", str(_CAPTURES / keys)]
    main([*arguments, "--format", "json", "--output", str(output), "-v"])
    assert output.stat().st_size
    _assert_silent(output.read_bytes())
    said = capfd.readouterr()
    _assert_silent((said.out + said.err).encode())
    for line in (_CAPTURES / keys).read_text().splitlines():
        if not line.startswith("#"):
            assert line.split()[2] not in output.read_text()


@needs_tshark
@pytest.mark.parametrize(("folder", "keys"), _WITH_KEYS)
def test_no_record_holds_a_secret_that_was_decrypted(folder: str, keys: str) -> None:
    sessions = sessions_of(_CAPTURES / folder, keys=_CAPTURES / keys)
    assert any(session.evidence == "decrypted" for session in sessions)
    _assert_silent(repr(sessions).encode())
    _assert_silent(pickle.dumps(sessions))


@needs_tshark
def test_what_tshark_is_asked_for_and_what_is_made_of_its_lines_holds_secrets_no_longer_than_it_must(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The marked words do come by, and nothing that goes on holds one when the line is done with."""
    passed: list[bool] = []

    def noting(line: bytes) -> Row | None:
        row = parse(line)
        if row is not None:
            plain = b"".join(row.plain)
            passed.append(any(form in plain for form in _forms()))
            _assert_silent(repr(row).encode())
        return row

    monkeypatch.setattr(decryptor, "parse", noting)
    sessions_of(_CAPTURES / "tls" / "relay.pcap.xz", keys=_CAPTURES / "tls" / "keys.log")
    assert any(passed)
    gc.collect()
    for thing in gc.get_objects():
        if isinstance(thing, (Dialogue, AuthAttempt, DialogueParser)):
            slots = [
                getattr(thing, name, None) for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())
            ]
            _assert_silent(repr(slots).encode())


def test_no_record_holds_a_secret() -> None:
    sessions = sessions_of(_CAPTURES)
    assert sessions
    _assert_silent(repr(sessions).encode())
    _assert_silent(pickle.dumps(sessions))
