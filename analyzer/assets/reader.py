"""A CSV file of devices to entries: whatever encoding and delimiter a spreadsheet gave it.

What is not an address stops the run with its line: an inventory that is silently half read would be trusted.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from ipaddress import ip_network
from typing import NamedTuple

from analyzer.addresses import canonical
from analyzer.assets.asset_list import AssetList, Entry, Network
from analyzer.assets.columns import ADDRESS, ALIASES, LOCATION, MAC, NAME, NOTES, NOTHING, OWNER
from analyzer.errors import InputError
from analyzer.files import content_of
from analyzer.inventory.device import Asset
from analyzer.provider_view.columns import plain
from analyzer.provider_view.tables import Rows, encoding_of, refuse_packed

LARGEST_FILE = 32 << 20
"""Bytes; an inventory of 100,000 devices has 10 MB."""

MOST_ROWS = 200_000
"""Rows of entries."""

MOST_COLUMNS = 200

MOST_ADDRESSES = 500_000
"""Addresses, networks and MACs in all rows, up to 600 bytes of memory each."""

MOST_IN_CELL = 64
"""Addresses in one cell; hosts with many have a dozen."""

LONGEST_TEXT = 500
"""Characters of a name, owner, location or note that are kept."""

LISTED_HEADERS = 20
"""Headers that an error names."""

DELIMITERS = ",;\t"

_SEPARATORS = re.compile(r"[\s,;|]+")
_MAC = re.compile(r"[0-9a-f]{12}")


class _Row(NamedTuple):
    line: int
    cells: list[str]


def read_assets(name: str) -> AssetList:
    """The inventory in file ``name``.

    Raises:
        InputError: it cannot be read, has no column of addresses, or one of its addresses is none.
    """
    rows = _rows(name, _text(name))
    header = next(rows, None)
    if header is None:
        raise InputError(name, "it is empty", "it needs a line of headers, such as ip,mac,name,owner,location,notes")
    columns = _columns(header.cells)
    if ADDRESS not in columns and MAC not in columns:
        raise InputError(
            name,
            f"line {header.line} has no column for addresses; headers seen: {_listed(header.cells)}",
            "name one of them ip or mac",
        )
    entries: list[Entry] = []
    count = 0
    for row in rows:
        entry = _entry(name, header, columns, row)
        count += len(entry.addresses) + len(entry.macs) + len(entry.networks)
        if count > MOST_ADDRESSES:
            raise InputError(name, f"it has more than {MOST_ADDRESSES:,} addresses", "give the list of devices alone")
        entries.append(entry)
    return AssetList(entries)


def _text(name: str) -> str:
    data = content_of(name, LARGEST_FILE, "give the list of devices alone")
    refuse_packed(name, data)
    encoding = encoding_of(data)
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InputError(name, f"line {line} is not {encoding} text", "save it as CSV UTF-8") from None


def _rows(name: str, text: str) -> Iterator[_Row]:
    """Rows that are not blank, with the line that each begins in."""
    first, _, rest = text.partition("\n")
    before = 0
    if first.strip().lower().startswith("sep=") and len(first.strip()) == len("sep=;"):
        delimiter, text, before = first.strip()[-1], rest, 1
    else:
        head = next((line for line in text.splitlines() if line.strip()), "")
        delimiter = max(DELIMITERS, key=head.count)
    rows = Rows(io.StringIO(text, newline=""), delimiter)
    count = 0
    while True:
        line = rows.line + before
        try:
            cells = next(rows, None)
        except csv.Error as error:
            raise InputError(name, f"line {line} is no CSV ({error})") from None
        if cells is None:
            return
        cells = [cell.replace("\0", "").strip() for cell in cells[:MOST_COLUMNS]]
        if any(cells):
            count += 1
            if count > MOST_ROWS + 1:
                raise InputError(name, f"it has more than {MOST_ROWS:,} rows", "give the list of devices alone")
            yield _Row(line, cells)


def _columns(header: Sequence[str]) -> dict[str, list[int]]:
    """The positions of each kind of column."""
    kinds = {plain(alias): kind for kind, aliases in ALIASES.items() for alias in aliases}
    found: dict[str, list[int]] = {}
    for position, cell in enumerate(header):
        if (kind := kinds.get(plain(cell))) is not None:
            found.setdefault(kind, []).append(position)
    return found


def _entry(name: str, header: _Row, columns: dict[str, list[int]], row: _Row) -> Entry:
    def cells(kind: str) -> list[str]:
        return [row.cells[at] for at in columns.get(kind, ()) if at < len(row.cells) and row.cells[at]]

    def text(kind: str) -> str | None:
        return next((cell[:LONGEST_TEXT] for cell in cells(kind)), None)

    def wrong(cell: str, what: str) -> InputError:
        return InputError(name, f"line {row.line}: {_shown(cell)} is no {what}; headers seen: {_listed(header.cells)}")

    addresses: list[str] = []
    networks: list[Network] = []
    macs: list[int] = []
    for cell in cells(ADDRESS):
        for part in _parts(cell):
            try:
                if "/" not in part:
                    addresses.append(canonical(part))
                    continue
                network = ip_network(part, strict=False)
            except ValueError:
                raise wrong(part, "address or network") from None
            if network.num_addresses == 1:
                addresses.append(str(network.network_address))
            else:
                networks.append(network)
    for cell in cells(MAC):
        for part in _parts(cell):
            digits = re.sub(r"[:.\-]", "", part.lower())
            if not _MAC.fullmatch(digits):
                raise wrong(part, "hardware address")
            macs.append(int(digits, 16))
    asset = Asset(text(NAME), text(OWNER), text(LOCATION), text(NOTES))
    return Entry(asset, tuple(addresses), tuple(macs), tuple(networks))


def _parts(cell: str) -> list[str]:
    """The addresses in a cell; none where people say that there is none."""
    if cell.lower() in NOTHING:
        return []
    return [part for part in _SEPARATORS.split(cell) if part.lower() not in NOTHING][:MOST_IN_CELL]


def _listed(header: Sequence[str]) -> str:
    more = len(header) - LISTED_HEADERS
    return ", ".join(map(_shown, header[:LISTED_HEADERS])) + (f" and {more} more" if more > 0 else "")


def _shown(text: str) -> str:
    """A cell in an error: printable, and not longer than a line."""
    return repr("".join(char if char.isprintable() else "?" for char in text[:60]))
