"""The tshark program, run through pyshark.

pyshark starts the process and looks after it, but makes an object of every field of every packet, which takes
minutes for what tshark reads in seconds. So tshark is asked for few fields of few packets, and its lines are read
here, many at a time. pyshark needs an event loop of its own that nobody else is running, so each reading has one, in
a thread; the caller goes on meanwhile.

tshark must be told which ports carry SMTP, and then sees no TLS from the first byte on them. So every port is read as
what it customarily carries, and only if something else shows itself there, the capture is read once more the other
way round. (Ports 25 and 587 need no second reading: tshark knows them, and looks for TLS there first.)
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final

from packaging.version import Version
from pyshark import FileCapture
from pyshark.capture.capture import TSharkCrashException

from analyzer.errors import UsageError
from analyzer.verify.peer import PeerSessions
from analyzer.verify.records import PeerSession
from analyzer.verify.rows import FIELDS, SHOWING, UNTOLD_SMTP, UNTOLD_TLS, Fingerprints, Row, RowParser

OLDEST: Final = (4, 0)
"""The oldest tshark whose fields and decoding of AUTH this was tested with."""

MAX_LINE: Final = 1 << 20
"""Bytes of one line of output; an honest one has a few KB. Longer ones are dropped and counted."""

TLS_PORTS: Final = frozenset((465, 2465))
"""Where TLS from the first byte is customary (RFC 8314 section 3.3; the second by providers' custom)."""

_KNOWN_PORTS: Final = frozenset((25, 587))

_CHUNK: Final = 1 << 18
_ERROR_BYTES: Final = 4096
"""Bytes kept of what tshark says on standard error."""

_INSTALL: Final = (
    "install it (Debian, Ubuntu: apt install tshark; Fedora: dnf install wireshark-cli; macOS: brew install wireshark)"
    " or name it with --tshark FILE"
)

_PREFERENCES: Final = {
    # Where the user's own settings could change what is decoded.
    "tcp.desegment_tcp_streams": "TRUE",
    "tcp.reassemble_out_of_order": "TRUE",
    "tcp.try_heuristic_first": "TRUE",  # TLS shows itself by its bytes on ports that are set to SMTP
    "tls.desegment_ssl_records": "TRUE",
    "smtp.desegment_lines": "TRUE",
    "smtp.desegment_data": "FALSE",  # message text is of no interest, and costs memory
    "smtp.decryption": "TRUE",  # means: decode the base64 of user names
}

_VERSION: Final = re.compile(r"^(?:Running as[^\n]*\n)*TShark\b[^\n]*?(\d+)\.(\d+)(?:\.(\d+))?")


@dataclass(frozen=True, slots=True)
class Tshark:
    """A tshark program that is there and new enough; ``version`` as in ``4.0.17``."""

    path: str
    version: str


def find_tshark(given: str | None = None) -> Tshark:
    """The tshark to use: ``given`` by the user, else the one installed.

    Raises:
        UsageError: there is none, it cannot be run, or it is too old.
    """
    path = shutil.which(given or "tshark")
    if path is None and given is None:
        path = shutil.which("/Applications/Wireshark.app/Contents/MacOS/tshark")
    if path is None:
        problem = f"{given!r} is not a program" if given else "verify needs tshark, which is not installed"
        raise UsageError(f"{problem}; {_INSTALL}")
    try:
        asked = subprocess.run(  # noqa: S603 - what the user named, or what is installed
            [path, "--version"], capture_output=True, timeout=60, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise UsageError(f"{path!r} cannot be run ({_reason(error)}); {_INSTALL}") from None
    found = _VERSION.match(asked.stdout.decode("utf-8", "replace"))
    if found is None:
        raise UsageError(f"{path!r} is not tshark; {_INSTALL}")
    version = ".".join(part for part in found.groups() if part is not None)
    if (int(found[1]), int(found[2])) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise UsageError(f"{path!r} is tshark {version}, verify needs {oldest} or newer; {_INSTALL}")
    return Tshark(path, version)


class LineSplitter:
    """Cuts a stream of bytes into lines of bounded length.

    Attributes:
        dropped: lines that were longer than :data:`MAX_LINE`.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._dropping = False
        self.dropped = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that ``chunk`` completes, without their ends."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if self._dropping and lines:
            self._dropping = False
            del lines[0]
        if len(self._rest) > MAX_LINE:
            self.dropped += not self._dropping
            self._dropping, self._rest = True, b""
        return lines


class TsharkReading:
    """One capture on its way through tshark, in a thread of its own.

    Use as a context manager: leaving it ends the process, whatever happened.

    Args:
        tshark: see :func:`find_tshark`.
        path: a regular file.
        ports: TCP ports of interest.
    """

    def __init__(self, tshark: Tshark, path: str, ports: Iterable[int]) -> None:
        self._tshark = tshark
        self._path = path
        self._ports = sorted(ports)
        self._parser = RowParser(Fingerprints())
        self._sessions = PeerSessions()
        self._loop = asyncio.new_event_loop()
        self._task = self._loop.create_task(self._read())
        self._thread = ThreadPoolExecutor(1, "tshark")
        self._done = self._thread.submit(self._run)

    @property
    def fingerprints(self) -> Fingerprints:
        """Makes user names comparable with those of the sessions."""
        return self._parser.fingerprints

    def finish(self) -> tuple[list[PeerSession], str | None]:
        """Wait for the end: the sessions, and what went wrong, as a sentence fragment for the user, or ``None``."""
        fault = self._done.result()
        return self._sessions.sessions(), fault

    def __enter__(self) -> TsharkReading:
        """Nothing to do."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End the process if it still runs."""
        if not self._done.done():
            with contextlib.suppress(RuntimeError):  # the loop closed itself in this very moment
                self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.shutdown()

    def _run(self) -> str | None:
        try:
            return self._loop.run_until_complete(self._task)
        except asyncio.CancelledError:
            return "it was interrupted"
        finally:
            self._loop.close()

    async def _read(self) -> str | None:
        customary = [port for port in self._ports if port not in TLS_PORTS]
        others = [port for port in self._ports if port in TLS_PORTS]
        untold = _either(
            _on_ports(set(customary) - _KNOWN_PORTS, UNTOLD_TLS),
            _on_ports(others, UNTOLD_SMTP),
        )
        fault = await self._pass(customary, untold, self._sessions.add)
        if fault is None and self._sessions.unfit:
            fault = await self._pass(others, None, self._sessions.second_reading())
        if fault is None and self._parser.unreadable:
            fault = f"{self._parser.unreadable:,} lines of tshark's output were not understood"
        return fault

    async def _pass(self, smtp_ports: list[int], untold: str | None, take: Callable[[Row], None]) -> str | None:
        parse = self._parser.parse

        def line_read(line: bytes) -> None:
            row = parse(line)
            if row is not None:
                take(row)

        # A segment quoted in an ICMP error is not traffic.
        wanted = f"{_on_ports(self._ports, _either(SHOWING, untold))} && !icmp && !icmpv6"
        capture = _FieldCapture(self._tshark, self._path, wanted, smtp_ports, self._loop)
        try:
            await capture.packets_from_tshark(line_read)
        except TSharkCrashException:
            pass  # our own message says more
        except OSError as error:
            return f"tshark could not be started ({_reason(error)})"
        finally:
            capture.forget()
        return capture.fault()


class _FieldCapture(FileCapture):  # type: ignore[misc]  # pyshark ships no types
    """pyshark's capture file, with tshark's lines handed on as they are in place of packet objects."""

    def __init__(
        self,
        tshark: Tshark,
        path: str,
        wanted: str,
        smtp_ports: list[int],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(
            input_file=path,
            keep_packets=False,
            use_ek=True,
            display_filter=wanted,
            decode_as={**{f"tcp.port=={port}": "smtp" for port in smtp_ports}, "udp.port==8472": "vxlan"},
            disable_protocol="imf",  # message text
            override_prefs=_PREFERENCES,
            custom_parameters=[word for name in FIELDS for word in ("-e", name)],
            # Given a loop, pyshark does not touch the process-wide policy and its deprecated child watchers.
            eventloop=loop,
        )
        self._tshark = tshark
        self._splitter = LineSplitter()
        self._said = b""
        self._exit: int | None = None

    def fault(self) -> str | None:
        """What went wrong, as a sentence fragment, or ``None``."""
        if self._exit == 0:
            dropped = self._splitter.dropped
            return f"{dropped:,} packets of absurd size were left out" if dropped else None
        lines = self._said.decode("utf-8", "replace").splitlines()
        said = [line.strip() for line in lines if line.strip() and not line.startswith("Running as user")]
        if self._exit is not None and self._exit < 0:
            return f"tshark crashed (signal {-self._exit})"
        if not said:
            return f"tshark stopped with exit code {self._exit}"
        # tshark names the file as it was given to it, which may be a copy of ours.
        reason = said[-1].removeprefix("tshark: ").replace(f'The file "{self.input_filepath}"', "it").rstrip(".")
        return f"tshark stopped: {reason}"

    def forget(self) -> None:
        """The process is gone; without this, pyshark would look for it again when the object is collected."""
        self._running_processes.clear()

    # pyshark's own versions search the current folder for a configuration file, and replace the name given by "tshark".
    def _get_tshark_path(self) -> str:
        return self._tshark.path

    def _get_tshark_version(self) -> Version:
        return Version(self._tshark.version)

    async def _go_through_packets_from_fd(
        self, fd: asyncio.StreamReader, packet_callback: Callable[[bytes], None], packet_count: int | None = None
    ) -> None:
        (process,) = self._running_processes
        try:
            while chunk := await fd.read(_CHUNK):
                for line in self._splitter.feed(chunk):
                    packet_callback(line)
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            raise
        finally:
            # What a killed process left in the pipe must go, or the pipe stays open; and pyshark kills whatever it
            # still finds running, which would cost us the exit code.
            while await fd.read(_CHUNK):
                pass
            self._exit = await process.wait()

    async def _handle_process_stderr_forever(self, stderr: asyncio.StreamReader) -> None:
        while chunk := await stderr.read(_ERROR_BYTES):
            self._said = (self._said + chunk)[-_ERROR_BYTES:]


def _either(*filters: str | None) -> str:
    return "(" + " || ".join(text for text in filters if text) + ")"


def _on_ports(ports: Iterable[int], text: str) -> str | None:
    """Display filter ``text`` on ``ports`` only; ``None`` where there are none."""
    on = " || ".join(f"tcp.port == {port}" for port in sorted(ports))
    return f"(({on}) && {text})" if on else None


def _reason(error: Any) -> str:
    return getattr(error, "strerror", None) or type(error).__name__
