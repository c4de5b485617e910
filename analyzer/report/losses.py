"""Oddities that mean that part of the traffic is missing from the result, and what to do about each.

All others (duplicates, overlaps, keep-alives ...) are peculiarities of the traffic that cost nothing.
"""

from __future__ import annotations

LOSSES: dict[str, tuple[str, str]] = {
    "conversation-evicted": ("conversations were ended early to spare memory", "raise --max-conversations"),
    "reassembly-limit": ("missing packets were not waited for to the end, to spare memory", "raise --max-held"),
    "overlap-limit": ("captures that overlap could not be merged in exact order", "give them in separate runs"),
    "input-not-merged": ("too many captures overlap to be merged in exact order", "give them in separate runs"),
    "interface-ignored": ("a pcapng file declares interfaces that cannot be used", "record it anew"),
    "packet-of-undeclared-interface": ("a pcapng file has packets of interfaces it does not declare", "record it anew"),
    "packet-block-too-short": ("a pcapng file has packet blocks too short for a packet", "record it anew"),
}
"""What happened and what to do, by the oddity's name."""
