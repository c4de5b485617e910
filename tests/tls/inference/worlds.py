"""Whole dialogues of made-up programs, devices and people, written out by a random generator.

The texts are those of real programs where these differ (replies, prompts, order and pipelining of commands), and drawn
from wide ranges where people choose them (names, passwords, tokens, messages).
"""

from __future__ import annotations

import base64
import string
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from tests.tls.inference.sealing import Turn, written

Ending = Literal["success", "failure", "cancelled"]

METHOD = {
    "PLAIN": "basic",
    "LOGIN": "basic",
    "CRAM-MD5": "challenge",
    "DIGEST-MD5": "challenge",
    "SCRAM-SHA-1": "challenge",
    "SCRAM-SHA-256": "challenge",
    "NTLM": "challenge",
    "XOAUTH2": "oauth",
    "OAUTHBEARER": "oauth",
    "GSSAPI": "kerberos",
    "EXTERNAL": "certificate",
    "ANONYMOUS": "anonymous",
}
WITH_FIRST = frozenset(METHOD) - {"CRAM-MD5", "DIGEST-MD5"}
"""Mechanisms in which the client speaks first, so that the AUTH command may carry a response (RFC 4422 section 5)."""


def b64(data: bytes | str) -> str:
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


@dataclass(frozen=True)
class Server:
    """What a server program says."""

    greeting: str
    success: str
    failure: str
    mail: str
    rcpt: str
    data: str
    queued: str
    bye: str
    offer: tuple[str, ...]
    cancelled: str = "501 5.7.0 Authentication aborted"
    refused: str = "530 5.7.0 Authentication required"
    prompts: tuple[str, str] = ("VXNlcm5hbWU6", "UGFzc3dvcmQ6")


POSTFIX = Server(
    greeting="{host} ESMTP Postfix",
    success="235 2.7.0 Authentication successful",
    failure="535 5.7.8 Error: authentication failed: (reason unavailable)",
    mail="250 2.1.0 Ok",
    rcpt="250 2.1.5 Ok",
    data="354 End data with <CR><LF>.<CR><LF>",
    queued="250 2.0.0 Ok: queued as {id}",
    bye="221 2.0.0 Bye",
    offer=("PIPELINING", "SIZE 10240000", "ETRN", "{auth}", "ENHANCEDSTATUSCODES", "8BITMIME", "DSN", "CHUNKING"),
    cancelled="501 5.7.0 Authentication aborted",
    refused="554 5.7.1 <{rcpt}>: Relay access denied",
)
EXIM = Server(
    greeting="{host} ESMTP Exim 4.96 Mon, 23 Nov 2026 20:48:55 +0000",
    success="235 Authentication succeeded",
    failure="535 Incorrect authentication data",
    mail="250 OK",
    rcpt="250 Accepted",
    data='354 Enter message, ending with "." on a line by itself',
    queued="250 OK id={id}-{id}-XY",
    bye="221 {host} closing connection",
    offer=("SIZE 52428800", "8BITMIME", "PIPELINING", "{auth}", "CHUNKING", "HELP"),
    cancelled="501 Authentication cancelled",
    refused="550 relay not permitted",
)
EXCHANGE = Server(
    greeting="{host} Microsoft ESMTP MAIL Service ready at Mon, 23 Nov 2026 20:48:55 +0000",
    success="235 2.7.0 Authentication successful target host {host}",
    failure="535 5.7.3 Authentication unsuccessful [{host} 2026-11-23T20:48:55.123Z {id}]",
    mail="250 2.1.0 Sender OK",
    rcpt="250 2.1.5 Recipient OK",
    data="354 Start mail input; end with <CRLF>.<CRLF>",
    queued="250 2.0.0 OK <{id}{id}@{host}> [Hostname={host}]",
    bye="221 2.0.0 Service closing transmission channel",
    offer=(
        *("SIZE 157286400", "PIPELINING", "DSN", "ENHANCEDSTATUSCODES", "{auth}", "8BITMIME", "BINARYMIME"),
        *("CHUNKING", "SMTPUTF8"),
    ),
    cancelled="501 5.5.4 Authentication cancelled",
    refused="530 5.7.57 Client not authenticated to send mail. [{host}]",
)
TERSE = Server(
    greeting="{host} ESMTP",
    success="235 ok",
    failure="535 authentication failed",
    mail="250 ok",
    rcpt="250 ok",
    data="354 go ahead",
    queued="250 ok {id} qp 1234",
    bye="221 {host}",
    offer=("PIPELINING", "8BITMIME", "{auth}"),
    cancelled="501 auth exchange cancelled",
    refused="553 sorry, that domain isn't in my list",
    prompts=("dXNlcm5hbWU6", "cGFzc3dvcmQ6"),
)
REPEATING = Server(
    greeting="{host} ESMTP Sendmail 8.17.1/8.17.1; Mon, 23 Nov 2026 20:48:55 GMT",
    success="235 2.0.0 OK Authenticated",
    failure="535 5.7.0 authentication failed",
    mail="250 2.1.0 <{sender}>... Sender ok",
    rcpt="250 2.1.5 <{rcpt}>... Recipient ok",
    data='354 Enter mail, end with "." on a line by itself',
    queued="250 2.0.0 {id} Message accepted for delivery",
    bye="221 2.0.0 {host} closing connection",
    offer=("ENHANCEDSTATUSCODES", "PIPELINING", "8BITMIME", "SIZE", "DSN", "{auth}", "DELIVERBY", "HELP"),
    cancelled="501 5.0.0 AUTH aborted",
    refused="550 5.7.1 <{rcpt}>... Relaying denied",
)
SERVERS = (POSTFIX, EXIM, EXCHANGE, TERSE, REPEATING)
ONE_STEP = ("PLAIN", "XOAUTH2", "OAUTHBEARER", "EXTERNAL", "ANONYMOUS")
"""Mechanisms with one response: with an initial response, a login is one line of the client."""


def random(seed: object) -> Random:
    """A generator that draws the same for the same ``seed``, whatever the process."""
    return Random(str(seed))  # noqa: S311 - not for security


@dataclass
class World:
    """One device, its account and its server, drawn by ``seed``."""

    seed: object
    random: Random = field(init=False)
    server: Server = field(init=False)
    host: str = field(init=False)
    domain: str = field(init=False)
    user: str = field(init=False)
    client: str = field(init=False)
    password: str = field(init=False)
    token: str = field(init=False)
    mechanisms: str = field(init=False)

    def __post_init__(self) -> None:
        draw = self.random = random(self.seed)
        self.server = draw.choice(SERVERS)
        self.domain = self.name(4, 14) + draw.choice([".com", ".example.org", ".de", ".co.uk"])
        self.host = draw.choice(["mail.", "smtp.", "mx1.", "relay-eu-2."]) + self.domain
        self.client = draw.choice([self.name(3, 12), f"{self.name(3, 15)}.{self.domain}", "[10.20.0.101]", "localhost"])
        self.user = self.name(3, 16) + draw.choice(["", "@" + self.domain])
        self.password = self.name(6, 24)
        self.token = self.name(400, 2400)
        names = draw.sample(sorted(METHOD), draw.randint(2, 6))
        self.mechanisms = "AUTH " + " ".join(names)

    def name(self, least: int, most: int) -> str:
        return "".join(self.random.choices(string.ascii_lowercase + string.digits, k=self.random.randint(least, most)))

    def blob(self, least: int, most: int) -> str:
        return b64(self.random.randbytes(self.random.randint(least, most)))

    def says(self, text: str, **words: str) -> str:
        """A line of the server."""
        return "S: " + text.format(host=self.host, id="4bXyZ12Qw3z"[:11], **words)

    # --- the parts of a dialogue --------------------------------------------------------------------

    def greeting(self, *, auth: bool = True) -> list[str]:
        return [self.says("220 " + self.server.greeting), *self.ehlo(auth=auth)]

    def ehlo(self, *, auth: bool = True) -> list[str]:
        offer = [line.format(auth=self.mechanisms) for line in self.server.offer if auth or line != "{auth}"]
        lines = [f"{self.host} Hello {self.client}" if self.server in (EXIM, EXCHANGE) else self.host, *offer]
        replies = [f"S: 250-{line}" for line in lines[:-1]]
        return [f"C: EHLO {self.client}", *replies, f"S: 250 {lines[-1]}"]

    def responses(self, mechanism: str) -> list[tuple[str, str]]:
        """Challenges and responses of a mechanism, in base64."""
        name, password = self.user, self.password
        nonce = self.name(24, 24)
        gs2 = f"n,a={name},\1host={self.host}\1port=587\1auth=Bearer {self.token}\1\1"
        scram = [
            ("", b64(f"n,,n={name},r={nonce}")),
            (b64(f"r={nonce}{self.name(24, 24)},s={self.blob(16, 16)},i=4096"), ""),
        ]
        digest = f'username="{name}",realm="{self.host}",nonce="{nonce}",cnonce="{nonce}",nc=00000001,qop=auth,'
        digest += f'digest-uri="smtp/{self.host}",response={self.name(32, 32)},charset=utf-8'
        proof = {"SCRAM-SHA-1": 20, "SCRAM-SHA-256": 32}
        return {
            "PLAIN": [("", b64(f"\0{name}\0{password}"))],
            "LOGIN": [(self.server.prompts[0], b64(name)), (self.server.prompts[1], b64(password))],
            "CRAM-MD5": [(b64(f"<{self.name(8, 20)}.{self.name(10, 10)}@{self.host}>"), b64(f"{name} {'0' * 32}"))],
            "DIGEST-MD5": [
                (b64(f'realm="{self.host}",nonce="{nonce}",qop="auth",algorithm=md5-sess,charset=utf-8'), b64(digest)),
                (b64("rspauth=" + "0" * 32), ""),
            ],
            **{
                hashed: [
                    scram[0],
                    (scram[1][0], b64(f"c=biws,r={nonce}{nonce},p={self.blob(size, size)}")),
                    (b64(f"v={self.blob(size, size)}"), ""),
                ]
                for hashed, size in proof.items()
            },
            "NTLM": [("NTLM supported", self.blob(32, 56)), (self.blob(120, 300), self.blob(180, 500))],
            "XOAUTH2": [("", b64(f"user={name}\1auth=Bearer {self.token}\1\1"))],
            "OAUTHBEARER": [("", b64(gs2))],
            "GSSAPI": [("", self.blob(600, 2500)), (self.blob(108, 156), ""), (self.blob(32, 60), self.blob(32, 60))],
            "EXTERNAL": [("", b64(name))],
            "ANONYMOUS": [("", b64(name))],
        }[mechanism]

    def login(self, mechanism: str, *, first: bool = False, ending: Ending = "success") -> list[str]:
        """One login; a cancelled one ends with ``*`` instead of the first response."""
        steps = self.responses(mechanism)
        lines = [f"C: AUTH {mechanism}"]
        if first:
            lines[0] += f" {steps[0][1]}"
            steps = steps[1:]
        for challenge, response in steps:
            lines.append(f"S: 334 {challenge}")
            if ending == "cancelled":
                return [*lines, "C: *", self.says(self.server.cancelled)]
            lines.append(f"C: {response}")
        if ending == "success":
            return [*lines, self.says(self.server.success)]
        if METHOD[mechanism] == "oauth":
            refusal = b64('{"status":"400","schemes":"Bearer","scope":"https://mail.example.com/"}')
            lines += [f"S: 334 {refusal}", "C: " + ("" if mechanism == "XOAUTH2" else "AQ==")]
        return [*lines, self.says(self.server.failure)]

    def message(self, recipients: int = 1, *, pipelined: bool = False) -> list[str]:
        draw = self.random
        sender = f"{self.name(3, 12)}@{self.domain}"
        size = draw.choice(["", f" SIZE={draw.randint(500, 900_000)}", " BODY=8BITMIME"])
        everybody = [f"{self.name(3, 16)}@{self.name(4, 14)}.com" for _ in range(recipients)]
        pairs = [(f"C: MAIL FROM:<{sender}>{size}", self.says(self.server.mail, sender=sender))]
        pairs += [(f"C: RCPT TO:<{to}>", self.says(self.server.rcpt, rcpt=to)) for to in everybody]
        pairs += [("C: DATA", self.says(self.server.data))]
        if pipelined:
            lines = [line for line, _ in pairs] + [answer for _, answer in pairs]
        else:
            lines = [line for pair in pairs for line in pair]
        text = "x" * int(draw.lognormvariate(7.5, 1.5))
        return [*lines, f"C: Subject: scan\r\n\r\n{text}\r\n.", self.says(self.server.queued)]

    def end(self) -> list[str]:
        return ["C: QUIT", self.says(self.server.bye)]

    def session(self, *middle: list[str], starttls: bool = False, auth: bool = True) -> list[Turn]:
        """Greeting, what is in the ``middle``, and the end; after STARTTLS without the greeting."""
        lines = self.ehlo(auth=auth) if starttls else self.greeting(auth=auth)
        return written(*lines, *[line for part in middle for line in part], *self.end())
