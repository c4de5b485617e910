from __future__ import annotations

from dataclasses import fields

from hypothesis import given
from hypothesis import strategies as st

from analyzer.inventory.device import Outline
from analyzer.inventory.devices import Inventory
from analyzer.inventory.session import Session
from tests.support.sessions import sessions


def inventory(seen: list[Session]) -> Inventory:
    made = Inventory()
    for one in seen:
        made.add(one)
    return made


@given(st.lists(sessions(), max_size=12))
def test_an_outline_says_what_the_device_says(seen: list[Session]) -> None:
    made = inventory(seen)
    whole = {device.device: device for device in made.devices()}
    outlines = made.roster().outlines
    assert {outline.device for outline in outlines} == whole.keys()
    for outline in outlines:
        for field in fields(Outline):
            assert getattr(outline, field.name) == getattr(whole[outline.device], field.name)


@given(st.lists(sessions(), max_size=12), st.sets(st.sampled_from(["10.0.0.1", "10.0.0.2", "203.0.113.7", "fd00::5"])))
def test_an_overview_of_some_is_part_of_that_of_all(seen: list[Session], only: set[str]) -> None:
    made = inventory(seen)
    devices, shared = made.overview()
    some = made.overview(only)
    assert some.devices == [device for device in devices if device.device in only]
    assert some.shared == shared
