from __future__ import annotations

import gzip
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

import pytest

from tests.support.material import REPOSITORY


def script() -> Any:
    loader = SourceFileLoader("update_vendors", str(REPOSITORY / "scripts/update-vendors"))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("registered", "shown"),
    [
        ("KYOCERA Document Solutions Inc.", "KYOCERA Document Solutions"),
        ("RICOH COMPANY,LTD.", "Ricoh"),
        ("KONICA MINOLTA HOLDINGS, INC.", "Konica Minolta"),
        ("CANON INC.", "Canon"),
        ("HP Inc.", "HP"),
        ("NEC CORPORATION", "NEC"),
        ("Brother Industries, LTD.", "Brother Industries"),
        ("Axis Communications AB", "Axis Communications"),
        ("Hirschmann Automation and Control GmbH", "Hirschmann Automation and Control"),
        ("Beckhoff Automation GmbH & Co. KG", "Beckhoff Automation"),
        ("  Tabs\tand  spaces\n", "Tabs and spaces"),
        ("Inc.", "Inc."),
        ("A" * 60 + " b", "A" * 39 + "…"),
    ],
)
def test_names_are_shortened_to_what_people_know(registered: str, shown: str) -> None:
    assert script().shortened(registered) == shown


def test_a_table_is_sorted_says_where_it_is_from_and_is_the_same_every_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    head = "Registry,Assignment,Organization Name,Organization Address\n"
    (tmp_path / "oui.csv").write_text(head + 'MA-L,0017C8,"KYOCERA Display Corp.",JP\nMA-L,000085,CANON INC.,JP\n')
    (tmp_path / "mam.csv").write_text(head + "MA-M,741AE09,Private,\n")
    (tmp_path / "oui36.csv").write_text(head + "MA-S,70B3D5F2F,IEEE Registration Authority,\n")
    (tmp_path / "iab.csv").write_text(head + "IAB,0050C27D5,DEUTA-WERKE GmbH,DE\n")
    (tmp_path / ".lastupdate").write_text("1661630937\n")
    made = script()
    monkeypatch.setattr(made, "TARGET", tmp_path / "data" / "vendors.txt.gz")
    made.main(tmp_path)
    first = made.TARGET.read_bytes()
    made.main(tmp_path)
    assert made.TARGET.read_bytes() == first
    lines = gzip.decompress(first).decode().splitlines()
    assert "as of 2022-08-27" in lines[1]
    assert lines[3:] == ["000085\tCanon", "0017C8\tKYOCERA Display", "0050C27D5\tDeuta-Werke"]
    assert "3 blocks" in capsys.readouterr().out
