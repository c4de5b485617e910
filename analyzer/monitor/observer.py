"""Tells of AUTH commands in the clear as soon as the server has judged them, while their conversation goes on."""

from __future__ import annotations

from collections.abc import Callable

from analyzer.alerts import Sighting
from analyzer.inventory.observer import SessionObserver, address_text
from analyzer.inventory.providers import provider_of
from analyzer.smtp.limits import MAX_ATTEMPTS
from analyzer.smtp.records import AuthAttempt, Dialogue
from analyzer.streams import CLIENT, SERVER, Conversation, Turns


class LiveObserver(SessionObserver):
    """A session's observer that does not keep to itself what it reads.

    Args:
        conversation: as for :class:`SessionObserver`.
        on_sighting: told of each attempt once, when its outcome is known. What never gets a reply, the session tells.
    """

    __slots__ = ("_conversation", "_on_sighting", "_told")

    def __init__(self, conversation: Conversation, on_sighting: Callable[[Sighting], None]) -> None:
        super().__init__(conversation)
        self._conversation = conversation
        self._on_sighting = on_sighting
        self._told: list[AuthAttempt] = []

    def turns(self, turns: Turns) -> None:
        """The next bytes of both sides."""
        super().turns(turns)
        so_far = self.so_far
        if so_far is None or not so_far.auth or (self._told and so_far.auth[-1] is self._told[-1]):
            return
        for attempt in so_far.auth:
            if attempt.outcome != "unknown" and not any(attempt is known for known in self._told):
                self._told.append(attempt)
                self._on_sighting(self._sighting(so_far, attempt, turns.times[-1]))
        del self._told[:-MAX_ATTEMPTS]  # the dialogue keeps no more

    def _sighting(self, so_far: Dialogue, attempt: AuthAttempt, time: int) -> Sighting:
        conversation = self._conversation
        client, server = (SERVER, CLIENT) if self._flip else (CLIENT, SERVER)
        return Sighting(
            time=time,
            start=conversation.start,
            client_ip=address_text(conversation.addresses[client]),
            client_port=conversation.ports[client],
            server_ip=address_text(conversation.addresses[server]),
            server_port=conversation.ports[server],
            attempt=attempt,
            client_mac=conversation.macs[client],
            server_mac=conversation.macs[server],
            ehlo=so_far.ehlo,
            server_name=so_far.server_name,
            provider=provider_of(None, so_far.server_name, so_far.greeting),
        )
