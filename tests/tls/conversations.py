"""Real TLS conversations, made by Python's ``ssl`` (OpenSSL) in memory, with what the endpoints know of them."""

from __future__ import annotations

import ssl
import subprocess
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from analyzer.tls import CLIENT, SERVER
from tests.tls.wire import Turn

CANARY = b"AGNhbmFyeUBleGFtcGxlLmNvbQBodW50ZXIy"  # what would be a password in a real session


@dataclass(frozen=True)
class Conversation:
    """The bytes, turn by turn, and the truth.

    ``established``: both endpoints reported the handshake as done and used the connection. ``version``, ``suite`` (the
    number of the cipher suite) and ``resumed`` are what they then agreed on, ``None`` where the handshake failed.
    """

    name: str
    turns: tuple[Turn, ...]
    version: str | None
    suite: int | None
    established: bool
    resumed: bool | None

    def __str__(self) -> str:
        return self.name


class Endpoint:
    """One side's ``SSLObject`` and its two buffers."""

    def __init__(self, context: ssl.SSLContext, *, server: bool, session: ssl.SSLSession | None = None) -> None:
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        name = None if server else "mail.example.org"
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=server, server_hostname=name)
        if session is not None:
            self.tls.session = session
        self.done = False
        self.failed = False

    def attempt(self, action: Callable[[], object]) -> None:
        """Run ``action``; wanting more bytes is no failure, nor is the peer's close_notify."""
        try:
            action()
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            pass
        except ssl.SSLError:
            self.failed = True

    def read_all(self) -> None:
        while self.tls.read(1 << 16):
            pass

    def handshake(self) -> None:
        def action() -> None:
            self.tls.do_handshake()
            self.done = True

        if not (self.done or self.failed):
            self.attempt(action)


class Dialogue:
    """Both endpoints and what went over the wire between them."""

    def __init__(self, client: ssl.SSLContext, server: ssl.SSLContext, session: ssl.SSLSession | None = None) -> None:
        self.ends = (Endpoint(client, server=False, session=session), Endpoint(server, server=True))
        self.turns: list[Turn] = []

    def flush(self, side: int) -> bool:
        piece = self.ends[side].outgoing.read()
        if piece:
            self.turns.append((side, piece))
            self.ends[1 - side].incoming.write(piece)
        return bool(piece)

    def handshake(self, *, client_stops_after: int | None = None) -> None:
        """Let both sides speak until neither has more to say; the client may vanish after so many turns."""
        moving = True
        while moving:
            moving = False
            for side in (CLIENT, SERVER):
                if client_stops_after is not None and side == CLIENT and len(self.turns) > client_stops_after:
                    return
                self.ends[side].handshake()
                moving |= self.flush(side)

    def say(self, side: int, line: bytes) -> None:
        listener = self.ends[1 - side]
        if self.ends[side].failed or not self.ends[side].done:
            return
        self.ends[side].attempt(lambda: self.ends[side].tls.write(line))
        self.flush(side)
        listener.attempt(listener.read_all)
        self.flush(1 - side)

    def talk_smtp(self, *, greeting: bool) -> None:
        if greeting:
            self.say(SERVER, b"220 mail.example.org ESMTP\r\n")
        self.say(CLIENT, b"EHLO copier.example.org\r\n")
        self.say(SERVER, b"250-mail.example.org\r\n250-SIZE 1000000\r\n250 AUTH PLAIN LOGIN\r\n")
        self.say(CLIENT, b"AUTH PLAIN " + CANARY + b"\r\n")
        self.say(SERVER, b"235 2.7.0 Authentication successful\r\n")
        self.say(CLIENT, b"DATA\r\n")
        self.say(SERVER, b"354 go\r\n")
        self.say(CLIENT, b"Subject: scan\r\n\r\n" + b"page\r\n" * 6000 + b".\r\n")
        self.say(SERVER, b"250 2.0.0 ok\r\n")

        self.say(CLIENT, b"QUIT\r\n")
        self.say(SERVER, b"221 bye\r\n")

    def hang_up(self) -> None:
        self.close(CLIENT)
        self.close(SERVER)

    def close(self, side: int) -> None:
        if self.ends[side].done and not self.ends[side].failed:
            self.ends[side].attempt(self.ends[side].tls.unwrap)
            self.flush(side)

    def conversation(self, name: str) -> Conversation:
        client, server = self.ends
        if not (client.done and server.done) or client.failed or server.failed:
            return Conversation(name, tuple(self.turns), None, None, False, None)
        version, cipher = client.tls.version(), client.tls.cipher()
        assert version is not None
        assert cipher is not None
        numbers = {entry["name"]: entry["id"] & 0xFFFF for entry in client.tls.context.get_ciphers()}
        return Conversation(
            name,
            tuple(self.turns),
            version={"TLSv1": "1.0", "TLSv1.1": "1.1", "TLSv1.2": "1.2", "TLSv1.3": "1.3"}[version],
            suite=numbers[cipher[0]],
            established=True,
            resumed=client.tls.session_reused,
        )


class Pki:
    """Keys and certificates of one certificate authority, made with the ``openssl`` command in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
        self._request("ca", "Test CA", *curve, "-x509")
        self._request("ecdsa", "mail.example.org", *curve, "-CA", "ca.pem", "-CAkey", "ca.key")
        self._request("rsa", "mail.example.org", "-newkey", "rsa:2048", "-CA", "ca.pem", "-CAkey", "ca.key")
        self._request("client", "copier.example.org", *curve, "-CA", "ca.pem", "-CAkey", "ca.key")

    def _request(self, name: str, subject: str, *options: str) -> None:
        files = ("-keyout", f"{name}.key", "-out", f"{name}.pem")
        command = ("openssl", "req", "-x509", "-noenc", "-days", "2", "-subj", f"/CN={subject}", *files, *options)
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True)

    def server(self, certificate: str = "ecdsa") -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / f"{certificate}.pem", self.folder / f"{certificate}.key")
        return context

    def client(self, *, trusting: bool = True) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        if trusting:
            context.load_verify_locations(self.folder / "ca.pem")
        return context


def only(context: ssl.SSLContext, version: ssl.TLSVersion, ciphers: str | None = None) -> ssl.SSLContext:
    """The context, restricted to one version and, below TLS 1.3, to some ciphers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old versions are what some of these are about
        context.minimum_version = context.maximum_version = version
    if ciphers:
        context.set_ciphers(ciphers)
    return context


def record_conversations(pki: Pki) -> list[Conversation]:
    """One conversation of each kind."""
    v13, v12 = ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2
    made: list[Conversation] = []

    def converse(
        name: str,
        client: ssl.SSLContext,
        server: ssl.SSLContext,
        *,
        greeting: bool = True,
        session: ssl.SSLSession | None = None,
        client_stops_after: int | None = None,
        talk: bool = True,
    ) -> ssl.SSLSession | None:
        dialogue = Dialogue(client, server, session)
        dialogue.handshake(client_stops_after=client_stops_after)
        if talk:
            dialogue.talk_smtp(greeting=greeting)
        kept = dialogue.ends[CLIENT].tls.session if dialogue.ends[CLIENT].done else None
        dialogue.hang_up()
        made.append(dialogue.conversation(name))
        return kept

    def tickets(context: ssl.SSLContext, count: int) -> ssl.SSLContext:
        context.num_tickets = count
        return context

    def asking_certificate(context: ssl.SSLContext) -> ssl.SSLContext:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(pki.folder / "ca.pem")
        return context

    def with_certificate(context: ssl.SSLContext) -> ssl.SSLContext:
        context.load_cert_chain(pki.folder / "client.pem", pki.folder / "client.key")
        return context

    def with_curve(context: ssl.SSLContext, curve: str) -> ssl.SSLContext:
        context.set_ecdh_curve(curve)
        return context

    def with_alpn(context: ssl.SSLContext) -> ssl.SSLContext:
        context.set_alpn_protocols(["smtp", "other"])
        return context

    converse("1.3 implicit", pki.client(), pki.server())
    converse("1.3 starttls", pki.client(), pki.server(), greeting=False)
    converse("1.3 without tickets", pki.client(), tickets(pki.server(), 0), greeting=False)
    converse("1.3 without tickets, implicit", pki.client(), tickets(pki.server(), 0))
    converse("1.3 hangs up at once", pki.client(), pki.server(), talk=False)
    converse("1.3 without tickets, hangs up at once", pki.client(), tickets(pki.server(), 0), talk=False)
    converse("1.3 rsa", pki.client(), pki.server("rsa"))
    converse("1.3 alpn", with_alpn(pki.client()), pki.server())
    converse("1.3 hello retry", pki.client(), with_curve(pki.server(), "secp521r1"))
    converse("1.3 client certificate", with_certificate(pki.client()), asking_certificate(pki.server()))
    converse("1.3 client certificate missing", pki.client(), asking_certificate(pki.server()), greeting=False)
    converse("1.3 bad authority", pki.client(trusting=False), pki.server())
    converse("1.3 client vanishes", pki.client(), pki.server(), client_stops_after=1)
    client, server = pki.client(), pki.server()
    session = converse("1.3 to be resumed", client, server)
    converse("1.3 resumed", client, server, session=session)

    for suite in ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES256-SHA384"):
        converse(f"1.2 {suite}", only(pki.client(), v12, suite), only(pki.server(), v12, suite))
    for suite in ("AES128-SHA", "ECDHE-RSA-AES128-SHA256", "ECDHE-RSA-AES256-SHA"):
        converse(f"1.2 {suite}", only(pki.client(), v12, suite), only(pki.server("rsa"), v12, suite), greeting=False)
    converse("1.2 server of a newer client", pki.client(), only(pki.server(), v12))
    converse("1.2 client certificate", only(with_certificate(pki.client()), v12), asking_certificate(pki.server()))
    converse("1.2 client certificate missing", only(pki.client(), v12), asking_certificate(pki.server()))
    converse("1.2 bad authority", only(pki.client(trusting=False), v12), pki.server())
    converse("1.2 client vanishes", only(pki.client(), v12), pki.server(), client_stops_after=1)
    client, server = only(pki.client(), v12), pki.server()
    session = converse("1.2 to be resumed by ticket", client, server)
    converse("1.2 resumed by ticket", client, server, session=session)
    client, server = only(pki.client(), v12), pki.server()
    server.options |= ssl.OP_NO_TICKET
    session = converse("1.2 to be resumed by session id", client, server)
    converse("1.2 resumed by session id", client, server, session=session)

    old = "ALL:@SECLEVEL=0"
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        converse(f"{version.name} allowed", only(pki.client(), version, old), only(pki.server(), version, old))
        if not made[-1].established:  # compiled out, or forbidden by the system's policy
            made.pop()
    converse("no common version", only(pki.client(), v13), only(pki.server(), v12))
    converse("no common suite", only(pki.client(), v12, "AES128-SHA"), pki.server())
    return made
