"""libpcap through scapy's bindings: the compiler for filters, and a reader for systems without packet rings."""

from __future__ import annotations

import ctypes
import os
import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from analyzer.capture.live.interface import RAW_IP
from analyzer.capture.names import inert
from analyzer.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

SNAPSHOT_BYTES = 262_144
"""libpcap's own limit; segmentation offload makes frames of 64 KB and more."""

INSTRUCTION = 8
"""Bytes of ``struct sock_filter`` (linux/filter.h), which is ``struct bpf_insn`` elsewhere."""

REJECT = struct.pack("HBBI", 0x06, 0, 0, 0)
"""A program that accepts nothing: it returns how many bytes of a frame are wanted."""

_INSTRUCTION = struct.Struct("HBBI")  # code, jump if true, jump if false, value
_RETURN, _JUMP = 0x06, 0x05  # BPF_RET | BPF_K, BPF_JMP | BPF_JA
_NETMASK_UNKNOWN = 0xFFFFFFFF
_DLT_RAW = 12  # LINKTYPE_RAW is its number in files alone
_FAULT = -1
_LEAST_SNAPSHOT = 96
_ERROR_BYTES = 256


def bindings() -> Any:
    """Scapy's bindings.

    Raises:
        UsageError: libpcap is not installed.
    """
    try:
        from scapy.libs import winpcapy  # here: looking for the library starts programs, and only live captures need it
    except OSError:
        raise UsageError(
            "libpcap, which compiles capture filters, is not installed; install it: apt install libpcap0.8 (Debian, "
            "Ubuntu), dnf install libpcap, apk add libpcap"
        ) from None
    return winpcapy


def compiled(expression: str, link_type: int, interface: str | None = None) -> bytes:
    """A filter as BPF instructions, 8 bytes each.

    Args:
        expression: in the language of pcap-filter(7).
        link_type: LINKTYPE_* number of the frames that it is for.
        interface: compile for what the kernel shows of frames on this Linux interface: ``vlan`` then means tags that
            it took off, too. The interface must be up, and capturing be permitted.

    Raises:
        ValueError: it is none; the message has the compiler's words.
        UsageError: libpcap is not installed.
    """
    if "\0" in expression:
        raise ValueError("it contains a NUL character")
    pcap = bindings()
    if interface is None:
        handle = pcap.pcap_open_dead(_DLT_RAW if link_type == RAW_IP else link_type, SNAPSHOT_BYTES)
    else:
        words = ctypes.create_string_buffer(_ERROR_BYTES)
        handle = pcap.pcap_open_live(os.fsencode(interface), _LEAST_SNAPSHOT, 0, 1, words)
        if not handle:
            raise ValueError(_text(words.value))
    try:
        with program(pcap, handle, expression) as code:
            return ctypes.string_at(code.bf_insns, code.bf_len * INSTRUCTION)
    finally:
        pcap.pcap_close(handle)


def both(first: bytes, second: bytes) -> bytes:
    """A program that accepts what two programs accept: where the first one would, it goes on with the second."""
    joined = bytearray(first)
    for at in range(0, len(first), INSTRUCTION):
        code, _, _, value = _INSTRUCTION.unpack_from(first, at)
        if code == _RETURN and value:
            _INSTRUCTION.pack_into(joined, at, _JUMP, 0, 0, (len(first) - at) // INSTRUCTION - 1)
    return bytes(joined) + second


@contextmanager
def program(pcap: Any, handle: Any, expression: str) -> Iterator[Any]:
    """``expression`` compiled for ``handle``: libpcap's ``struct bpf_program``, freed afterwards.

    Raises:
        ValueError: it is none; the message has the compiler's words.
    """
    code = pcap.bpf_program()
    source = expression.encode(errors="surrogateescape")
    if pcap.pcap_compile(handle, ctypes.byref(code), source, 1, _NETMASK_UNKNOWN) == _FAULT:
        raise ValueError(error(pcap, handle))
    try:
        yield code
    finally:
        pcap.pcap_freecode(ctypes.byref(code))


def error(pcap: Any, handle: Any) -> str:
    """What libpcap says about its last failure."""
    return _text(pcap.pcap_geterr(handle))


def _text(words: bytes) -> str:
    return inert(words.decode(errors="replace").strip())
