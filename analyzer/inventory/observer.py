"""Listens to one conversation and says, when it is over, what session it was.

The bytes decide which protocol is spoken, whatever the port: SMTP, TLS from the start, or SMTP that turns into
TLS; each side by itself, since only one may have been captured. Where no SYN told who the client is, the bytes
decide that too: who greets with 220, who says EHLO, who sends a ClientHello.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address

from analyzer.inventory.findings import session_findings
from analyzer.inventory.judgement import judge
from analyzer.inventory.providers import provider_of
from analyzer.inventory.session import Session, TlsMode
from analyzer.smtp import DialogueParser, looks_like_client, looks_like_server
from analyzer.smtp.records import Dialogue
from analyzer.streams import CLIENT, SERVER, Conversation, Turns
from analyzer.tls import Clues, TlsSession, TlsTracker, looks_like_tls

MAX_UNDECIDED = 16
"""Pieces of payload looked at before the protocol and the roles must be clear. A conversation that began before
the capture may show a whole chunk of message text first; beyond that the port decides."""

MAX_UNDECIDED_BYTES = 16 << 10

_HANDSHAKE, _CLIENT_HELLO, _SERVER_HELLO = 0x16, 1, 2  # RFC 8446 sections 5.1 and 4
_RELAY_PORT = 25
_IMPLICIT_TLS_PORTS = frozenset({465, 2465})  # RFC 8314 section 3.3; the second by providers' custom

_Event = tuple[int, bytes | None, int | None, int]  # side, data or None for a gap, size of the gap, time


class SessionObserver:
    """Receives one conversation's bytes; see :class:`analyzer.streams.Listener`.

    Args:
        conversation: the conversation as it stands when its first payload arrives.
    """

    __slots__ = (
        "_certain",
        "_dialogue",
        "_flip",
        "_from_start",
        "_in_tls",
        "_start",
        "_tls",
        "_tls_mode",
        "_torn",
        "_undecided",
    )

    def __init__(self, conversation: Conversation) -> None:
        self._start = conversation.start
        self._certain = conversation.roles_certain
        client, server = conversation.directions
        self._from_start = client.first is not None or server.first is not None
        self._flip = 0
        self._dialogue: DialogueParser | None = None
        self._tls: TlsTracker | None = None
        self._tls_mode: TlsMode | None = "none"
        self._in_tls = [False, False]
        self._torn = 0  # a bit for each side: bytes are missing, and what followed may be no longer in the clear
        self._undecided: list[_Event] = []

    def turns(self, turns: Turns) -> None:
        """The next bytes of both sides."""
        at, count = 0, len(turns.sides)
        while at < count and self._dialogue is None and self._tls is None:
            self._wait((turns.sides[at] ^ self._flip, turns.payload(at), None, turns.times[at]), last=False)
            at += 1
        sides = [1 - side for side in turns.sides] if self._flip else turns.sides
        while at < count and not all(self._in_tls):
            if self._dialogue is not None and not any(self._in_tls) and not self._torn:
                # The conversation's start, not the packet's time: how packets are joined to turns must not show.
                at, rest = self._dialogue.follow(sides, turns.payload, at, self._start)
                if rest is not None:
                    self._begin_tls(sides[at], rest, turns.times[at])
            else:
                self._hear(sides[at], turns.payload(at), turns.times[at])
            at += 1
        if at < count and self._tls is not None:
            self._tls.follow(sides, turns.lengths, turns.heads, turns.payload, at)

    def _hear(self, side: int, data: bytes, time: int) -> None:
        if self._dialogue is not None and not self._in_tls[side]:
            rest = self._dialogue.feed(side, data, self._start)
            if rest is not None:
                self._begin_tls(side, rest, time)
            elif not any(self._in_tls):
                self._torn &= ~(1 << side)
        elif self._tls is not None:
            self._tls.feed(side, data, time)

    def gap(self, side: int, size: int | None, time: int) -> None:
        """Bytes of ``side`` are missing."""
        side ^= self._flip
        if self._dialogue is not None and not self._in_tls[side]:
            self._dialogue.gap(side, size, time)
            self._torn |= 1 << side
        elif self._tls is not None:
            self._tls.gap(side, size, time)
        else:
            self._wait((side, None, size, time), last=False)

    # --- which protocol, and who is who ------------------------------------------------------------

    def _wait(self, event: _Event | None, *, last: bool) -> None:
        """Keep ``event`` until the protocol and the roles are clear, or must be."""
        events = self._undecided
        if event is not None:
            events.append(event)
        pieces = [(side, data) for side, data, _, _ in events if data is not None]
        must = last or len(events) >= MAX_UNDECIDED or sum(len(data) for _, data in pieces) >= MAX_UNDECIDED_BYTES
        is_tls = looks_like_tls(pieces[0][1]) if pieces else None
        if is_tls is None and not must:
            return
        if not self._certain:
            signs = (_flipped(side, data, is_tls) for side, data in pieces)
            flip = next((sign for sign in signs if sign is not None), None)
            if flip is None and not must:
                return
            self._flip = flip or 0
        if is_tls:
            self._tls = TlsTracker()
            self._in_tls = [True, True]
        else:
            self._dialogue = self._parser()
        self._undecided = []
        if is_tls:
            self._tls_mode = "implicit" if _is_hello(pieces[0][1]) else None
        for side, data, size, time in events:
            if data is None:
                self.gap(side, size, time)
            else:
                self._hear(side ^ self._flip, data, time)

    def _parser(self) -> DialogueParser:
        """What follows the dialogue in the clear."""
        return DialogueParser(from_start=self._from_start)

    def _begin_tls(self, side: int, rest: bytes, time: int) -> None:
        if self._tls is None:
            self._tls = TlsTracker()
        self._tls_mode = "starttls"
        self._in_tls[side] = True
        if self._torn >> side & 1 and looks_like_tls(rest) is False:
            self._tls.gap(side, None, time)  # TLS began in the missing bytes
        self._tls.feed(side, rest, time)

    # --- the session -------------------------------------------------------------------------------

    @property
    def so_far(self) -> Dialogue | None:
        """What has been read in the clear, with the very attempts that :meth:`finish` will return; ``None`` while there
        is nothing, or nothing certain."""
        return self._dialogue.so_far if self._dialogue is not None else None

    def finish(self, conversation: Conversation, source: str) -> Session:
        """The session; one that is neither SMTP nor TLS has ``is_smtp`` false and nothing else to say."""
        if self._undecided:
            self._wait(None, last=True)
        client, server = (SERVER, CLIENT) if self._flip else (CLIENT, SERVER)
        dialogue = self._dialogue.finish() if self._dialogue is not None else Dialogue()
        complete = conversation.complete
        port = conversation.ports[server]
        if self._tls_mode == "starttls" and not (
            dialogue.starttls.requested or dialogue.ehlo or dialogue.auth_may_be_hidden
        ):
            self._tls_mode = "implicit"  # the client began with TLS, whatever the server greeted it with
        if self._tls_mode is None and port in _IMPLICIT_TLS_PORTS:
            self._tls_mode = "implicit"  # joined midway: nobody says STARTTLS there
        clues = _clues(dialogue, self._tls_mode, port, conversation)
        tls = self._finish_tls(complete=complete, clues=clues)
        if tls.established is None and complete and self._tls is not None and not self._in_tls[SERVER]:
            tls.established = False  # the server went on in SMTP
        shown = tls.certificate.hosts if tls.certificate is not None else ()
        oddities = conversation.oddities.copy()
        for more in (dialogue.oddities, tls.oddities):
            for name, count in more.items():
                oddities[name] = oddities.get(name, 0) + count
        session = Session(
            start=conversation.start,
            end=conversation.end,
            source=source,
            client_ip=address_text(conversation.addresses[client]),
            client_port=conversation.ports[client],
            server_ip=address_text(conversation.addresses[server]),
            server_port=port,
            client_mac=conversation.macs[client],
            server_mac=conversation.macs[server],
            client_ttl=None if self._flip else conversation.ttl,
            ehlo=dialogue.ehlo,
            server_name=dialogue.server_name,
            greeting=dialogue.greeting,
            provider=provider_of(tls.sni, dialogue.server_name, dialogue.greeting, shown),
            tls_mode=self._tls_mode,
            tls_version=tls.version,
            tls_cipher=tls.cipher,
            tls_sni=tls.sni,
            tls_established=tls.established,
            tls_alert=tls.alert,
            tls_resumed=tls.resumed,
            tls_alpn=tls.alpn,
            tls_client_versions=tls.client_versions,
            tls_ja3=tls.ja3,
            tls_ja3_raw=tls.ja3_raw,
            tls_ja4=tls.ja4,
            tls_ja4_raw=tls.ja4_raw,
            tls_certificate=tls.certificate,
            auth=dialogue.auth,
            starttls=dialogue.starttls,
            mechanisms_before_tls=dialogue.mechanisms_before_tls,
            mechanisms_after_tls=dialogue.mechanisms_after_tls,
            messages=dialogue.messages,
            mail_program=dialogue.mail_program,
            auth_required=dialogue.auth_required,
            is_smtp=dialogue.is_smtp,
            complete=complete,
            gaps=conversation.gaps,
            server_side_seen=conversation.directions[server].payload > 0,
            client_side_seen=conversation.directions[client].payload > 0,
            oddities=oddities,
            serial=conversation.directions[client].first,
        )
        finished = any(direction.finished for direction in conversation.directions)
        inside = tls.inference if self._tls is not None and session.tls_established is not False else None
        ended = dialogue.ended or conversation.reset or finished
        judge(session, dialogue, inside, spoke_smtp=self._dialogue is not None, ended=ended)
        session.findings = session_findings(session)
        return session

    def _finish_tls(self, *, complete: bool, clues: Clues) -> TlsSession:
        return self._tls.finish(complete=complete, clues=clues) if self._tls is not None else TlsSession()


def _clues(dialogue: Dialogue, tls_mode: TlsMode | None, port: int, conversation: Conversation) -> Clues:
    """What the rest of the conversation says about what was said inside TLS."""
    client, server = conversation.directions
    flaw = None
    if conversation.gaps or client.behind or server.behind:
        flaw = "gap"
    elif client.first is None or server.first is None:
        flaw = "mid-stream"
    return Clues(
        flaw=flaw,
        submission=port != _RELAY_PORT,
        client_first=tls_mode == "starttls",
        ended=conversation.complete,
        ehlo_size=dialogue.ehlo_size,
        ehlo_reply_size=dialogue.ehlo_reply_size,
        offered=dialogue.mechanisms_before_tls,
        extensions=dialogue.extensions if dialogue.mechanisms_before_tls is not None else None,
        greeting=dialogue.greeting,
    )


def _flipped(side: int, data: bytes, is_tls: bool | None) -> int | None:
    """1 when ``data`` shows that the roles were guessed wrong, 0 when right, ``None`` when it shows nothing."""
    if is_tls:
        if not _is_hello(data):
            return None
        from_server = data[0] == _HANDSHAKE and data[5] == _SERVER_HELLO
        return side ^ (SERVER if from_server else CLIENT)
    if looks_like_client(data):
        return side ^ CLIENT
    if looks_like_server(data):
        return side ^ SERVER
    return None


def _is_hello(data: bytes) -> bool:
    if data[:1] != bytes((_HANDSHAKE,)):
        return data[:1] >= b"\x80"  # a ClientHello in SSL 2.0's clothes, RFC 5246 appendix E.2
    return len(data) > 5 and data[5] in (_CLIENT_HELLO, _SERVER_HELLO)


@lru_cache(maxsize=16384)
def address_text(number: int) -> str:
    """Canonical text of a 128-bit address; IPv4 where it is mapped (RFC 5952, RFC 4291 section 2.5.5.2)."""
    address = IPv6Address(number)
    return str(address.ipv4_mapped or address)
