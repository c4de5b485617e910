"""Syslog servers for tests: rsyslogd itself, and one of Python that does what no good server does."""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PATIENCE = 20.0
"""Seconds after which a test has failed; a loaded machine may be slow."""

RSYSLOGD = shutil.which("rsyslogd", path="/usr/sbin:/sbin:/usr/bin")
needs_rsyslogd = pytest.mark.skipif(RSYSLOGD is None, reason="rsyslogd is not installed")
needs_rsyslogd_tls = pytest.mark.skipif(
    not any(Path("/usr/lib").glob("*/rsyslog/lmnsd_ossl.so")), reason="rsyslog-openssl is not installed"
)

_LISTENING = "0A"

_CONFIG = """
global(workDirectory="{folder}"{tls})
module(load="imudp")
module(load="imtcp"{driver})
input(type="imudp" address="{host}" port="{port}")
input(type="imtcp" address="{host}" port="{port}")
template(name="all" type="string" string="%pri%|%app-name%|%msgid%|%hostname%|%structured-data%|%msg%\\n")
action(type="omfile" file="{folder}/log" template="all")
"""


def eventually(holds: Callable[[], object]) -> None:
    """Wait until ``holds``."""
    until = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.01)


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody uses now, neither by TCP nor by UDP."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while True:
        with socket.socket(family) as one, socket.socket(family, socket.SOCK_DGRAM) as other:
            one.bind((host, 0))
            port: int = one.getsockname()[1]
            with contextlib.suppress(OSError):
                other.bind((host, port))
                return port


class Rsyslogd:
    """rsyslogd in the foreground, on loopback, for UDP and TCP (or TLS) on one port."""

    def __init__(
        self, folder: Path, host: str = "127.0.0.1", certificate: tuple[Path, Path, Path] | None = None
    ) -> None:
        self.host, self.port, self._folder = host, free_port(host), folder
        tls = driver = ""
        if certificate is not None:
            ca, server, key = certificate
            tls = f' defaultNetstreamDriver="ossl" defaultNetstreamDriverCAFile="{ca}"'
            tls += f' defaultNetstreamDriverCertFile="{server}" defaultNetstreamDriverKeyFile="{key}"'
            driver = ' streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="anon"'
        config = _CONFIG.format(folder=folder, host=host, port=self.port, tls=tls, driver=driver)
        (folder / "rsyslog.conf").write_text(config)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run it, and wait until it listens."""
        assert RSYSLOGD is not None
        command = [RSYSLOGD, "-n", "-f", str(self._folder / "rsyslog.conf"), "-i", str(self._folder / "pid")]
        with (self._folder / "stderr").open("wb") as errors:
            self._process = subprocess.Popen(command, stdout=errors, stderr=errors)
        eventually(self._listens)

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "stderr").read_text()
        # Not by connecting: rsyslogd would wait for that connection's TLS.
        rows = [row.split() for path in Path("/proc/net").glob("tcp*") for row in path.read_text().splitlines()[1:]]
        return any(row[1].endswith(f":{self.port:04X}") and row[3] == _LISTENING for row in rows)

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE)
            self._process = None

    def log(self) -> list[list[str]]:
        """What it wrote: priority, program, message id, host, structured data, text of each message."""
        path = self._folder / "log"
        return [line.split("|") for line in path.read_text().splitlines()] if path.exists() else []

    def __enter__(self) -> Rsyslogd:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Collector:
    """Takes connections one after another, and keeps what each one sent; ``deaf`` ones are never read.

    Args:
        certificate: speaks TLS with it.
    """

    def __init__(self, certificate: tuple[Path, Path] | None = None, *, deaf: bool = False, port: int = 0) -> None:
        self._listener = socket.socket()
        if deaf:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # soon full
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", port))
        self._listener.listen()
        self.port: int = self._listener.getsockname()[1]
        self._tls = None
        if certificate is not None:
            self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            self._tls.load_cert_chain(*certificate)
        self._deaf = deaf
        self.received: list[bytes] = []
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError):
                if self._tls is not None:
                    connection = self._tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
                self.received.append(b"")
                while not self._deaf and (data := connection.recv(65536)):
                    self.received[-1] += data
                if not self._deaf:
                    connection.close()

    def hang_up(self) -> None:
        """Close every connection, and go on listening."""
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self._open = []

    def close(self) -> None:
        """End."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()
        self._thread.join()


@contextlib.contextmanager
def collector(
    certificate: tuple[Path, Path] | None = None, *, deaf: bool = False, port: int = 0
) -> Iterator[Collector]:
    """A server for the time of a block."""
    server = Collector(certificate, deaf=deaf, port=port)
    try:
        yield server
    finally:
        server.close()
