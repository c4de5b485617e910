"""What the inference says of one connection. No field here holds a length."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from analyzer.tls.inference.grammar import Outcome


@dataclass(frozen=True, slots=True)
class InferredAttempt:
    """One login as the turns show it.

    Attributes:
        mechanism: SASL mechanism; ``None`` where those that fit cannot be told apart.
        method: its family.
        initial_response: it came with the AUTH command; ``None`` where that cannot be told.
        outcome: ``unknown`` where neither is probable enough.
        confidence: probability that there was such a login, of this family.
    """

    mechanism: str | None
    method: str
    initial_response: bool | None
    outcome: Outcome
    confidence: float


@dataclass(frozen=True, slots=True)
class InferredTurn:
    """One exchange as the best reading takes it: for people who check a verdict.

    Attributes:
        name: what it was taken for, as the grammar calls it; ``greeting`` where the server spoke first.
        why: reasons, kebab-case words.
        said, heard: what the client said and the server answered, in words of :mod:`.phrases`; ``heard`` is empty where
            it did not answer.
        mechanism: of the login that the exchange belongs to, or ``None``.
    """

    name: str
    why: tuple[str, ...] = ()
    said: str = ""
    heard: str = ""
    mechanism: str | None = None


@dataclass(frozen=True, slots=True)
class Inference:
    """The verdict.

    Attributes:
        method: family of the login the session is judged by (the last that succeeded, else the last), ``none`` where
            there was none, ``unknown`` where the turns do not say.
        confidence: calibrated probability of ``method``; ``None`` with ``unknown``.
        reason: why ``unknown``, one kebab-case word.
        reasons: what the verdict rests on, kebab-case words in the order of the turns.
        attempts: logins, in order.
        messages: messages accepted, along the most probable reading.
        likelihoods: by family, the natural logarithm of how well the turns fit it, the best one at 0: what sessions of
            one device add up. Empty where the turns could not be read.
        turns: the most probable reading, exchange by exchange.
        whole: the reading goes to the end; else further exchanges followed, which could not change the verdict.
        shares: by family, the probability that the session is to be judged by it. What is missing to 1 is that of a
            dialogue that the grammar does not know. Empty where the turns could not be read.
    """

    method: str = "unknown"
    confidence: float | None = None
    reason: str | None = None
    reasons: tuple[str, ...] = ()
    attempts: tuple[InferredAttempt, ...] = ()
    messages: int = 0
    likelihoods: Mapping[str, float] = field(default_factory=dict)
    turns: tuple[InferredTurn, ...] = ()
    whole: bool = True
    shares: Mapping[str, float] = field(default_factory=dict)


def abstain(reason: str) -> Inference:
    """No verdict."""
    return Inference(reason=reason)
