"""The grammar of SMTP dialogues, made from the rows of ``grammar.toml``: nodes, and what may follow what.

A node is one exchange: what the client says, and what the server answers. Where an answer can mean two things
(accepted, refused), there are two nodes. A SASL mechanism becomes a chain of nodes: the AUTH command, with or without
an initial response, and one node for each further response (RFC 4954 section 4), each with its ways out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from analyzer.tls.inference.lengths import CRLF, Base64Line, Fixed, Pattern, Text, pattern_from, text_from

Outcome = Literal["success", "failure", "cancelled", "unknown"]
Kind = Literal["command", "login"]

LOGIN: Final = "login"
"""Stands for all mechanisms in the table of what may follow."""
END: Final = "end"

_AUTH: Final = len("AUTH ")
_CHALLENGE: Final = len("334 ")

# How a login goes on. A client that was refused in mid-exchange or gave up is rare; a refusal at the end is not.
_CHALLENGED, _CUT_SHORT, _CANCELS, _GIVES_UP = 0.96, 0.04, 0.01, 0.02
_SUCCEEDS, _FAILS, _REFUSED_FIRST = 0.75, 0.25, 0.6
_WITH_FIRST: Final = 0.5
"""Share of logins with an initial response, of those that can have one."""
_EMPTY_FIRST: Final = 0.01
"""Share of these whose initial response is empty ("="), so that the exchange begins all the same."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One login as the sizes show it."""

    mechanism: str
    method: str
    initial_response: bool
    outcome: Outcome


@dataclass(slots=True, eq=False)
class Node:
    """One exchange.

    Attributes:
        name: of the turn, or of the mechanism's step.
        client, server: what is said.
        said, heard: the same in words of :mod:`.phrases`.
        why: what such an exchange shows, kebab-case words.
        next: nodes that may follow, and their shares.
        logins: share of what may follow that is a login.
        ends: share of dialogues that end here.
        attempt: the login that this exchange completes.
        pending: the login that is under way here, should the dialogue end.
        message: a message was accepted.
        mail: a message is under way, so that no login can follow before it is over (RFC 4954 section 4).
        needs: keyword of the extension that the server must offer for it, or empty.
        sets_style: the next answer may be like this one.
        alike: nodes whose answer often has the same length as this one's.
        lines: lines that the client's turn has; 0 where it has any number.
        split: they were written one by one.
    """

    name: str
    client: Pattern
    server: Pattern
    said: str
    heard: str
    kind: Kind = "command"
    why: tuple[str, ...] = ()
    next: list[tuple[Node, float]] = field(default_factory=list)
    logins: float = 0.0
    ends: float = 0.0
    attempt: Attempt | None = None
    pending: Attempt | None = None
    message: bool = False
    mail: bool = False
    needs: str = ""
    alike: tuple[str, ...] = ()
    sets_style: bool = False
    lines: int = 1
    split: bool = False


@dataclass(slots=True)
class Mechanism:
    """A mechanism's way into the grammar: the nodes with its AUTH command, and their shares."""

    name: str
    method: str
    weight: float
    offered: float
    entries: list[tuple[Node, float]]


@dataclass(slots=True)
class Grammar:
    """The whole grammar.

    Attributes:
        start: what may come first.
        mechanisms: what ``login`` stands for.
        replies: what servers say, by name.
    """

    start: Node
    mechanisms: list[Mechanism]
    replies: dict[str, Pattern]


@cache
def grammar() -> Grammar:
    """The grammar, read at the first question."""
    return _Builder(read_rows("grammar.toml")).build()


def read_rows(name: str) -> dict[str, Any]:
    """The data file ``name`` of this folder."""
    import tomllib  # not at the start of every program that knows this room

    return tomllib.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))


class _Builder:
    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data = data
        self._client = {name: pattern_from(row) for name, row in data["client"].items()}
        self._server = {name: pattern_from(row) for name, row in data["server"].items()}
        self._payload = {name: text_from(row) for name, row in data["payload"].items()}
        self._nodes: dict[str, Node] = {}

    def build(self) -> Grammar:
        rows = {row["name"]: row for row in self._data["turn"]}
        for name, row in rows.items():
            self._nodes[name] = Node(
                name,
                self._client[row["client"]],
                self._server[row["server"]],
                row["client"],
                row["server"],
                message=row.get("message", False),
                mail=row.get("mail", False),
                needs=row.get("needs", ""),
                alike=tuple(row.get("alike", ())),
                lines=row.get("lines", 1),
                split=row.get("split", False),
            )
        for node in self._nodes.values():
            for name in node.alike:
                self._nodes[name].sets_style = True
        for name, row in rows.items():
            self._link(self._nodes[name], row["next"])
        nothing = Fixed([(1, 0)])
        start = Node("start", nothing, nothing, "", "")
        self._link(start, self._data["start"]["next"])
        mechanisms = [self._mechanism(row) for row in self._data["mechanism"]]
        return Grammar(start, mechanisms, self._server)

    def _link(self, node: Node, following: Mapping[str, float]) -> None:
        total = sum(following.values())
        for name, weight in following.items():
            share = weight / total
            if name == END:
                node.ends = share
            elif name == LOGIN:
                node.logins = share
            else:
                node.next.append((self._nodes[name], share))

    # --- mechanisms ---------------------------------------------------------------------------------

    def _mechanism(self, row: Mapping[str, Any]) -> Mechanism:
        also = row.get("also")
        entries = self._scaled(self._entries(row), 1 - also["share"] if also else 1.0)
        if also:
            entries += self._scaled(self._entries({**row, "steps": also["steps"]}), also["share"])
        return Mechanism(row["name"], row["method"], row["weight"], row["offered"], entries)

    def _entries(self, row: Mapping[str, Any]) -> list[tuple[Node, float]]:
        """The nodes with the AUTH command, with and without an initial response."""
        name = row["name"]
        bare = Fixed([(1, _AUTH + len(name) + CRLF)])
        first_share = _WITH_FIRST if row.get("first") else 0.0
        entries = self._scaled(self._position(row, False, bare, "auth", 0), 1 - first_share)
        if first_share:
            payload = row["steps"][0][1]
            command = Base64Line(_AUTH + len(name) + 1, self._payload[payload], nothing=1)
            given = first_share * (1 - _EMPTY_FIRST)
            entries += self._scaled(self._position(row, True, command, f"auth {payload}", 1), given)
            empty = Fixed([(1, _AUTH + len(name) + len(" =") + CRLF)])
            entries += self._scaled(self._position(row, True, empty, "auth", 0), first_share * _EMPTY_FIRST)
        return entries

    def _position(
        self, row: Mapping[str, Any], first: bool, client: Pattern, said: str, step: int
    ) -> list[tuple[Node, float]]:
        """The nodes in which the client says ``client`` and the server goes on with ``step``, or ends the exchange."""
        steps = row["steps"]
        label = f"{row['name']} {step}"
        if step < len(steps):
            challenge, response = steps[step]
            node = self._login(label, row, first, client, said, self._challenge(challenge), challenge)
            following = self._position(row, first, self._response(response), response, step + 1)
            node.next = [
                *self._scaled(following, 1 - _CANCELS - _GIVES_UP),
                (self._final(label, row, first, self._client["cancel"], "cancel", "refused", "cancelled"), _CANCELS),
            ]
            cut_short = self._final(label, row, first, client, said, "failure", "failure")
            return [(node, _CHALLENGED), (cut_short, _CUT_SHORT)]
        found = [
            (self._final(label, row, first, client, said, "success", "success"), _SUCCEEDS),
            (self._final(label, row, first, client, said, "failure", "failure"), _FAILS),
        ]
        for error, answer in row.get("refusal", ()):
            node = self._login(label, row, first, client, said, self._challenge(error), error)
            ends = 1 - _CANCELS - _GIVES_UP
            node.next = [
                (self._final(label, row, first, self._response(answer), answer, "failure", "failure"), ends),
                (self._final(label, row, first, self._client["cancel"], "cancel", "refused", "failure"), _CANCELS),
            ]
            node.pending = Attempt(row["name"], row["method"], first, "failure")
            found[1] = (found[1][0], _FAILS * (1 - _REFUSED_FIRST))
            found.append((node, _FAILS * _REFUSED_FIRST))
        return found

    def _login(
        self, label: str, row: Mapping[str, Any], first: bool, client: Pattern, said: str, server: Pattern, heard: str
    ) -> Node:
        """A node in the midst of an exchange."""
        node = Node(label, client, server, said, heard, "login", _why(client), ends=_GIVES_UP)
        node.pending = Attempt(row["name"], row["method"], first, "unknown")
        return node

    def _final(
        self, label: str, row: Mapping[str, Any], first: bool, client: Pattern, said: str, reply: str, outcome: Outcome
    ) -> Node:
        """A node that ends an exchange."""
        attempt = Attempt(row["name"], row["method"], first, outcome)
        name = f"{label} {outcome}"
        node = Node(name, client, self._server[reply], said, reply, "login", _why(client), attempt=attempt)
        self._link(node, self._data["accepted" if outcome == "success" else "failed"]["next"])
        return node

    def _challenge(self, name: str) -> Pattern:
        lines = self._data["challenge"]
        return pattern_from(lines[name]) if name in lines else Base64Line(_CHALLENGE, self._payload[name])

    def _response(self, name: str) -> Pattern:
        lines = self._data["response"]
        return pattern_from(lines[name]) if name in lines else Base64Line(0, self._payload[name])

    @staticmethod
    def _scaled(nodes: list[tuple[Node, float]], factor: float) -> list[tuple[Node, float]]:
        return [(node, share * factor) for node, share in nodes]


def _why(line: Pattern) -> tuple[str, ...]:
    """What a client's line in an exchange shows."""
    if isinstance(line, Base64Line):
        return ("initial-response",) if line.after_command else ("response",)
    return ("auth-keyword",) if isinstance(line, Fixed) and line.shortest > _AUTH else ()


__all__ = ["Attempt", "Grammar", "Mechanism", "Node", "Outcome", "Text", "grammar"]
