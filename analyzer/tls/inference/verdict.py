"""From the probabilities of dialogues to an answer, or to none.

An answer is given where one family has at least :data:`ANSWER_FROM` of the probability. The rest is ``unknown``, with
the reason. What is said of a login (its mechanism, whether it had an initial response, how it ended) is said only
where it holds in :data:`DETAIL_FROM` of the dialogues that fit; XOAUTH2 and OAUTHBEARER with an initial response, say,
cannot be told apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import cache
from math import floor, log
from typing import Final, TypeVar

from analyzer.tls.inference.expectations import Clues, Expectations, expectations, of_any_server
from analyzer.tls.inference.grammar import Attempt, Node, grammar
from analyzer.tls.inference.parse import Chart, Parse, conclude, decisive, family_of, messages_in, mixed, read
from analyzer.tls.inference.records import Inference, InferredAttempt, InferredTurn, abstain
from analyzer.tls.inference.turns import Exchange

ANSWER_FROM: Final = 0.95
"""Probability from which a family is the answer."""

DETAIL_FROM: Final = 0.95
"""Share of the dialogues that fit from which a detail of a login is told."""

HIGHEST: Final = 0.998
"""Greatest confidence of one session. The grammar's own figure goes on to 1, but no set of recordings is large
enough to show that one answer in a thousand is not wrong."""

_HIGH_STEPS: Final = (HIGHEST, 0.995)

_PASSWORDS: Final = ("basic", "challenge")
"""Of these a login that has begun is answer enough; after any other one a password may follow."""

_NO_LOGIN: Final = 0.45
_LEAST: Final = 1e-6

_T = TypeVar("_T")

_left_out: ContextVar[frozenset[str]] = ContextVar("_left_out", default=frozenset())


def infer(exchanges: Sequence[Exchange], clues: Clues, *, client_certificate: bool, whole: bool = True) -> Inference:
    """What the exchanges of one connection say.

    Args:
        client_certificate: the client showed a certificate in the handshake.
        whole: all exchanges are there; else the rest was left out.
    """
    if exchanges and not (clues.ended and whole):
        last = exchanges[len(exchanges) - 1]
        if last.client is not None and not last.server:  # more of this turn may have come: its length tells nothing
            exchanges, whole = exchanges[: len(exchanges) - 1], False
    return _infer(exchanges, clues, client_certificate, whole, _left_out.get())


@contextmanager
def without_servers(words: frozenset[str]) -> Iterator[None]:
    """Within this, the rows of servers with these words in their greeting are not used: for measuring how well the
    dialogues of servers are read that nobody has described."""
    token = _left_out.set(words)
    try:
        yield
    finally:
        _left_out.reset(token)


def _infer(
    exchanges: Sequence[Exchange], clues: Clues, client_certificate: bool, whole: bool, without: frozenset[str]
) -> Inference:
    if not exchanges or (len(exchanges) == 1 and exchanges[0].client is None):
        return _nothing_said(exchanges, clues)
    expected = expectations(clues, exchanges, client_certificate, without)
    chart, count = read(exchanges, expected)
    rest = len(exchanges) - count if whole else 1
    ended = clues.ended and not rest
    messages = messages_in(exchanges[count - chart.mail :]) if chart.settled else -1
    key = (ended, bool(rest), messages, clues.greeting is None, without)  # what the other servers' shares depend on
    inference = chart.concluded.get(key)
    if inference is None:
        inference = _conclude(chart, exchanges[:count], expected, ended=ended, whole=not rest)
        if not (expected.replies or _is_sure(inference)) and _are_exact(exchanges):
            servers = of_any_server(clues, exchanges, client_certificate, without)
            if len(servers) > 1:
                inference = _with_any_server(servers, exchanges, ended=ended, whole=not rest)
        if messages >= 0:
            inference = replace(inference, messages=messages)
        chart.concluded[key] = inference
    if clues.thorough and rest and chart.settled:
        chart, count = read(exchanges, expected, thorough=True)
        whole = whole and count == len(exchanges)
        best = conclude(chart, ended=clues.ended and whole).best
        if best:
            return replace(inference, turns=_turns(best, exchanges[:count]), whole=whole)
    return inference


def _is_sure(inference: Inference) -> bool:
    """Whether knowing the server's replies would hardly change the answer."""
    return inference.reason not in (None, "ambiguous") or (inference.confidence or 0.0) >= HIGHEST


def _are_exact(exchanges: Sequence[Exchange]) -> bool:
    """Whether lengths are known to the byte. Ranges as wide as a block fit some known server's replies too easily to
    prove that it is one."""
    least, most = next(exchange.client for exchange in exchanges if exchange.client is not None)
    return least == most


def _with_any_server(
    servers: Sequence[tuple[float, Expectations]], exchanges: Sequence[Exchange], *, ended: bool, whole: bool
) -> Inference:
    """The verdict if the server may be any of ``servers``, although its greeting did not say so."""
    parts: list[tuple[float, Parse]] = []
    tried: list[tuple[Expectations, int]] = []
    for share, expected in servers:
        chart, count = read(exchanges, expected, thorough=True)
        result = conclude(chart, ended=ended)
        if result.histories:
            parts.append((share, result))
            tried.append((expected, count))
    result, chosen = mixed(parts)
    best, count = tried[chosen]
    reasons = ("server-recognised",) if best.replies else ()
    offered = tuple(reason for reason in best.reasons if reason != "server-known")
    return _verdict(result, exchanges[:count], (*offered, *reasons), ended=ended, whole=whole, settled=False)


def _conclude(
    chart: Chart, exchanges: Sequence[Exchange], expected: Expectations, *, ended: bool, whole: bool
) -> Inference:
    result = conclude(chart, ended=ended)
    if not result.histories:
        return abstain("not-smtp")
    return _verdict(result, exchanges, expected.reasons, ended=ended, whole=whole, settled=chart.settled)


def _verdict(
    result: Parse,
    exchanges: Sequence[Exchange],
    known: tuple[str, ...],
    *,
    ended: bool,
    whole: bool,
    settled: bool,
) -> Inference:
    families: dict[str, float] = {}
    for history, share in result.histories.items():
        family = family_of(history)
        families[family] = families.get(family, 0.0) + share
    method = max(families, key=lambda family: families[family])
    share = families[method]
    reasons = (*known, *_reasons(result.best, under_way=settled))
    turns = _turns(result.best, exchanges)
    likelihoods = _only(method) if settled else _likelihoods(families)
    if share < ANSWER_FROM:
        reason = "ambiguous" if sum(families.values()) >= ANSWER_FROM else "not-smtp"
        return Inference(
            reason=reason, reasons=reasons, likelihoods=likelihoods, turns=turns, whole=whole, shares=families
        )
    confidence = confidence_of(share)
    attempts = _attempts(result, method, confidence)
    if not (ended or settled or result.messages) and not (attempts and method in _PASSWORDS):
        return Inference(reason="cut-off", reasons=reasons, turns=turns, whole=whole, shares=families)
    return Inference(
        method, confidence, None, reasons, attempts, result.messages, likelihoods, turns, whole=whole, shares=families
    )


@cache
def _only(method: str) -> Mapping[str, float]:
    """The likelihoods where everything else is out of the question."""
    return _likelihoods({method: 1.0})


def confidence_of(share: float) -> float:
    """Confidence in an answer with this probability: in hundredths, rounded down, so that no length can be computed
    from it."""
    return next((step for step in _HIGH_STEPS if share >= step), floor(share * 100) / 100)


def _nothing_said(exchanges: Sequence[Exchange], clues: Clues) -> Inference:
    """The client never spoke inside TLS, so it did not log in; known only if that is how the connection ended."""
    if not clues.ended:
        return abstain("cut-off")
    return Inference("none", HIGHEST, None, ("no-turn-for-login",), likelihoods={"none": 0.0})


def _turns(best: Sequence[Node], exchanges: Sequence[Exchange]) -> tuple[InferredTurn, ...]:
    """The reading ``best`` of ``exchanges``, for people; it may end before they do."""
    turns: list[InferredTurn] = []
    rest = exchanges
    if rest[0].client is None:
        if rest[0].server:
            turns.append(InferredTurn("greeting", heard="greeting"))
        rest = rest[1:]
    for node, exchange in zip(best, rest, strict=False):
        login = node.attempt or node.pending
        heard = node.heard if exchange.server else ""
        turns.append(InferredTurn(node.name, node.why, node.said, heard, login.mechanism if login else None))
    return tuple(turns)


@cache
def shares_before() -> Mapping[str, float]:
    """By family, what is thought of a session before its turns are looked at."""
    mechanisms = grammar().mechanisms
    total = sum(mechanism.weight for mechanism in mechanisms)
    before = {"none": _NO_LOGIN}
    for mechanism in mechanisms:
        before[mechanism.method] = before.get(mechanism.method, 0.0) + (1 - _NO_LOGIN) * mechanism.weight / total
    return before


def _likelihoods(families: dict[str, float]) -> dict[str, float]:
    """How well the turns fit each family, as logarithms, without what was thought of it before."""
    fit = {family: log(max(families.get(family, 0.0), _LEAST) / share) for family, share in shares_before().items()}
    best = max(fit.values())
    return {family: round(2 * (value - best)) / 2 for family, value in fit.items()}


def _attempts(result: Parse, method: str, confidence: float) -> tuple[InferredAttempt, ...]:
    """The logins, as far as the dialogues that fit agree on them."""
    if method == "none":
        return ()
    shares: dict[tuple[str, ...], float] = {}
    fitting = {history: share for history, share in result.histories.items() if family_of(history) == method}
    for history, share in fitting.items():
        row = tuple(attempt.method for attempt in history)
        shares[row] = shares.get(row, 0.0) + share
    row = max(shares, key=lambda key: shares[key])
    if shares[row] >= DETAIL_FROM * sum(shares.values()):
        chosen = {history: share for history, share in fitting.items() if tuple(a.method for a in history) == row}
        columns = [[(history[at], share) for history, share in chosen.items()] for at in range(len(row))]
    else:
        columns = [[(attempt, share) for history, share in fitting.items() if (attempt := decisive(history))]]
    return tuple(_attempt(column, confidence) for column in columns)


def _attempt(column: list[tuple[Attempt, float]], confidence: float) -> InferredAttempt:
    outcome = _agreed((attempt.outcome, share) for attempt, share in column)
    return InferredAttempt(
        _agreed((attempt.mechanism, share) for attempt, share in column),
        column[0][0].method,
        _agreed((attempt.initial_response, share) for attempt, share in column),
        outcome or "unknown",
        confidence,
    )


def _agreed(values: Iterable[tuple[_T, float]]) -> _T | None:
    """The value that holds in most of them, if it does in nearly all."""
    shares: dict[_T, float] = {}
    for value, share in values:
        shares[value] = shares.get(value, 0.0) + share
    best = max(shares, key=lambda value: shares[value])
    return best if shares[best] >= DETAIL_FROM * sum(shares.values()) else None


def _reasons(best: Sequence[Node], *, under_way: bool) -> tuple[str, ...]:
    """What the most probable dialogue rests on, each said once; ``under_way``: it was left with a message under way."""
    found: dict[str, None] = {}
    for node in best:
        found.update(dict.fromkeys(node.why))
    logged_in = any(node.attempt is not None and node.attempt.outcome == "success" for node in best)
    tried = any(node.kind == "login" for node in best)
    if not tried:
        found["no-turn-for-login"] = None
    if under_way or any(node.message for node in best):
        found["mail-after-login" if logged_in else "mail-after-refusal" if tried else "mail-without-login"] = None
    return tuple(found)
