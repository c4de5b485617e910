"""``docs/inference.md`` says what the code does: reasons, thresholds and overheads are those of the program."""

from __future__ import annotations

import re

import pytest

from analyzer.tls.code_points import cipher_name
from analyzer.tls.inference import ABSTENTIONS, REASONS
from analyzer.tls.inference.grammar import read_rows
from analyzer.tls.inference.verdict import ANSWER_FROM, DETAIL_FROM, HIGHEST
from analyzer.tls.plaintext import TLS_1_0, seal_of
from scripts.grading.document import sections
from scripts.grading.sections import OTHER_REASONS, SECTIONS
from tests.support.material import REPOSITORY

DOCUMENT = REPOSITORY / "docs/inference.md"
TEXT = DOCUMENT.read_text()
TLS_1_2, TLS_1_3 = 0x0303, 0x0304


def tables() -> list[dict[str, tuple[str, ...]]]:
    """Each table's rows: the other cells by the first one."""
    found = []
    for table in re.findall(r"(?:^\|.*\n)+", TEXT, re.MULTILINE):
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
        found.append({row[0].strip("`"): tuple(row[1:]) for row in rows})
    return found


@pytest.mark.parametrize("words", [ABSTENTIONS, REASONS], ids=["abstentions", "reasons"])
def test_reasons_are_all_there_in_the_programs_own_words(words: dict[str, str]) -> None:
    assert {reason: (meaning,) for reason, meaning in words.items()} in tables()


def test_reasons_of_incomplete_captures_are_those_of_the_measurements() -> None:
    assert any(set(table) == set(OTHER_REASONS) for table in tables())


def test_thresholds_are_those_in_force() -> None:
    (table,) = (table for table in tables() if "ANSWER_FROM" in table)
    named = {"ANSWER_FROM": ANSWER_FROM, "DETAIL_FROM": DETAIL_FROM, "HIGHEST": HIGHEST}
    assert {name: float(cells[0]) for name, cells in table.items()} == named


@pytest.mark.parametrize(
    ("row", "version", "suite"),
    [
        ("TLS 1.3: GCM, CCM, ChaCha20", TLS_1_3, "TLS_AES_128_GCM_SHA256"),
        ("TLS 1.3: GCM, CCM, ChaCha20", TLS_1_3, "TLS_CHACHA20_POLY1305_SHA256"),
        ("TLS 1.3: CCM_8", TLS_1_3, "TLS_AES_128_CCM_8_SHA256"),
        ("TLS 1.2: GCM, CCM", TLS_1_2, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
        ("TLS 1.2: CCM_8", TLS_1_2, "TLS_RSA_WITH_AES_128_CCM_8"),
        ("TLS 1.2: ChaCha20", TLS_1_2, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
        ("TLS 1.1 and 1.2: AES-CBC with SHA", TLS_1_2, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"),
        ("TLS 1.0: AES-CBC with SHA", TLS_1_0, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"),
        ("RC4 with SHA", TLS_1_2, "TLS_ECDHE_RSA_WITH_RC4_128_SHA"),
    ],
)
def test_overheads_are_those_of_the_suites(row: str, version: int, suite: str) -> None:
    (table,) = (table for table in tables() if row in table)
    seal = seal_of(version, next(code for code in range(1 << 16) if cipher_name(code) == suite))
    assert seal is not None
    least = str(seal.extra)
    assert table[row][0] == (f"{least} to {seal.extra + seal.slack}" if seal.slack else least)


def test_the_row_of_a_mechanism_is_one_of_the_grammar() -> None:
    (quoted,) = re.findall(r"```toml\n\[\[mechanism\]\]\n(.*?)```", TEXT, re.DOTALL)
    assert quoted in (REPOSITORY / "analyzer/tls/inference/grammar.toml").read_text()
    assert any(row["name"] == "CRAM-MD5" for row in read_rows("grammar.toml")["mechanism"])


def test_tables_of_every_section_are_written_by_the_script() -> None:
    assert sections(DOCUMENT) == list(dict.fromkeys(sections(DOCUMENT)))
    assert set(sections(DOCUMENT)) == set(SECTIONS)
