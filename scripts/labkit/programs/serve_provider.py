"""Speaks a mail provider's SMTP dialogue: banner, extensions and replies are data, one profile per provider.

Arguments: profile, accounts.json, certificate, key, key log. The wording follows the
replies these services are known for; it was not recorded from them.
"""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import sys
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any


@dataclass(frozen=True)
class Profile:
    """What one provider says. ``{…}`` are filled in per connection."""

    ports: tuple[int, ...]
    tls_ports: tuple[int, ...]
    banner: str
    hello: str
    extensions: tuple[str, ...]
    mechanisms: tuple[str, ...]
    starttls: str
    success: str
    wrong: str
    blocked: str
    unauthenticated: str
    refusal: dict[str, str] | None
    sender: str
    recipient: str
    data: str
    queued: str
    bye: str
    unrecognised: str
    auth_required: bool = True
    before_tls: tuple[str, ...] = field(default=())


_NODE = "FR0P281CA0056.DEUP281.PROD.OUTLOOK.COM"
_TRACE = "[" + _NODE + " {date} 08DE2A7F1C9E4B30]"
_GMAIL = "5b1f17b1804b1-477a9df9d3esm229461395e9.12 - gsmtp"
_GMAIL_HELP = "https://support.google.com/mail/?p="

PROFILES = {
    "exchange": Profile(
        ports=(25, 587),
        tls_ports=(),
        banner="220 FR0P281CA0056.outlook.office365.com Microsoft ESMTP MAIL Service ready at {date} [08DE2A7F1C9E4B3]",
        hello="FR0P281CA0056.outlook.office365.com Hello [{client}]",
        extensions=(
            "SIZE 157286400",
            "PIPELINING",
            "DSN",
            "ENHANCEDSTATUSCODES",
            "8BITMIME",
            "BINARYMIME",
            "CHUNKING",
            "SMTPUTF8",
        ),
        mechanisms=("LOGIN", "XOAUTH2"),
        starttls="220 2.0.0 SMTP server ready",
        success="235 2.7.0 Authentication successful",
        wrong=f"535 5.7.3 Authentication unsuccessful {_TRACE}",
        blocked=(
            "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox. Visit "
            f"https://aka.ms/smtp_auth_disabled for more information. {_TRACE}"
        ),
        unauthenticated=f"530 5.7.57 Client not authenticated to send mail. {_TRACE}",
        refusal=None,
        sender="250 2.1.0 Sender OK",
        recipient="250 2.1.5 Recipient OK",
        data="354 Start mail input; end with <CRLF>.<CRLF>",
        queued=(
            f"250 2.6.0 <{{id}}@office.example> [InternalId=96439993335811, Hostname={_NODE}] "
            "9283 bytes in 0.214, 42.362 KB/sec Queued mail for delivery"
        ),
        bye="221 2.0.0 Service closing transmission channel",
        unrecognised="500 5.3.3 Unrecognized command",
    ),
    "gmail": Profile(
        ports=(25, 587),
        tls_ports=(465,),
        banner=f"220 smtp.gmail.com ESMTP {_GMAIL}",
        hello="smtp.gmail.com at your service, [{client}]",
        extensions=("SIZE 35882577", "8BITMIME", "ENHANCEDSTATUSCODES", "PIPELINING", "CHUNKING", "SMTPUTF8"),
        mechanisms=("LOGIN", "PLAIN", "XOAUTH2", "PLAIN-CLIENTTOKEN", "OAUTHBEARER", "XOAUTH"),
        starttls="220 2.0.0 Ready to start TLS",
        success="235 2.7.0 Accepted",
        wrong=(
            "535-5.7.8 Username and Password not accepted. For more information, go to\n"
            f"535 5.7.8  {_GMAIL_HELP}BadCredentials {_GMAIL}"
        ),
        blocked=(
            "534-5.7.9 Application-specific password required. For more information, go to\n"
            f"534 5.7.9  {_GMAIL_HELP}InvalidSecondFactor {_GMAIL}"
        ),
        unauthenticated=(
            "530-5.7.0 Authentication Required. For more information, go to\n"
            f"530 5.7.0  {_GMAIL_HELP}WantAuthError {_GMAIL}"
        ),
        refusal={"status": "400", "schemes": "Bearer", "scope": "https://mail.google.com/"},
        sender=f"250 2.1.0 OK {_GMAIL}",
        recipient=f"250 2.1.5 OK {_GMAIL}",
        data=f"354 Go ahead {_GMAIL}",
        queued=f"250 2.0.0 OK  1795466935 {_GMAIL}",
        bye=f"221 2.0.0 closing connection {_GMAIL}",
        unrecognised=f"502 5.5.1 Unrecognized command. {_GMAIL}",
    ),
    # Where Dovecot's submission service hands its messages to; on the loopback interface only.
    "sink": Profile(
        ports=(10025,),
        tls_ports=(),
        banner="220 sink ESMTP",
        hello="sink",
        extensions=("SIZE 157286400", "8BITMIME"),
        mechanisms=(),
        starttls="502 no",
        success="",
        wrong="",
        blocked="",
        unauthenticated="",
        refusal=None,
        sender="250 2.1.0 Ok",
        recipient="250 2.1.5 Ok",
        data="354 End data with <CR><LF>.<CR><LF>",
        queued="250 2.0.0 Ok: queued",
        bye="221 2.0.0 Bye",
        unrecognised="500 5.5.2 Unrecognized",
        auth_required=False,
    ),
}


class Session:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tls: bool) -> None:
        self.reader, self.writer, self.tls = reader, writer, tls
        self.user: str | None = None

    async def run(self) -> None:
        """Talk until the client is done."""
        try:
            await self.say(PROFILE.banner)
            while line := await self.line():
                if not await self.command(line):
                    break
        except (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
            pass  # the client is gone; some scenes want just that
        finally:
            self.writer.close()

    async def say(self, text: str) -> None:
        """Send a reply of one or more lines."""
        values = {"date": formatdate(), "client": self.writer.get_extra_info("peername")[0], "id": "8f2c41"}
        for name, value in values.items():
            text = text.replace("{" + name + "}", value)
        self.writer.write(text.replace("\n", "\r\n").encode() + b"\r\n")
        await self.writer.drain()

    async def line(self) -> str:
        """Read one line."""
        return (await self.reader.readline()).decode(errors="replace").rstrip("\r\n")

    async def command(self, line: str) -> bool:
        """Answer one command; false after QUIT."""
        verb, _, argument = line.partition(" ")
        match verb.upper():
            case "EHLO" | "HELO":
                await self.hello()
            case "STARTTLS":
                await self.say(PROFILE.starttls)
                await self.writer.start_tls(CONTEXT)
                self.tls = True
            case "AUTH":
                await self.auth(*argument.split(" "))
            case "MAIL":
                allowed = self.user is not None or not PROFILE.auth_required
                await self.say(PROFILE.sender if allowed else PROFILE.unauthenticated)
            case "RCPT":
                await self.say(PROFILE.recipient)
            case "DATA":
                await self.say(PROFILE.data)
                while await self.line() != ".":
                    pass
                await self.say(PROFILE.queued)
            case "RSET" | "NOOP":
                await self.say("250 2.0.0 OK")
            case "QUIT":
                await self.say(PROFILE.bye)
                return False
            case _:
                await self.say(PROFILE.unrecognised)
        return True

    async def hello(self) -> None:
        """List the extensions; AUTH is offered inside TLS only."""
        lines = [PROFILE.hello, *PROFILE.extensions]
        if not self.tls:
            lines.insert(3, "STARTTLS")
        elif PROFILE.mechanisms:
            lines.insert(4, "AUTH " + " ".join(PROFILE.mechanisms))
        await self.say("\n".join("250-" + line for line in lines[:-1]) + "\n250 " + lines[-1])

    async def auth(self, mechanism: str, initial: str | None = None) -> None:
        """One AUTH command (RFC 4954)."""
        mechanism = mechanism.upper()
        if not self.tls or mechanism not in PROFILE.mechanisms:
            return await self.say("504 5.7.4 Unrecognized authentication type")
        if self.user is not None:
            return await self.say("503 5.5.1 Already authenticated")
        exchange = {"LOGIN": self.login, "PLAIN": self.plain}.get(mechanism, self.bearer)
        try:
            user, reply = await exchange(initial)
        except ValueError:  # RFC 4954 section 4: cancelled by "*", or not base64
            return await self.say("501 5.7.0 Authentication aborted")
        self.user = user
        await self.say(reply)
        return None

    async def ask(self, challenge: bytes) -> str:
        """Send a challenge and return the answer."""
        await self.say("334 " + base64.b64encode(challenge).decode())
        answer = await self.line()
        if answer == "*":
            raise ValueError
        return answer

    async def login(self, initial: str | None) -> tuple[str | None, str]:
        """User, then password."""
        user = _text(initial if initial else await self.ask(b"Username:"))
        return self.check(user, _text(await self.ask(b"Password:")))

    async def plain(self, initial: str | None) -> tuple[str | None, str]:
        """RFC 4616."""
        _, user, password = _text(initial if initial else await self.ask(b"")).split("\0")
        return self.check(user, password)

    def check(self, user: str, password: str) -> tuple[str | None, str]:
        """Compare with the accounts."""
        account = ACCOUNTS.get(user)
        if account is None or account["password"] != password:
            return None, PROFILE.wrong
        return (None, PROFILE.blocked) if account["blocked"] else (user, PROFILE.success)

    async def bearer(self, initial: str | None) -> tuple[str | None, str]:
        """XOAUTH2 and OAUTHBEARER (RFC 7628)."""
        fields = _text(initial if initial else await self.ask(b"")).split("\x01")
        token = next((field[12:] for field in fields if field.lower().startswith("auth=bearer ")), "")
        for user, account in ACCOUNTS.items():
            if token in account["tokens"]:
                return user, PROFILE.success
        if PROFILE.refusal is not None:
            await self.ask(json.dumps(PROFILE.refusal, separators=(",", ":")).encode())
        return None, PROFILE.wrong


def _text(encoded: str) -> str:
    return base64.b64decode(encoded, validate=True).decode(errors="replace")


async def main() -> None:
    """Listen on all ports of the profile until the lab ends."""
    servers = []
    for port in (*PROFILE.ports, *PROFILE.tls_ports):
        tls = port in PROFILE.tls_ports

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tls: bool = tls) -> None:
            await Session(reader, writer, tls).run()

        servers.append(await asyncio.start_server(serve, None, port, ssl=CONTEXT if tls else None))
    await asyncio.gather(*(server.serve_forever() for server in servers))


PROFILE = PROFILES[sys.argv[1]]
with open(sys.argv[2]) as accounts_json:
    ACCOUNTS: dict[str, dict[str, Any]] = {account["user"]: account for account in json.load(accounts_json)}
CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
CONTEXT.load_cert_chain(sys.argv[3], sys.argv[4])
CONTEXT.keylog_filename = sys.argv[5]
asyncio.run(main())
