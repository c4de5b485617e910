"""Labelled sets, read and asked: with all packets, with some missing, without what is known of a server."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from analyzer.inventory.session import Session
from analyzer.tls.inference.grammar import read_rows
from analyzer.tls.inference.verdict import without_servers

from .answers import Answer, answer_of
from .damage import Damage
from .labels import Endpoint, Label, LabelledSet, number_of
from .recordings import Recording, record, replay

SLACK = 1_000_000_000
"""Nanoseconds by which a session may begin before its label or end after the session that had all packets."""


@dataclass(slots=True)
class Graded:
    """One run over a set.

    Attributes:
        answers: one per labelled session.
        unseen: labels of which the capture shows no session.
        strangers: sessions inside TLS that have no label.
    """

    answers: list[Answer] = field(default_factory=list)
    unseen: list[Label] = field(default_factory=list)
    strangers: int = 0


@dataclass(frozen=True, slots=True)
class Bench:
    """A set, read once, and the answers to it when nothing is missing."""

    name: str
    recordings: tuple[tuple[Recording, tuple[Label, ...]], ...]
    whole: Graded

    def damaged(self, damage: Damage, run: int) -> Graded:
        """The answers where packets are missing: others in each run."""
        whole = {answer.label: answer for answer in self.whole.answers}
        graded = Graded()
        for number, (recording, labels) in enumerate(self.recordings):
            kept = damage.kept(recording, (run, number)) & recording.only({label.ends for label in labels})
            _grade(replay(recording, kept), labels, graded, whole)
        return graded

    def without_rows_of(self, server: str, words: frozenset[str]) -> list[Answer]:
        """The answers to the sessions of ``server``, where nothing is known of servers greeting with ``words``."""
        graded = Graded()
        for recording, labels in self.recordings:
            ends = {label.ends for label in labels if label.server == server}
            if ends:
                with without_servers(words):
                    _grade(replay(recording, recording.only(ends)), labels, graded)
        return [answer for answer in graded.answers if answer.label.server == server]


def bench(labelled: LabelledSet) -> Bench:
    """Read a set, and ask about it once."""
    recordings = tuple((record(stream.files), stream.labels) for stream in labelled.streams)
    whole = Graded()
    for recording, labels in recordings:
        _grade(replay(recording, recording.only({label.ends for label in labels})), labels, whole)
    return Bench(labelled.name, recordings, whole)


def greeting_words(answers: Iterable[Answer]) -> frozenset[str]:
    """The words by which ``servers.toml`` recognises the servers of ``answers``."""
    greetings = [answer.greeting for answer in answers if answer.greeting]
    words = [row["greeting"] for row in read_rows("servers.toml")["server"]]
    return frozenset(word for word in words if any(word in greeting for greeting in greetings))


def _grade(
    sessions: Sequence[Session],
    labels: Collection[Label],
    graded: Graded,
    whole: Mapping[Label, Answer] | None = None,
) -> None:
    """Add the answers of ``sessions`` to ``graded``.

    Args:
        whole: where packets are missing, the answers that were given before.
    """
    before = whole or {}
    ends = {label: answer.end for label, answer in before.items()}
    by_ends: dict[frozenset[Endpoint], list[Label]] = {}
    for label in labels:
        by_ends.setdefault(label.ends, []).append(label)
    seen: set[Label] = set()
    for session in sessions:
        pair = frozenset(
            (
                (number_of(session.client_ip), session.client_port),
                (number_of(session.server_ip), session.server_port),
            )
        )
        found = match(session.start, by_ends.get(pair, ()), ends.get)
        if found is None:
            graded.strangers += session.tls_mode != "none"
            continue
        seen.add(found)
        answer = answer_of(session, found, partial=whole is not None)
        if found in before:  # what is missing may be what tells the suite
            answer = replace(answer, kind=before[found].kind)
        graded.answers.append(answer)
    graded.unseen += [label for label in labels if label not in seen]


def match(start: int, labels: Iterable[Label], end_of: Callable[[Label], int | None]) -> Label | None:
    """The label whose connection a session is part of that begins at ``start``; ``None`` where there is none.

    Args:
        end_of: tells when each connection ended; ``None``: the session has to begin where the label says.
    """
    found = [label for label in labels if label.start - SLACK <= start <= (end_of(label) or label.start) + SLACK]
    return min(found, key=lambda label: abs(label.start - start), default=None)
