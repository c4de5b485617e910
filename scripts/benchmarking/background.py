"""Everything else on the wire: browsing, file shares, shells and name lookups, short and long-lived."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from .script import Flow, Script


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of traffic.

    Attributes:
        share: how many of a hundred exchanges are of this kind.
        long_lived: connections that last as long as the capture, with so many exchanges in every stretch.
        exchanges: request and answer pairs in a short flow, least and most.
        request, answer: bytes, least and most.
    """

    port: int
    udp: bool
    share: int
    long_lived: int
    exchanges: tuple[int, int]
    request: tuple[int, int]
    answer: tuple[int, int]


KINDS = (
    Kind(443, False, 34, 30, (2, 12), (100, 900), (60, 1_600)),
    Kind(80, False, 8, 10, (1, 4), (150, 700), (200, 1_600)),
    Kind(445, False, 12, 60, (4, 30), (100, 300), (80, 1_500)),
    Kind(22, False, 12, 120, (10, 40), (36, 100), (36, 200)),
    Kind(53, True, 24, 0, (1, 1), (30, 60), (60, 300)),
    Kind(443, True, 10, 20, (4, 30), (40, 300), (100, 1_200)),
)
LONG_LIVED = 40  # connections of each kind that has any
_CLIENTS, _SERVERS = 2_000, 400
_GATEWAY_MAC = 0x00000C07AC02


class Background:
    """Adds stretches of other traffic to scripts; long-lived connections carry on from one to the next."""

    def __init__(self, random: Random) -> None:
        self._random = random
        kinds = [kind for kind in KINDS if kind.long_lived]
        self._lasting = [(kind, self._flow(kind)) for kind in kinds for _ in range(LONG_LIVED)]

    def add(self, script: Script, start: int, duration: int, packets: int) -> None:
        """About ``packets`` packets within ``duration`` microseconds."""
        random, writes = self._random, 0
        for kind, flow in self._lasting:
            script.begin(flow, start + random.randrange(duration // 2))
            pause = duration // 2 // kind.long_lived
            for _ in range(kind.long_lived):
                self._exchange(script, kind, random.randrange(1, max(2, pause)))
        before = len(script.flow)
        budget = packets - int(len(script.flow) * _PACKETS_PER_WRITE)
        while writes < budget:
            kind = random.choices(KINDS, [kind.share for kind in KINDS])[0]
            script.begin(self._flow(kind), start + random.randrange(duration))
            if not kind.udp:
                script.open(random.randrange(300, 20_000))
            for _ in range(random.randint(*kind.exchanges)):
                self._exchange(script, kind, random.randrange(500, 60_000))
            if not kind.udp:
                script.close(by_server=random.random() < 0.5, delay=random.randrange(300, 20_000))
            writes = int((len(script.flow) - before) * _PACKETS_PER_WRITE)

    def _exchange(self, script: Script, kind: Kind, pause: int) -> None:
        random = self._random
        for to_server, (low, high), delay in ((True, kind.request, pause), (False, kind.answer, 400)):
            size = random.randrange(low, high)
            script.bulk(to_server, random.randrange(len(script.stock) - size), size, delay)

    def _flow(self, kind: Kind) -> Flow:
        random = self._random
        client, server = random.randrange(_CLIENTS), random.randrange(_SERVERS)
        return Flow(
            client_mac=0x001B21000000 + client,
            server_mac=_GATEWAY_MAC,
            client_ip=0x0A280000 + client,
            server_ip=0xC6336400 + server % 200 if kind.port in (443, 80) else 0x0A1E0100 + server,
            client_port=random.randrange(32768, 61000),
            server_port=kind.port,
            udp=kind.udp,
            mss=1448 if not kind.udp else 1250,
            isn=(random.getrandbits(32), random.getrandbits(32)),
        )


_PACKETS_PER_WRITE = 1.6  # segments and acknowledgements; measured, to size a stretch
