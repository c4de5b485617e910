"""``docs/advice.md`` says what the knowledge says."""

from __future__ import annotations

import re
from pathlib import Path

from analyzer.advice import knowledge_with
from analyzer.advice.ways import LARGE_FLEET
from scripts.document_advice import DOCUMENT, TABLES, filled

TEXT = DOCUMENT.read_text("utf-8")


def test_the_tables_are_those_of_the_knowledge() -> None:
    assert filled(TEXT) == TEXT, "run: python -m scripts.document_advice"
    assert re.findall(r"<!-- table: (\w+) -->", TEXT) == ["urgency", "ways", "makers", "providers", "replies", "keys"]
    assert set(re.findall(r"<!-- table: (\w+) -->", TEXT)) == set(TABLES)


def test_a_change_of_the_knowledge_would_be_noticed() -> None:
    assert filled(TEXT.replace("FutureSmart 5.7", "FutureSmart 9")) == TEXT


def test_the_limit_of_a_small_fleet_is_the_one_in_force() -> None:
    assert f"More than {LARGE_FLEET} devices" in TEXT


def test_the_example_is_taken_as_it_stands(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    own = tmp_path / "own.toml"
    own.write_text(example, "utf-8")
    made = knowledge_with(str(own))
    assert made.providers["our-hoster"].basic == "retiring"
    assert made.devices["10.20.0.102"].external_recipients is True
