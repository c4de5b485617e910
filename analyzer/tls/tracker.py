"""One TLS connection, followed through the bytes of both its directions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from analyzer.tls.certificate import Certificate, parse_certificate
from analyzer.tls.code_points import (
    ALERT,
    APPLICATION_DATA,
    CERTIFICATE,
    CERTIFICATE_VERIFY,
    CHANGE_CIPHER_SPEC,
    CLIENT_HELLO,
    FATAL,
    HANDSHAKE,
    SERVER_HELLO,
    SERVER_HELLO_DONE,
    TLS_1_3,
    alert_name,
    cipher_name,
    version_name,
)
from analyzer.tls.establishment import Establishment
from analyzer.tls.fingerprint import fingerprint
from analyzer.tls.handshake import HandshakeReader
from analyzer.tls.hellos import ClientHello, ServerHello, parse_client_hello, parse_server_hello
from analyzer.tls.inference import Clues, Inference, abstain, infer
from analyzer.tls.inference.turns import RecordLog, Unreadable, dialogue_of
from analyzer.tls.recognition import HEADER_SIZE, MAX_RECORD
from analyzer.tls.record_layer import NOT_TLS, RecordWalk
from analyzer.tls.records import TlsSession
from analyzer.tls.sides import CLIENT, SERVER

_WHOLE_RECORD = 0x17_0303_0000 - HEADER_SIZE
"""With the length of a turn added, the header of the one application-data record that fills it."""

_LONGEST_TURN = HEADER_SIZE + MAX_RECORD

_PLAIN, _ENCRYPTED, _UNKNOWN = 0, 1, 2
"""Whether a side's handshake records can be read; unknown after a gap that may hide its ChangeCipherSpec."""


class TlsTracker:
    """Feed it the in-order bytes of both sides, as the conversation brought them; ask it at any time.

    Give it what follows the STARTTLS dialogue, or the whole conversation of implicit TLS. Nothing in the bytes
    raises, and what it keeps is bounded: a partial record header and a partial hello or certificate per side.

    ``time`` is the packet time of the bytes, nanoseconds since 1970-01-01 UTC.
    """

    __slots__ = ("_reader", "_walks")

    def __init__(self) -> None:
        self._reader = _Reader()
        self._walks = (RecordWalk(CLIENT, self._reader), RecordWalk(SERVER, self._reader))

    def feed(self, side: int, data: bytes, time: int) -> None:
        """Take the next bytes of ``side`` (:data:`CLIENT` or :data:`SERVER`)."""
        self._walks[side].feed(data)

    def follow(
        self,
        sides: Sequence[int],
        lengths: Sequence[int],
        heads: Sequence[int],
        payload: Callable[[int], bytes],
        first: int,
    ) -> None:
        """Take many turns at once, from the one with index ``first`` on.

        Args:
            sides: who speaks, turn by turn.
            lengths: bytes of each turn.
            heads: their first eight bytes as a big-endian number, or 0.
            payload: fetches the bytes of a turn; a turn that is one application-data record is known without.
            first: index of the turn to begin with.
        """
        client, server = self._walks
        record = self._reader.record
        for turn in range(first, len(sides)):
            side = sides[turn]
            walk = server if side else client
            length = lengths[turn]
            if heads[turn] >> 24 == _WHOLE_RECORD + length and walk.between_records and length <= _LONGEST_TURN:
                record(side, APPLICATION_DATA, length - HEADER_SIZE)
            else:
                walk.feed(payload(turn))

    def gap(self, side: int, size: int | None, time: int) -> None:
        """``size`` bytes of ``side`` are missing before what is fed next; ``None`` when not known how many.

        A gap inside a record's payload is bridged exactly. After any other one the side counts again once two
        records follow one another where the gap ends, and is ignored otherwise.
        """
        if size is None or size > 0:
            self._walks[side].gap(size)

    @property
    def is_tls(self) -> bool | None:
        """Whether the bytes are TLS: some side sent a record; ``None`` while too few bytes are there."""
        if any(walk.started for walk in self._walks):
            return True
        return False if any(walk.oddity == NOT_TLS for walk in self._walks) else None

    def finish(self, *, complete: bool = False, clues: Clues | None = None) -> TlsSession:
        """What is known by now.

        Args:
            complete: the TCP connection was seen from its first byte to its end, both directions, nothing missing.
                Only then can the absence of a message be a proof.
            clues: what else is known of the connection; without, nothing is inferred of what was said inside.
        """
        reader = self._reader
        offer, answer = reader.client_hello, reader.server_hello
        session = TlsSession(alert=reader.alert, resumed=reader.resumed, certificate=reader.certificate)
        if offer is not None:
            session.sni = offer.sni
            session.alpn = offer.alpn
            session.client_versions = tuple(map(version_name, offer.versions))
            if offer.traits is not None:
                session.ja3, session.ja3_raw, session.ja4, session.ja4_raw = fingerprint(offer.traits)
        if answer is not None:
            session.version = version_name(answer.version)
            session.cipher = cipher_name(answer.suite)
        if reader.oddities:
            session.oddities.update(reader.oddities)
        intact = complete and not any(reader.damaged)
        refused = False
        for side, walk in enumerate(self._walks):
            oddity = walk.oddity
            if oddity is not None:
                # A server that answers a ClientHello in clear text does not speak TLS here.
                refused = side == SERVER and offer is not None and oddity == NOT_TLS
                name = "tls-to-plain" if refused else oddity
                session.oddities[name] = session.oddities.get(name, 0) + 1
                intact = False
        session.established = False if refused else reader.establishment.verdict(complete=intact)
        if clues is not None and session.established is not False:
            session.inference = reader.infer(clues)
        session.client_certificate = reader.showed_certificate
        return session


class _Reader:
    """Reads the records of both sides: a :class:`~analyzer.tls.record_layer.RecordObserver`.

    Every record passes :meth:`record` (bulk as one); whatever is to be learned from record sizes hooks in there.
    """

    __slots__ = (
        "_alerts",
        "_keys",
        "_messages",
        "_retry",
        "alert",
        "certificate",
        "client_certificate",
        "client_hello",
        "damaged",
        "establishment",
        "log",
        "oddities",
        "resumed",
        "server_hello",
    )

    def __init__(self) -> None:
        self.establishment = Establishment()
        self.oddities: dict[str, int] = {}
        self.client_hello: ClientHello | None = None
        self.server_hello: ServerHello | None = None
        self.certificate: Certificate | None = None
        self.alert: str | None = None
        self.resumed: bool | None = None
        self.client_certificate: bool | None = None
        self.log = RecordLog()
        self.damaged = [False, False]
        self._keys = [_PLAIN, _PLAIN]
        # None once a side's plaintext messages have nothing more to tell, or cannot be followed any more.
        self._messages: list[HandshakeReader | None] = [HandshakeReader(), HandshakeReader()]
        self._alerts = [b"", b""]
        self._retry = False

    def record(self, side: int, kind: int, length: int) -> bool:
        if not length:
            self._count("tls-empty-record")
        elif kind == APPLICATION_DATA:
            if not self.establishment.proven:
                self.establishment.application_data(side, length)
            self.log.application_data(side, length)
        elif kind == HANDSHAKE:
            if self._keys[side] == _PLAIN:
                return self._messages[side] is not None
            if self._keys[side] == _ENCRYPTED:
                self.establishment.finished(side)
                self.log.handshake(side, length)
        elif kind == CHANGE_CIPHER_SPEC:
            self._change_cipher_spec(side)
        elif kind == ALERT:
            self._alerts[side] = b""
            return length == 2  # encrypted ones are longer
        return False

    def payload(self, side: int, kind: int, piece: bytes) -> None:
        if kind == ALERT:
            self._alerts[side] += piece
            if len(self._alerts[side]) == 2:
                self._alert(*self._alerts[side])
            return
        messages = self._messages[side]
        if messages is None:
            return
        for message, body in messages.feed(piece):
            self._message(side, message, body)
            if self._messages[side] is None:
                return

    def ssl2_client_hello(self, side: int, version: int) -> None:
        if side == CLIENT:
            self._count("sslv2-hello")
            self._offered(ClientHello(legacy_version=version, versions=(version,)))

    def payload_lost(self, side: int) -> None:
        self.damaged[side] = True
        self._messages[side] = None

    def records_lost(self, side: int) -> None:
        self.payload_lost(side)
        if self._keys[side] == _PLAIN:
            self._keys[side] = _UNKNOWN

    def _count(self, oddity: str) -> None:
        self.oddities[oddity] = self.oddities.get(oddity, 0) + 1

    def _change_cipher_spec(self, side: int) -> None:
        if side == SERVER:
            if self._retry:  # sent for middleboxes (RFC 8446 appendix D.4); the ServerHello still comes in clear
                return
            answer = self.server_hello
            read = self.resumed is None and self._messages[SERVER] is not None
            if answer is not None and answer.version < TLS_1_3 and read:
                # Every message since the ServerHello was read and neither a certificate nor ServerHelloDone was
                # among them: the abbreviated handshake of RFC 5246 section 7.3 (tickets: RFC 5077 section 3.1).
                self.resumed = True
        self._keys[side] = _ENCRYPTED
        self._messages[side] = None

    def _alert(self, level: int, description: int) -> None:
        if level == FATAL:
            self.alert = self.alert or alert_name(description)
            self.establishment.failed = True

    def _message(self, side: int, message: int, body: bytes | None) -> None:
        if message in (CLIENT_HELLO, SERVER_HELLO):
            if (message == CLIENT_HELLO) != (side == CLIENT):
                self._count("tls-hello-from-wrong-side")
            elif body is None:
                self._count("tls-hello-too-long")
            elif side == CLIENT:
                self._client_hello(body)
            else:
                self._server_hello(body)
        elif side == SERVER and message in (CERTIFICATE, SERVER_HELLO_DONE):
            self.resumed = False
            if message == CERTIFICATE and body is None:  # it begins
                return
            self._messages[SERVER] = None
            if body is not None:
                self._server_certificate(body)
        elif side == CLIENT and message == CERTIFICATE_VERIFY:  # only a certificate makes it send one
            self.client_certificate = True

    def _client_hello(self, body: bytes) -> None:
        hello = parse_client_hello(body)
        if hello is None or hello.malformed:
            self._count("tls-hello-malformed")
        # A second ClientHello answers a HelloRetryRequest and offers the same (RFC 8446 section 4.1.2).
        if hello is not None and self.client_hello is None:
            self._offered(hello)

    def _offered(self, hello: ClientHello) -> None:
        self.client_hello = hello
        self.establishment.early_data = hello.early_data or hello.malformed
        if hello.early_data:
            self._count("tls-early-data-offered")

    def _server_hello(self, body: bytes) -> None:
        hello = parse_server_hello(body)
        if hello is None or hello.malformed:
            self._count("tls-hello-malformed")
        if hello is None or self.server_hello is not None:
            return
        self.establishment.version = hello.version
        self._retry = hello.retry
        if hello.retry:
            self._count("tls-hello-retry")
            return
        self.server_hello = hello
        if hello.version >= TLS_1_3:
            self.resumed = hello.psk
            self._messages = [None, None]

    def _server_certificate(self, body: bytes) -> None:
        self.certificate = parse_certificate(body)
        if self.certificate is None or self.certificate.malformed:
            self._count("tls-certificate-malformed")

    def infer(self, clues: Clues) -> Inference:
        """What the sizes of the records say of the dialogue inside."""
        offer, answer = self.client_hello, self.server_hello
        if clues.flaw is not None:
            return abstain(clues.flaw)
        if any(self.damaged):
            return abstain("gap")
        if offer is None or answer is None:
            return abstain("mid-stream")
        if answer.compressed:
            return abstain("compression")
        if answer.psk and offer.early_data:
            return abstain("early-data")
        try:
            dialogue = dialogue_of(self.log, answer.version, answer.suite, client_first=clues.client_first)
        except Unreadable as finding:
            return abstain(str(finding))
        if dialogue.client_certificate is not None:  # else the handshake was in the clear, and has told
            self.client_certificate = dialogue.client_certificate
        certificate = self.client_certificate is True
        return infer(dialogue, clues, client_certificate=certificate, whole=not self.log.overflow)

    @property
    def showed_certificate(self) -> bool | None:
        """Whether the client showed a certificate, as far as can be told."""
        answer = self.server_hello
        told = answer is not None and answer.version < TLS_1_3 and not any(self.damaged)
        return False if self.client_certificate is None and told else self.client_certificate
