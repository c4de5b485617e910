"""What tshark is asked, whoever asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Question:
    """What tshark is asked.

    Attributes:
        fields: of each packet, by tshark's names.
        wanted: display filter: the packets of which anything is printed.
        decode_as: what to read as what, e.g. ``{"tcp.port==1025": "smtp"}``.
        preferences: set, where the user's own settings could change what is decoded.
        disabled: a protocol that is not to be decoded, or ``None``.
    """

    fields: tuple[str, ...]
    wanted: str
    decode_as: Mapping[str, str] = field(default_factory=dict)
    preferences: Mapping[str, str] = field(default_factory=dict)
    disabled: str | None = None
