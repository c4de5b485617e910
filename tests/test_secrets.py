"""Every password and token of the recorded captures holds a marked word, and no output may show it in any form."""

from __future__ import annotations

import base64
import pickle
from pathlib import Path

import pytest

from analyzer.cli import main
from tests.support.material import REPOSITORY
from tests.support.scans import sessions_of

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


def test_no_record_holds_a_secret() -> None:
    sessions = sessions_of(_CAPTURES)
    assert sessions
    _assert_silent(repr(sessions).encode())
    _assert_silent(pickle.dumps(sessions))
