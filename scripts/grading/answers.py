"""Sessions beside their labels: what was said, what is true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from analyzer.inventory.judgement import decisive
from analyzer.inventory.session import Session

from .labels import Label, Login, number_of

Kind = Literal["AEAD", "CBC", "padded", "other"]
KINDS: tuple[Kind, ...] = ("AEAD", "CBC", "padded", "other")
Verdict = Literal["right", "wrong", "unknown"]

ALIKE = ("XOAUTH2", "OAUTHBEARER")
"""The same line but for the name: with an initial response and without a refusal no length tells them apart."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said of one session.

    Attributes:
        label: the truth.
        kind: what records show of lengths, by cipher suite.
        family: what was said; ``unknown`` where nothing was.
        mechanism, initial_response, outcome: the same of the login it is judged by; ``None`` where not told.
        confidence, reason, reasons: as the session has them.
        inferred: the answer was inferred from records, or should have been; else the clear part gave it.
        greeting: the server's, as far as the session shows it.
        end: of the session, nanoseconds.
        partial: packets are missing. A password that was refused is one in use, so where a login with another
            mechanism followed it unseen, the former is an answer, too.
    """

    label: Label
    kind: Kind
    family: str
    mechanism: str | None = None
    initial_response: bool | None = None
    outcome: str | None = None
    confidence: float | None = None
    reason: str | None = None
    reasons: tuple[str, ...] = ()
    inferred: bool = True
    greeting: str | None = None
    end: int = 0
    partial: bool = False

    @property
    def verdict(self) -> Verdict:
        """Of the family."""
        if self.family == "unknown" or self.label.family == "unknown":
            return "unknown"
        return "right" if self.family == self.label.family or self._truths else "wrong"

    @property
    def _truths(self) -> list[Login]:
        """The logins of this family that the capture may show."""
        label = self.label
        shown = label.logins if self.partial else (label.decisive,) if label.decisive else ()
        return [login for login in shown if login.family == self.family]

    @property
    def tellable(self) -> bool:
        """Lengths tell the mechanism of the login."""
        login = self.label.decisive
        return login is not None and not (self.token_at_once and login.outcome == "success")

    @property
    def token_at_once(self) -> bool:
        """A token came with the command that names its mechanism. If it is refused, that may happen with a challenge,
        whose answer often differs; labels do not say whether there was one.
        """
        login = self.label.decisive
        return login is not None and login.mechanism in ALIKE and login.initial_response is True

    @property
    def mechanism_verdict(self) -> Verdict:
        """Of the mechanism, where the family is right."""
        return _verdict(self.mechanism, [login.mechanism for login in self._truths])

    @property
    def initial_response_verdict(self) -> Verdict:
        """Of the initial response, where the family is right."""
        return _verdict(self.initial_response, [login.initial_response for login in self._truths])

    @property
    def outcome_verdict(self) -> Verdict:
        """Of how the login ended, where the family is right."""
        return _verdict(self.outcome, [login.outcome for login in self._truths])

    @property
    def mistakes(self) -> list[str]:
        """What was said and is not so, each as a sentence fragment; outcomes are another matter."""
        if self.verdict == "wrong":
            login = self.label.decisive
            return [
                f"{_named(self.family, self.mechanism)}, not {_named(self.label.family, login and login.mechanism)}"
            ]
        found = []
        if self.mechanism_verdict == "wrong":
            found.append(f"{self.mechanism}, not {' or '.join({login.mechanism for login in self._truths})}")
        if self.initial_response_verdict == "wrong":
            found.append(f"{'with' if self.initial_response else 'without'} initial response")
        return found


def _verdict(said: object, truths: Sequence[object]) -> Verdict:
    """Of what was said, where one of ``truths`` is true; ``None`` says or tells nothing."""
    if said in (None, "unknown") or not truths or None in truths:
        return "unknown"
    return "right" if said in truths else "wrong"


def _named(family: str, mechanism: str | None) -> str:
    return family if mechanism is None else f"{family} ({mechanism})"


def answer_of(session: Session, label: Label, *, partial: bool = False) -> Answer:
    """What ``session`` says of the connection."""
    attempt = decisive(session.auth) if session.method not in ("unknown", "none") else None
    swapped = (number_of(session.client_ip), session.client_port) == label.server_end
    return Answer(
        label=label,
        kind=kind_of(label, session.tls_cipher),
        family=session.method if not swapped or session.method == "unknown" else f"{session.method} of the server",
        mechanism=attempt.mechanism if attempt else None,
        initial_response=attempt.initial_response if attempt else None,
        outcome=attempt.outcome if attempt else None,
        confidence=session.confidence,
        reason=session.reason,
        reasons=session.reasons,
        inferred=session.tls_mode != "none" and session.tls_established is not False and session.evidence != "observed",
        greeting=session.greeting,
        end=session.end,
        partial=partial,
    )


def kind_of(label: Label, cipher: str | None) -> Kind:
    """What the lengths of records say: all, only blocks, nothing.

    Args:
        cipher: the suite that the session shows, for labels without.
    """
    if label.padded:
        return "padded"
    words = set((label.cipher or cipher or "").replace("-", "_").split("_"))
    if words & {"GCM", "CCM", "CCM8", "CHACHA20", "POLY1305"}:
        return "AEAD"
    streams = words & {"RC4", "NULL"}
    blocks = any(word.startswith(("AES", "3DES", "DES", "CAMELLIA", "ARIA")) for word in words)
    return "CBC" if blocks and not streams else "other"
