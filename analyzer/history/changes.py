"""What became of each device since it was seen before: the rules, and what each of them needs.

======== ==========================================================================================================
new      Uses a password now, and was never seen before, in no period (:mod:`analyzer.history.identity` says which
         devices are one machine).
relapsed Uses a password now; when it was seen last, it was seen to log in without one, or not to log in.
worse,   Seen both times, with another status, and no other rule applies. Becoming ``unknown`` is neither: that is
better   not the device's doing but the observation's.
migrated Used a password; now it sends mail, how it logs in is known, and no password is used. A device that used
         other ways beside the password must be seen often enough: its password's share of the sessions before lets
         expect :data:`~analyzer.history.silence.TELLING` of them now.
unclear  Used a password, is seen, and ``migrated`` cannot be said: its status is unknown, it sends no mail, or it is
         seen too rarely.
silent   Used a password and is not seen any more, for so long that it means something
         (:mod:`analyzer.history.silence`). Where a sensor that reported before did not, nobody is called silent.
======== ==========================================================================================================

*Uses a password* is exposed, password or mixed. Two more groups explain how the number changed, without being changes:
``returned`` (password devices known from earlier that were not seen in the period before) and ``absent`` (those of the
period before that are not seen in this one, which does not mean anything yet).
"""

from __future__ import annotations

from analyzer.history.model import ChangeKind
from analyzer.history.silence import TELLING
from analyzer.inventory.device import Device, Outline
from analyzer.inventory.status import STATUSES, STILL_PASSWORD

_WITH_PASSWORD = ("basic", "challenge")
_UNTOLD = ("unknown", "none")
"""Methods that say nothing on how else a device logs in."""


def change_of(now: Device, before: Device | Outline) -> ChangeKind | None:
    """What became of a device that is and was seen; ``None`` where nothing that matters did."""
    uses, used = now.status in STILL_PASSWORD, before.status in STILL_PASSWORD
    if used and not uses:
        return "migrated" if _shows_migration(now, before) else "unclear"
    if uses and not used and before.status != "unknown":
        return "relapsed"
    if now.status == "unknown" or now.status == before.status:
        return None
    return "worse" if STATUSES.index(now.status) < STATUSES.index(before.status) else "better"


def _shows_migration(now: Device, before: Device | Outline) -> bool:
    if now.status == "unknown" or "no-message-accepted" in now.findings:
        return False
    passwords = sum(before.methods.get(method, 0) for method in _WITH_PASSWORD)
    others = sum(count for method, count in before.methods.items() if method not in (*_WITH_PASSWORD, *_UNTOLD))
    if not others or (before.status == "exposed" and not passwords):  # a token in the clear, which OAuth in TLS ends
        return True
    return now.sessions * passwords / (passwords + others) >= TELLING
