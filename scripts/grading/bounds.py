"""What so many right answers prove."""

from __future__ import annotations

from math import exp, lgamma, log, log1p

CONFIDENCE = 0.95


def error_bound(wrong: int, answers: int, confidence: float = CONFIDENCE) -> float:
    """Upper bound of the error rate, exact and one-sided: with a greater one, so few wrong answers would be less
    probable than ``1 - confidence`` (Clopper and Pearson). About ``3 / answers`` for none: the rule of three.
    """
    if wrong >= answers:
        return 1.0
    low, high = wrong / answers, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if _at_most(wrong, answers, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def _at_most(wrong: int, answers: int, rate: float) -> float:
    """Probability of at most so many wrong answers."""
    if rate <= 0:
        return 1.0
    if rate >= 1:
        return 0.0
    return sum(exp(_choices(answers, k) + k * log(rate) + (answers - k) * log1p(-rate)) for k in range(wrong + 1))


def _choices(n: int, k: int) -> float:
    """Logarithm of the number of ways to choose ``k`` of ``n``."""
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
