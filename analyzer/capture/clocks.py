"""Time stamps of pcapng: ticks of an interface's own resolution and epoch, to nanoseconds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analyzer.capture.formats import MAX_TIME

MICROSECONDS = 6
"""``if_tsresol`` of an interface that does not give one (draft-ietf-opsawg-pcapng section 4.2)."""

POWER_OF_TWO = 0x80
_MAX_SECONDS = MAX_TIME // 1_000_000_000
_ONE, _BILLION = np.uint64(1), np.uint64(1_000_000_000)
_SCALABLE = np.uint64(33)  # bits that can be multiplied by a billion
_FINEST = np.uint64(63)  # a finer tick than 2**-63 s counts as several of these

# Decimal resolutions 10**-r: nanoseconds = ticks * MULTIPLIER[r] // DIVISOR[r], for ticks up to LIMIT[r].
_MULTIPLIER = np.array([10 ** max(0, 9 - r) for r in range(POWER_OF_TWO)], np.uint64)
_DIVISOR = np.array([min(10 ** max(0, r - 9), 2**64 - 1) for r in range(POWER_OF_TWO)], np.uint64)
_LIMIT = np.array([MAX_TIME // 10 ** (9 - r) + 1 if r < 9 else 2**64 - 1 for r in range(POWER_OF_TWO)], np.uint64)


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
    scaled = np.minimum(ticks, _LIMIT[resolution]) * _MULTIPLIER[resolution]
    divisor = _DIVISOR[resolution]
    if (divisor > 1).any():
        scaled //= divisor
    return np.minimum(scaled, np.uint64(MAX_TIME), out=scaled)


def _binary(ticks: npt.NDArray[np.uint64], resolution: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    power = (resolution & np.uint8(0x7F)).astype(np.uint64)
    excess = np.where(power > _FINEST, power - _FINEST, np.uint64(0))
    ticks = np.where(excess > _FINEST, np.uint64(0), ticks >> np.minimum(excess, _FINEST))
    power = np.minimum(power, _FINEST)
    seconds = np.minimum(ticks >> power, np.uint64(_MAX_SECONDS + 1))
    fraction = ticks & ((_ONE << power) - _ONE)
    # fraction * 10**9 does not fit 64 bits: its upper 33 bits and the rest are scaled one after the other.
    low_bits = np.where(power > _SCALABLE, power - _SCALABLE, np.uint64(0))
    low = ((fraction & ((_ONE << low_bits) - _ONE)) * _BILLION) >> low_bits
    scaled: npt.NDArray[np.uint64] = seconds * _BILLION
    scaled += ((fraction >> low_bits) * _BILLION + low) >> (power - low_bits)
    return np.minimum(scaled, np.uint64(MAX_TIME), out=scaled)
