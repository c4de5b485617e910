"""What is known of each input: the record that reports and progress bars read."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Source:
    """One input; its index in :attr:`CaptureSet.sources` is the ``source`` column of its frames.

    Attributes:
        name: as the user gave it, made safe to print.
        format: ``pcap``, ``pcap (nanoseconds)``, ``pcapng``, …
        compression: ``gzip``, ``zstd``, ``xz``, ``bzip2``, ``lz4`` or ``None``.
        bytes_total: size on disk, ``None`` for a pipe.
        bytes_read: bytes taken from the disk or pipe so far (compressed ones where it is compressed).
        frames: frames read so far, those that another input also had included.
        first_time, last_time: earliest and latest packet so far, nanoseconds since 1970-01-01 UTC.
        link_types: LINKTYPE_* numbers seen so far.
        dropped: packets which the capturing host itself reported as lost (pcapng interface statistics).
        decryption_secrets: blocks of keys the file carries (pcapng DSB), read so far.
    """

    name: str
    format: str = ""
    compression: str | None = None
    bytes_total: int | None = None
    bytes_read: int = 0
    frames: int = 0
    first_time: int | None = None
    last_time: int | None = None
    link_types: set[int] = field(default_factory=set)
    dropped: int = 0
    decryption_secrets: int = 0
