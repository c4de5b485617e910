"""A small DNS server on loopback, which says what it is told to and remembers what it was asked."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import dns.message
import dns.rcode
import dns.rrset

from analyzer.reverse_dns import NameServer

Answers = dict[str, list[str] | str | bytes]
"""By reverse name: names, an RCODE, or the whole message behind the query's number."""


class Asked:
    """The server while it runs.

    Attributes:
        server: its address. names: what it was asked for, in order.
    """

    def __init__(self, server: NameServer) -> None:
        self.server = server
        self.names: list[str] = []


@contextmanager
def name_server(answers: Answers) -> Iterator[Asked]:
    """Runs until the block ends. The answer ``SILENCE`` is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        asked = Asked(NameServer(*listener.getsockname()))

        def serve() -> None:
            while True:
                data, client = listener.recvfrom(4096)
                if not data:
                    return
                query = dns.message.from_wire(data)
                name = query.question[0].name.to_text()
                asked.names.append(name)
                said = answers.get(name, "NXDOMAIN")
                if said != "SILENCE":
                    listener.sendto(data[:2] + said if isinstance(said, bytes) else _reply(query, said), client)

        thread = Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield asked
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
                end.sendto(b"", asked.server)
            thread.join()


def _reply(query: dns.message.Message, said: list[str] | str) -> bytes:
    response = dns.message.make_response(query)
    if isinstance(said, str):
        response.set_rcode(dns.rcode.from_text(said))
    else:
        response.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "PTR", *said))
    return response.to_wire()
