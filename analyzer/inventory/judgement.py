"""The verdict over one session: by which method did it log in, how do we know, and how sure is that?

What was read decides before what was inferred, and what succeeded before what failed. A password that was refused is
still one in use. Anything else that was refused may have been followed by a password where it cannot be seen: then the
device must not be told that it needs none.
"""

from __future__ import annotations

from typing import cast

from analyzer.inventory.exposure import PASSWORD_METHODS
from analyzer.inventory.session import Session
from analyzer.smtp.records import AuthAttempt, Dialogue, Method
from analyzer.tls import Inference


def judge(session: Session, dialogue: Dialogue, inside: Inference | None, *, spoke_smtp: bool, ended: bool) -> None:
    """Set ``method``, ``evidence``, ``confidence``, ``reason`` and ``reasons``, and add what was inferred.

    Args:
        session: as it was read; its attempts are those of ``dialogue``.
        inside: what the sizes say of what was said inside TLS; ``None`` where there was no TLS.
        spoke_smtp: some of the conversation was taken for SMTP in the clear.
        ended: its end was seen.
    """
    if inside is not None:
        session.reasons = inside.reasons
        session.likelihoods = inside.likelihoods
        session.auth = [*session.auth, *_attempts(inside, session.start)]
        session.messages += inside.messages
    hidden = _unseen(dialogue, inside, gaps=session.gaps)
    attempt = decisive(session.auth)
    if attempt is not None:
        unseen = hidden or (None if ended else "cut-off")
        if attempt.method == "unknown":
            session.reason = "mechanism-not-seen" if attempt.mechanism is None else "mechanism-unknown"
        elif attempt.outcome != "success" and attempt.method not in PASSWORD_METHODS and unseen is not None:
            session.reason = unseen
        else:
            session.method, session.evidence, session.confidence = attempt.method, attempt.evidence, attempt.confidence
    elif not dialogue.is_smtp and (session.tls_mode == "none" or (inside is None and spoke_smtp)):
        session.reason = "not-smtp"
    elif inside is not None and inside.method == "none":
        session.method, session.evidence, session.confidence = "none", "inferred", inside.confidence
    elif hidden is not None and (inside is not None or spoke_smtp):
        session.reason = hidden
    elif spoke_smtp and not ended and not session.messages:
        session.reason = "cut-off"
    else:
        # All of it was in the clear; or TLS never came about, so that nothing was ever said inside.
        session.method, session.evidence, session.confidence = "none", "observed", 1.0


def decisive(attempts: list[AuthAttempt]) -> AuthAttempt | None:
    """The attempt a session is judged by: the last successful one, else the last."""
    for attempt in reversed(attempts):
        if attempt.outcome == "success":
            return attempt
    return attempts[-1] if attempts else None


def _unseen(dialogue: Dialogue, inside: Inference | None, *, gaps: int) -> str | None:
    """Why a login may have taken place that nobody could see; ``None`` when there can be none."""
    if inside is not None:
        return inside.reason if inside.method == "unknown" else None
    if dialogue.auth_may_be_hidden:
        return "gap" if gaps else "mid-stream"
    return None


def _attempts(inside: Inference, time: int) -> list[AuthAttempt]:
    return [
        AuthAttempt(
            attempt.mechanism,
            cast("Method", attempt.method),  # the grammar's data name families as the records do
            initial_response=attempt.initial_response,
            outcome=attempt.outcome,
            time=time,
            evidence="inferred",
            confidence=attempt.confidence,
        )
        for attempt in inside.attempts
    ]
