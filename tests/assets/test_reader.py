"""Inventories as offices have them are read; what is wrong with one is told in one line, with its line."""

from __future__ import annotations

import codecs
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.assets import AssetList, Entry, read_assets, reader
from analyzer.errors import InputError
from analyzer.inventory.device import Asset
from tests.assets.devices import device

TEXT = "ip,mac,name,owner,location,notes\n10.20.0.101,00:17:C8:01:02:03,Kopierer 3,Büro Süd,1. OG,neu\n"
ASSET = Asset("Kopierer 3", "Büro Süd", "1. OG", "neu")


def listed(path: Path, content: str | bytes, encoding: str = "utf-8") -> AssetList:
    file = path / "assets.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return read_assets(str(file))


def refusal(path: Path, content: str | bytes) -> str:
    with pytest.raises(InputError) as refused:
        listed(path, content)
    message = str(refused.value)
    assert message.isprintable()
    return message.removeprefix(f"{path / 'assets.csv'}: ")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "latin-1"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_any_encoding_and_delimiter_gives_the_same(tmp_path: Path, encoding: str, delimiter: str, end: str) -> None:
    text = TEXT.replace(",", delimiter).replace("\n", end)
    assert listed(tmp_path, text, encoding).of(device("10.20.0.101")) == ASSET


def test_utf_16_in_the_other_byte_order_is_read(tmp_path: Path) -> None:
    assert listed(tmp_path, codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be")).of(device("10.20.0.101")) == ASSET


@pytest.mark.parametrize(
    "header",
    [
        "IP Address;MAC Address;Host Name;Contact;Site;Comment",
        "IP-Adresse;Hardware-Adresse;Gerätename;Ansprechpartner;Standort;Bemerkung",
        "Adresse IP;Adresse MAC;Nom d'hôte;Responsable;Emplacement;Commentaire",
        "address;hw_address;HOSTNAME;Owner;LOCATION;Notes",
        "Dirección IP;dirección mac;Equipo;Contacto;Ubicación;Notas",
    ],
)
def test_headers_have_many_names(tmp_path: Path, header: str) -> None:
    found = listed(tmp_path, f"{header}\n10.20.0.101;0017.c801.0203;Kopierer 3;Büro Süd;1. OG;neu\n")
    assert found.of(device("10.20.0.101")) == found.of(device("10.9.9.9", mac=0x0017C8010203)) == ASSET


def test_columns_of_other_names_are_left_out_and_the_order_is_free(tmp_path: Path) -> None:
    found = listed(tmp_path, "Serial,Name,Machine type,IP\nX1,copier,MFP,10.20.0.101\n")
    assert found.of(device("10.20.0.101")) == Asset("copier")


@pytest.mark.parametrize("mac", ["00:17:C8:01:02:03", "00-17-c8-01-02-03", "0017.c801.0203", "0017C8010203"])
def test_hardware_addresses_have_many_forms(tmp_path: Path, mac: str) -> None:
    assert listed(tmp_path, f"mac,name\n{mac},copier\n").of(device("10.9.9.9", mac=0x0017C8010203)) == Asset("copier")


def test_a_cell_may_hold_several_addresses(tmp_path: Path) -> None:
    found = listed(tmp_path, 'ip,name\n"10.20.0.1, 10.20.0.2\n2001:DB8::1",server\n')
    assert [found.of(device(ip)) for ip in ("10.20.0.1", "10.20.0.2", "2001:db8::1")] == [Asset("server")] * 3


@pytest.mark.parametrize("nothing", ["", " ", "-", "DHCP", "n/a", "unknown"])
def test_where_people_write_that_there_is_no_address_there_is_none(tmp_path: Path, nothing: str) -> None:
    found = listed(tmp_path, f"ip,mac,name\n{nothing},00:17:C8:01:02:03,copier\n")
    assert found.of(device("10.9.9.9", mac=0x0017C8010203)) == Asset("copier")


def test_short_rows_and_blank_lines_are_borne(tmp_path: Path) -> None:
    found = listed(tmp_path, "\n\nip,name,owner\n\n10.20.0.1\n,,\n10.20.0.2,copier\n")
    assert found.of(device("10.20.0.2")) == Asset("copier")
    assert found.of(device("10.20.0.1")) is None  # it is listed, and nothing is said of it


def test_a_line_that_names_the_delimiter_is_believed(tmp_path: Path) -> None:
    assert listed(tmp_path, "sep=;\nip;name\n10.20.0.1;a,b,c,d\n").of(device("10.20.0.1")) == Asset("a,b,c,d")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "it is empty; it needs a line of headers, such as ip,mac,name,owner,location,notes"),
        (
            "Serial,Name\nX1,copier\n",
            "line 1 has no column for addresses; headers seen: 'Serial', 'Name'; name one of them ip or mac",
        ),
        (
            "ip,name\n10.20.0.1,a\n\n10.20.0.999,b\n",
            "line 4: '10.20.0.999' is no address or network; headers seen: 'ip', 'name'",
        ),
        ("ip\n10.20.0.0/40\n", "line 2: '10.20.0.0/40' is no address or network; headers seen: 'ip'"),
        ("sep=;\nip;mac\n;00:17:C8\n", "line 3: '00:17:C8' is no hardware address; headers seen: 'ip', 'mac'"),
        ('ip,notes\n10.0.0.1,"two\nlines"\nx,y\n', "line 4: 'x' is no address or network; headers seen: 'ip', 'notes'"),
        ('ip,name\n"10.0.0.1"x,b\n', "line 2 is no CSV (',' expected after '\"')"),
        ("ip,name\n" + "a," * 600_000, "line 2 is no CSV (a row of more than 1,048,576 characters)"),
        (b"PK\x03\x04rest", "it is a workbook or a ZIP archive; save it as CSV"),
        ("ip,na\x1b[2Jme\nx,y\n", "line 2: 'x' is no address or network; headers seen: 'ip', 'na?[2Jme'"),
        (b"\xef\xbb\xbfip,name\n10.0.0.1,\xff\n", "line 2 is not utf-8-sig text; save it as CSV UTF-8"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, content: str | bytes, told: str) -> None:
    assert refusal(tmp_path, content) == told


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    for name in (str(tmp_path / "none.csv"), str(tmp_path), "a\0b"):
        with pytest.raises(InputError, match="it cannot be read"):
            read_assets(name)


def test_huge_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "LARGEST_FILE", 100)
    assert refusal(tmp_path, TEXT + "x" * 100).startswith("it has more than 0 MB")
    monkeypatch.setattr(reader, "LARGEST_FILE", 1 << 20)
    monkeypatch.setattr(reader, "MOST_ROWS", 3)
    assert refusal(tmp_path, "ip\n" + "10.0.0.1\n" * 4).startswith("it has more than 3 rows")
    assert len(listed(tmp_path, "ip\n" + "10.0.0.1\n" * 3)) == 1
    monkeypatch.setattr(reader, "MOST_ADDRESSES", 5)
    assert refusal(tmp_path, "ip;mac\n10.0.0.1,10.0.0.2;\n10.0.1.0/24,10.0.2.0/24,10.0.0.3;001122334455\n").startswith(
        "it has more than 5 addresses"
    )


def test_long_cells_wide_rows_and_many_headers_are_cut(tmp_path: Path) -> None:
    found = listed(tmp_path, f"ip,name\n10.20.0.1,{'x' * 5000}\n").of(device("10.20.0.1"))
    assert found is not None
    assert found.name == "x" * reader.LONGEST_TEXT
    wide = ",".join(["col"] * reader.MOST_COLUMNS)
    assert "and 180 more" in refusal(tmp_path, f"{wide},ip\n")
    many = " ".join(f"10.0.{i}.1" for i in range(reader.MOST_IN_CELL + 1))
    assert len(listed(tmp_path, f"ip,name\n{many},x\n")) == reader.MOST_IN_CELL


@given(st.binary(max_size=300))
def test_any_file_is_read_or_refused_in_one_line(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "any.csv"
    file.write_bytes(content)
    told = ""
    try:
        read_assets(str(file))
    except InputError as error:
        told = str(error)
    assert "\n" not in told


def test_a_network_is_more_than_one_address() -> None:
    entry = Entry(Asset(location="HQ"), networks=(ip_network("10.20.0.0/24"),))
    assert AssetList([entry]).of(device("10.20.0.7")) == Asset(location="HQ")
