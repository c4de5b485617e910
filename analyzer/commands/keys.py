"""``--keylog``: TLS keys of the user's, and those that captures carry; and what became of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from analyzer.commands.console import say
from analyzer.decryption.keylog import KeyRing, read_key_log
from analyzer.decryption.stage import Choose, Decryption, OnRead, with_keys
from analyzer.report.wording import plural
from analyzer.smtp import DialogueParser

if TYPE_CHECKING:
    from analyzer.decryption.plaintext import Listen
    from analyzer.tshark.program import Tshark

KEYS: Final = "TLS keys"
"""In place of an input's name, where something is lost because keys could not be used."""


class Keys:
    """The keys of a run.

    Args:
        key_logs: files that the user names.
        tshark: the program that the user names, or ``None``.
        quiet: do not say what is wrong with a key log.

    Raises:
        InputError: a key log cannot be read.
    """

    def __init__(self, key_logs: Iterable[str] = (), tshark: str | None = None, *, quiet: bool = False) -> None:
        self._given = tshark
        self.ring = KeyRing()
        for path in key_logs:
            problem = read_key_log(path, self.ring)
            if problem is not None and not quiet:
                say(problem)

    def add(self, text: bytes) -> None:
        """Take keys that a capture carries."""
        self.ring.add(text.splitlines())

    def decryption(
        self, choose: Choose = with_keys, listen: Listen = DialogueParser, on_read: OnRead | None = None
    ) -> Decryption:
        """What uses them; for the arguments see :class:`~analyzer.decryption.stage.Decryption`."""
        return Decryption(self.ring, self._tshark, choose, listen, on_read)

    def _tshark(self) -> Tshark:
        from analyzer.tshark.program import find_tshark

        return find_tshark(self._given)


def unused(decryption: Decryption) -> str | None:
    """Why keys that fit could not be used, as a sentence fragment, or ``None``."""
    if decryption.missing is not None:
        return f"not used, though they fit; {decryption.missing}"
    if decryption.fault is not None:
        return f"{decryption.fault}; not all that they fit was decrypted"
    return None


def used(decryption: Decryption, *, asked_for: bool) -> str | None:
    """How far the keys went, as a line; ``None`` where there are none. Those that nobody asked for came in captures."""
    counts = decryption.counts
    if not decryption.keys or not counts.tls:
        return None
    keys = "the keys" if asked_for else f"{KEYS} in the captures"
    sessions = plural(counts.tls, "TLS session")
    if not counts.fitting:
        return f"{keys} fit none of {sessions}; they open only what the programs sent that wrote them down"
    closed = counts.fitting - counts.decrypted
    kept = f"; {closed:,} could not be decrypted" if closed else ""
    return f"{keys} fitted {counts.fitting:,} of {sessions}{kept}"
