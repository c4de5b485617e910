"""Who logs in how, inside TLS: told from the sizes and the order of turns.

SMTP is a dialogue in lock-step, and most cipher suites show how long each turn is. A login with a password has other
turns than one with a token, or none at all. From the wire up:

``turns``     records -> exchanges: bytes said by the client, bytes answered
``lengths``   how probable a length is for what may be said
``grammar``   the dialogues that are possible (data: ``grammar.toml``)
``expectations`` what the clear part tells before, and known servers' replies (data: ``servers.toml``)
``parse``     which dialogues could have produced these exchanges, and how probable is each?
``verdict``   the answer, or that there is none
``reasons``   the words in which it explains itself
``records``   its form
"""

from analyzer.tls.inference.expectations import Clues
from analyzer.tls.inference.reasons import ABSTENTIONS, REASONS
from analyzer.tls.inference.records import Inference, InferredAttempt, InferredTurn, abstain
from analyzer.tls.inference.verdict import ANSWER_FROM, HIGHEST, confidence_of, infer, shares_before

__all__ = [
    "ABSTENTIONS",
    "ANSWER_FROM",
    "HIGHEST",
    "REASONS",
    "Clues",
    "Inference",
    "InferredAttempt",
    "InferredTurn",
    "abstain",
    "confidence_of",
    "infer",
    "shares_before",
]
