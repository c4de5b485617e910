"""Dialogues with bytes missing, and what may be said of them."""

from __future__ import annotations

from itertools import accumulate, groupby

from analyzer.smtp import CLIENT, SERVER, DialogueParser
from analyzer.smtp.records import AuthAttempt, Dialogue
from tests.smtp.dialogues import Auth, Case
from tests.smtp.playing import Turns


def without_lone_dots(turns: Turns) -> Turns:
    """``turns`` with no line in a chunk that would end a message sent otherwise."""
    return [
        (side, data.replace(b"\r\n.\r\nQUIT", b"\r\n,\r\nQUIT") if data.startswith(b"BDAT") else data)
        for side, data in turns
    ]


Gap = tuple[int, int, int]
"""Side, first byte and byte after the last, counted over what that side says."""


def play_with_gaps(parser: DialogueParser, turns: Turns, gaps: list[Gap], *, sizes_known: bool) -> Dialogue:
    """Bytes within ``gaps`` are missing; a gap is told of where its bytes would have come."""
    missing = [bytearray(sum(len(data) for side, data in turns if side == which)) for which in (CLIENT, SERVER)]
    for which, begin, end in gaps:
        mask = missing[which]
        mask[begin:end] = b"\1" * len(mask[begin:end])
    at = [0, 0]
    for side, data in turns:
        mask = missing[side][at[side] : at[side] + len(data)]
        at[side] += len(data)
        for lost, run in groupby(zip(mask, data, strict=True), lambda pair: pair[0]):
            piece = bytes(byte for _, byte in run)
            if lost:
                parser.gap(side, len(piece) if sizes_known else None, 0)
            else:
                parser.feed(side, piece, 0)
    return parser.finish()


def turn_edges(turns: Turns, side: int) -> list[int]:
    """Where the turns of ``side`` begin, and where the last one ends."""
    return list(accumulate((len(data) for which, data in turns if which == side), initial=0))


def agrees(attempt: AuthAttempt, truth: Auth) -> bool:
    """Nothing that ``attempt`` says is wrong, if ``truth`` is what took place; it may say less."""
    return (
        attempt.mechanism in (None, truth.mechanism)
        and attempt.method in ("unknown", truth.method)
        and attempt.initial_response in (None, truth.initial_response)
        and attempt.username in (None, truth.username)
        and attempt.authzid in (None, truth.authzid)
        and attempt.realm in (None, truth.realm, "PC")
        and attempt.outcome in ("unknown", truth.outcome)
        and attempt.code in (None, truth.code)
    )


def assert_nothing_is_wrong(dialogue: Dialogue, whole: Dialogue, case: Case) -> None:
    """``dialogue``, which has a gap, says nothing that is not true of ``whole``."""
    assert dialogue.auth or dialogue.auth_may_be_hidden or not case.auth
    at = 0
    for attempt in dialogue.auth:  # in order; a reply that could not be paired may stand beside its command
        at = next((at + n for n, truth in enumerate(case.auth[at:]) if agrees(attempt, truth)), len(case.auth))
        assert at < len(case.auth), attempt
        named = attempt.mechanism is not None
        at += named and attempt.outcome != "unknown"
    assert dialogue.messages <= completed(case.turns)
    assert dialogue.server_name in (None, whole.server_name)
    assert dialogue.mechanisms_before_tls in (None, *offers(case.turns))
    told, true = dialogue.starttls, whole.starttls
    # Who joins a decrypting tap after STARTTLS cannot know that there was one.
    assert told.offered in (None, true.offered) or true.still_plain
    assert told.accepted in (None, true.accepted)
    assert not told.requested or true.requested
    assert not told.mangled or true.mangled
    assert not told.injected or true.injected
    assert not told.still_plain or true.still_plain
    assert not dialogue.auth_required or whole.auth_required


def completed(turns: Turns) -> int:
    """Messages that the client sent to their end, accepted or not."""
    return max(1, sum(data == b".\r\n" or b" LAST\r\n" in data for side, data in turns if side == CLIENT))


def offers(turns: Turns) -> list[tuple[str, ...]]:
    """Mechanisms in each line of the server that may be the last of a reply to EHLO."""
    found: list[tuple[str, ...]] = [()]
    for side, data in turns:
        _, _, names = data.decode("latin-1").partition("250 AUTH ")
        if side == SERVER and names:
            found.append(tuple(names.split()))
    return found
