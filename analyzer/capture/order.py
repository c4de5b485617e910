"""Packet times, as far as they can be believed, and the order of inputs that follows from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from analyzer.capture.names import natural_key

Times = npt.NDArray[np.int64]

JITTER = 1_000_000
"""Nanoseconds by which packets of one capture point are out of order at the least allowance: processors stamp packets
before a lock orders them, which shows as inversions of up to some hundred microseconds. No rotation is that fast."""

LEAP = 3600 * 1_000_000_000
"""Nanoseconds. A time this far ahead of the packets that follow it is not the clock's but a broken stamp's."""

WITNESSES = 8
"""Packets that follow a leap and are asked whether it happened. Some files have every other stamp broken."""

CLOCK_SET = 20 * 365 * 24 * 3600 * 1_000_000_000
"""Nanoseconds since 1970. An earlier time is no stamp at all, or of a clock that was never set; it says nothing about
its neighbours."""

_NEVER = np.int64(np.iinfo(np.int64).max)


def running_times(times: Times, latest: int | None) -> Times:
    """The clock of a capture point at each packet: the running maximum of believable times, ``int64[n]``.

    Args:
        times: ``int64[n]`` in capture order, n > 0.
        latest: the clock before the first of them, or ``None`` at the beginning.

    A broken stamp far in the future must not stop the clock for all that follows, so a leap counts only when the
    packets after it, up to :data:`WITNESSES`, were not stamped before it.
    """
    start = int(times[0]) if latest is None else latest
    before = int(times[-1 - WITNESSES]) if len(times) > WITNESSES else start
    if times[0] >= start and int(times[-1]) - before <= LEAP and (times[1:] >= times[:-1]).all():
        return times
    witness = np.where(times < CLOCK_SET, _NEVER, times)
    lowest = np.full(len(times), _NEVER)
    for ahead in range(1, min(WITNESSES, len(times) - 1) + 1):
        np.minimum(lowest[:-ahead], witness[ahead:], out=lowest[:-ahead])
    believed = np.where(times - LEAP > lowest, lowest, times)
    clock = np.maximum.accumulate(believed)
    if latest is not None:
        np.maximum(clock, latest, out=clock)
    # The last few have too few witnesses: there, a leap has yet to be confirmed.
    for index in range(max(1, len(times) - WITNESSES), len(times)):
        leaps = int(believed[index]) - int(clock[index - 1]) > LEAP
        clock[index] = clock[index - 1] if leaps else max(clock[index - 1], believed[index])
    return clock


def beginning(times: Times) -> int:
    """The first believable one of the ``times`` with which an input begins, in nanoseconds."""
    stamped = times[times >= CLOCK_SET]
    first = (stamped if len(stamped) else times)[: 1 + WITNESSES]
    return int(first.min() if first[0] - first.min() > LEAP else first[0])


def disorder(times: Times, clock: Times) -> int:
    """By how much packets lag behind the capture point's clock at most, leaving out broken stamps (nanoseconds)."""
    lag = clock - times
    return int(np.where(lag < LEAP, lag, 0).max(initial=0))


def chronological(starts: Sequence[int | None], names: Sequence[str]) -> list[int]:
    """The order in which inputs are read: indices of ``starts``, which are their first packets' times.

    Inputs without packets (``None``) come first. Equal times go by name, numbers counted as numbers; and so does
    everything where the names' order is the packets' own but for :data:`JITTER`, as in a set cut at a bad moment.
    A ring that has wrapped contradicts its names by more than that.
    """
    by_name = sorted(range(len(names)), key=lambda index: natural_key(names[index]))
    empty = [index for index in by_name if starts[index] is None]
    known = [(start, index) for index in by_name if (start := starts[index]) is not None]
    latest = known[0][0] if known else 0
    for start, _ in known:
        if start < latest - JITTER:
            known.sort(key=lambda pair: pair[0])  # stable: equal times stay in the order of their names
            break
        latest = max(latest, start)
    return empty + [index for _, index in known]
