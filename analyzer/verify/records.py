"""What tshark says of a session, and what became of the comparisons. No field here can hold a secret.

User names from tshark are kept as keyed fingerprints only (:mod:`analyzer.verify.rows`): in exchanges it does not
follow, tshark takes a password for a user name.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Endpoint: TypeAlias = tuple[str, int]
"""Address in canonical text (RFC 5952 for IPv6) and TCP port."""

Outcome = Literal["agree", "ours only", "theirs only", "differ"]
Answer = Literal["right", "wrong", "abstained", "not decrypted"]
ANSWERS: tuple[Answer, ...] = ("right", "wrong", "abstained", "not decrypted")


@dataclass(slots=True)
class PeerAuth:
    """One AUTH command as tshark shows it.

    Attributes:
        mechanism: upper case; ``None`` when what was there is no mechanism name we know.
        user: fingerprint of the user name, or ``None`` when tshark showed none.
        code: reply code that ended the exchange, or ``None``.
        alone: no other command was waiting for its reply; if one was, ``code`` may be that one's, since tshark does
            not pair replies with commands.
    """

    mechanism: str | None
    user: bytes | None = None
    code: int | None = None
    alone: bool = True


@dataclass(slots=True)
class PeerSession:
    """One TCP stream in which tshark decoded SMTP or a TLS hello.

    Attributes:
        start, end: first and last packet of those that showed something, nanoseconds since 1970-01-01 UTC; tshark's
            output has milliseconds.
        implicit: the client's first words were a TLS hello (where only the server was captured: the server's).
        greeted: the first thing decoded was a reply that can open a session (RFC 5321 section 4.2.4.2).
        verbs: SMTP verbs decoded, how many.
        starttls: the command was decoded; ``starttls_code`` is the reply that followed it.
        client_hello, server_hello: which hello messages were decoded.
        decrypted: tshark looked inside TLS with keys that it found in the capture; nothing of that is kept.
        omitted: AUTH commands beyond those kept.
    """

    client: Endpoint
    server: Endpoint
    start: int
    end: int
    implicit: bool = False
    greeted: bool = False
    verbs: int = 0
    starttls: bool = False
    starttls_code: int | None = None
    client_hello: bool = False
    server_hello: bool = False
    tls_version: str | None = None
    tls_cipher: str | None = None
    tls_sni: str | None = None
    auth: list[PeerAuth] = field(default_factory=list)
    decrypted: bool = False
    omitted: int = 0

    @property
    def is_session(self) -> bool:
        """Whether this is mail or TLS, and not some other protocol that tshark was told to read as SMTP."""
        return self.verbs > 0 or self.greeted or self.client_hello or self.server_hello


@dataclass(frozen=True, slots=True)
class Difference:
    """A field in which both have something to say, and say different things."""

    field: str
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Unseen:
    """A field on which one side has no opinion, and why."""

    field: str
    reason: str


@dataclass(slots=True)
class Comparison:
    """One session, held side by side.

    Attributes:
        start: nanoseconds since 1970-01-01 UTC.
        agreed: fields that were compared and are equal.
        facts: the common view in short, for people: TLS mode, mechanisms.
    """

    source: str
    start: int
    client: Endpoint
    server: Endpoint
    outcome: Outcome = "agree"
    agreed: list[str] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    unseen: list[Unseen] = field(default_factory=list)
    facts: str = ""


@dataclass(slots=True)
class Judgement:
    """One session inside TLS.

    Attributes:
        start: nanoseconds since 1970-01-01 UTC.
        truth: method that the keys show; ``None`` where they do not.
        confidence: of the inference, ``None`` where it abstained.
        differences: what was inferred otherwise.
        outcome: whether the inferred outcome of the login is right; ``None`` where there is nothing to compare.
    """

    source: str
    start: int
    client: Endpoint
    server: Endpoint
    answer: Answer
    truth: str | None = None
    confidence: float | None = None
    differences: list[Difference] = field(default_factory=list)
    outcome: bool | None = None


@dataclass(slots=True)
class Accuracy:
    """Judgements over all inputs.

    Attributes:
        counts: sessions by answer.
        by_method: the same by the method that the keys show, in the order of their first session.
        wrong: each wrong answer, in the order in which they came.
        outcomes: logins whose inferred outcome is right, wrong.
    """

    counts: Counter[Answer] = field(default_factory=Counter)
    by_method: defaultdict[str, Counter[Answer]] = field(default_factory=lambda: defaultdict(Counter))
    wrong: list[Judgement] = field(default_factory=list)
    outcomes: Counter[bool] = field(default_factory=Counter)

    def add(self, judgements: Iterable[Judgement]) -> None:
        """Count them."""
        for judgement in judgements:
            self.counts[judgement.answer] += 1
            if judgement.truth is not None:
                self.by_method[judgement.truth][judgement.answer] += 1
            if judgement.answer == "wrong":
                self.wrong.append(judgement)
            if judgement.outcome is not None:
                self.outcomes[judgement.outcome] += 1

    @property
    def sessions(self) -> int:
        """All that were judged, those without keys included."""
        return self.counts.total()


@dataclass(slots=True)
class Verdict:
    """The comparison over all inputs.

    Attributes:
        tshark: version of the program asked.
        problems: what went wrong, one line for each input of which a part could not be compared.
        counts: sessions by outcome.
        accuracy: of what was inferred inside TLS; ``None`` where no key is there to tell.
    """

    tshark: str
    comparisons: list[Comparison] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    counts: Counter[Outcome] = field(default_factory=Counter)
    accuracy: Accuracy | None = None

    def add(self, comparison: Comparison) -> None:
        """Take one session's comparison."""
        self.comparisons.append(comparison)
        self.counts[comparison.outcome] += 1
