"""The ``smtpauth`` command, but nothing is inferred inside TLS: what the inference costs is the difference.

python -m scripts.benchmarking.without_inference scan office.pcap
"""

from __future__ import annotations

import sys

from analyzer.cli import main
from analyzer.inventory.observer import SessionObserver
from analyzer.tls import Clues, TlsSession


def _without(self: SessionObserver, *, complete: bool, clues: Clues) -> TlsSession:
    return self._tls.finish(complete=complete, clues=None) if self._tls is not None else TlsSession()


if __name__ == "__main__":
    SessionObserver._finish_tls = _without  # type: ignore[method-assign]
    sys.exit(main())
