"""How probable it is that something that is said has a certain length.

Every pattern answers one question: the probability that its length, in bytes with CRLF, lies between two bounds. The
bounds are equal where the cipher tells the length exactly. Short lines have few lengths, so a keyword of fixed length
weighs far more than a text that might be as long by chance: this is what makes the right reading win.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from math import erf, log, sqrt
from typing import Any, Protocol

CRLF = 2

Bounds = tuple[int, int]


class Pattern(Hashable, Protocol):
    """Lengths of one kind of turn.

    Attributes:
        residue: remainder of all its lengths modulo 4, or ``None`` where they differ in that.
    """

    residue: int | None

    def probability(self, bounds: Bounds) -> float:
        """Probability of a length from ``bounds[0]`` to ``bounds[1]``, both included."""


class Fixed:
    """One of a few lengths.

    Args:
        lengths: weight and length.
    """

    def __init__(self, lengths: Sequence[tuple[float, int]]) -> None:
        total = sum(weight for weight, _ in lengths)
        self._lengths = [(length, weight / total) for weight, length in lengths]
        self.shortest = min(length for _, length in lengths)
        residues = {length % 4 for _, length in lengths}
        self.residue = residues.pop() if len(residues) == 1 else None

    def probability(self, bounds: Bounds) -> float:
        """See :class:`Pattern`."""
        least, most = bounds
        return sum(share for length, share in self._lengths if least <= length <= most)


class Text:
    """Free text: a mixture of log-normal distributions, cut off at the ends of what is possible.

    Args:
        words: weight, median and spread (the standard deviation as a factor) of each part.
        least, most: possible lengths.
        empty: share of empty ones.
    """

    def __init__(
        self, words: Sequence[tuple[float, float, float]], least: int = 1, most: int = 1 << 40, empty: float = 0.0
    ) -> None:
        total = sum(weight for weight, _, _ in words)
        self._parts = [(weight / total, log(median), log(spread) * sqrt(2)) for weight, median, spread in words]
        self._least, self._most = least, most
        self.empty = empty
        self.residue: int | None = None
        self._scale = 1.0
        self._scale = (1 - empty) / max(self.probability((least, most)), 1e-9)

    def probability(self, bounds: Bounds) -> float:
        """See :class:`Pattern`; the empty ones left out."""
        least, most = max(bounds[0], self._least), min(bounds[1], self._most)
        if least > most:
            return 0.0
        below, above = log(least - 0.5), log(most + 0.5)
        share = sum(
            weight * (erf((above - median) / spread) - erf((below - median) / spread))
            for weight, median, spread in self._parts
        )
        return share * self._scale / 2


class Base64Line:
    """A line that ends in base64 (RFC 4648 section 4): three bytes, or what is left of them, are four characters.

    Args:
        prefix: characters before it.
        payload: what is encoded.
        nothing: characters that stand for an empty payload: ``=`` in an initial response (RFC 4954 section 4).
    """

    def __init__(self, prefix: int, payload: Text, nothing: int = 0) -> None:
        self.after_command = prefix > 0
        self._around = prefix + CRLF
        self._payload = payload
        self._nothing = prefix + nothing + CRLF
        may_be_empty = payload.empty and self._nothing % 4 != self._around % 4
        self.residue = None if may_be_empty else self._around % 4

    def probability(self, bounds: Bounds) -> float:
        """See :class:`Pattern`."""
        least, most = bounds
        fewest = max(1, -((self._around - least) // 4))  # groups of four characters, rounded up
        greatest = (most - self._around) // 4
        share = self._payload.probability((3 * fewest - 2, 3 * greatest)) if greatest >= fewest else 0.0
        if self._payload.empty and least <= self._nothing <= most:
            share += self._payload.empty
        return share


class Repeated:
    """The same text several times: what a server answers to pipelined commands.

    Args:
        text: said once.
        times: how often.
    """

    def __init__(self, text: Text, times: int) -> None:
        self._text = text
        self._times = times
        self.residue: int | None = None

    def probability(self, bounds: Bounds) -> float:
        """See :class:`Pattern`."""
        return self._text.probability((-(-bounds[0] // self._times), bounds[1] // self._times))


class Mixture:
    """One of several patterns.

    Args:
        parts: share and pattern.
    """

    def __init__(self, parts: Sequence[tuple[float, Pattern]]) -> None:
        self._parts = parts
        self.residue: int | None = None

    def probability(self, bounds: Bounds) -> float:
        """See :class:`Pattern`."""
        return sum(share * pattern.probability(bounds) for share, pattern in self._parts)


def pattern_from(row: Mapping[str, Any]) -> Pattern:
    """The pattern that a row of the grammar's data describes."""
    if "lengths" in row:
        return Fixed([(weight, length) for weight, length in row["lengths"]])
    text = text_from(row)
    if "often" in row:
        often = row["often"]
        share = sum(weight for weight, _ in often)
        return Mixture([(share, Fixed([(weight, length) for weight, length in often])), (1 - share, text)])
    if "repeats" in row:
        share, times = row["repeats"]
        once = Text([(weight, median / times, spread) for weight, median, spread in row["words"]], row["min"] // times)
        return Mixture([(share, Repeated(once, times)), (1 - share, text)])
    return text


def text_from(row: Mapping[str, Any]) -> Text:
    """The same, where only text is possible."""
    words = [(weight, median, spread) for weight, median, spread in row["words"]]
    return Text(words, row.get("min", 1), row.get("max", 1 << 40), row.get("empty", 0.0))
