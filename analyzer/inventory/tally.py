"""What is kept of sessions when each of them has been told."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from analyzer.inventory.devices import Inventory
from analyzer.inventory.session import Session


@dataclass(slots=True)
class Tally:
    """Sums over sessions; those of several processes are the sums of theirs.

    Attributes:
        inventory: of the devices that opened them.
        oddities: theirs, counted.
    """

    inventory: Inventory = field(default_factory=Inventory)
    oddities: Counter[str] = field(default_factory=Counter)

    def add(self, session: Session) -> None:
        """Count ``session``."""
        self.inventory.add(session)
        if session.oddities:
            self.oddities.update(session.oddities)

    def merge(self, other: Tally) -> None:
        """Add the sums of ``other``."""
        self.inventory.merge(other.inventory)
        self.oddities.update(other.oddities)
