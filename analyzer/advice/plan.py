"""The plan for a device: how urgent it is, until when, which ways out there are, and the steps to take."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Literal

from analyzer.inventory.standing import Standing

OAuthPossible = Literal["yes", "from-firmware", "partial", "no", "unknown"]
"""Whether devices of a maker can log in to SMTP with OAuth; partial: some models only."""

Fit = Literal["fits", "check", "fits-not"]
"""Whether a way out fits a device; check: only somebody who looks can tell, and ``why`` says what at."""
FITS: tuple[Fit, ...] = ("fits", "check", "fits-not")
"""Best first."""


class Urgency(StrEnum):
    """How soon something must be done, worst first."""

    NOW = "now"
    """A secret is in the open, or mail is not leaving."""
    DATED = "dated"
    """Mail stops on a day that is announced."""
    CHECK = "check"
    """Somebody must look before more can be said."""
    NONE = "none"
    """Nothing to do until somebody announces something."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """What the provider that matters has announced.

    Attributes:
        provider: its name. day: the first day on which passwords are off; ``None`` where none is named.
        wording: what is announced, one clause.
        days_left: from the last day of what was observed; negative where it is past, ``None`` without both days.
    """

    provider: str
    day: date | None
    wording: str
    days_left: int | None
    source: str
    as_of: date

    @property
    def is_past(self) -> bool:
        """Whether the day had come by the end of what was observed."""
        return self.days_left is not None and self.days_left <= 0


@dataclass(frozen=True, slots=True)
class OAuthSupport:
    """Whether the device can log in with OAuth, as far as its maker is known.

    Attributes:
        maker: its name; ``None`` where no maker of the table was recognised.
        firmware: the first version that can, with ``from-firmware``.
    """

    possible: OAuthPossible
    maker: str | None = None
    firmware: str | None = None
    note: str | None = None
    source: str | None = None
    as_of: date | None = None


@dataclass(frozen=True, slots=True)
class WayOut:
    """One way out, held against the device and its fleet.

    Attributes:
        why: why it does not fit, or what to look at; empty where nothing stands in its way.
        when: when it is the one to take, one clause.
        steps: what to do, in order.
        until: the day until which it is announced to last.
    """

    id: str
    name: str
    fit: Fit
    why: str
    when: str
    steps: tuple[str, ...]
    until: date | None
    source: str
    as_of: date


@dataclass(frozen=True, slots=True)
class ReplyAdvice:
    """The last refusal of a login: what the reply means, and what to do about it.

    Attributes:
        reply: code and enhanced code. meaning: ``None`` where the reply has none that is known.
    """

    reply: str
    meaning: str | None
    todo: str
    source: str
    as_of: date


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do about one device.

    Attributes:
        device: the address it goes by.
        reason: why it is as urgent as that, one clause.
        standing: what its password is worth at the server that matters; ``None`` where it uses none.
        service: the provider's or server's name, else its address; ``None`` where no server matters.
        deadline: ``None`` where the provider that matters has announced nothing.
        ways: those that suit the provider, best first.
        steps: what to do, in order, short sentences; at least one.
        look_first: the one of ``steps`` that depends on the device's maker; ``None`` where all devices with the same
            way out have the same steps.
        fleet: devices that use a password with the same service, this one included.
        reply: ``None`` where no login was refused, or a later one succeeded.
    """

    device: str
    urgency: Urgency
    reason: str
    standing: Standing | None
    service: str | None
    deadline: Deadline | None
    oauth: OAuthSupport
    ways: tuple[WayOut, ...]
    steps: tuple[str, ...]
    look_first: str | None
    fleet: int
    reply: ReplyAdvice | None

    @property
    def way(self) -> WayOut | None:
        """The first way that fits or may fit."""
        return next((way for way in self.ways if way.fit != "fits-not"), None)
