"""Why a server refused a token: the JSON in its 334 reply (RFC 7628 section 3.2.2, and XOAUTH2 before it)."""

from __future__ import annotations

import binascii

from analyzer.smtp.limits import MAX_REFUSAL
from analyzer.smtp.text import shown

_KEPT = ("status", "schemes", "scope")


def read_refusal(encoded: bytes) -> dict[str, str] | None:
    """``status``, ``schemes`` and ``scope`` as far as given; ``None`` when ``encoded`` is not such a refusal.

    ``encoded`` is the base64 text of the 334 reply. Everything else in the JSON is dropped, control characters too.
    """
    if not encoded or len(encoded) > MAX_REFUSAL:
        return None
    import json  # here, for few conversations hold a refusal and the import is felt at start-up

    try:
        told = json.loads(binascii.a2b_base64(encoded + b"=" * (-len(encoded) % 4), strict_mode=True))
    except (ValueError, RecursionError):  # binascii.Error, JSONDecodeError and UnicodeDecodeError are ValueErrors
        return None
    if not isinstance(told, dict):
        return None
    kept = {
        key: shown(str(told[key]).encode(errors="replace"))
        for key in _KEPT
        if isinstance(told.get(key), str | int) and not isinstance(told[key], bool)
    }
    return kept or None
