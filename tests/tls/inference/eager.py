"""From records to exchanges, everything at once: slow, plain, and in the order of the RFCs.

The program makes exchanges as they are asked for, and works on packed numbers; this is what it must come to.
"""

from __future__ import annotations

from hypothesis import assume

from analyzer.tls import CLIENT, SERVER
from analyzer.tls.inference.turns import Bounds, Exchange, RecordLog
from analyzer.tls.plaintext import Seal, seal_of
from tests.tls.inference.sealing import TLS_1_0, TLS_1_3, Record, Suite


def eagerly(log: RecordLog, suite: Suite, *, client_first: bool) -> list[Exchange] | str:
    """All exchanges, or why there are none: in the order of the RFCs, with lists and nothing put off."""
    seal = seal_of(suite.version, suite.number)
    assert seal is not None
    records = [(packed >> 15, packed & 0x7FFF) for packed in log.sizes]
    extras = (seal.extra, seal.extra)
    if suite.version >= TLS_1_3:
        begin = end_of_handshake(records, seal)
        if isinstance(begin, str):
            return begin
        start, extra = begin
        padded = [length for side, length in records[:start] if side == SERVER][-1:] == [
            seal.extra + seal.finished + 16
        ]
        extras = (extra, seal.extra + 16 * padded)
        records = records[start:]
        if not log.overflow:
            records = without_alerts(records, extras)
    plain = [(side, max(0, length - extras[side])) for side, length in records]
    if suite.version >= TLS_1_3:
        by = [found for side in (CLIENT, SERVER) for found in divisors(plain, side, extras[side] - seal.extra)]
        assume(not by or 16 in by)  # in between, it may be chance or padding
        if by:
            return "padding"
        if (CLIENT, 5) in plain:
            plain = [record for record in plain if record[1] != 5]
        plain = without_alert_behind_quit(plain)
    turns: list[tuple[int, list[int]]] = []
    for side, length in plain:
        if turns and turns[-1][0] == side:
            turns[-1][1].append(length)
        else:
            turns.append((side, [length]))
    return paired(turns, suite, seal, client_first=client_first)


def end_of_handshake(records: list[Record], seal: Seal) -> tuple[int, int] | str:
    """Index of the first record behind the handshake, and what is to be taken from the client's lengths."""
    of_client = [(at, length - seal.extra) for at, (side, length) in enumerate(records) if side == CLIENT][:4]
    lengths = [length for _, length in of_client]
    for pad in (0, 16):
        for nth, (at, length) in enumerate(of_client):
            before = lengths[:nth]
            asked = len(before) == 1 and before[0] in (8, 8 + 16)
            certified = len(before) == 2 and before[0] + seal.extra >= 200
            if length - pad in (seal.finished, seal.finished + 8) and (not before or asked or certified):
                return at + 1, seal.extra + pad
    if not of_client:
        return "nothing-said"
    return (of_client[0][0] + 1, seal.extra) if lengths[0] - seal.finished >= 200 else "padding"


def without_alerts(records: list[Record], extras: tuple[int, int]) -> list[Record]:
    """Without what is as long as an alert at the end of the dialogue."""
    words = [at for at, (side, length) in enumerate(records) if side == SERVER and length != extras[side] + 2]
    last = max(words, default=-1)
    behind = [record for record in records[last + 1 :] if record[0] == CLIENT]
    while behind and behind[-1][1] == extras[CLIENT] + 2:
        del behind[-1]
    return records[: last + 1] + behind


def without_alert_behind_quit(plain: list[Record]) -> list[Record]:
    last = max((at for at, (side, _) in enumerate(plain) if side == CLIENT), default=0)
    return plain[:last] + plain[last + 1 :] if plain[last - 1 : last + 1] == [(CLIENT, 6), (CLIENT, 2)] else plain


def divisors(plain: list[Record], side: int, pad: int) -> list[int]:
    """What all lengths of a side are multiples of, with their content type; nothing where it spoke once at most."""
    lengths = [length + pad + 1 for who, length in plain if who == side]
    return [by for by in range(8, max(lengths) + 1) if not any(n % by for n in lengths)] if len(lengths) > 1 else []


def paired(turns: list[tuple[int, list[int]]], suite: Suite, seal: Seal, *, client_first: bool) -> list[Exchange] | str:
    tickets = 2 if suite.version >= TLS_1_3 else 0
    found: list[Exchange] = []
    if turns and not client_first:
        opening = turns.pop(0)[1] if turns[0][0] == SERVER else None
        found.append(Exchange(None, readings(opening, seal, tickets) if opening else ()))
    elif turns and turns[0][0] == SERVER:
        _, ahead = turns.pop(0)
        if not tickets or min(ahead) < 40:
            return "server-spoke-first"
        tickets -= len(ahead)
    for at in range(0, len(turns), 2):
        _, lengths = turns[at]
        answer = turns[at + 1][1] if at + 1 < len(turns) else None
        count = -(-len(lengths) // 2) if suite.version == TLS_1_0 and seal.slack else len(lengths)
        heard = readings(answer, seal, tickets if at == 0 else 0) if answer else ()
        found.append(Exchange(in_round_numbers(span(lengths, seal)), heard, count))
    return found


def readings(lengths: list[int], seal: Seal, tickets: int) -> tuple[Bounds, ...]:
    most = 0
    if tickets > 0:
        while most < min(4, len(lengths) - 1) and lengths[most] >= 40:
            most += 1
    return tuple(span(lengths[count:], seal) for count in range(most + 1))


def span(lengths: list[int], seal: Seal) -> Bounds:
    return sum(max(0, length - seal.slack) for length in lengths), sum(lengths)


def in_round_numbers(bounds: Bounds) -> Bounds:
    least, most = bounds
    if most < 512:
        return bounds
    power = 512
    while power * 2 <= most:
        power *= 2
    round_number = 4096 if most >= 4096 else power + (most - power) // (power // 4) * (power // 4)
    shift = most - (round_number + most % 4)
    return least - shift, most - shift
