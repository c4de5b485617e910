"""Captures to sessions, as the tests need them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from analyzer.capture import open_captures
from analyzer.commands.keys import Keys
from analyzer.inventory.session import Session
from analyzer.packets import SUBMISSION_PORTS
from analyzer.pipeline import Analysis


def sessions_of(*paths: Path | str, ports: Iterable[int] = (), keys: Path | None = None) -> list[Session]:
    """The sessions in ``paths``, read as one stream, in order of their start; with a key log, decrypted by tshark."""
    found: list[Session] = []
    with (
        Keys([] if keys is None else [str(keys)]).decryption() as decryption,
        open_captures([str(path) for path in paths]) as captures,
    ):
        names = [source.name for source in captures.sources]
        analysis = Analysis(names, found.append, SUBMISSION_PORTS | frozenset(ports), decryption=decryption)
        for batch in captures.batches():
            analysis.feed(batch)
        analysis.finish()
    return sorted(found, key=lambda s: (s.start, s.client_ip, s.client_port))
