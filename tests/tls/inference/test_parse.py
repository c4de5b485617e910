"""The forward algorithm, with all it leaves out and keeps, against adding up every way through the grammar."""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.tls.inference import Clues, Inference, infer, parse
from analyzer.tls.inference.expectations import Expectations, expectations
from analyzer.tls.inference.grammar import Node, grammar, read_rows
from analyzer.tls.inference.lengths import Bounds, Pattern, Text
from analyzer.tls.inference.parse import Chart, History, conclude, decisive, family_of, read
from analyzer.tls.inference.turns import Exchange
from analyzer.tls.inference.verdict import without_servers
from tests.tls.inference.sealing import CBC_12, GCM_12, GCM_13, TICKET, dialogue, sealed
from tests.tls.inference.worlds import METHOD, World, random

CLUES = [
    Clues(submission=True),
    Clues(greeting="mail.example.org ESMTP Postfix", offered=("PLAIN", "LOGIN"), client_first=True, ehlo_size=22),
    Clues(extensions=(), ehlo_reply_size=100, client_first=True),
    Clues(ended=False),
]


def exactly(client: int | None, *server: int, pieces: int = 1) -> Exchange:
    readings = tuple((length, length) for length in server)
    return Exchange(None if client is None else (client, client), readings, pieces)


# --- every way, one by one ------------------------------------------------------------------------


class Enumeration:
    """Every way through the grammar that fits ``exchanges``, in plain numbers, nothing left out and nothing kept."""

    def __init__(self, exchanges: Sequence[Exchange], expected: Expectations, *, ended: bool) -> None:
        self.histories: dict[History, float] = defaultdict(float)
        self.best = 0.0
        self.paths: list[tuple[float, list[str], int]] = []
        self._expected = expected
        self._ended = ended
        self._exchanges = list(exchanges)
        weight, strange = 1 - parse._STRANGE_DIALOGUE, parse._STRANGE_DIALOGUE
        if self._exchanges and self._exchanges[0].client is None:
            opening = self._exchanges.pop(0)
            weight *= heard(grammar().replies["greeting"], opening)
            strange *= unexpected(opening)
        for exchange in self._exchanges:
            strange *= unexpected(exchange)
        self._walk(grammar().start, (), [], [], 0, weight)
        self.total = sum(self.histories.values()) + strange

    def _walk(
        self,
        at: Node,
        history: History,
        taken: list[tuple[Exchange, Pattern]],
        path: list[Node],
        nth: int,
        weight: float,
    ) -> None:
        if nth == len(self._exchanges):
            self._end(at, history, path, weight)
            return
        exchange = self._exchanges[nth]
        for node, odds in [*self._commands(at, nth), *self._logins(at, history, exchange)]:
            before = [said for when, said in taken if when == exchange]
            if before and before[0] is not node.client:
                odds *= parse._SAME_YET_ANOTHER
            recalled = taken
            if not before and len(taken) < parse._MAX_RECALLED and tells(exchange):
                recalled = [*taken, (exchange, node.client)]
            after = (*history, node.attempt) if node.attempt else history
            if odds:
                self._walk(node, after, recalled, [*path, node], nth + 1, weight * odds)

    def _end(self, at: Node, history: History, path: list[Node], weight: float) -> None:
        weight *= at.ends if self._ended else 1
        if at.pending:
            history = (*history, at.pending)
        if weight:
            self.histories[history] += weight
            self.paths.append((weight, [node.name for node in path], sum(node.message for node in path)))

    def _commands(self, at: Node, nth: int) -> Iterator[tuple[Node, float]]:
        exchange = self._exchanges[nth]
        client = exchange.client or (0, 0)
        expected = self._expected
        for node, share in at.next:
            said = node.client.probability(client)
            if nth == 0 and expected.ehlo_size is not None and node.client is grammar_line("ehlo"):
                same = client[0] <= expected.ehlo_size <= client[1]
                said = parse._SAME_EHLO * same + (1 - parse._SAME_EHLO) * said
            if node.needs in expected.missing:
                said *= parse._WITHOUT_EXTENSION
            answered = heard(expected.replies.get(node.server, node.server), exchange)
            if nth and at.name in node.alike:
                answered = alike(answered, exchange, self._exchanges[nth - 1])
            yield node, share * said * answered * written(node, exchange.pieces)

    def _logins(self, at: Node, history: History, exchange: Exchange) -> Iterator[tuple[Node, float]]:
        expected = self._expected
        share = at.logins * (min(1, expected.login) if history else expected.login)
        if history and history[-1].outcome == "success":
            share *= parse._LOGIN_AGAIN
        for mechanism in grammar().mechanisms:
            weight = mechanism.weight * expected.mechanisms.get(mechanism.name, expected.default) / expected.total
            for node, entry in mechanism.entries:
                said = node.client.probability(exchange.client or (0, 0))
                answered = heard(expected.replies.get(node.server, node.server), exchange)
                yield node, share * weight * entry * said * answered * written(node, exchange.pieces)

    def share(self, history: History) -> float:
        return self.histories.get(history, 0.0) / self.total

    def best_paths(self) -> list[tuple[list[str], int]]:
        """The most probable way; several that are equal."""
        best = max(weight for weight, _, _ in self.paths)
        return [(path, messages) for weight, path, messages in self.paths if weight > best * (1 - 1e-9)]


def grammar_line(name: str) -> Pattern:
    return next(node.client for node, _ in grammar().start.next if node.name == name)


def heard(pattern: Pattern, exchange: Exchange) -> float:
    if not exchange.server:
        return parse._UNANSWERED
    return sum(pattern.probability(reading) for reading in exchange.server) / len(exchange.server)


def unexpected(exchange: Exchange) -> float:
    """Probability of an exchange in a dialogue of which nothing is known."""
    client = parse._strange(exchange.client) if exchange.client else 1.0
    return client * (parse._strange(exchange.server[0]) if exchange.server else 1.0)


def written(node: Node, pieces: int) -> float:
    if not node.lines:
        return 1.0
    several = parse._RECORD_EACH[node.lines - 2] if node.lines > 1 else parse._ONE_RECORD
    return (parse._WRITTEN_ONE_BY_ONE if node.split else several)[min(3, pieces) - 1]


def alike(general: float, exchange: Exchange, before: Exchange) -> float:
    """Probability of an answer in the style of the one before; ``general``: of one without."""
    if not (exchange.server and before.server and exchange.client and before.client):
        return general
    (least, most), then = exchange.server[0], before.server[0]
    if least != most:
        return general
    repeats = most - exchange.client[1] == then[1] - before.client[1]
    same = parse._ALIKE if exchange.server[0] == then or repeats else 0
    style = Text([(1, then[1], parse._STYLE_SPREAD)]).probability((least, most))
    return parse._GENERAL * general + same + (1 - parse._ALIKE - parse._GENERAL) * style


def tells(exchange: Exchange) -> bool:
    least, most = exchange.client or (0, 0)
    return bool(exchange.server) and most >= (parse._TELLING if least == most else parse._TELLING_IN_BLOCKS)


# --- the forward algorithm ------------------------------------------------------------------------


@contextmanager
def keeping_ways_from(share: float) -> Iterator[None]:
    """Within this, ways are kept that have so small a share of the whole, however many."""
    Expectations.forget_charts()
    with patch.object(parse, "_NEGLIGIBLE", share), patch.object(parse, "MAX_WAYS", 1 << 30):
        yield
    Expectations.forget_charts()


clients = st.sampled_from([2, 3, 6, 8, 12, 14, 15, 17, 18, 20, 22, 25, 33, 41, 45, 62, 111, 300, 1283, 4097])
servers = st.sampled_from([5, 6, 8, 14, 18, 22, 37, 50, 62, 85, 106, 180, 260])
widths = st.sampled_from([0, 0, 0, 15])


@st.composite
def exchanges(draw: st.DrawFn) -> list[Exchange]:
    """A few exchanges with lengths that occur, in any order."""
    width = draw(widths)

    def said(lengths: st.SearchStrategy[int]) -> Bounds:
        most = draw(lengths) + width // 2
        return max(0, most - width), most

    found = [Exchange(None, (said(servers),))] if draw(st.booleans()) else []
    for _ in range(draw(st.integers(1, 3))):
        readings = tuple(said(servers) for _ in range(draw(st.sampled_from([1, 1, 1, 1, 2, 0]))))
        found.append(Exchange(said(clients), readings, draw(st.sampled_from([1, 1, 1, 2, 3, 7]))))
    if draw(st.booleans()) and found[-1].client is not None:
        found.append(found[-1])  # the same thing again
    return found


LOGIN = [exactly(22, 180), exactly(12, 18), exactly(26, 18), exactly(18, 37)]
TOLD = {
    "login": LOGIN,
    "greeted": [exactly(None, 60), *LOGIN[:3]],
    "refused": [exactly(22, 180), exactly(45, 62), exactly(45, 62), exactly(6, 15)],
    "logged in twice": [exactly(22, 180), exactly(41, 37), exactly(6, 14), exactly(45, 37)],
    "message at once": [exactly(22, 180), exactly(2500, 95), exactly(6, 15)],
}


@pytest.mark.parametrize("clues", CLUES, ids=range(len(CLUES)))
@pytest.mark.parametrize("told", TOLD.values(), ids=TOLD)
def test_posteriors_are_those_of_all_ways_added_up(clues: Clues, told: list[Exchange]) -> None:
    compare(told, clues, certificate=False)


@settings(max_examples=40, deadline=None)
@given(exchanges(), st.sampled_from(CLUES), st.booleans())
def test_posteriors_of_any_exchanges_are_those_of_all_ways_added_up(
    told: list[Exchange], clues: Clues, certificate: bool
) -> None:
    compare(told, clues, certificate=certificate)


def compare(told: list[Exchange], clues: Clues, *, certificate: bool) -> None:
    with keeping_ways_from(0.0):
        expected = expectations(clues, told, certificate)
        chart, count = read(told, expected)
        found = conclude(chart, ended=clues.ended)
        every = Enumeration(told[:count], expected, ended=clues.ended)
        if not every.paths:
            assert not found.histories
            return
        assert set(found.histories) == set(every.histories)
        for history, share in found.histories.items():
            assert share == pytest.approx(every.share(history), rel=1e-6, abs=1e-12)
        assert ([node.name for node in found.best], found.messages) in every.best_paths()


def test_ways_that_are_given_up_matter_little() -> None:
    for told, clues in worlds(40):
        found = families(told, clues)
        with keeping_ways_from(parse._NEGLIGIBLE / 1000):
            more = families(told, clues)
        for family in found | more:
            assert found.get(family, 0) == pytest.approx(more.get(family, 0), abs=0.01)


def families(told: list[Exchange], clues: Clues) -> dict[str, float]:
    """Probability of each family."""
    shares: dict[str, float] = defaultdict(float)
    chart, count = read(told, expectations(clues, told, False))
    for history, share in conclude(chart, ended=count == len(told)).histories.items():
        shares[family_of(history)] += share
    return shares


def test_what_was_not_read_is_not_known() -> None:
    chart, count = read([], expectations(CLUES[0], [], False))
    assert (len(chart.ways), count) == (1, 1)
    assert not conclude(chart, ended=True).best


def test_nothing_fits_what_nobody_says() -> None:
    told = [exactly(1, 1), exactly(1, 1)]
    chart, _ = read(told, expectations(CLUES[0], told, False))
    assert not chart.ways
    assert not conclude(chart, ended=True).histories


def test_the_decisive_login_is_the_last_that_succeeded_else_the_last() -> None:
    histories = {family_of(history): history for history in read_histories()}
    assert {"none", "basic", "oauth"} <= set(histories)
    for family, history in histories.items():
        attempt = decisive(history)
        assert (attempt.method if attempt else "none") == family
        succeeded = [one for one in history if one.outcome == "success"]
        assert attempt == next(reversed(succeeded or history), None)


def read_histories() -> list[History]:
    told = [exactly(22, 180), exactly(41, 37), exactly(17, 60), exactly(18, 60)]
    with keeping_ways_from(0.0):
        chart, _ = read(told, expectations(CLUES[0], told, False))
        return list(conclude(chart, ended=False).histories)


# --- what is kept changes nothing -----------------------------------------------------------------


def worlds(count: int) -> list[tuple[list[Exchange], Clues]]:
    """What sessions of many kinds look like."""
    found: list[tuple[list[Exchange], Clues]] = []
    for seed in range(count):
        world = World(seed)
        draw = world.random
        mechanism = draw.choice([None, *sorted(METHOD)])
        login = world.login(mechanism, ending=draw.choice(["success", "failure"])) if mechanism else []
        messages = [world.message(draw.randint(1, 4), pipelined=draw.random() < 0.3) for _ in range(draw.randint(0, 3))]
        starttls = draw.random() < 0.5
        turns = world.session(login, *messages, starttls=starttls)
        suite = draw.choice([GCM_13, GCM_12, CBC_12])
        told = list(dialogue(sealed(turns, suite, tickets=draw.randint(0, 2)), suite, client_first=starttls))
        found.append((told, CLUES[seed % 4]._replace(client_first=starttls)))
    return found


def inferences(sessions: Sequence[tuple[list[Exchange], Clues]]) -> list[Inference]:
    return [infer(told, clues, client_certificate=False) for told, clues in sessions]


def test_what_was_inferred_before_does_not_change_what_is_inferred() -> None:
    sessions = worlds(50)
    sessions += [(told, clues._replace(greeting="mail.example.org ready")) for told, clues in sessions]
    cold: list[Inference] = []
    for session in sessions:
        Expectations.forget_charts()
        cold += inferences([session])
    Expectations.forget_charts()
    assert inferences(sessions) == cold
    assert inferences(sessions) == cold  # warm
    Expectations.forget_charts()
    assert inferences(sessions[::-1]) == cold[::-1]
    order = list(range(len(sessions)))
    random(1).shuffle(order)
    Expectations.forget_charts()
    assert inferences([sessions[at] for at in order]) == [cold[at] for at in order]


def test_what_is_measured_without_some_servers_does_not_mix_with_the_rest() -> None:
    sessions = worlds(50)
    everyone = frozenset(row["greeting"] for row in read_rows("servers.toml")["server"])
    Expectations.forget_charts()
    with without_servers(everyone):
        without = inferences(sessions)
    Expectations.forget_charts()
    whole = inferences(sessions)
    with without_servers(everyone):
        assert inferences(sessions) == without
    assert inferences(sessions) == whole
    assert whole != without


@given(st.lists(exchanges(), min_size=1, max_size=4), st.sampled_from(CLUES))
def test_beginnings_that_are_shared_change_nothing(several: list[list[Exchange]], clues: Clues) -> None:
    sessions = [(told[:end], clues) for told in several for end in range(1, len(told) + 1)]
    warm = inferences(sessions)
    Expectations.forget_charts()
    assert inferences(sessions[::-1])[::-1] == warm


def test_what_is_kept_is_forgotten_before_it_is_too_much() -> None:
    sessions = worlds(60)
    expected = inferences(sessions)
    Expectations.forget_charts()
    with patch.object(parse, "MAX_CHARTS", 50), patch.object(parse._Kept, "charts", 0):
        for at in range(0, len(sessions), 10):
            assert inferences(sessions[at : at + 10]) == expected[at : at + 10]
            assert len(charts()) <= 50
    Expectations.forget_charts()
    assert not charts()


def charts() -> list[Chart]:
    """All that are kept."""
    gc.collect()
    return [thing for thing in gc.get_objects() if isinstance(thing, Chart)]


def test_no_chart_has_more_ways_than_are_kept() -> None:
    sessions = worlds(40)
    Expectations.forget_charts()
    inferences(sessions)
    most = max(len(chart.ways) for chart in charts())
    assert 20 < most <= parse.MAX_WAYS
    Expectations.forget_charts()
    with patch.object(parse, "MAX_WAYS", 10):
        inferences(sessions)
        assert max(len(chart.ways) for chart in charts()) == 10
    Expectations.forget_charts()


@pytest.mark.parametrize("count", [parse.MAX_EXCHANGES, 1000])
def test_no_more_exchanges_are_read_than_can_matter(count: int) -> None:
    told = [exactly(22, 180), *[exactly(6, 14)] * count]  # EHLO, and RSET or NOOP for ever
    chart, read_count = read(told, expectations(CLUES[0], told, False))
    assert read_count <= parse.MAX_EXCHANGES
    assert chart.ways


def test_a_flood_of_different_dialogues_stays_within_bounds() -> None:
    draw = random(7)
    kept: set[int] = set()
    with patch.object(parse, "MAX_CHARTS", 64), patch.object(parse._Kept, "charts", 0):
        for nth in range(60):
            told = [exactly(None, draw.randint(20, 200), TICKET)]
            told += [exactly(draw.randint(1, 300), draw.randint(1, 300)) for _ in range(4)]
            clues = Clues(client_first=False, extensions=("PIPELINING",) * (nth % 2))
            infer(told, clues, client_certificate=False)
            expected = expectations(clues, told, False)
            kept |= {len(expected.moves)}
    Expectations.forget_charts()
    assert 20 < max(kept) <= 64


def test_nothing_is_kept_without_limit() -> None:
    found = [thing.cache_info().maxsize for thing in vars(parse).values() if hasattr(thing, "cache_info")]
    assert found
    assert sum(size is None for size in found) == 1  # the grammar itself
