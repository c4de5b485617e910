"""One AUTH command from its first line to its final reply (RFC 4954 section 4).

Client messages are decoded here, names are taken from them, and the bytes are forgotten at once.
"""

from __future__ import annotations

import binascii
from collections.abc import Collection, Sequence

from analyzer.smtp.meanings import meaning
from analyzer.smtp.mechanisms import UNNAMED, mechanism
from analyzer.smtp.records import AuthAttempt
from analyzer.smtp.refusal import read_refusal
from analyzer.smtp.replies import enhanced_code, text_of
from analyzer.smtp.sasl import Malformed, Withheld, is_same, is_swapped


class Exchange:
    """A SASL exchange in progress.

    Attributes:
        attempt: what is known of it so far.
        challenged: the server's last word was 334, so that the client's next line answers it.
    """

    __slots__ = ("_cancelled", "_decode", "_held", "_oddities", "_position", "_unsure", "attempt", "challenged")

    def __init__(self, argument: bytes, time: int, oddities: dict[str, int], offered: Collection[str] = ()) -> None:
        """``argument``: what follows AUTH; ``offered``: mechanisms the server has named."""
        name, initial = (*argument.split(None, 1), b"", b"")[:2]
        found = mechanism(name, offered) if name else UNNAMED
        if found.name is None:
            oddities["sasl-mechanism-invalid" if name else "auth-without-mechanism"] += 1
        initial = initial.strip()
        self.attempt = AuthAttempt(found.name, found.method, bool(initial), time=time)
        self.challenged = False
        self._decode = found.decode
        self._oddities = oddities
        self._position = 0
        self._cancelled = False
        self._held: str | None = None  # a name of LOGIN that is shown if a further message follows
        self._unsure = False
        if initial == b"=":  # an empty initial response
            # LOGIN's servers ask for the name all the same, or take it for an empty name and ask for the password.
            self._unsure = found.name == "LOGIN"
            self._position = 0 if self._unsure else 1
        elif initial:
            self._message(initial)

    def answer(self, line: bytes) -> None:
        """The client's next line, without its line end."""
        self.challenged = False
        if line.strip() == b"*":
            self._cancelled = True
        else:
            self._message(line)

    def challenge(self, text: bytes) -> None:
        """The server's 334; ``text`` is what follows the code."""
        self.challenged = True
        if self.attempt.method == "oauth" and self._position and self.attempt.refusal is None:
            self.attempt.refusal = read_refusal(text.strip())

    def close(self, code: int, lines: Sequence[bytes]) -> None:
        """The server's final reply."""
        self._withhold()
        attempt = self.attempt
        attempt.code, attempt.enhanced = code, enhanced_code(code, lines)
        if code == 235:
            attempt.outcome = "success"
        elif code >= 400:
            attempt.outcome = "cancelled" if self._cancelled else "failure"
            attempt.meaning = meaning(code, attempt.enhanced, text_of(lines))
        else:
            self._oddities["auth-reply-unexpected"] += 1

    def abandon(self) -> None:
        """No reply was seen and none will be."""
        self._withhold()
        if self._cancelled:
            self.attempt.outcome = "cancelled"

    def _message(self, encoded: bytes) -> None:
        position = self._position
        self._position += 1
        if self._decode is None:
            return
        encoded = encoded.strip()
        if not encoded and position:
            return
        try:
            message = binascii.a2b_base64(encoded + b"=" * (-len(encoded) % 4), strict_mode=True)
        except ValueError:
            self._oddities["sasl-base64"] += 1
            return
        attempt = self.attempt
        if attempt.mechanism == "LOGIN" and position:
            self._compare(message)
        try:
            identity = self._decode(message, position)
        except Withheld:
            self._oddities["name-of-secret-form"] += 1
            return
        except Malformed:
            self._oddities["sasl-malformed"] += 1
            return
        if identity is None:
            return
        if self._unsure:
            self._held = identity.username
            return
        attempt.username = identity.username or attempt.username
        attempt.authzid = identity.authzid or attempt.authzid
        attempt.realm = identity.realm or attempt.realm
        attempt.method = identity.method or attempt.method

    def _compare(self, message: bytes) -> None:
        """A further message of LOGIN: the password, or the name once more.

        Some services have one token for both, and some devices are set up with the two swapped. Such a name is held
        until one more message shows that this one was not the password.
        """
        attempt = self.attempt
        name = attempt.username or self._held
        attempt.username = self._held = None
        if name is None:
            return
        if is_same(name, message) or is_swapped(name, message):
            self._held = name
        else:
            attempt.username = name

    def _withhold(self) -> None:
        """No message will come that tells the held name from a password."""
        if self._held is not None:
            self._oddities["name-of-secret-form"] += 1
            self._held = None
