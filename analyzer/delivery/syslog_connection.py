"""How messages travel to a syslog server: datagrams (RFC 5426), TCP (RFC 6587), TLS (RFC 5425)."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Protocol

from analyzer.delivery.syslog_target import SyslogTarget

DOUBT = 1.0
"""Seconds within which a host on the way says that a datagram did not arrive, if it says so at all."""

FAREWELL = 1.0
"""Seconds that a server has to answer the end of TLS."""

_IGNORED = 4096


class Connection(Protocol):
    """A way to the server.

    Attributes:
        ended: done when it is of no use any more.
    """

    ended: asyncio.Future[None]

    async def send(self, message: bytes) -> None:
        """Hand ``message`` to the system.

        Raises:
            OSError: it cannot be sent.
        """

    async def confirm(self) -> None:
        """Wait until it is plausible that what was sent arrived.

        Raises:
            OSError: it did not.
        """

    async def close(self) -> None:
        """It is not needed any more, and is given :data:`FAREWELL` seconds to end well."""


async def connect(target: SyslogTarget) -> Connection:
    """A way to ``target``.

    Raises:
        OSError, ValueError: there is none.
    """
    if target.scheme == "udp":
        loop = asyncio.get_running_loop()
        _, datagrams = await loop.create_datagram_endpoint(_Datagrams, remote_addr=(target.host, target.port))
        return datagrams
    name = target.host if target.tls is not None else None
    return _Stream(*await asyncio.open_connection(target.host, target.port, ssl=target.tls, server_hostname=name))


class _Datagrams(asyncio.DatagramProtocol):
    """One message a datagram. That nobody listens is heard, if at all, after the message is lost."""

    transport: asyncio.DatagramTransport

    def __init__(self) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport

    def error_received(self, error: Exception) -> None:
        if not self.ended.done():
            self.ended.set_exception(error)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)
        self.ended.exception()  # looked at, so that nobody complains that it was not

    async def send(self, message: bytes) -> None:
        self.transport.sendto(message)

    async def confirm(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self.ended), DOUBT)

    async def close(self) -> None:
        self.transport.close()


class _Stream:
    """Each message with its length in front (octet counting: RFC 6587 section 3.4.1, RFC 5425 section 4.3)."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        # What drain() lets pass is with the system, or with TLS on its way there. (At 0, TLS of asyncio would never let
        # anything pass again: it stops writing at the limit, and asks that first.)
        writer.transport.set_write_buffer_limits(high=1, low=0)
        self.ended: asyncio.Future[None] = asyncio.ensure_future(self._until_closed(reader))

    async def _until_closed(self, reader: asyncio.StreamReader) -> None:
        """A server has nothing to say; that it closes is seen by reading alone."""
        with contextlib.suppress(OSError):
            while await reader.read(_IGNORED):
                pass

    async def send(self, message: bytes) -> None:
        self._writer.write(b"%d %b" % (len(message), message))
        await self._writer.drain()

    async def confirm(self) -> None:
        """A connection is confirmation enough."""

    async def close(self) -> None:
        self.ended.cancel()
        self._writer.close()
        try:
            with contextlib.suppress(OSError):
                await asyncio.wait_for(self._writer.wait_closed(), FAREWELL)
        finally:
            self._writer.transport.abort()
