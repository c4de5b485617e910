"""What a file that is no capture looks like, so that the message can name it."""

from __future__ import annotations

from dataclasses import dataclass

HEAD_BYTES = 512
"""Bytes a signature may look at: a tar archive shows itself only at offset 257."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """What something looks like (``a PNG image``), and what its owner can do."""

    what: str
    remedy: str = "give a pcap or pcapng file"


_CONVERT = "convert it first: editcap -F pcapng IN OUT"
_UNPACK = "unpack it first"

# (offset, magic, what it is). The first that fits wins.
_SIGNATURES: tuple[tuple[int, bytes, Likeness], ...] = (
    (0, b"snoop\0\0\0", Likeness("a Solaris snoop capture", _CONVERT)),
    (0, b"GMBU", Likeness("a Microsoft Network Monitor 2 capture", _CONVERT)),
    (0, b"RTSS", Likeness("a Microsoft Network Monitor 1 capture", _CONVERT)),
    (0, b"TRSNIFF data    \x1a", Likeness("a DOS Sniffer capture", _CONVERT)),
    (0, b"XCP\0", Likeness("a NetXRay or Windows Sniffer capture", _CONVERT)),
    (0, b"iptrace ", Likeness("an AIX iptrace capture", _CONVERT)),
    (0, b"\x7fver", Likeness("an EtherPeek or OmniPeek capture", _CONVERT)),
    (0, b"ElfFile\0", Likeness("a Windows event log")),
    (0, b"SQLite format 3\0", Likeness("an SQLite database")),
    (0, b"\x7fELF", Likeness("an ELF program")),
    (0, b"MZ", Likeness("a Windows program or event trace", "for a pktmon or netsh trace: etl2pcapng IN OUT")),
    (0, b"\x89PNG\r\n\x1a\n", Likeness("a PNG image")),
    (0, b"\xff\xd8\xff", Likeness("a JPEG image")),
    (0, b"GIF8", Likeness("a GIF image")),
    (0, b"%PDF-", Likeness("a PDF document")),
    (0, b"PK\x03\x04", Likeness("a ZIP archive or Office document", _UNPACK)),
    (0, b"PK\x05\x06", Likeness("an empty ZIP archive", _UNPACK)),
    (0, b"7z\xbc\xaf\x27\x1c", Likeness("a 7-Zip archive", _UNPACK)),
    (0, b"Rar!\x1a\x07", Likeness("a RAR archive", _UNPACK)),
    (0, b"\x1f\x9d", Likeness("Unix compress (.Z) data", "unpack it first: uncompress FILE")),
    (0, b"\x02\x21\x4c\x18", Likeness("old-style (legacy) LZ4 data", "unpack it first: lz4 -d FILE")),
    (0, b"\x1f\x8b", Likeness("gzip data", _UNPACK)),
    (0, b"\x28\xb5\x2f\xfd", Likeness("Zstandard data", _UNPACK)),
    (0, b"\xfd7zXZ\0", Likeness("xz data", _UNPACK)),
    (0, b"BZh", Likeness("bzip2 data", _UNPACK)),
    (0, b"\x04\x22\x4d\x18", Likeness("LZ4 data", _UNPACK)),
    (257, b"ustar", Likeness("a tar archive", _UNPACK)),
    (0, b"\xff\xfe", Likeness("UTF-16 text")),
    (0, b"\xfe\xff", Likeness("UTF-16 text")),
)
_TEXT_CONTROLS = frozenset(b"\t\n\r\f\x1b")


def likeness(head: bytes) -> Likeness | None:
    """What a file beginning with ``head`` looks like, or ``None`` when it looks like nothing we know."""
    for offset, magic, answer in _SIGNATURES:
        if head.startswith(magic, offset):
            return answer
    if any(byte < 0x20 and byte not in _TEXT_CONTROLS for byte in head):
        return None
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:  # anything but a character cut at the end of the head
            return None
        text = head[: error.start].decode("utf-8")
    text = text.lstrip("\ufeff \t\r\n").lower()
    if text.startswith(("<!doctype html", "<html")):
        return Likeness("an HTML page", "a download that needed a login often looks like this")
    if text.startswith("<?xml"):
        return Likeness("an XML document")
    return Likeness("text", "a hex dump can be converted: text2pcap IN OUT")
