"""The line that says how a long run goes."""

from __future__ import annotations

import io

import pytest

from analyzer.commands.status_line import StatusLine


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def terminal_of(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Standard error from now on: 20 columns."""
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("COLUMNS", "20")
    return screen


def test_it_is_written_over_itself_and_cut_to_the_width(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_of(monkeypatch)
    StatusLine().update("x" * 100)
    assert terminal.getvalue() == "\r\x1b[2K" + "x" * 19


def test_it_makes_room_for_what_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_of(monkeypatch)
    line = StatusLine()
    line.clear()
    assert not terminal.getvalue()
    line.update("1 file")
    line.clear()
    assert terminal.getvalue().endswith("1 file\r\x1b[2K")


@pytest.mark.parametrize("wanted", [True, False])
def test_it_is_for_terminals_and_for_who_wants_it(monkeypatch: pytest.MonkeyPatch, wanted: bool) -> None:
    screen = io.StringIO() if wanted else Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    StatusLine(wanted=wanted).update("1 file")
    assert not screen.getvalue()
