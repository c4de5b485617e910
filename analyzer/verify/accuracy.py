"""How good the inference is, on the user's own traffic: what we say of sessions inside TLS without keys, held against
what the keys show.

Only what was inferred is judged, method and mechanism; what was read in the clear before TLS needs no test. An
outcome that was inferred is counted by itself.
"""

from __future__ import annotations

from analyzer.inventory.judgement import decisive
from analyzer.inventory.session import Session
from analyzer.smtp.records import AuthAttempt
from analyzer.verify.records import Difference, Judgement


def judge(before: Session, after: Session | None, source: str) -> Judgement | None:
    """What became of one session.

    Args:
        before: as it is without keys.
        after: as it is with them, ``None`` where they say nothing.
        source: name of the input.

    Returns:
        The judgement; ``None`` where there was nothing to infer: no TLS came about, or what decides was in the clear.
    """
    if before.tls_mode == "none" or before.tls_established is False or before.evidence == "observed":
        return None
    client, server = (before.client_ip, before.client_port), (before.server_ip, before.server_port)
    judgement = Judgement(source, before.start, client, server, "not decrypted", confidence=before.confidence)
    if after is None or after.evidence != "decrypted":
        return judgement
    judgement.truth = after.method
    if before.method == "unknown":
        judgement.answer = "abstained"
        return judgement
    _differs(judgement, "method", before.method, after.method)
    guess, truth = _decisive(before, "inferred"), _decisive(after, "decrypted")
    if guess is not None and truth is not None:
        if guess.mechanism is not None:
            _differs(judgement, "mechanism", guess.mechanism, truth.mechanism or "-")
        if "unknown" not in (guess.outcome, truth.outcome):
            judgement.outcome = guess.outcome == truth.outcome
    judgement.answer = "wrong" if judgement.differences else "right"
    return judgement


def _decisive(session: Session, evidence: str) -> AuthAttempt | None:
    return decisive([attempt for attempt in session.auth if attempt.evidence == evidence])


def _differs(judgement: Judgement, name: str, ours: str, theirs: str) -> None:
    if ours != theirs:
        judgement.differences.append(Difference(name, ours, theirs))
