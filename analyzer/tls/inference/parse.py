"""Which dialogues could have produced these turns, and how probable is each?

The forward algorithm over the grammar: every way through it that fits the exchanges so far is kept with its
probability, one for each node, history of logins and memory of repeated turns, together with the best single way. At
the end the probabilities are summed by history. One more hypothesis always competes, that this is no dialogue the
grammar knows: it predicts no length in particular, so it wins exactly when nothing else fits.

Devices say the same day after day. So what came of a beginning is kept and taken up again by the next connection that
begins with the same lengths (:class:`Chart`), and reading ends as soon as a message is under way and the verdict
settled: only a login after the first message could change it, which no mail program does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import exp, inf, log
from operator import attrgetter, itemgetter
from typing import Final

from analyzer.tls.inference.expectations import LOGINS, Expectations, KnownMoves, Moves
from analyzer.tls.inference.grammar import Attempt, Node, grammar
from analyzer.tls.inference.lengths import Bounds, Pattern, Text
from analyzer.tls.inference.records import Inference
from analyzer.tls.inference.turns import Exchange

MAX_EXCHANGES: Final = 48
"""Exchanges that are read: enough for several failed logins and the first messages. What comes later cannot make up
for what the beginning did not show."""

MAX_WAYS: Final = 128
"""Nodes and histories kept at a time; honest dialogues need a dozen, so only absurd ones lose any."""

MAX_CHARTS: Final = 1536
"""Beginnings of dialogues that are kept, some 10 KB each with what belongs to them: those of some hundred devices. More
would save little time, and make long inputs take more memory than short ones."""

_NEGLIGIBLE: Final = 1e-5
"""Share of the whole below which a way is given up."""
_SETTLED: Final = 0.998
"""Share of one family, once a message is under way, from which the rest is not read: no verdict is told as surer."""

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
_WITHOUT_EXTENSION: Final = 0.03
"""Factor on turns that take an extension which the server did not offer in the clear; it may inside TLS."""
_SAME_EHLO: Final = 0.9
"""Share of clients whose EHLO inside TLS is as long as the one in the clear."""
_STRANGE_DIALOGUE: Final = 0.002
"""Share of dialogues that are nothing the grammar knows."""
_DATA: Final = len("DATA\r\n")
_STRANGE_SPAN: Final = log(1 << 16)

_OPENINGS: Final = frozenset(("ehlo", "ehlo-refused", "helo"))
"""Turns that begin with a line that was said before, in the clear."""

History = tuple[Attempt, ...]


class Way:
    """The ways to one node with one history.

    Attributes:
        recalled: what telling turns were taken for, in order.
        share: probability of all of them.
        best: of the most probable one.
        before: the way that one came from.
        messages: accepted along it.
    """

    __slots__ = ("before", "best", "history", "messages", "node", "recalled", "share")

    def __init__(
        self,
        node: Node,
        history: History,
        recalled: tuple[Pattern, ...],
        share: float,
        best: float,
        before: Way | None,
        messages: int,
    ) -> None:
        self.node = node
        self.history = history
        self.recalled = recalled
        self.share = share
        self.best = best
        self.before = before
        self.messages = messages


class Chart:
    """What may have happened so far.

    Attributes:
        ways: all ways that fit.
        strange: probability that the grammar does not know this dialogue.
        evidence: natural logarithm of how probable all exchanges so far were, by any reading.
        last: the exchange just read.
        telling: the exchanges that are recalled, in order.
        settled: the verdict cannot change any more.
        mail: of what is settled, how many of the exchanges so far belong to the message under way.
        following: charts of the exchanges that followed in other connections.
        concluded: what was made of it, by whoever asked, under keys of their own.
    """

    __slots__ = ("concluded", "evidence", "following", "last", "mail", "settled", "strange", "telling", "ways")

    def __init__(
        self, ways: list[Way], strange: float, evidence: float, last: Exchange | None, telling: tuple[Exchange, ...]
    ) -> None:
        self.ways = ways
        self.strange = strange
        self.evidence = evidence
        self.last = last
        self.telling = telling
        self.settled = bool(ways) and ways[0].node.mail and _is_settled(ways)
        self.mail = _since_mail(ways[0]) if self.settled else 0
        self.following: dict[Exchange, Chart] = {}
        self.concluded: dict[tuple[object, ...], Inference] = {}


@dataclass(slots=True)
class Parse:
    """What came of it.

    Attributes:
        histories: probability of each history of logins; what is missing to 1 is the hypothesis that the grammar does
            not know this dialogue.
        best: the most probable way, exchange by exchange; empty when nothing fits. It ends where the rest was not read.
        messages: messages accepted along it.
        evidence: natural logarithm of how probable the exchanges were, by any reading.
    """

    histories: Mapping[History, float]
    best: list[Node]
    messages: int
    evidence: float = -inf


class _Kept:
    """How many charts are kept, over all expectations."""

    charts = 0


def read(exchanges: Sequence[Exchange], expected: Expectations, *, thorough: bool = False) -> tuple[Chart, int]:
    """Read ``exchanges`` as far as they matter (``thorough``: all): the chart after them, and how many were read."""
    first = 0
    opening = None
    if exchanges and exchanges[0].client is None:
        opening, first = exchanges[0], 1
    chart = _root(opening, expected)
    nth = first
    for nth in range(first, min(len(exchanges), first + MAX_EXCHANGES)):
        chart = chart.following.get(exchanges[nth]) or _advance(chart, exchanges[nth], expected)
        if not chart.ways or (chart.settled and not thorough):
            break
    return chart, nth + 1


def _root(opening: Exchange | None, expected: Expectations) -> Chart:
    """The chart before the client spoke; ``opening`` is what the server said before that, if it spoke first."""
    known = expected.charts.get(opening)
    if known is not None:
        assert isinstance(known, Chart)  # noqa: S101 - nothing else is put there
        return known
    share, strange = 1 - _STRANGE_DIALOGUE, _STRANGE_DIALOGUE
    if opening is not None:
        share *= _heard(grammar().replies["greeting"], opening.server)
        if opening.server:
            strange *= _strange(opening.server[0])
    chart = Chart([Way(grammar().start, (), (), share, share, None, 0)], strange, 0.0, None, ())
    _keep(expected.charts, opening, chart)
    return chart


def _keep(charts: dict[Exchange | None, object], key: Exchange | None, chart: Chart) -> None:
    if _Kept.charts >= MAX_CHARTS:
        _Kept.charts = 0
        Expectations.forget_charts()
    charts[key] = chart
    _Kept.charts += 1


def _advance(chart: Chart, exchange: Exchange, expected: Expectations) -> Chart:
    """The chart after one more exchange."""
    ways = _step(chart, exchange, expected)
    assert exchange.client is not None  # noqa: S101 - only the opening has none
    strange = chart.strange * _strange(exchange.client)
    if exchange.server:
        strange *= _strange(exchange.server[0])
    total = strange
    for way in ways:
        total += way.share
    least = total * _NEGLIGIBLE
    ways = sorted([way for way in ways if way.share >= least], key=_share, reverse=True)[:MAX_WAYS]
    scale = 1 / total if total else 0.0
    for way in ways:
        way.share *= scale
        way.best *= scale
    telling = chart.telling
    if exchange not in telling and len(telling) < _MAX_RECALLED and _is_telling(exchange):
        telling = (*telling, exchange)
    evidence = chart.evidence + log(total) if total else -inf
    found = Chart(ways, strange * scale, evidence, exchange, telling)
    _keep(chart.following, exchange, found)  # type: ignore[arg-type]
    return found


_share = attrgetter("share")

_Onward = tuple[float, Moves]


def _step(chart: Chart, exchange: Exchange, expected: Expectations) -> list[Way]:
    before = chart.last
    found: dict[tuple[Node, History, tuple[Pattern, ...]], Way] = {}
    earlier = chart.telling.index(exchange) if exchange in chart.telling else -1
    recalls = earlier < 0 and len(chart.telling) < _MAX_RECALLED and _is_telling(exchange)
    least = 0.0
    known = expected.moves.get(exchange)
    if known is None:
        if len(expected.moves) >= MAX_CHARTS:
            expected.moves.clear()
        known = expected.moves[exchange] = {}
    for way in chart.ways:  # the most probable one first
        for factor, moves in _onward(way, exchange, before, expected, known):
            room = way.share * factor
            for node, odds in moves:  # the most probable one first, here as well
                share = room * odds
                if share <= least:
                    break
                if earlier >= 0 and way.recalled[earlier] is not node.client:
                    share *= _SAME_YET_ANOTHER
                if share * _NEGLIGIBLE > least:
                    least = share * _NEGLIGIBLE
                best = way.best * (share / way.share)
                history = way.history if node.attempt is None else (*way.history, node.attempt)
                recalled = (*way.recalled, node.client) if recalls else way.recalled
                key = (node, history, recalled)
                there = found.get(key)
                if there is None:
                    found[key] = Way(node, history, recalled, share, best, way, way.messages + node.message)
                else:
                    there.share += share
                    if best > there.best:
                        there.best = best
                        there.before = way
                        there.messages = way.messages + node.message
    return list(found.values())


def _onward(
    way: Way, exchange: Exchange, before: Exchange | None, expected: Expectations, known: KnownMoves
) -> list[_Onward]:
    """What may follow ``way`` if it is ``exchange``, with the odds; logins apart, with a factor of their own."""
    at = way.node
    key = (at, before if at.sets_style else None)
    moves = known.get(key)
    if moves is None:
        moves = known[key] = _moves(at, exchange, before, expected)
    if not at.logins:
        return [(1.0, moves)]
    logins = known.get(LOGINS)
    if logins is None:
        logins = known[LOGINS] = _logins(exchange, expected)
    factor = at.logins * (min(expected.login, 1.0) if way.history else expected.login)
    if way.history and way.history[-1].outcome == "success":
        factor *= _LOGIN_AGAIN
    return [(1.0, moves), (factor, logins)]


# --- probabilities --------------------------------------------------------------------------------------------------


def _moves(at: Node, exchange: Exchange, before: Exchange | None, expected: Expectations) -> Moves:
    """What may follow ``at`` if it is ``exchange``, logins left out: the most probable one first."""
    client = exchange.client
    assert client is not None  # noqa: S101 - only the opening has none
    found: Moves = []
    for node, share in at.next:
        if before is None and expected.ehlo_size is not None and node.name in _OPENINGS:
            said = share * _said_again(node, client, expected.ehlo_size)
        else:
            said = share * node.client.probability(client)
        if node.needs and node.needs in expected.missing:
            said *= _WITHOUT_EXTENSION
        if not said:
            continue
        odds = said * _heard(expected.replies.get(node.server, node.server), exchange.server)
        if before is not None and at.name in node.alike:
            odds = _alike(odds, said, exchange, before)
        if node.lines:
            odds *= _written(node, exchange.pieces)
        found.append((node, odds))
    return _sorted(found)


def _logins(exchange: Exchange, expected: Expectations) -> Moves:
    """The same for the beginnings of logins."""
    client, server, pieces = exchange
    assert client is not None  # noqa: S101 - only the opening has none
    found: Moves = []
    for name, pattern, entries in _beginnings(client[0] % 4 if client[0] == client[1] else None):
        said = pattern.probability(client)
        if said:
            said *= expected.mechanisms.get(name, expected.default) / expected.total
            for node, share in entries:
                answered = _heard(expected.replies.get(node.server, node.server), server)
                found.append((node, said * share * answered * _written(node, pieces)))
    return _sorted(found)


def _sorted(moves: Moves) -> Moves:
    return sorted([move for move in moves if move[1]], key=_odds, reverse=True)


_odds = itemgetter(1)


@lru_cache(maxsize=5)
def _beginnings(residue: int | None) -> list[tuple[str, Pattern, list[tuple[Node, float]]]]:
    """Lines with AUTH that can have a length with this remainder modulo 4 (``None``: any): the mechanism, the pattern,
    and the nodes that begin with it."""
    found: dict[Pattern, tuple[str, Pattern, list[tuple[Node, float]]]] = {}
    for mechanism in grammar().mechanisms:
        for node, share in mechanism.entries:
            if residue is None or node.client.residue in (None, residue):
                row = found.setdefault(node.client, (mechanism.name, node.client, []))
                row[2].append((node, share * mechanism.weight))
    return list(found.values())


@lru_cache(maxsize=32768)
def _heard(pattern: Pattern, readings: tuple[Bounds, ...]) -> float:
    if not readings:
        return _UNANSWERED
    return sum(map(pattern.probability, readings)) / len(readings)


def _said_again(node: Node, bounds: Bounds, size: int) -> float:
    """Probability of the first line, where one of ``size`` bytes was said in the clear."""
    same = bounds[0] <= size <= bounds[1]
    return _SAME_EHLO * same + (1 - _SAME_EHLO) * node.client.probability(bounds)


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


def _written(node: Node, pieces: int) -> float:
    """Probability that the lines of a turn come in so many records."""
    shares = _ONE_RECORD if node.lines == 1 else _RECORD_EACH[node.lines - 2]
    if node.split:
        shares = _WRITTEN_ONE_BY_ONE
    return shares[min(pieces, 3) - 1]


@lru_cache(maxsize=16384)
def _strange(bounds: Bounds) -> float:
    """Probability of a length when nothing is known but that short turns are commoner than long ones."""
    least, most = max(bounds[0], 1), max(bounds[1], 1)
    return (log(most + 0.5) - log(least - 0.5)) / _STRANGE_SPAN


def _is_telling(exchange: Exchange) -> bool:
    """Whether the same lengths once more would mean something."""
    if exchange.client is None or not exchange.server:
        return False
    least, most = exchange.client
    return most >= (_TELLING if least == most else _TELLING_IN_BLOCKS)


# --- the end --------------------------------------------------------------------------------------------------------


def decisive(history: History) -> Attempt | None:
    """The login that a session is judged by: the last that succeeded, else the last."""
    for attempt in reversed(history):
        if attempt.outcome == "success":
            return attempt
    return history[-1] if history else None


def family_of(history: History) -> str:
    """Method of the login that a session is judged by; ``none`` without any."""
    attempt = decisive(history)
    return attempt.method if attempt is not None else "none"


def _is_settled(ways: list[Way]) -> bool:
    """A message is under way along nearly all ways, and they agree on the family."""
    family = family_of(ways[0].history)
    agreeing = 0.0
    for way in ways:
        if way.node.mail and family_of(way.history) == family:
            agreeing += way.share
    return agreeing >= _SETTLED  # shares add up to 1


def _since_mail(way: Way) -> int:
    count = 0
    at: Way | None = way
    while at is not None and at.node.mail:
        count += 1
        at = at.before
    return count


def messages_in(exchanges: Sequence[Exchange]) -> int:
    """How many messages were sent in ``exchanges``, which begin with a MAIL command: as many as the server said go
    ahead to, and then the client spoke on."""
    first = None
    count = 0
    for nth in range(len(exchanges) - 1):
        exchange = exchanges[nth]
        client = exchange.client
        if client is None or not client[0] <= _DATA <= client[1]:
            continue
        if first is None:
            first = exchange.server
        count += exchange.server == first
    if first is not None:
        return count
    # Without DATA in a turn of its own, commands come pipelined: every second turn is a message.
    last = exchanges[-1].client
    spoken = len(exchanges) - (last is not None and last[0] <= _DATA <= last[1])
    return spoken // 2


def conclude(chart: Chart, *, ended: bool) -> Parse:
    """What ``chart`` says if nothing more is read; ``ended``: nothing more was said."""
    histories: dict[History, float] = {}
    best: Way | None = None
    highest = 0.0
    total = chart.strange
    for way in chart.ways:
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
    shares = {history: share / total for history, share in histories.items()}
    return Parse(shares, nodes[::-1], best.messages, chart.evidence + log(total))


def mixed(parts: Sequence[tuple[float, Parse]]) -> tuple[Parse, int]:
    """Several conclusions as one, under assumptions with these shares, of which one holds; and the number of the one
    that fits best."""
    weights = [log(share) + part.evidence for share, part in parts]
    most = max(weights)
    odds = [exp(weight - most) for weight in weights]
    total = sum(odds)
    histories: dict[History, float] = {}
    for weight, (_, part) in zip(odds, parts, strict=True):
        for history, share in part.histories.items():
            histories[history] = histories.get(history, 0.0) + share * weight / total
    chosen = weights.index(most)
    best = parts[chosen][1]
    return Parse(histories, best.best, best.messages, most + log(total)), chosen
