"""The pcapng format (draft-ietf-opsawg-pcapng).

Blocks of any type, each with its length before and after its body. A Section Header Block sets the byte order of
what follows and forgets the interfaces before it; an Interface Description Block adds an interface with a link type,
a snapshot length and a clock of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from struct import Struct
from typing import Literal

import numpy as np
import numpy.typing as npt

from analyzer.capture.chain import WINDOW_BYTES, Bytes, Offsets, RecordLayout, Walk, look_through, walk
from analyzer.capture.clocks import MICROSECONDS, nanoseconds
from analyzer.capture.formats import Decoded, NotACaptureError, first_of_each, gather
from analyzer.capture.sources import Source

SECTION_HEADER = 0x0A0D0D0A  # the same in both byte orders
MAGIC = SECTION_HEADER.to_bytes(4, "little")
INTERFACE_DESCRIPTION = 1
OBSOLETE_PACKET = 2
SIMPLE_PACKET = 3
INTERFACE_STATISTICS = 5
ENHANCED_PACKET = 6
DECRYPTION_SECRETS = 10

SECRETS_OF_TLS = 0x544C534B
"""Type of decryption secrets: lines of a TLS key log."""

SECRETS_AT = 16  # after the block's type and length, the secrets' type and length

SECTION_HEADER_BYTES = 28  # the shortest
ENHANCED_OVERHEAD = 32  # of a packet block with a time stamp: 28 before the frame, 4 after it
ENHANCED_FRAME_AT = 28
SIMPLE_OVERHEAD = 16
SIMPLE_FRAME_AT = 12

MAX_INTERFACES = 65_536
"""Per section. Obsolete packet blocks cannot name more; a hostile file could declare millions."""

MAX_SECTIONS = 65_536
"""Per file. Files joined by ``cat`` have one each; a hostile file could have one every 28 bytes, and each costs as much
as a thousand packets."""

FIRST_SPAN_BYTES = 1024
"""How far the walk goes past a section header at first, eight times as far each time: what lies past the next
section header is walked in vain, and a file may have one every few bytes."""

_OPTION_END = 0
_IF_TSRESOL, _IF_TSOFFSET = 9, 14
_ISB_IFDROP, _ISB_OSDROP = 5, 7


def _layouts(order: Literal["<", ">"]) -> tuple[RecordLayout, np.dtype[np.void], np.dtype[np.uint32]]:
    """Of any block, of the first 28 bytes of a packet block, and of a word."""
    fields = {"type": 0, "total": 4, "interface": 8, "simple": 8, "high": 12, "low": 16, "captured": 20, "wire": 24}
    packet = np.dtype(
        {
            "names": [*fields, "interface16"],
            "formats": [f"{order}u4"] * len(fields) + [f"{order}u2"],
            "offsets": [*fields.values(), 8],
            "itemsize": ENHANCED_FRAME_AT,
        }
    )
    return RecordLayout(order, 12, 4, 0, shortest=12, multiple=4), packet, np.dtype(f"{order}u4")


_BYTE_ORDERS: tuple[Literal["<", ">"], ...] = ("<", ">")
_LAYOUTS = {order: _layouts(order) for order in _BYTE_ORDERS}


class _Interfaces:
    """The interfaces of a section, as columns indexed by interface number."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, int, int, int]] = []  # link type, snapshot length, tsresol, tsoffset
        self._columns: tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8], bool] | None = None

    def add(self, link_type: int, snapshot: int, resolution: int, offset: int) -> None:
        self.rows.append((link_type, snapshot, resolution, offset))
        self._columns = None

    def columns(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8], bool]:
        """``int64[interfaces, 4]`` (see ``rows``), the resolutions once more, and whether all clocks are the same."""
        if self._columns is None:
            table = np.array(self.rows, np.int64).reshape(-1, 4)
            same = bool((table[:, 2:] == table[:1, 2:]).all())
            self._columns = table, table[:, 2].astype(np.uint8), same
        return self._columns


class PcapngFormat:
    """A pcapng file, section after section.

    Attributes:
        on_keys: receives the TLS keys that the file carries, as lines of a key log; ``None``: they are stepped over.
    """

    def __init__(self, data: Bytes, end: int, source: Source, *, complete: bool) -> None:
        """Look at the first section header, at the start of ``data``; ``complete`` changes nothing here."""
        if end < SECTION_HEADER_BYTES:
            raise NotACaptureError("is a pcapng file cut off within its first block")
        if _byte_order(data[8:12].tobytes()) is None:
            raise NotACaptureError("begins like a pcapng file, but its byte order is neither of the two")
        self.header_bytes = 0  # the section header is a block like others
        self._sections = 0
        self._order: Literal["<", ">"] = "<"
        self._interfaces = _Interfaces()
        self._span = FIRST_SPAN_BYTES
        self._last_time = 0
        self._dropped: dict[int, int] = {}
        self._dropped_before = 0  # in earlier sections
        self.on_keys: Callable[[bytes], None] | None = None
        source.format = "pcapng"

    def decode(self, data: Bytes, start: int, end: int, source: Source, oddities: Counter[str]) -> Decoded:
        """See :class:`~analyzer.capture.formats.CaptureFormat`."""
        pieces: list[Decoded] = []
        position, span = start, self._span
        while True:
            if _section_begins(data, position, end):
                if position + SECTION_HEADER_BYTES > end:
                    return _joined(pieces, Walk(_NONE, position, SECTION_HEADER_BYTES))
                if (order := _byte_order(data[position + 8 : position + 12].tobytes())) is None:
                    return _joined(pieces, Walk(_NONE, position, 0, "a section of unknown byte order begins there"))
                if self._sections == MAX_SECTIONS:
                    return _joined(pieces, Walk(_NONE, position, 0, f"more than {MAX_SECTIONS:,} sections"))
                self._begin_section(order)
                span = FIRST_SPAN_BYTES
            while True:
                reach = min(end, position + span)
                steps, blocks = self._walk(data, position, reach)
                if len(steps.offsets) or steps.fault is not None or reach == end:
                    break
                span *= 8
            pieces.append(self._frames(data, steps, blocks, source, oddities))
            position = steps.stop
            if steps.fault is not None or not len(steps.offsets):
                break
            if not _section_begins(data, position, end):
                if reach == end:
                    break
                span *= 8
        self._span = span
        return _joined(pieces, steps)

    def _begin_section(self, order: Literal["<", ">"]) -> None:
        self._sections += 1
        self._order = order
        self._layout, self._packet, self._word = _LAYOUTS[order]
        self._interfaces = _Interfaces()
        self._dropped_before += sum(self._dropped.values())
        self._dropped = {}

    def _walk(self, data: Bytes, start: int, end: int) -> tuple[Walk, npt.NDArray[np.void]]:
        """The blocks up to the next section, or to a block whose two lengths differ; and their first 28 bytes."""
        steps = walk(data, start, end, self._layout, self._guess)
        offsets = steps.offsets
        blocks = gather(data, offsets, self._packet)
        if not len(offsets):
            return steps, blocks
        if steps.fault is not None and _section_begins(data, steps.stop, end):
            # Not a fault: the length was read in the byte order of the section before.
            steps = Walk(offsets, steps.stop, SECTION_HEADER_BYTES)
        following = np.append(offsets[1:], steps.stop)
        sections = np.flatnonzero(blocks["type"][1:] == SECTION_HEADER) + 1
        unequal = np.flatnonzero(gather(data, following - 4, self._word) != following - offsets)
        if len(unequal) and not (len(sections) and sections[0] <= unequal[0]):
            first = int(unequal[0])
            fault = "a block there has two different lengths"
            return Walk(offsets[:first], int(offsets[first]), 0, fault), blocks[:first]
        if len(sections):
            first = int(sections[0])
            return Walk(offsets[:first], int(offsets[first]), SECTION_HEADER_BYTES), blocks[:first]
        return steps, blocks

    def _frames(
        self, data: Bytes, steps: Walk, blocks: npt.NDArray[np.void], source: Source, oddities: Counter[str]
    ) -> Decoded:
        offsets = steps.offsets
        types = blocks["type"]
        lengths = np.diff(offsets, append=steps.stop)
        declared = np.full(1, len(self._interfaces.rows))
        if (types != ENHANCED_PACKET).any():
            declared = self._note_other_blocks(data, offsets, lengths, types, source, oddities)
            packets = (types == ENHANCED_PACKET) | (types == SIMPLE_PACKET) | (types == OBSOLETE_PACKET)
            blocks, offsets, lengths, declared = blocks[packets], offsets[packets], lengths[packets], declared[packets]
        return self._packets(blocks, offsets, lengths, declared, oddities)

    def _note_other_blocks(
        self,
        data: Bytes,
        offsets: Offsets,
        lengths: Offsets,
        types: npt.NDArray[np.uint32],
        source: Source,
        oddities: Counter[str],
    ) -> npt.NDArray[np.int64]:
        """Take in what is not a packet; returns how many interfaces are declared when each block comes."""
        before = len(self._interfaces.rows)
        declares = types == INTERFACE_DESCRIPTION
        for index in np.flatnonzero(declares).tolist():
            if len(self._interfaces.rows) < MAX_INTERFACES and lengths[index] >= 20:
                self._add_interface(data[offsets[index] : offsets[index] + lengths[index]].tobytes())
            else:
                oddities["interface-ignored"] += 1
                declares[index] = False
        for index in np.flatnonzero(types == INTERFACE_STATISTICS).tolist():
            self._note_drops(data[offsets[index] : offsets[index] + lengths[index]].tobytes())
        source.dropped = self._dropped_before + sum(self._dropped.values())
        for index in np.flatnonzero(types == DECRYPTION_SECRETS).tolist():
            source.decryption_secrets += 1
            if self.on_keys is not None:
                self._hand_keys(data[offsets[index] : offsets[index] + lengths[index]].tobytes(), self.on_keys)
        return before + np.cumsum(declares, dtype=np.int64)

    def _add_interface(self, block: bytes) -> None:
        link_type, snapshot = Struct(f"{self._order}HxxI").unpack_from(block, 8)
        resolution, offset = MICROSECONDS, 0
        for code, value in self._options(block, 16):
            if code == _IF_TSRESOL and len(value) == 1:
                resolution = value[0]
            elif code == _IF_TSOFFSET and len(value) == 8:
                (offset,) = Struct(f"{self._order}q").unpack(value)
        self._interfaces.add(link_type, snapshot, resolution, offset)

    def _hand_keys(self, block: bytes, on_keys: Callable[[bytes], None]) -> None:
        if len(block) < SECRETS_AT + 4:
            return
        kind, length = Struct(f"{self._order}II").unpack_from(block, 8)
        if kind == SECRETS_OF_TLS:
            on_keys(block[SECRETS_AT : min(SECRETS_AT + length, len(block) - 4)])

    def _note_drops(self, block: bytes) -> None:
        """Remember the packets an interface lost. The counts run on, so the last block of each interface holds."""
        if len(block) < 24:
            return
        (interface,) = Struct(f"{self._order}I").unpack_from(block, 8)
        drops = [
            Struct(f"{self._order}Q").unpack(value)[0]
            for code, value in self._options(block, 20)
            if code in (_ISB_IFDROP, _ISB_OSDROP) and len(value) == 8
        ]
        if interface < len(self._interfaces.rows):
            self._dropped[interface] = sum(drops)

    def _options(self, block: bytes, position: int) -> Iterator[tuple[int, bytes]]:
        head = Struct(f"{self._order}HH")
        end = len(block) - 4
        while position + 4 <= end:
            code, length = head.unpack_from(block, position)
            position += 4
            if code == _OPTION_END or position + length > end:
                return
            yield code, block[position : position + length]
            position += length + (-length & 3)

    def _packets(
        self,
        blocks: npt.NDArray[np.void],
        offsets: Offsets,
        lengths: Offsets,
        declared: npt.NDArray[np.int64],
        oddities: Counter[str],
    ) -> Decoded:
        """Columns of packet blocks; ``declared`` is how many interfaces there were when each came (or ``int64[1]``)."""
        types = blocks["type"]
        interface = blocks["interface"].astype(np.int64)
        wire = blocks["wire"].astype(np.int64)
        captured = blocks["captured"].astype(np.int64)
        overhead: npt.NDArray[np.int64] | int = ENHANCED_OVERHEAD
        frame_at: npt.NDArray[np.int64] | int = ENHANCED_FRAME_AT
        simple = types == SIMPLE_PACKET
        if mixed := bool((types != ENHANCED_PACKET).any()):
            interface = np.where(types == OBSOLETE_PACKET, blocks["interface16"], interface)
            interface[simple] = 0
            wire = np.where(simple, blocks["simple"], wire)
            overhead = np.where(simple, SIMPLE_OVERHEAD, ENHANCED_OVERHEAD)
            frame_at = np.where(simple, SIMPLE_FRAME_AT, ENHANCED_FRAME_AT)
        room = lengths - overhead
        usable = (interface < declared) & (room >= 0)
        if not usable.all():
            _count(oddities, "packet-block-too-short", room < 0)
            _count(oddities, "packet-of-undeclared-interface", (room >= 0) & ~usable)
        interface = np.where(usable, interface, 0)
        table, resolutions, same_clock = self._interfaces.columns()
        if not len(table):  # nothing here is usable
            return _no_frames()

        if mixed:
            snapshot = table[interface, 1]
            cut = np.where(snapshot == 0, wire, np.minimum(wire, snapshot))
            captured = np.where(simple, np.minimum(cut, room), captured)
        over = captured > room
        if over.any():
            _count(oddities, "frame-longer-than-its-block", over & usable)
            captured = np.minimum(captured, np.maximum(room, 0))

        ticks = blocks["high"].astype(np.uint64) << np.uint64(32)
        ticks |= blocks["low"]
        clock = slice(0, 1) if same_clock else interface
        time = nanoseconds(ticks, resolutions[clock], table[clock, 3])
        start = offsets + frame_at
        link_type = table[interface, 0].astype(np.uint16)
        wire = np.maximum(wire, captured)
        if not usable.all():
            start, captured, wire, time = start[usable], captured[usable], wire[usable], time[usable]
            link_type, simple = link_type[usable], simple[usable]
        if simple.any():
            # A simple packet has no time stamp; it is given that of the packet before it.
            latest = np.maximum.accumulate(np.where(simple, -1, np.arange(len(time))))
            time = np.where(latest < 0, self._last_time, time[latest])
            _count(oddities, "packet-without-time", simple)
        if len(time):
            self._last_time = int(time[-1])
        return Decoded(start, captured, wire, time, link_type, 0, 0)

    def _guess(self, data: Bytes, start: int, windows: Offsets, end: int) -> Offsets:
        """An Enhanced Packet Block: its type, at a whole number of words from ``start``, and lengths that agree."""
        windows = windows - (windows - start) % 4
        words = WINDOW_BYTES // 4
        rows = np.ndarray((len(data) - WINDOW_BYTES + 1, words), self._word, data.data, 0, (1, 4))
        row, column = look_through(rows, windows, lambda content: content == ENHANCED_PACKET)
        found = windows[row] + 4 * column

        header = gather(data, found, self._packet)
        total = header["total"].astype(np.int64)
        fits = (total >= ENHANCED_OVERHEAD) & (total & 3 == 0) & (found + total <= end)
        fits &= header["captured"].astype(np.int64) + ENHANCED_OVERHEAD <= total
        row, found, total = row[fits], found[fits], total[fits]
        fits = gather(data, found + total - 4, self._word) == total
        row, found = row[fits], found[fits]
        return first_of_each(row, found)


_NONE = np.empty(0, np.int64)


def _byte_order(magic: bytes) -> Literal["<", ">"] | None:
    """The byte order that makes the section's magic 0x1A2B3C4D."""
    if magic == b"\x4d\x3c\x2b\x1a":
        return "<"
    return ">" if magic == b"\x1a\x2b\x3c\x4d" else None


def _section_begins(data: Bytes, position: int, end: int) -> bool:
    return position + 4 <= end and data[position : position + 4].tobytes() == MAGIC


def _count(oddities: Counter[str], name: str, where: npt.NDArray[np.bool_]) -> None:
    if count := int(np.count_nonzero(where)):
        oddities[name] += count


def _no_frames() -> Decoded:
    return Decoded(_NONE, _NONE, _NONE, _NONE, np.empty(0, np.uint16), 0, 0)


def _joined(pieces: list[Decoded], steps: Walk) -> Decoded:
    """All frames of the sections in a block, with where and why the last walk stopped."""
    if len(pieces) == 1:
        (whole,) = pieces
    else:
        whole = _no_frames()
        filled = [piece for piece in pieces if len(piece.time)]
        if filled:
            for name in ("start", "captured", "wire", "time", "link_type"):
                setattr(whole, name, np.concatenate([getattr(piece, name) for piece in filled]))
    whole.stop, whole.needs, whole.fault = steps.stop, steps.needs, steps.fault
    return whole
