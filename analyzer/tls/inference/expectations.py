"""What is known before the first length inside TLS is looked at, from what was in the clear.

After STARTTLS the client says EHLO again (RFC 3207 section 4.2): as long as the first time, most often. The server's
answer is then the one given in the clear, less the line that offers STARTTLS, and with a line more if AUTH is offered
only now. The greeting names the server's program, whose fixed replies have known lengths. EXTERNAL needs a client
certificate here (RFC 4422 appendix A).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Final, NamedTuple

from analyzer.tls.inference.grammar import Node, grammar, read_rows
from analyzer.tls.inference.lengths import Fixed, Mixture, Pattern
from analyzer.tls.inference.turns import Exchange

_EXTENSIONS: Final = frozenset(("CHUNKING", "PIPELINING"))
_STARTTLS_LINE: Final = len("250-STARTTLS\r\n")
_AUTH_LINE: Final = len("250-AUTH X\r\n")
_SHORTEST_NAME: Final = len(" NTLM")
_LONGEST_GROWTH: Final = 200
"""Bytes by which an EHLO reply can grow through AUTH: a dozen mechanisms, and the old form of the line beside it."""

MAX_EXPECTATIONS: Final = 1024
"""Sets of clues whose weighing is kept: a handful for each server and kind of client."""

# Shares, as measured over recorded sessions and rounded to the side of doubt.
_KNOWN_BUT_SILENT, _KNOWN_BUT_RENAMED = 0.006, 0.003
"""Share of each known server where its greeting was not seen, and where it says something of its own: far below what
they have in the world, for the replies must prove it."""
_RECOGNISED_BY: Final = 2
"""Replies with lengths of a known server below which it need not be tried: one is too little against those shares."""
_FIXED_REPLY: Final = 0.95
_VARIED_REPLY: Final = 0.6  # servers give several reasons for a refusal
_NOT_OFFERED, _OFFERED = 0.002, 2.0
_UNLISTED, _SURELY_UNLISTED = 0.03, 0.005
_EXTERNAL_WITH, _EXTERNAL_WITHOUT = 60.0, 0.02
_EXTERNAL_OFFERED: Final = 0.6
_ALSO_OLD_FORM: Final = 0.1
_OTHER_LINES: Final = 0.1
"""Share of replies that grow by other lines, too."""
_TINY: Final = 1e-12
_SUBMISSION: Final = 2.0


Moves = list[tuple[Node, float]]
"""What may be said next, and how probable that is."""

KnownMoves = dict[tuple[Node | None, Exchange | None], Moves]
"""By the node that they follow, and the exchange before where its answer matters; under :data:`LOGINS` the logins."""

LOGINS: Final = (None, None)


class Clues(NamedTuple):
    """What a connection shows beside the records inside TLS.

    Attributes:
        flaw: why the sizes cannot be relied on (bytes are missing, say), one kebab-case word; or ``None``.
        submission: the port is one for submission, whose servers ask for a login (RFC 6409 section 4.3).
        client_first: the client speaks first inside TLS, as after STARTTLS.
        ended: the dialogue is known to be over.
        ehlo_size, ehlo_reply_size: bytes of EHLO in the clear and of its reply, or ``None``.
        offered: mechanisms offered in the clear; ``None`` where no reply to EHLO was seen.
        extensions: keywords of the reply to EHLO in the clear; ``None`` where that was not seen.
        greeting: the server's, or ``None``.
        thorough: tell the turns to the end, also where the verdict is settled before.
    """

    flaw: str | None = None
    submission: bool = False
    client_first: bool = False
    ended: bool = True
    ehlo_size: int | None = None
    ehlo_reply_size: int | None = None
    offered: tuple[str, ...] | None = None
    extensions: tuple[str, ...] | None = None
    greeting: str | None = None
    thorough: bool = False


@dataclass(slots=True, eq=False)
class Expectations:
    """How the clues change the grammar's shares.

    Attributes:
        ehlo_size: bytes of the client's first line where it was said before in the clear, or ``None``.
        missing: extensions that the grammar knows and the server did not offer.
        replies: patterns of a known server, in place of general ones.
        login: factor on the share of logins.
        mechanisms: factor for each mechanism that has one.
        default: factor for the others.
        total: sum of the weights of all mechanisms, with their factors.
        reasons: what was used, kebab-case words.
        charts, moves: what :mod:`.parse` found under these expectations.
    """

    ehlo_size: int | None
    missing: frozenset[str]
    replies: Mapping[Pattern, Pattern]
    login: float
    mechanisms: Mapping[str, float]
    default: float
    total: float
    reasons: tuple[str, ...]
    charts: dict[Exchange | None, object] = field(default_factory=dict)
    moves: dict[Exchange, KnownMoves] = field(default_factory=dict)

    @staticmethod
    def forget_charts() -> None:
        """Forget all that was kept, under any expectations."""
        _expectations.cache_clear()


def expectations(
    clues: Clues, exchanges: Sequence[Exchange], client_certificate: bool, without: frozenset[str] = frozenset()
) -> Expectations:
    """Weigh ``clues``.

    Args:
        client_certificate: the client showed one in the handshake.
        without: words of greetings whose rows are left out, to measure how well servers are read that nobody knows.
    """
    return _under(
        clues, exchanges, client_certificate, _known_server(clues.greeting, without) if clues.greeting else None
    )


def of_any_server(
    clues: Clues, exchanges: Sequence[Exchange], client_certificate: bool, without: frozenset[str] = frozenset()
) -> list[tuple[float, Expectations]]:
    """The same for a server that its greeting did not tell: with the replies of each that is known and that it may be,
    and of none, and the share of each."""
    said = frozenset(least for exchange in exchanges for least, most in exchange.server if least == most)
    words = [word for word in _rows() if word not in without and len(said & _lengths(word)) >= _RECOGNISED_BY]
    share = _KNOWN_BUT_SILENT if clues.greeting is None else _KNOWN_BUT_RENAMED
    rows = [(share, _under(clues, exchanges, client_certificate, word)) for word in words]
    return [(1 - share * len(words), _under(clues, exchanges, client_certificate, None)), *rows]


def _under(clues: Clues, exchanges: Sequence[Exchange], client_certificate: bool, known: str | None) -> Expectations:
    ehlo_size = clues.ehlo_size if clues.client_first else None
    growth = _growth(clues, exchanges)
    missing = _missing(clues.extensions) if clues.extensions is not None else frozenset()
    return _expectations(clues.submission, ehlo_size, missing, growth, clues.offered or (), client_certificate, known)


@lru_cache(maxsize=1024)
def _missing(offered: tuple[str, ...]) -> frozenset[str]:
    return _EXTENSIONS.difference(offered)


@lru_cache(maxsize=MAX_EXPECTATIONS)
def _expectations(
    submission: bool,
    ehlo_size: int | None,
    missing: frozenset[str],
    growth: int | None,
    offered: tuple[str, ...],
    client_certificate: bool,
    known: str | None,
) -> Expectations:
    reasons: list[str] = []
    login = _SUBMISSION if submission else 1.0
    mechanisms: dict[str, float] = {}
    default = 1.0
    if offered:
        reasons.append("auth-offered")
        default = _UNLISTED if growth is None else _SURELY_UNLISTED
        if growth:
            mechanisms.update(_names_of(growth, offered, client_certificate))
        mechanisms.update(dict.fromkeys(offered, 1.0))
    elif growth is not None:
        login *= _OFFERED if growth else _NOT_OFFERED
        reasons.append("auth-offered" if growth else "auth-not-offered")
        if growth > 0:
            mechanisms.update(_names_of(growth, (), client_certificate))
    external = mechanisms.get("EXTERNAL", default)
    mechanisms["EXTERNAL"] = external * (_EXTERNAL_WITH if client_certificate else _EXTERNAL_WITHOUT)
    if known is not None:
        reasons.append("server-known")
    replies = _rows()[known] if known is not None else {}
    total = sum(row.weight * mechanisms.get(row.name, default) for row in grammar().mechanisms)
    return Expectations(ehlo_size, missing, replies, login, mechanisms, default, total, tuple(reasons))


def _growth(clues: Clues, exchanges: Sequence[Exchange]) -> int | None:
    """Bytes by which the reply to EHLO inside TLS is longer than the one in the clear, less STARTTLS.

    ``None`` where that cannot be told; negative where it is longer by an unknown number of bytes.
    """
    if not clues.client_first or clues.ehlo_reply_size is None or not exchanges:
        return None
    first = exchanges[0]
    unchanged = clues.ehlo_reply_size - _STARTTLS_LINE
    step = _SHORTEST_NAME if clues.offered else _AUTH_LINE
    if any(least <= unchanged <= most < unchanged + step for least, most in first.server):
        return 0
    grown = [
        bounds for bounds in first.server if bounds[0] >= unchanged + step and bounds[1] <= unchanged + _LONGEST_GROWTH
    ]
    if len(grown) != 1:
        return None
    least, most = grown[0]
    if least == most:
        return least - unchanged
    return None if clues.offered else -1


@lru_cache(maxsize=1024)
def _names_of(growth: int, known: tuple[str, ...], client_certificate: bool) -> Mapping[str, float]:
    """Factor for each mechanism by the bytes that a reply grew by: names added to the AUTH line of ``known`` ones, or
    the whole line.

    How probable is such a growth if the mechanism is in it, and how probable without? Lines of servers that repeat
    themselves in the old form (``AUTH=``) are twice as long.
    """
    shares = {mechanism.name: mechanism.offered for mechanism in grammar().mechanisms if mechanism.name not in known}
    if client_certificate and "EXTERNAL" in shares:
        shares["EXTERNAL"] = _EXTERNAL_OFFERED
    around = 0 if known else len("250-AUTH\r\n")
    names = growth - around
    doubled = growth // 2 - around if growth % 2 == 0 else -1
    factors: dict[str, float] = {}
    for name, share in shares.items():
        others = tuple(sorted((other, odds) for other, odds in shares.items() if other != name))
        sums = _sums(others, growth)
        within = _at(sums, names - len(name) - 1) + _ALSO_OLD_FORM * _at(sums, doubled - len(name) - 1)
        beyond = _at(sums, names) + _ALSO_OLD_FORM * _at(sums, doubled)
        total = share * within + (1 - share) * beyond
        factors[name] = _OTHER_LINES + (1 - _OTHER_LINES) * (within / total if total > _TINY else 1.0)
    return factors


def _at(sums: Sequence[float], length: int) -> float:
    return sums[length] if 0 <= length < len(sums) else 0.0


def _sums(shares: tuple[tuple[str, float], ...], limit: int) -> list[float]:
    """Probability of each total length of names, a blank before each."""
    sums = [1.0] + [0.0] * limit
    for name, share in shares:
        width = len(name) + 1
        sums = [
            (1 - share) * at + (share * sums[length - width] if length >= width else 0.0)
            for length, at in enumerate(sums)
        ]
    return sums


@cache
def _rows() -> dict[str, Mapping[Pattern, Pattern]]:
    """The replies of known servers, by the word of their greeting."""
    general = grammar().replies
    rows: dict[str, Mapping[Pattern, Pattern]] = {}
    for row in read_rows("servers.toml")["server"]:
        patterns: dict[Pattern, Pattern] = {}
        for name, lengths in _with_groups(row["replies"]).items():
            share = _VARIED_REPLY if name == "failure" else _FIXED_REPLY
            fixed = Fixed([(1, length) for length in lengths])
            patterns[general[name]] = Mixture([(share, fixed), (1 - share, general[name])])
        rows[row["greeting"]] = patterns
    return rows


def _with_groups(lengths: Mapping[str, Sequence[int]]) -> dict[str, Sequence[int]]:
    """``lengths``, and those of the answers to pipelined commands (RFC 2920), which are sums of them."""
    found: dict[str, Sequence[int]] = dict(lengths)
    if "ok" in lengths:
        ok = lengths["ok"]
        two = {a + b for a in ok for b in ok}
        found["ok-group"] = sorted(two | {a + b for a in two for b in ok})
        if "go-ahead" in lengths:
            found["ok-data"] = sorted({a + b for a in ok for b in lengths["go-ahead"]})
            found["ok-group-data"] = sorted({a + b for a in found["ok-group"] for b in lengths["go-ahead"]})
    return found


@cache
def _lengths(word: str) -> frozenset[int]:
    """All lengths of the replies of a known server that has no more than one line to say."""
    rows = read_rows("servers.toml")["server"]
    return frozenset(
        length for row in rows if row["greeting"] == word for many in row["replies"].values() for length in many
    )


@lru_cache(maxsize=1024)
def _known_server(greeting: str, without: frozenset[str]) -> str | None:
    """The word by which a known server is recognised."""
    return next((word for word in _rows() if word in greeting and word not in without), None)
