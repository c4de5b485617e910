"""The user's own knowledge of providers, makers and ways out (``--knowledge``)."""

from __future__ import annotations

from analyzer.advice import Knowledge, knowledge_with, packaged_knowledge
from analyzer.inventory.providers import use_own_providers


def knowledge_of(name: str | None) -> Knowledge:
    """What comes with the program, with what the file ``name`` replaces and adds; from now on everything that is
    recognised, found and advised rests on it. To be called before anything is read.

    Raises:
        InputError: the file cannot be used.
    """
    knowledge = packaged_knowledge() if name is None else knowledge_with(name)
    use_own_providers(knowledge.own_providers)
    return knowledge
