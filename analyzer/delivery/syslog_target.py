"""Which syslog server, and how to reach it: ``udp://HOST:514``, ``tcp://HOST:514``, ``tls://HOST:6514?ca=FILE``."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from analyzer.errors import UsageError

Scheme = Literal["udp", "tcp", "tls"]

DEFAULT_PORTS: dict[Scheme, int] = {"udp": 514, "tcp": 514, "tls": 6514}
"""RFC 5426 section 3.3; RFC 6587 section 3.1 names none, and servers use the same number; RFC 5425 section 4.1."""

_FORMS = "use udp://HOST:514, tcp://HOST:514 or tls://HOST:6514?ca=FILE"


@dataclass(frozen=True, slots=True)
class SyslogTarget:
    """A syslog server.

    Attributes:
        host: name or address, without brackets.
        tls: for ``tls``, how its certificate is checked; ``None`` otherwise.
    """

    scheme: Scheme
    host: str
    port: int
    tls: ssl.SSLContext | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def syslog_target(url: str) -> SyslogTarget:
    """Read a URL; where it names no port, the scheme's.

    The server's certificate must be good for ``HOST`` (RFC 5425 section 5.2) and signed by one in ``ca`` (PEM), or
    where that is not given by one that this system trusts.

    Raises:
        UsageError: it is no such URL, or the file cannot be used.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        host and host.encode("idna")
    except ValueError:  # brackets, the port, or a name that no DNS has
        raise _wrong(url, "its host or port is not valid") from None
    if parts.scheme not in DEFAULT_PORTS:
        raise _wrong(url, "it begins with none of udp://, tcp:// and tls://")
    if not host or port == 0:
        raise _wrong(url, "it names no host" if not host else "its host or port is not valid")
    if parts.path.strip("/") or parts.fragment or "@" in parts.netloc:
        raise _wrong(url, "it holds more than host, port and ca")
    scheme = parts.scheme
    options = parse_qsl(parts.query, keep_blank_values=True)
    if [name for name, _ in options] not in ([], ["ca"]):
        raise _wrong(url, "it has an option other than ca, or several")
    if ("ca", "") in options:
        raise _wrong(url, "ca names no file")
    if scheme != "tls":
        if options:
            raise _wrong(url, "ca goes with tls:// alone")
        return SyslogTarget(scheme, host, port or DEFAULT_PORTS[scheme])
    return SyslogTarget(scheme, host, port or DEFAULT_PORTS[scheme], _tls(options[0][1] if options else None))


def _tls(ca: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        holds_none = isinstance(error, ssl.SSLError)
        problem = "it holds no certificates (PEM)" if holds_none else getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{ca or repr(ca)}: cannot be used to check a syslog server ({problem})") from None


def _wrong(url: str, problem: str) -> UsageError:
    return UsageError(f"{url or repr(url)}: no syslog server: {problem}; {_FORMS}")
