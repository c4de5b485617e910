"""A session as it shows itself once what was inside TLS is readable."""

from __future__ import annotations

from dataclasses import replace

from analyzer.decryption.plaintext import Decrypted
from analyzer.inventory.findings import session_findings
from analyzer.inventory.judgement import judge
from analyzer.inventory.providers import provider_of
from analyzer.inventory.session import Session

INCOMPLETE = "decryption-incomplete"
"""Reason: a part of what the client said inside TLS could not be decrypted."""


def amended(
    session: Session, decrypted: Decrypted, *, ended: bool, hidden: bool, messages_before: int = 0
) -> Session | None:
    """``session`` with what was read inside TLS in place of what was unknown or inferred.

    Args:
        session: as it is without keys; it is left as it is.
        decrypted: what was read with them.
        ended: the end of the TCP connection was captured.
        hidden: something may have been said before TLS that was not captured.
        messages_before: messages that were sent before TLS.

    Returns:
        The session, or ``None`` where too little was decrypted to say more than before.
    """
    dialogue, lost = decrypted.dialogue, decrypted.dialogue.auth_may_be_hidden
    is_smtp = session.is_smtp or dialogue.is_smtp  # one of the two is enough: a client may just say QUIT inside
    if not decrypted.readable or not (is_smtp or decrypted.whole):
        return None
    if lost and not dialogue.auth and session.method != "unknown":
        return None  # what was inferred, or seen before TLS, stands
    oddities = dict(session.oddities)
    for name, count in dialogue.oddities.items():
        oddities[name] = oddities.get(name, 0) + count
    for attempt in dialogue.auth:
        attempt.evidence, attempt.after_starttls = "decrypted", False
    server_name = session.server_name or dialogue.server_name
    greeting = session.greeting or dialogue.greeting
    after = replace(
        session,
        ehlo=dialogue.ehlo or session.ehlo,
        server_name=server_name,
        greeting=greeting,
        provider=session.provider or provider_of(session.tls_sni, server_name, greeting),
        mechanisms_after_tls=dialogue.mechanisms_after_tls or session.mechanisms_after_tls,
        messages=messages_before + dialogue.messages,
        mail_program=session.mail_program or dialogue.mail_program,
        auth_required=session.auth_required or dialogue.auth_required,
        is_smtp=is_smtp,
        oddities=oddities,
        auth=[attempt for attempt in session.auth if attempt.evidence == "observed"] + dialogue.auth,
        method="unknown",
        evidence=None,
        confidence=None,
        reason=None,
        reasons=(),
        likelihoods={},
    )
    # To the verdict, what was decrypted is like what crossed in the clear.
    read = replace(dialogue, is_smtp=is_smtp, auth_may_be_hidden=lost or hidden)
    judge(after, read, None, spoke_smtp=True, ended=ended or dialogue.ended)
    if after.method == "none":
        after.evidence = "decrypted"
    if lost and after.reason in ("gap", "mid-stream"):
        after.reason = INCOMPLETE
    after.findings = session_findings(after)
    return after
