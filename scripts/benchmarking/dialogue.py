"""SMTP sessions, word for word: RFC 5321, RFC 4954 (AUTH), RFC 3207 (STARTTLS)."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from dataclasses import dataclass
from random import Random

from .handshake import (
    OVERHEAD,
    RECORD,
    Version,
    client_finish,
    client_hello,
    protected,
    record,
    server_finish,
    server_flight,
)
from .office import Device
from .script import Flow, Script

_LINE = 78
_LINES = 2048
_RECORDS = 16
LONG_SHARE = 0.34
"""Part of the messages that carry a scan; the others are a notice or a counter reading."""
LONG_MESSAGE = (8_000, 68_000)
SHORT_MESSAGE = (400, 2_500)


def stock(random: Random) -> bytes:
    """The bulk data all sessions share: base64 lines, then full records of either version."""
    lines = b"".join(b64encode(random.randbytes(57)) + b"\r\n" for _ in range(_LINES))
    return lines + b"".join(protected(RECORD * _RECORDS, version, random) for version in ("1.2", "1.3"))


@dataclass(slots=True)
class Outcome:
    """What was said in one session, for the truth file."""

    authenticated: bool | None
    messages: int


class Conversation:
    """Says the lines of one session, in the clear or inside TLS."""

    def __init__(self, script: Script, device: Device, start: int, random: Random) -> None:
        self._script, self._device, self._random = script, device, random
        self._server = device.role.server
        self._rtt = random.randrange(200, 900) if self._server.local else random.randrange(8_000, 25_000)
        self._tls: Version | None = None
        flow = Flow(
            client_mac=device.mac,
            server_mac=device.server_mac,
            client_ip=device.ip,
            server_ip=self._server.ip,
            client_port=device.next_port(),
            server_port=device.role.port,
            mss=1448 if device.timestamps else 1460,
            timestamps=device.timestamps,
            isn=(random.getrandbits(32), random.getrandbits(32)),
        )
        script.begin(flow, start)

    def run(self) -> Outcome:
        """The whole session."""
        role = self._device.role
        self._script.open(self._rtt)
        if role.tls == "implicit":
            self._handshake()
        self._server_says(self._server.greeting, think=3_000)
        self._hello(tls=role.tls != "none" and self._tls is None)
        if role.tls == "starttls":
            self._client_says("STARTTLS")
            self._server_says("220 2.0.0 Ready to start TLS")
            self._handshake()
            self._hello(tls=False)
        authenticated = self._authenticate() if role.mechanism else None
        messages = 0
        if authenticated is not False:
            messages = 1 + (self._random.random() < 0.4)
            for _ in range(messages):
                self._message()
        self._client_says("QUIT")
        self._server_says(self._server.bye)
        self._close()
        return Outcome(authenticated, messages)

    # --- lines -----------------------------------------------------------------------------------

    def _say(self, to_server: bool, data: bytes, delay: int) -> None:
        if self._tls is not None:
            data = protected(len(data), self._tls, self._random)
        self._script.say(to_server, data, delay)

    def _client_says(self, *lines: str) -> None:
        self._say(True, "".join(line + "\r\n" for line in lines).encode(), self._rtt + self._random.randrange(100, 900))

    def _server_says(self, *lines: str, think: int = 400) -> None:
        data = "".join(line + "\r\n" for line in lines).encode()
        self._say(False, data, 200 + self._random.randrange(think // 2, think * 2))

    def _hello(self, *, tls: bool) -> None:
        self._client_says(f"EHLO {self._device.name}")
        offered = "AUTH PLAIN LOGIN CRAM-MD5 XOAUTH2" if self._device.role.mechanism else ""
        starttls = "STARTTLS" if tls else ""
        words = [each.format(starttls=starttls, auth=offered) for each in self._server.extensions]
        lines = [f"{self._server.name} Hello [10.20.0.1]", *(word for word in words if word)]
        self._server_says(*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}")

    # --- AUTH ------------------------------------------------------------------------------------

    def _authenticate(self) -> bool:
        role, user, random = self._device.role, self._device.account, self._random
        succeeds = not self._device.stale and random.random() >= 0.02
        password = f"{random.getrandbits(random.choice((40, 52, 64))):x}"
        if role.mechanism == "LOGIN":
            prompts = [f"334 {prompt}" for prompt in self._server.prompts]
            self._exchange("LOGIN", [_base64(user), _base64(password)], prompts)
        elif role.mechanism == "PLAIN":
            self._exchange("PLAIN", [_base64(f"\0{user}\0{password}")], ["334 "])
        elif role.mechanism == "CRAM-MD5":
            challenge = f"<{random.getrandbits(40)}.1795460400@{self._server.name}>"
            digest = hmac.new(password.encode(), challenge.encode(), hashlib.md5).hexdigest()
            self._exchange("CRAM-MD5", [_base64(f"{user} {digest}")], [f"334 {_base64(challenge)}"])
        else:
            size = 1500 if not self._server.local or not role.initial_response else 160
            token = b64encode(random.randbytes(size)).decode().rstrip("=")
            self._exchange("XOAUTH2", [_base64(f"user={user}\1auth=Bearer {token}\1\1")], ["334 "])
            if not succeeds:
                self._server_says("334 " + _base64('{"status":"401","schemes":"bearer","scope":"mail"}'), think=60_000)
                self._client_says("")
        self._server_says(self._server.accepted if succeeds else self._server.refused, think=80_000)
        return succeeds

    def _exchange(self, mechanism: str, responses: list[str], challenges: list[str]) -> None:
        if self._device.role.initial_response:
            self._client_says(f"AUTH {mechanism} {responses[0]}")
            responses, challenges = responses[1:], challenges[1:]
        else:
            self._client_says(f"AUTH {mechanism}")
        for challenge, response in zip(challenges, responses, strict=True):
            self._server_says(challenge)
            self._client_says(response)

    # --- messages --------------------------------------------------------------------------------

    def _message(self) -> None:
        random, server = self._random, self._server
        mail = f"MAIL FROM:<{self._device.account}>"
        recipients = [
            f"RCPT TO:<user{random.randrange(900):03d}@corp.example>" for _ in range(random.choice((1, 1, 2, 3)))
        ]
        accepted = [server.recipient] * len(recipients)
        if self._device.pipelining:  # RFC 2920
            self._client_says(mail, *recipients, "DATA")
            self._server_says(server.sender, *accepted, server.go_ahead, think=2_000)
        else:
            self._client_says(mail)
            self._server_says(server.sender)
            for recipient, reply in zip(recipients, accepted, strict=True):
                self._client_says(recipient)
                self._server_says(reply, think=2_000)
            self._client_says("DATA")
            self._server_says(server.go_ahead)
        self._content()
        self._server_says(server.queued.format(random.getrandbits(26)), think=600_000)

    def _content(self) -> None:
        random = self._random
        low, high = LONG_MESSAGE if random.random() < LONG_SHARE else SHORT_MESSAGE
        size = random.randrange(low, high)
        headers = (
            f"From: {self._device.name} <{self._device.account}>\r\nTo: <user@corp.example>\r\n"
            f"Subject: Message from {self._device.name}\r\nDate: Mon, 23 Nov 2026 19:00:00 +0000\r\n"
            f"Message-ID: <{random.getrandbits(64):x}@{self._device.name}>\r\nMIME-Version: 1.0\r\n"
            "Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        ).encode()
        end = b".\r\n"
        self._say(True, headers, self._rtt + 300)
        if self._tls is None:
            lines = size // _LINE
            self._script.bulk(True, random.randrange(_LINES - lines) * _LINE, lines * _LINE, 40)
        else:
            full, rest = divmod(size, RECORD)
            width = 5 + RECORD + OVERHEAD[self._tls]
            base = _LINES * _LINE + (_RECORDS * (5 + RECORD + OVERHEAD["1.2"]) if self._tls == "1.3" else 0)
            if full:
                self._script.bulk(True, base + random.randrange(_RECORDS - full) * width, full * width, 40)
            self._say(True, bytes(rest), 40)
        self._say(True, end, 60)

    # --- TLS -------------------------------------------------------------------------------------

    def _handshake(self) -> None:
        role, script, random = self._device.role, self._script, self._random
        version = role.version
        if version is None:
            raise ValueError(f"{role} has TLS of no version")
        hello = client_hello(version, self._server.name, random)
        session = hello[44:76]
        script.say(True, hello, self._rtt + 400)
        script.say(False, server_flight(version, self._server.name, session, random), 1_500)
        script.say(True, client_finish(version, random), self._rtt + 1_200)
        finish = server_finish(version, self._server.tickets, random)
        if finish:
            script.say(False, finish, 600)
        self._tls = version

    def _close(self) -> None:
        if self._tls == "1.2":
            self._script.say(True, record(21, self._random.randbytes(2 + OVERHEAD["1.2"])), self._rtt)
        elif self._tls == "1.3":
            self._say(True, b"\1\0", self._rtt)  # close_notify looks like data
        self._script.close(by_server=self._tls is None, delay=self._rtt)


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()
