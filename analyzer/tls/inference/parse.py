"""Which dialogues could have produced these turns, and how probable is each?

The forward algorithm over the grammar: every way through it that fits the exchanges seen so far is kept with its
probability, one for each node and history of logins, together with the best single way. At the end the probabilities
are summed by history. One more hypothesis always competes, that this is no dialogue the grammar knows: it predicts no
length in particular, so it wins exactly when nothing else fits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log
from typing import Final

from analyzer.tls.inference.expectations import Expectations
from analyzer.tls.inference.grammar import Attempt, Grammar, Node
from analyzer.tls.inference.lengths import Bounds, Pattern, Text
from analyzer.tls.inference.turns import Exchange

MAX_EXCHANGES: Final = 48
"""Exchanges that are read: enough for several failed logins and the first messages. What comes later cannot make up
for what the beginning did not show."""

MAX_WAYS: Final = 256
"""Nodes and histories kept at a time; honest dialogues need a dozen, so only absurd ones lose any."""

_UNANSWERED: Final = 0.03
"""Share of turns whose answer the client does not wait for, or that the server never gives."""
_ALIKE, _GENERAL, _STYLE_SPREAD = 0.5, 0.05, 1.4
"""Shares of answers to RCPT that are as long as the one before, or longer by as much as the line is; and of those that
have nothing to do with it. The others are about as long."""
_TELLING, _TELLING_IN_BLOCKS, _MAX_RECALLED, _SAME_YET_ANOTHER = 20, 200, 4, 0.1
"""A turn of the client from this length on (with a range as wide as a cipher's block: from the second) that occurs
again, with an answer of the same length, is mostly the same thing again; how many such turns are recalled; and the
factor where it is taken for another."""
_ONE_RECORD: Final = (0.96, 0.036, 0.004)
_RECORD_EACH: Final = ((0.5, 0.47, 0.03), (0.5, 0.1, 0.4))
_WRITTEN_ONE_BY_ONE: Final = (0.05, 0.9, 0.05)
"""Shares of turns that come in one record, in two, in more: of one line, of two and three pipelined ones (a record for
each or one for all), and of two from a client that sent the line before them by itself."""
_LOGIN_AGAIN: Final = 0.02
"""Factor on a login after one that succeeded, which the server must refuse (RFC 4954 section 4)."""
_STRANGE_DIALOGUE: Final = 0.002
"""Share of dialogues that are nothing the grammar knows."""
_STRANGE_SPAN: Final = log(1 << 16)

_OPENINGS: Final = frozenset(("ehlo", "ehlo-refused", "helo"))
"""Turns that begin with a line that was said before, in the clear."""

History = tuple[Attempt, ...]


@dataclass(slots=True)
class Way:
    """The ways to one node with one history.

    Attributes:
        recalled: what exchanges were taken for that occur again later, in order.
        share: probability of all of them.
        best: of the most probable one.
        before: the way that one came from.
        messages: accepted along it.
    """

    node: Node
    history: History
    recalled: tuple[Pattern, ...]
    share: float
    best: float
    before: Way | None
    messages: int


@dataclass(slots=True)
class Parse:
    """What came of it.

    Attributes:
        histories: probability of each history of logins; what is missing to 1 is the hypothesis that the grammar does
            not know this dialogue.
        best: the most probable way, exchange by exchange; empty when nothing fits.
        messages: messages accepted along it.
    """

    histories: Mapping[History, float]
    best: list[Node]
    messages: int


def parse(grammar: Grammar, exchanges: Sequence[Exchange], expected: Expectations, *, ended: bool) -> Parse:
    """Read ``exchanges``.

    Args:
        ended: nothing more was said after them.
    """
    weights = [(m, m.weight * expected.mechanisms.get(m.name, expected.default)) for m in grammar.mechanisms]
    total = sum(weight for _, weight in weights)
    logins = [(node, share * weight / total) for m, weight in weights for node, share in m.entries]
    strange = _STRANGE_DIALOGUE
    known = 1 - _STRANGE_DIALOGUE
    start = Way(grammar.start, (), (), known, known, None, 0)
    ways = [start]
    rest = list(exchanges)
    if rest and rest[0].client is None:
        opening = rest.pop(0)
        if opening.server:
            share = _answered(grammar.replies["greeting"], opening.server)
            start.share = start.best = known * share
            strange *= _strange(opening.server[0])
        else:
            start.share = start.best = known * _UNANSWERED
    if len(rest) > MAX_EXCHANGES:
        rest, ended = rest[:MAX_EXCHANGES], False
    before: Exchange | None = None
    again = _Repetitions(rest)
    for nth, exchange in enumerate(rest):
        ways = _step(ways, exchange, before, logins, expected, again, nth)
        strange *= _strange(exchange.client)
        if exchange.server:
            strange *= _strange(exchange.server[0])
        if not ways:
            return Parse({}, [], 0)
        scale = 1 / (sum(way.share for way in ways) + strange)
        strange *= scale
        for way in ways:
            way.share *= scale
            way.best *= scale
        before = exchange
    return _finish(ways, strange, ended=ended)


def _step(
    ways: list[Way],
    exchange: Exchange,
    before: Exchange | None,
    logins: list[tuple[Node, float]],
    expected: Expectations,
    again: _Repetitions,
    nth: int,
) -> list[Way]:
    client: dict[Pattern, float] = {}
    server: dict[Pattern, float] = {}
    found: dict[tuple[Node, History, tuple[Pattern, ...]], Way] = {}
    earlier = again.earlier.get(nth)
    bounds = exchange.client
    assert bounds is not None  # noqa: S101 - only the opening has none

    def emission(node: Node, first: bool) -> float:
        pattern = node.client
        if first and expected.ehlo is not None and node.name in _OPENINGS:
            pattern = expected.ehlo
        said = client.get(pattern)
        if said is None:
            said = client[pattern] = pattern.probability(bounds)
        if not said:
            return 0.0
        heard = server.get(node.server)
        if heard is None:
            heard = _answered(expected.replies.get(node.server, node.server), exchange.server)
            server[node.server] = heard
        return said * heard

    first = before is None
    for way in ways:
        at = way.node
        following = at.next
        if at.logins:
            share = at.logins * (min(expected.login, 1.0) if way.history else expected.login)
            if way.history and way.history[-1].outcome == "success":
                share *= _LOGIN_AGAIN
            following = [*following, *((node, weight * share) for node, weight in logins)]
        for node, share in following:
            odds = emission(node, first)
            if not odds:
                continue
            if node.alike and at.name in node.alike and before is not None:
                odds = _alike(odds, client[node.client], exchange, before)
            if node.lines:
                odds *= _written(node, exchange.pieces)
            history = way.history if node.attempt is None else (*way.history, node.attempt)
            if earlier is not None and way.recalled[earlier] is not node.client:
                odds *= _SAME_YET_ANOTHER
            share *= odds
            recalled = (*way.recalled, node.client) if nth in again.later else way.recalled
            key = (node, history, recalled)
            there = found.get(key)
            if there is None:
                found[key] = Way(
                    node, history, recalled, way.share * share, way.best * share, way, way.messages + node.message
                )
            else:
                there.share += way.share * share
                if way.best * share > there.best:
                    there.best = way.best * share
                    there.before = way
                    there.messages = way.messages + node.message
    if len(found) > MAX_WAYS:
        return sorted(found.values(), key=lambda way: -way.share)[:MAX_WAYS]
    return list(found.values())


class _Repetitions:
    """Exchanges that occur again with the same lengths: mostly because the same was said.

    Attributes:
        later: exchanges that occur again, by number.
        earlier: for an exchange that occurred before, which of those it is.
    """

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        self.later: dict[int, int] = {}
        self.earlier: dict[int, int] = {}
        first: dict[Exchange, int] = {}
        repeated: dict[int, int] = {}
        for nth, exchange in enumerate(exchanges):
            if exchange.client is None or not exchange.server:
                continue
            least, most = exchange.client
            if most < (_TELLING if least == most else _TELLING_IN_BLOCKS):
                continue
            origin = first.setdefault(exchange, nth)
            if origin != nth and len(set(repeated.values()) | {origin}) <= _MAX_RECALLED:
                repeated[nth] = origin
        for number, origin in enumerate(sorted(set(repeated.values()))):
            self.later[origin] = number
        self.earlier = {nth: self.later[origin] for nth, origin in repeated.items()}


def _written(node: Node, pieces: int) -> float:
    """Probability that the lines of a turn come in so many records."""
    shares = _ONE_RECORD if node.lines == 1 else _RECORD_EACH[node.lines - 2]
    if node.split:
        shares = _WRITTEN_ONE_BY_ONE
    return shares[min(pieces, 3) - 1]


def _answered(pattern: Pattern, readings: tuple[Bounds, ...]) -> float:
    if not readings:
        return _UNANSWERED
    return sum(pattern.probability(reading) for reading in readings) / len(readings)


def _alike(odds: float, said: float, exchange: Exchange, before: Exchange) -> float:
    """Answers to MAIL and RCPT are mostly one text, or one that repeats the address, or at least of one style."""
    if not exchange.server or not before.server or exchange.client is None or before.client is None:
        return odds
    now, then = exchange.server[0], before.server[0]
    same = now == then or now[1] - exchange.client[1] == then[1] - before.client[1]
    if now[0] != now[1]:  # a range says little about being the same
        return odds
    style = _style(then[1]).probability(now)
    return _GENERAL * odds + said * ((1 - _ALIKE - _GENERAL) * style + (_ALIKE if same else 0.0))


@lru_cache(maxsize=512)
def _style(length: int) -> Text:
    return Text([(1, length, _STYLE_SPREAD)])


def _strange(bounds: Bounds | None) -> float:
    """Probability of a length when nothing is known but that short turns are commoner than long ones."""
    if bounds is None:
        return 1.0
    least, most = max(bounds[0], 1), max(bounds[1], 1)
    return (log(most + 0.5) - log(least - 0.5)) / _STRANGE_SPAN


def _finish(ways: list[Way], strange: float, *, ended: bool) -> Parse:
    histories: dict[History, float] = {}
    best: Way | None = None
    highest = 0.0
    total = strange
    for way in ways:
        end = way.node.ends if ended else 1.0
        if not end:
            continue
        history = way.history
        if way.node.pending is not None:
            history = (*history, way.node.pending)
        histories[history] = histories.get(history, 0.0) + way.share * end
        total += way.share * end
        if way.best * end > highest:
            highest, best = way.best * end, way
    if best is None:
        return Parse({}, [], 0)
    nodes: list[Node] = []
    at: Way | None = best
    while at is not None and at.before is not None:
        nodes.append(at.node)
        at = at.before
    return Parse({history: share / total for history, share in histories.items()}, nodes[::-1], best.messages)
