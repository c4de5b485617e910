"""What to do about the reply that refused a device's last login."""

from __future__ import annotations

from collections.abc import Iterable

from analyzer.advice.knowledge import Reply
from analyzer.advice.plan import ReplyAdvice
from analyzer.inventory.device import Refusal


def reply_advice(refusal: Refusal, replies: Iterable[Reply]) -> ReplyAdvice | None:
    """The first row that fits the reply; ``None`` where none does."""
    for row in replies:
        if (
            (row.code is None or row.code == refusal.code)
            and (row.enhanced is None or row.enhanced == refusal.enhanced)
            and (row.meaning is None or row.meaning.casefold() in (refusal.meaning or "").casefold())
        ):
            reply = " ".join(str(part) for part in (refusal.code, refusal.enhanced) if part is not None)
            return ReplyAdvice(reply, refusal.meaning, row.todo, row.source, row.as_of)
    return None
