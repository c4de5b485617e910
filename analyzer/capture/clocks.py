"""Time stamps of pcapng: ticks of an interface's own resolution and epoch, to nanoseconds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analyzer.capture.formats import MAX_TIME

MICROSECONDS = 6
"""``if_tsresol`` of an interface that does not give one (draft-ietf-opsawg-pcapng section 4.2)."""

POWER_OF_TWO = 0x80
_MAX_SECONDS = MAX_TIME // 1_000_000_000 - 1
_FINEST_SHIFT = 33  # finer binary fractions would overflow when scaled, and 2**-33 s is a tenth of a nanosecond

# Decimal resolutions 10**-r: nanoseconds = ticks * MULTIPLIER[r] // DIVISOR[r].
_MULTIPLIER = np.array([10 ** max(0, 9 - r) for r in range(POWER_OF_TWO)], np.uint64)
_DIVISOR = np.array([10 ** min(19, max(0, r - 9)) for r in range(POWER_OF_TWO)], np.uint64)


def nanoseconds(
    ticks: npt.NDArray[np.uint64], resolution: npt.NDArray[np.uint8], offset: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Nanoseconds since 1970-01-01 UTC.

    Args:
        ticks: ``uint64[n]``.
        resolution: ``if_tsresol`` of each, ``uint8[n]`` or ``uint8[1]`` for all: 10**-r s, or with the top bit set
            2**-(r & 127) s.
        offset: ``if_tsoffset`` of each in seconds, ``int64[n]`` or ``int64[1]``.

    Times outside ±:data:`~analyzer.capture.formats.MAX_TIME` come out as that limit.
    """
    binary = resolution >= POWER_OF_TWO
    if not binary.any():
        elapsed = _decimal(ticks, resolution)
    elif binary.all():
        elapsed = _binary(ticks, resolution)
    else:
        elapsed = np.where(binary, _binary(ticks, resolution), _decimal(ticks, resolution & np.uint8(0x7F)))
    result = elapsed.astype(np.int64)
    if offset.any():
        result += np.clip(offset, -_MAX_SECONDS, _MAX_SECONDS) * 1_000_000_000
    return np.clip(result, -MAX_TIME, MAX_TIME, out=result)


def _decimal(ticks: npt.NDArray[np.uint64], resolution: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    multiplier, divisor = _MULTIPLIER[resolution], _DIVISOR[resolution]
    scaled = np.minimum(ticks, np.uint64(MAX_TIME) // multiplier) if (multiplier > 1).any() else ticks
    scaled = scaled * multiplier
    if (divisor > 1).any():
        scaled //= divisor
    return np.minimum(scaled, np.uint64(MAX_TIME), out=scaled)


def _binary(ticks: npt.NDArray[np.uint64], resolution: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    power = (resolution & np.uint8(0x7F)).astype(np.uint64)
    shift = np.minimum(power, np.uint64(_FINEST_SHIFT))
    coarse = np.minimum(power - shift, np.uint64(63))
    ticks = np.where(power - shift > np.uint64(63), np.uint64(0), ticks >> coarse)
    seconds = np.minimum(ticks >> shift, np.uint64(_MAX_SECONDS))
    fraction = ticks & ((np.uint64(1) << shift) - np.uint64(1))
    scaled: npt.NDArray[np.uint64] = seconds * np.uint64(1_000_000_000) + (fraction * np.uint64(1_000_000_000) >> shift)
    return scaled
