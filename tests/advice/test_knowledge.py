"""The tables that come with the program, and a user's file over them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzer.advice import knowledge_with, packaged_knowledge
from analyzer.advice.knowledge import LARGEST_FILE, SCHEMAS
from analyzer.advice.requirements import REQUIREMENTS
from analyzer.advice.schema import LONGEST_TEXT, MOST_ITEMS, checked
from analyzer.errors import InputError

PACKAGED = packaged_knowledge()
SOURCE = 'source = "me"\nas_of = 2026-11-02\n'


def written(tmp_path: Path, text: str | bytes) -> str:
    path = tmp_path / "own.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def refusal(tmp_path: Path, text: str | bytes) -> str:
    """The one line that is said of the file."""
    name = written(tmp_path, text)
    with pytest.raises(InputError) as caught:
        knowledge_with(name)
    said = str(caught.value)
    assert "\n" not in said
    assert said.startswith(f"{name}: ")
    return said.removeprefix(f"{name}: ")


@pytest.mark.parametrize("table", ["providers", "makers", "ways", "replies"])
def test_every_packaged_row_names_a_source_and_a_day(table: str) -> None:
    rows = getattr(PACKAGED, table)
    assert rows
    for row in rows.values():
        assert row.source.strip()
        assert row.as_of.year >= 2002


def test_ways_name_providers_that_there_are_and_every_requirement_is_used() -> None:
    named = {id for way in PACKAGED.ways.values() for id in way.providers or ()}
    assert named <= PACKAGED.providers.keys()
    assert {word for way in PACKAGED.ways.values() for word in way.requires} == set(REQUIREMENTS)
    assert all(way.steps for way in PACKAGED.ways.values())


def test_a_row_replaces_the_keys_that_it_names_and_others_stay(tmp_path: Path) -> None:
    name = written(tmp_path, f"[providers.exchange-online]\nbasic_ends = 2027-03-31\n{SOURCE}")
    mine, packaged = knowledge_with(name).providers["exchange-online"], PACKAGED.providers["exchange-online"]
    assert mine.basic_ends is not None
    assert mine.basic_ends.isoformat() == "2027-03-31"
    assert (mine.source, mine.hosts) == ("me", packaged.hosts)
    assert packaged_knowledge().providers["exchange-online"] == packaged


def test_a_new_row_adds_to_its_table(tmp_path: Path) -> None:
    text = f'[makers.acme]\nname = "Acme"\noauth = "no"\nvendors = ["Acme"]\n{SOURCE}'
    text += f'[providers.mine]\nname = "Mine"\nhosts = ["smtp.mine.example"]\nbasic = "accepted"\n{SOURCE}'
    made = knowledge_with(written(tmp_path, text))
    assert made.makers["acme"].oauth == "no"
    assert set(made.makers) - set(PACKAGED.makers) == {"acme"}
    assert list(made.own_providers) == ["mine"]


def test_own_replies_are_tried_first(tmp_path: Path) -> None:
    made = knowledge_with(written(tmp_path, f'[replies.mine]\ncode = 535\ntodo = "Call 1234."\n{SOURCE}'))
    assert next(iter(made.replies)) == "mine"


@pytest.mark.parametrize("written_as", ["00:17:c8:00:01:03", "0017.C800.0103", "00-17-C8-00-01-03"])
def test_a_device_is_named_by_address_or_mac_however_that_is_written(tmp_path: Path, written_as: str) -> None:
    text = f'[devices."{written_as}"]\noauth = "no"\n[devices."10.0.0.1"]\nexternal_recipients = true\n'
    assert set(knowledge_with(written(tmp_path, text)).devices) == {"00-17-C8-00-01-03", "10.0.0.1"}


def test_a_device_is_known_by_its_address_in_any_form(tmp_path: Path) -> None:
    text = '[devices."2001:DB8:0::1"]\noauth = "no"\n'
    assert set(knowledge_with(written(tmp_path, text)).devices) == {"2001:db8::1"}


def test_a_number_or_word_of_any_length_is_looked_at_once(tmp_path: Path) -> None:
    for text in ("a = " + "9" * 900_000, "a = '" + "b" * 900_000 + "'", "a" * 900_000 + " = 1", "." * 900_000):
        with pytest.raises(InputError):
            knowledge_with(written(tmp_path, text))


def test_a_byte_order_mark_is_no_matter(tmp_path: Path) -> None:
    assert knowledge_with(written(tmp_path, b"\xef\xbb\xbf")) == PACKAGED


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[makers", "not a TOML file"),
        ("a = " + "[" * 100_000, "not a TOML file"),
        ("a = " + "9" * 5_000, "not a TOML file"),
        ("[makers" + '."a"' * 200_000 + "]", "a key of more than 20 parts"),
        (b"\xff\xfe[", "not a TOML file: it is no text in UTF-8"),
        ('[devices."10.20.0.1o2"]\noauth = "no"\n', "'devices.10.20.0.1o2' names no device; give its address or MAC"),
        ('[makers.canon]\nname = "\\u001b[31m"\n' + SOURCE, "'makers.canon.name' has a line break or another char"),
        ('[makers.canon]\nnote = """a\nb"""\n' + SOURCE, "'makers.canon.note' has a line break or another char"),
        ("[colours.red]\n", "'colours' is no table of knowledge; known: providers, makers, ways, replies, devices"),
        ("makers = 3", "'makers' must be a table of tables"),
        ("[makers]\ncanon = 3", "'makers.canon' must be a table"),
        ("[makers.canon]\nfirmwares = 3\n", "'makers.canon' has the unknown key 'firmwares'; known: as_of, firmware"),
        ('[makers.canon]\noauth = "maybe"\n' + SOURCE, "'makers.canon.oauth' must be one of yes, from-firmware"),
        ('[makers.canon]\noauth = "no"\n', "'makers.canon' lacks the key 'source'"),
        ('[makers.acme]\nname = "A"\n' + SOURCE, "'makers.acme' lacks the key 'oauth'"),
        ('[makers.acme]\nname = "A"\noauth = "from-firmware"\n' + SOURCE, "lacks the key 'firmware'"),
        ('[makers.canon]\nhints = ["("]\n' + SOURCE, "'makers.canon.hints' is no regular expression"),
        ('[makers.canon]\nhints = ["(a+)+$"]\n' + SOURCE, "'makers.canon.hints' could take for ever"),
        ("[makers.canon]\nname = 3\n" + SOURCE, "'makers.canon.name' must be text"),
        ('[makers.canon]\nname = " "\n' + SOURCE, "'makers.canon.name' must be text"),
        ('[makers.canon]\nsource = "x"\nas_of = "today"\n', "'makers.canon.as_of' must be a day like"),
        ('[makers.canon]\nsource = "x"\nas_of = 2026-01-01T00:00:00Z\n', "'makers.canon.as_of' must be a day like"),
        ("[ways.oauth]\nsteps = []\n" + SOURCE, "'ways.oauth.steps' is empty"),
        ("[ways.oauth]\norder = true\n" + SOURCE, "'ways.oauth.order' must be a whole number"),
        ('[ways.oauth]\nrequires = ["luck"]\n' + SOURCE, "'ways.oauth.requires' must be one of device-oauth"),
        ('[replies.mine]\ntodo = "x"\n' + SOURCE, "'replies.mine' would answer every reply"),
        ('[providers.gmail]\nbasic = "ended"\nhosts = ["SMTP.gmail.com"]\n' + SOURCE, "no host name in lower case"),
        (
            '[providers.mine]\nname = "M"\nhosts = ["a.example"]\nbasic = "ended"\n' + SOURCE,
            "'providers.mine' ends passwords and lacks the key 'note'",
        ),
        ('[devices."10.0.0.1"]\nexternal_recipients = "yes"\n', "must be true or false"),
        (f'[makers.canon]\nnote = "{"x" * (LONGEST_TEXT + 1)}"\n{SOURCE}', "more than 2000 characters"),
        ("[makers.canon]\nvendors = [" + '"x",' * (MOST_ITEMS + 1) + "]\n" + SOURCE, "more than 200 values"),
        (b"#" * (LARGEST_FILE + 1), "more than 1 MB"),
    ],
)
def test_what_is_wrong_is_one_line_that_names_the_key(tmp_path: Path, text: str | bytes, said: str) -> None:
    assert said in refusal(tmp_path, text)


def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    for name in (str(tmp_path / "none.toml"), str(tmp_path), "\0"):
        with pytest.raises(InputError):
            knowledge_with(name)


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.dates() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(SCHEMAS)), st.data())
def test_any_row_is_taken_or_refused_with_its_place(table: str, data: st.DataObject) -> None:
    schema = SCHEMAS[table]
    row: Any = data.draw(_values | st.dictionaries(st.sampled_from(sorted(schema)), _values, max_size=4))
    said = None
    try:
        assert checked("f", f"{table}.x", row, schema).keys() <= schema.keys()
    except InputError as error:
        said = str(error)
    assert said is None or said.startswith(f"f: '{table}.x")
