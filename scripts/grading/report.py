"""All that is asked of the sets, each question once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from .answers import Answer
from .bench import Bench, greeting_words
from .damage import DAMAGES, Damage


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something that was said and is not so.

    Attributes:
        when: what was missing; empty where nothing was.
        answer: what was said.
        said: the mistake as a sentence fragment.
        times: in how many runs.
    """

    when: str
    answer: Answer
    said: str
    times: int = 1


@dataclass(frozen=True, slots=True)
class DamagedRuns:
    """The answers of all runs with one kind of damage.

    Attributes:
        runs: how many.
        answers: of all of them, to sessions whose labels are verified.
        unseen: sessions of which nothing was left.
    """

    damage: Damage
    runs: int
    answers: list[Answer]
    unseen: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The sessions of one server.

    Attributes:
        words: by which its rows are found, and which were left out.
        known, unknown: answers with its rows, and without.
    """

    server: str
    words: frozenset[str]
    known: list[Answer]
    unknown: list[Answer]


class Report:
    """Lazy: what no table asks for is not found out.

    Args:
        benches: the sets.
        runs: how often packets are taken away at random, each time others.
    """

    def __init__(self, benches: Sequence[Bench], runs: int) -> None:
        self.benches = benches
        self._runs = runs

    @cached_property
    def verified(self) -> list[Answer]:
        """To sessions of which the label was verified, nothing missing."""
        return [answer for bench in self.benches for answer in bench.whole.answers if answer.label.verified]

    @cached_property
    def inferred(self) -> list[Answer]:
        """Those of them that lengths had to give."""
        return [answer for answer in self.verified if answer.inferred]

    @cached_property
    def intended(self) -> list[Answer]:
        """To sessions of which only the intention is known."""
        return [answer for bench in self.benches for answer in bench.whole.answers if not answer.label.verified]

    @cached_property
    def damaged(self) -> list[DamagedRuns]:
        """With packets missing."""
        return [self._damaged(damage) for damage in DAMAGES]

    def _damaged(self, damage: Damage) -> DamagedRuns:
        runs = self._runs if damage.chance else 1
        graded = [bench.damaged(damage, run) for bench in self.benches for run in range(runs)]
        answers = [answer for each in graded for answer in each.answers if answer.label.verified]
        return DamagedRuns(damage, runs, answers, sum(label.verified for each in graded for label in each.unseen))

    @cached_property
    def left_out(self) -> list[LeftOut]:
        """Without what is known of each server in turn."""
        by_server: dict[str, list[Answer]] = defaultdict(list)
        for answer in self.inferred:
            by_server[answer.label.server].append(answer)
        return [self._left_out(server, known) for server, known in sorted(by_server.items())]

    def _left_out(self, server: str, known: list[Answer]) -> LeftOut:
        words = greeting_words(known)
        if not words:  # nothing is known of it
            return LeftOut(server, words, known, known)
        found = [answer for bench in self.benches for answer in bench.without_rows_of(server, words)]
        return LeftOut(server, words, known, [a for a in found if a.label.verified and a.inferred])

    # --- mistakes ------------------------------------------------------------------------------------

    def mistakes(self, *, left_out: bool = True, damaged: bool = True) -> list[Mistake]:
        """Wrong families, mechanisms and initial responses; the same one about a session once.

        Args:
            left_out: also where a server's rows are left out.
            damaged: also where packets are missing.
        """
        found = [Mistake("", answer, said) for answer in self.verified for said in answer.mistakes]
        known = {(mistake.answer.label.name, mistake.said) for mistake in found}
        further: list[Mistake] = []
        for left in self.left_out if left_out else ():
            if left.words:
                further += _counted(f"no rows for {', '.join(sorted(left.words))}", left.unknown)
        for each in self.damaged if damaged else ():
            further += _counted(each.damage.name, each.answers)
        return found + [mistake for mistake in further if (mistake.answer.label.name, mistake.said) not in known]

    def wrong_outcomes(self) -> list[Mistake]:
        """Wrong outcomes, with all packets."""
        return [
            Mistake("", answer, f"{answer.outcome}, not {answer.label.decisive.outcome}")
            for answer in self.verified
            if answer.outcome_verdict == "wrong" and answer.label.decisive is not None
        ]


def _counted(when: str, answers: Iterable[Answer]) -> Iterator[Mistake]:
    """The same mistake about the same session once."""
    found: dict[tuple[str, str], list[Answer]] = defaultdict(list)
    for answer in answers:
        for said in answer.mistakes:
            found[answer.label.name, said].append(answer)
    for (_, said), alike in found.items():
        yield Mistake(when, alike[0], said, len(alike))
