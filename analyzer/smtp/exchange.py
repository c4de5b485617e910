"""One AUTH command from its first line to its final reply (RFC 4954 section 4).

Client messages are decoded here, names are taken from them, and the bytes are forgotten at once.
"""

from __future__ import annotations

import binascii
from collections import Counter

from analyzer.smtp.meanings import meaning
from analyzer.smtp.mechanisms import UNNAMED, mechanism
from analyzer.smtp.records import AuthAttempt
from analyzer.smtp.refusal import read_refusal
from analyzer.smtp.replies import enhanced_code, text_of
from analyzer.smtp.sasl import Malformed


class Exchange:
    """A SASL exchange in progress.

    Attributes:
        attempt: what is known of it so far.
        challenged: the server's last word was 334, so that the client's next line answers it.
    """

    __slots__ = ("_cancelled", "_decode", "_oddities", "_position", "attempt", "challenged")

    def __init__(self, argument: bytes, time: int, oddities: Counter[str]) -> None:
        name, _, initial = argument.strip().partition(b" ")
        found = mechanism(name) if name else UNNAMED
        if found.name is None:
            oddities["sasl-mechanism-invalid" if name else "auth-without-mechanism"] += 1
        initial = initial.strip()
        self.attempt = AuthAttempt(found.name, found.method, bool(initial), time=time)
        self.challenged = False
        self._decode = found.decode
        self._oddities = oddities
        self._position = 0
        self._cancelled = False
        if initial == b"=":  # an empty initial response; LOGIN asks for the name all the same
            if found.name != "LOGIN":
                self._position = 1
        elif initial:
            self._message(initial)

    def answer(self, line: bytes) -> None:
        """The client's next line, without its line end."""
        self.challenged = False
        if line == b"*":
            self._cancelled = True
        else:
            self._message(line)

    def challenge(self, text: bytes) -> None:
        """The server's 334; ``text`` is what follows the code."""
        self.challenged = True
        if self.attempt.method == "oauth" and self._position and self.attempt.refusal is None:
            self.attempt.refusal = read_refusal(text.strip())

    def close(self, code: int, lines: list[bytes]) -> None:
        """The server's final reply."""
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
        try:
            identity = self._decode(message, position)
        except Malformed:
            self._oddities["sasl-malformed"] += 1
            return
        if identity is None:
            return
        attempt = self.attempt
        attempt.username = identity.username or attempt.username
        attempt.authzid = identity.authzid or attempt.authzid
        attempt.realm = identity.realm or attempt.realm
        attempt.method = identity.method or attempt.method
