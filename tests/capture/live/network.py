"""Network namespaces with a veth pair each, and traffic in them: frames sent here, and what tcpdump makes of them."""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from analyzer.capture.frames import FrameBatch
from analyzer.capture.live import LiveCapture
from tests.capture.reading import frames_of, read_paths
from tests.capture.writers import Frame

NEAR, FAR = "near0", "far0"
"""The end that is captured from, and the one that frames are sent into. Further pairs count up: near1, far1."""

_CLONE_NEWNET = 0x40000000
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
_LIBC = ctypes.CDLL(None, use_errno=True)


def can_build_networks() -> bool:
    """With ip(8), in a kernel that has namespaces and veth pairs; as somebody else than root nobody can tell."""
    if os.name != "posix" or os.geteuid() != 0:
        return True
    if shutil.which("ip") is None:
        return False
    probe = f"probe{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", probe], stderr=subprocess.DEVNULL).returncode == 0
    try:
        command = ["ip", "-n", probe, "link", "add", NEAR, "type", "veth", "peer", "name", FAR]
        return made and subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0
    finally:
        subprocess.run(["ip", "netns", "del", probe], stderr=subprocess.DEVNULL)


has_networks = pytest.mark.skipif(
    not can_build_networks(), reason="there is no ip (iproute2), or no network namespaces and veth pairs"
)
"""With :data:`~tests.support.root.needs_root`: for tests that build networks of their own."""
needs_tcpdump = pytest.mark.skipif(shutil.which("tcpdump") is None, reason="tcpdump is not installed")


class Namespace:
    """A network of its own, in which nothing moves that a test did not send."""

    def __init__(self, name: str) -> None:
        self.name = name

    def ip(self, *arguments: str) -> None:
        subprocess.run(["ip", "-n", self.name, *arguments], check=True)

    def add_pair(self, number: int = 0) -> None:
        """``near<number>`` and ``far<number>``, connected and up."""
        near, far = f"near{number}", f"far{number}"
        self.ip("link", "add", near, "type", "veth", "peer", "name", far)
        for end in (near, far):
            self.ip("link", "set", end, "up")

    @contextmanager
    def tun(self, name: str) -> Iterator[Callable[[bytes], int]]:
        """A point-to-point interface that is up meanwhile; packets come in from it with the function given."""
        with self.entered():
            descriptor = os.open("/dev/net/tun", os.O_RDWR)
        try:
            with self.entered():
                fcntl.ioctl(descriptor, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI))
            self.ip("link", "set", name, "up")
            yield lambda packet: os.write(descriptor, packet)
        finally:
            os.close(descriptor)

    def start(self, command: Sequence[str], **options: object) -> subprocess.Popen[str]:
        return subprocess.Popen(["ip", "netns", "exec", self.name, *command], text=True, **options)  # type: ignore[call-overload, no-any-return]

    @contextmanager
    def entered(self) -> Iterator[None]:
        """What this thread opens meanwhile is in the namespace."""
        with open("/proc/thread-self/ns/net") as home, open(f"/run/netns/{self.name}") as there:
            _enter(there.fileno())
            try:
                yield
            finally:
                _enter(home.fileno())

    def send(self, frames: Iterable[bytes], into: str = FAR, protocol: int = 0) -> None:
        """Send ``frames`` out of an interface; with a raw link, ``protocol`` is their EtherType."""
        kind = socket.SOCK_DGRAM if protocol else socket.SOCK_RAW
        with self.entered(), socket.socket(socket.AF_PACKET, kind, 0) as sender:
            sender.bind((into, protocol))
            for frame in frames:
                sender.send(frame)

    @contextmanager
    def recorded(self, path: Path, count: int, expression: str = "", interface: str = NEAR) -> Iterator[list[Frame]]:
        """What tcpdump captures meanwhile, once the block is left: ``count`` frames, then it ends by itself."""
        command = ["tcpdump", "-i", interface, "-n", "-Z", "root", "-s", "0", "-U", "-B", "16384"]
        command += ["--time-stamp-precision=nano", "-c", str(count), "-w", str(path), expression]
        process = self.start(command, stderr=subprocess.PIPE)
        assert process.stderr is not None
        for line in process.stderr:
            if "listening on" in line:
                break
        frames: list[Frame] = []
        try:
            yield frames
            process.communicate(timeout=20)
        finally:
            process.kill()
            process.communicate()
        frames += read_paths(path)[0]


def _enter(descriptor: int) -> None:
    if _LIBC.setns(descriptor, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Namespace]:
    """A namespace with one pair."""
    name = f"live-{os.getpid()}-{threading.get_ident() % 1000}-{tmp_path.name[-12:]}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        namespace = Namespace(name)
        with namespace.entered():  # without IPv6 no interface speaks unasked
            for which in ("all", "default"):
                Path(f"/proc/sys/net/ipv6/conf/{which}/disable_ipv6").write_text("1")
        namespace.ip("link", "set", "lo", "up")
        namespace.add_pair()
        yield namespace
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)


class Reader:
    """Reads a capture in the test's own thread, as far as the test wants."""

    def __init__(self, capture: LiveCapture) -> None:
        self.capture = capture
        self.frames: list[Frame] = []
        self.sources: list[int] = []
        self._batches = capture.batches()

    def step(self) -> FrameBatch:
        """One batch."""
        batch = next(self._batches)
        self._take(batch)
        return batch

    def until(self, reached: object, seconds: float = 10) -> None:
        """Batches until the condition, called without arguments, holds."""
        assert callable(reached)
        deadline = time.monotonic() + seconds
        while not reached():
            assert time.monotonic() < deadline, f"{len(self.frames)} frames, {self.capture.counters()}"
            self.step()

    def finish(self) -> list[Frame]:
        """Stop, read the rest, and return all frames."""
        self.capture.stop()
        for batch in self._batches:
            self._take(batch)
        return self.frames

    def _take(self, batch: FrameBatch) -> None:
        self.frames += frames_of(batch)
        self.sources += batch.source.tolist()


@contextmanager
def reading(network: Namespace, capture: LiveCapture) -> Iterator[Reader]:
    """``capture``, opened in the namespace, in which the test stays meanwhile."""
    with network.entered(), capture:
        yield Reader(capture)


def contents(frames: Iterable[Frame]) -> list[tuple[bytes, int]]:
    """Frames without their times, which two sockets take each for itself."""
    return [(frame.content, frame.wire) for frame in frames]
