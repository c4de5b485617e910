"""Which sessions a loss may have touched: those that were open then and are not whole."""

from __future__ import annotations

import pytest

from analyzer.inventory.session import Session
from analyzer.monitor.losses import MARGIN, MOST_DEVICES, MOST_SPANS, Losses

SECOND = 10**9


def session(start: int, end: int, *, complete: bool = False, ip: str = "10.0.0.1") -> Session:
    return Session(start * SECOND, end * SECOND, "eth1", ip, 40000, "10.0.0.2", 587, complete=complete)


@pytest.mark.parametrize(
    ("start", "end", "complete", "touched"),
    [
        (90, 95, False, False),
        (90, 105, False, True),
        (105, 108, False, True),
        (105, 200, False, True),
        (90, 200, False, True),
        (115, 200, False, False),
        (90, 200, True, False),
    ],
)
def test_a_session_is_touched_if_it_was_open_and_is_not_whole(
    start: int, end: int, complete: bool, touched: bool
) -> None:
    losses = Losses()
    losses.note("eth1", 17, 100 * SECOND, 110 * SECOND)
    losses.look(session(start, end, complete=complete))
    assert (losses.sessions, list(losses.devices)) == ((1, ["10.0.0.1"]) if touched else (0, []))
    assert losses.packets == {"eth1": 17}


def test_losses_are_added_up_by_interface() -> None:
    losses = Losses()
    for interface, packets in (("eth1", 1), ("eth2", 10), ("eth1", 100)):
        losses.note(interface, packets, SECOND, 2 * SECOND)
    assert losses.packets == {"eth1": 101, "eth2": 10}


def test_without_losses_nothing_is_touched() -> None:
    losses = Losses()
    losses.look(session(1, 2))
    assert losses.sessions == 0


def test_losses_older_than_every_open_session_are_forgotten() -> None:
    losses = Losses()
    losses.note("eth1", 1, 100 * SECOND, 110 * SECOND)
    losses.forget_before(110 * SECOND + MARGIN + 1)
    losses.look(session(90, 200))
    assert losses.sessions == 0


def test_more_stretches_than_are_remembered_become_one() -> None:
    losses = Losses()
    for nth in range(MOST_SPANS + 10):
        losses.note("eth1", 1, nth * 10 * SECOND, (nth * 10 + 1) * SECOND)
    losses.look(session(5, 6))  # between the first two, which were joined
    assert losses.sessions == 1
    losses.look(session(MOST_SPANS * 10 + 4, MOST_SPANS * 10 + 5))  # between two of the last
    assert losses.sessions == 1


def test_addresses_are_listed_up_to_a_limit_and_sessions_counted_beyond() -> None:
    losses = Losses()
    losses.note("eth1", 1, SECOND, 9 * SECOND)
    for nth in range(MOST_DEVICES + 5):
        losses.look(session(2, 3, ip=f"10.1.{nth >> 8}.{nth & 255}"))
    assert len(losses.devices) == MOST_DEVICES
    assert losses.sessions == MOST_DEVICES + 5
