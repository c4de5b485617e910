"""What ``smtp`` says of one conversation. No field here can hold a secret.

Names follow RFC 5321 (commands, replies), RFC 4954 (AUTH) and RFC 4422 (SASL).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Method = Literal["basic", "challenge", "oauth", "certificate", "kerberos", "anonymous", "none", "unknown"]
Outcome = Literal["success", "failure", "cancelled", "unknown"]
Evidence = Literal["observed", "decrypted", "inferred"]


class Tally(dict[str, int]):
    """Counts by name, 0 where nothing was counted: a Counter that costs next to nothing while it is empty."""

    __slots__ = ()

    def __missing__(self, name: str) -> int:
        return 0


@dataclass(slots=True)
class AuthAttempt:
    """One AUTH command and what became of it.

    Attributes:
        mechanism: SASL mechanism name, upper case, as the client named it; ``None`` when not seen.
        method: family of the mechanism; see ``smtp.mechanisms``.
        initial_response: the AUTH command carried one (RFC 4954 section 4); ``None`` if not seen.
        username: authentication identity (domain\\user for NTLM), only where the mechanism shows
            one in a form that is not a secret; ``None`` otherwise.
        authzid: authorization identity when the client sent one and it differs from ``username``.
        realm: realm, NTLM domain or workstation that goes with the user, if any.
        outcome: ``success`` on 235, ``failure`` on 4xx/5xx, ``cancelled`` after ``*``.
        code: reply code of the final reply, or ``None``.
        enhanced: enhanced status code (RFC 3463) such as ``5.7.139``, or ``None``.
        meaning: what the final reply means to an administrator; ``None`` when there is nothing to say.
        after_starttls: it came in plain text although STARTTLS had been accepted: a decrypting middlebox may mirror it.
        refusal: status and scope a server gave when it refused a token (RFC 7628 section 3.2.2).
        time: nanoseconds since 1970-01-01 UTC, as fed with the AUTH command; in a session, when that began.
        evidence: ``observed`` in the bytes, ``decrypted`` with the user's keys, or ``inferred`` from sizes inside TLS.
        confidence: 1.0 but for inferred attempts, where it is a calibrated probability.
    """

    mechanism: str | None
    method: Method
    initial_response: bool | None = None
    username: str | None = None
    authzid: str | None = None
    realm: str | None = None
    outcome: Outcome = "unknown"
    code: int | None = None
    enhanced: str | None = None
    meaning: str | None = None
    refusal: dict[str, str] | None = None
    after_starttls: bool = False
    time: int = 0
    evidence: Evidence = "observed"
    confidence: float = 1.0


@dataclass(slots=True)
class StartTls:
    """STARTTLS (RFC 3207) as it went; ``None`` is "not seen"."""

    offered: bool | None = None  # named in the reply to EHLO
    requested: bool | None = None  # the client sent the command (or X-ANONYMOUSTLS)
    accepted: bool | None = None  # the server answered 220
    mangled: bool = False  # the keyword was overwritten in the EHLO reply (XXXXXXXX) or the command garbled
    injected: bool = False  # plain-text bytes followed the command before TLS began
    required: bool = False  # the server refused a command until TLS begins (530, RFC 3207 section 4)
    still_plain: bool = False  # bytes after the 220 stayed SMTP (decrypting middlebox)


@dataclass(slots=True)
class Dialogue:
    """One SMTP conversation as far as it was in the clear.

    Attributes:
        is_smtp: the bytes were recognised as SMTP (by a greeting, a known command or replies).
        greeting: text of the 220 greeting's first line, control characters removed; or ``None``.
        server_name: host name the server gave in its greeting, else in its EHLO reply.
        ehlo: host name or literal the client gave in its last EHLO/HELO.
        ehlo_size, ehlo_reply_size: bytes of the last EHLO before TLS and of the reply to it, with CRLF; what follows
            inside TLS is measured by them.
        extensions: keywords of the last EHLO reply, upper case, in order.
        mechanisms_before_tls, mechanisms_after_tls: AUTH mechanisms offered, or ``None`` when no
            EHLO reply of that phase was seen. Only a decrypting tap shows the second.
        starttls: see :class:`StartTls`.
        auth: every attempt, in order.
        messages: messages the server accepted (250 to the end of DATA or BDAT LAST); where the
            server's side was not seen, messages the client completed.
        mail_program: what the first message that said so named as its program (:mod:`analyzer.smtp.message_header`).
        auth_may_be_hidden: an AUTH could have taken place where bytes were not seen (start of the
            conversation missing, or a gap outside message text), so its absence proves nothing.
        ended: the client said QUIT, or the server that it closes the connection (221, 421).
        relayed: a MAIL command was accepted although no AUTH had succeeded.
        auth_required: the server refused a command with 530 or the like (RFC 4954 section 6).
        oddities: named, counted peculiarities (kebab-case).
    """

    is_smtp: bool = False
    greeting: str | None = None
    server_name: str | None = None
    ehlo: str | None = None
    ehlo_size: int | None = None
    ehlo_reply_size: int | None = None
    extensions: tuple[str, ...] = ()
    mechanisms_before_tls: tuple[str, ...] | None = None
    mechanisms_after_tls: tuple[str, ...] | None = None
    starttls: StartTls = field(default_factory=StartTls)
    auth: list[AuthAttempt] = field(default_factory=list)
    messages: int = 0
    mail_program: str | None = None
    auth_may_be_hidden: bool = False
    ended: bool = False
    relayed: bool = False
    auth_required: bool = False
    oddities: Tally = field(default_factory=Tally)
