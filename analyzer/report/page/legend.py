"""What the words of a report mean, for readers who see one for the first time."""

from __future__ import annotations

from collections.abc import Iterable

from analyzer.report.page.model import DeviceRow

_STATUSES = {
    "exposed": "A password or token that can be used again crossed the network unencrypted. Change it now.",
    "password": "Logs in with a password, inside TLS or in a form that cannot be used again.",
    "mixed": "Passwords and OAuth are both in use: the move has begun and is not finished.",
    "unknown": "How it logs in could not be told. That is no all-clear.",
    "no-auth": "Sends mail without logging in, e.g. to a relay that trusts its address.",
    "certificate": "Logs in with a certificate; no password.",
    "kerberos": "Logs in with Kerberos; no password crosses.",
    "anonymous": "Logs in without saying who it is (AUTH ANONYMOUS).",
    "oauth": "Logs in with OAuth, which providers go on accepting.",
}
_EVIDENCE = {
    "observed": "Read from the packets themselves.",
    "decrypted": "Read from TLS with keys that were given.",
    "inferred": (
        "Concluded from the sizes and the order of turns inside TLS, with the confidence shown; "
        "where that is not enough, the answer is unknown."
    ),
}


def legend(devices: Iterable[DeviceRow]) -> list[tuple[str, str]]:
    """Terms that occur among ``devices``, and their meanings."""
    statuses, evidence = set(), set()
    for device in devices:
        statuses.add(device.status)
        evidence.add(device.evidence)
    terms = [(status, meaning) for status, meaning in _STATUSES.items() if status in statuses]
    return terms + [(kind, meaning) for kind, meaning in _EVIDENCE.items() if kind in evidence]
