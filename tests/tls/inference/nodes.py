"""All exchanges that a grammar knows."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.tls.inference.grammar import Grammar, Node


def nodes(grammar: Grammar) -> Iterator[Node]:
    seen: set[int] = set()
    waiting = [grammar.start, *(node for mechanism in grammar.mechanisms for node, _ in mechanism.entries)]
    while waiting:
        node = waiting.pop()
        if id(node) not in seen:
            seen.add(id(node))
            waiting.extend(following for following, _ in node.next)
            yield node
