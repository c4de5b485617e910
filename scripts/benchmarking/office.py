"""Who sends mail, and how: a large office's devices, their servers, and the way each of them logs in."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

from .handshake import Version

TlsMode = Literal["none", "starttls", "implicit"]


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server and the texts by which one knows its make."""

    name: str
    ip: int
    local: bool
    greeting: str
    extensions: tuple[str, ...]
    accepted: str = "235 2.7.0 Authentication successful"
    refused: str = "535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6"
    sender: str = "250 2.1.0 Ok"
    recipient: str = "250 2.1.5 Ok"
    go_ahead: str = "354 End data with <CR><LF>.<CR><LF>"
    queued: str = "250 2.0.0 Ok: queued as 4F{:08X}"
    bye: str = "221 2.0.0 Bye"
    prompts: tuple[str, str] = ("VXNlcm5hbWU6", "UGFzc3dvcmQ6")
    tickets: int = 1


def _ip(text: str) -> int:
    a, b, c, d = (int(part) for part in text.split("."))
    return a << 24 | b << 16 | c << 8 | d


POSTFIX = Server(
    "mail.corp.example",
    _ip("10.30.0.25"),
    True,
    "220 mail.corp.example ESMTP Postfix (Debian/GNU)",
    ("PIPELINING", "SIZE 52428800", "VRFY", "ETRN", "{starttls}", "{auth}", "ENHANCEDSTATUSCODES", "8BITMIME", "DSN"),
)
EXIM = Server(
    "relay.plant.example",
    _ip("10.30.0.26"),
    True,
    "220 relay.plant.example ESMTP Exim 4.96 Mon, 23 Nov 2026 19:00:00 +0000",
    ("SIZE 52428800", "8BITMIME", "PIPELINING", "{auth}", "CHUNKING", "{starttls}", "HELP"),
    "235 Authentication succeeded",
    "535 Incorrect authentication data",
    "250 OK",
    "250 Accepted",
    '354 Enter message, ending with "." on a line by itself',
    "250 OK id=1vN{:08X}-0001Kd-2A",
    "221 relay.plant.example closing connection",
    tickets=0,
)
EXCHANGE_ONLINE = Server(
    "smtp.office365.com",
    _ip("203.0.113.18"),
    False,
    "220 FR0P281CA0123.outlook.office365.com Microsoft ESMTP MAIL Service ready at Mon, 23 Nov 2026 19:00:00 +0000",
    ("SIZE 157286400", "PIPELINING", "DSN", "ENHANCEDSTATUSCODES", "{starttls}", "{auth}", "8BITMIME", "CHUNKING"),
    "235 2.7.0 Authentication successful",
    "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. "
    "[FR0P281CA0123.DEUP281.PROD.OUTLOOK.COM 2026-11-23T19:00:00.000Z 08DE2A1C3B4D5E6F]",
    "250 2.1.0 Sender OK",
    "250 2.1.5 Recipient OK",
    "354 Start mail input; end with <CRLF>.<CRLF>",
    "250 2.0.0 OK <{:08x}@FR0P281MB0001.DEUP281.PROD.OUTLOOK.COM> [Hostname=FR0P281MB0001.DEUP281.PROD.OUTLOOK.COM]",
    "221 2.0.0 Service closing transmission channel",
    tickets=2,
)
GMAIL = Server(
    "smtp.gmail.com",
    _ip("203.0.113.109"),
    False,
    "220 smtp.gmail.com ESMTP 5b1f17b1804b1-477bf36f3a8sm123456785e9.6 - gsmtp",
    ("SIZE 35882577", "8BITMIME", "{starttls}", "{auth}", "ENHANCEDSTATUSCODES", "PIPELINING", "CHUNKING", "SMTPUTF8"),
    "235 2.7.0 Accepted",
    "535-5.7.8 Username and Password not accepted. For more information, go to\r\n"
    "535 5.7.8  https://support.google.com/mail/?p=BadCredentials 5b1f17b1804b1-477bf36f3a8sm123456785e9.6 - gsmtp",
    "250 2.1.0 OK 5b1f17b1804b1-477bf36f3a8sm123456785e9.6 - gsmtp",
    "250 2.1.5 OK 5b1f17b1804b1-477bf36f3a8sm123456785e9.6 - gsmtp",
    "354 Go ahead 5b1f17b1804b1-477bf36f3a8sm123456785e9.6 - gsmtp",
    "250 2.0.0 OK  17640{:08d} 5b1f17b1804b1-477bf36f3a8sm123456785e9.6 - gsmtp",
    "221 2.0.0 closing connection 5b1f17b1804b1-477bf36f3a8sm123456785e9.6 - gsmtp",
    tickets=2,
)
PARTNER_MX = Server(
    "mx1.partner.example",
    _ip("198.51.100.25"),
    False,
    "220 mx1.partner.example ESMTP Postfix",
    ("PIPELINING", "SIZE 26214400", "{starttls}", "ENHANCEDSTATUSCODES", "8BITMIME", "DSN", "SMTPUTF8", "CHUNKING"),
)
SERVERS = (POSTFIX, EXIM, EXCHANGE_ONLINE, GMAIL, PARTNER_MX)


@dataclass(frozen=True, slots=True)
class Role:
    """One way of sending mail, and how many of a hundred devices use it."""

    share: int
    server: Server
    port: int
    tls: TlsMode
    version: Version | None
    mechanism: str | None
    initial_response: bool = False


ROLES = (
    Role(10, POSTFIX, 587, "none", None, "LOGIN"),
    Role(5, POSTFIX, 25, "none", None, "LOGIN"),
    Role(4, EXIM, 2525, "none", None, "LOGIN", True),
    Role(7, POSTFIX, 587, "none", None, "PLAIN", True),
    Role(4, EXIM, 25, "none", None, "PLAIN"),
    Role(5, POSTFIX, 587, "none", None, "CRAM-MD5"),
    Role(2, EXIM, 2525, "none", None, "XOAUTH2", True),
    Role(2, POSTFIX, 587, "none", None, "XOAUTH2"),
    Role(9, POSTFIX, 25, "none", None, None),
    Role(4, PARTNER_MX, 25, "none", None, None),
    Role(5, PARTNER_MX, 25, "starttls", "1.3", None),
    Role(9, EXCHANGE_ONLINE, 587, "starttls", "1.2", "LOGIN"),
    Role(8, EXCHANGE_ONLINE, 587, "starttls", "1.3", "LOGIN"),
    Role(6, EXCHANGE_ONLINE, 587, "starttls", "1.3", "XOAUTH2", True),
    Role(5, POSTFIX, 587, "starttls", "1.2", "PLAIN", True),
    Role(5, GMAIL, 465, "implicit", "1.2", "PLAIN", True),
    Role(6, GMAIL, 465, "implicit", "1.3", "LOGIN"),
    Role(4, GMAIL, 465, "implicit", "1.3", "XOAUTH2"),
)

MAKERS = {  # name on the network: prefixes registered to the maker
    "HP": (0x3CD92B,),
    "KM": (0x00206B,),
    "KYO": (0x00C0EE,),
    "RNP": (0x002673,),
    "XRX": (0x0000AA, 0x9C934E),
    "ET": (0x0021B7, 0x002000),
    "BRN": (0x008077, 0x001BA9),
    "EPSON": (0x0026AB, 0x64EB8C),
    "Canon": (0x001E8F, 0x000085),
    "TEC": (0x008091,),
    "OKI": (0x008087,),
    "SHARP": (0x0022F3,),
    "axis": (0x00408C,),
    "nas": (0x001132,),
}
ROUTER_MAC = 0x00000C07AC01  # an HSRP address: what stands before the servers outside
LOCAL_SERVER_MAC = 0x00155D001E00


@dataclass(slots=True)
class Device:
    """One sender. Secrets are made up anew for each session from what is here."""

    mac: int
    ip: int
    name: str
    account: str
    role: Role
    stale: bool  # the password has changed and nobody told the device
    pipelining: bool
    timestamps: bool
    ports_used: int = 0

    @property
    def server_mac(self) -> int:
        """What the device's frames are sent to."""
        return LOCAL_SERVER_MAC + (self.role.server.ip & 0xFF) if self.role.server.local else ROUTER_MAC

    def next_port(self) -> int:
        """Ephemeral ports in turn, as RFC 6335 reserves them."""
        self.ports_used += 1
        return 49152 + self.ports_used % 16384


def staff(count: int, random: Random) -> list[Device]:
    """``count`` devices, the roles in their shares."""
    devices = []
    makers = list(MAKERS)
    for number in range(count):
        maker = random.choice(makers)
        mac = random.choice(MAKERS[maker]) << 24 | random.randrange(1 << 24)
        role = random.choices(ROLES, [role.share for role in ROLES])[0]
        building, shared = number % 40, random.random() < 0.1
        account = f"scan.b{building:02d}@corp.example" if shared else f"{maker.lower()}-{number:04d}@corp.example"
        devices.append(
            Device(
                mac=mac,
                ip=_ip("10.20.0.0") + 256 * (number // 200) + 20 + number % 200,
                name=f"{maker}{mac & 0xFFFFFF:06X}",
                account=account,
                role=role,
                stale=role.mechanism is not None and random.random() < 0.05,
                pipelining=random.random() < 0.2,
                timestamps=random.random() < 0.6,
            )
        )
    return devices
