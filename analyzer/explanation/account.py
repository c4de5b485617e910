"""What was seen of one conversation beyond its session record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analyzer.smtp.transcript import Entry
from analyzer.tls import TlsSession


@dataclass(slots=True)
class Account:
    """What a verdict can be checked by.

    Attributes:
        clear: the dialogue in the clear.
        tls: the TLS connection; ``None`` where there was none.
        inside: the dialogue inside TLS, decrypted; ``None`` where it was not. Its entries have no times.
    """

    clear: Sequence[Entry] = ()
    tls: TlsSession | None = None
    inside: Sequence[Entry] | None = None
