"""Limits on memory, from the options of the commands that have them."""

from __future__ import annotations

import argparse

from analyzer.streams import Limits


def limits_of(options: argparse.Namespace, conversations: int | None = None) -> Limits:
    """What ``--max-conversations``, ``--max-held`` and ``--idle`` ask for, and the defaults of the others.

    Args:
        conversations: another default for the first.
    """
    given = Limits()
    return Limits(
        conversations=options.max_conversations or conversations or given.conversations,
        idle=options.idle * 1_000_000_000 if options.idle else given.idle,
        held_bytes=options.max_held << 20 if options.max_held else given.held_bytes,
    )
