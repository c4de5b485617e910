"""Colours are data: every text colour is held against every ground it stands on (WCAG 2.2, success criterion 1.4.3)."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from analyzer.inventory.status import STATUSES

STYLE = files("analyzer.report.page").joinpath("templates", "style.css").read_text("utf-8")
TEXTS = ("ink", "muted", "link", "good", "bad", *STATUSES)
GROUNDS = ("paper", "card", "soft")


def palettes() -> dict[str, dict[str, str]]:
    """Custom properties of light, dark and print, what is not set anew taken from light."""
    blocks = [
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]+)", body)) for body in re.findall(r":root \{(.*?)\}", STYLE, re.S)
    ]
    light, dark, paper = blocks
    return {"light": light, "dark": {**light, **dark}, "print": {**light, **paper}}


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_computed_as_the_standard_does() -> None:
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#fff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
@pytest.mark.parametrize("text", TEXTS)
def test_text_can_be_read_on_every_ground(scheme: str, text: str) -> None:
    palette = palettes()[scheme]
    for ground in GROUNDS:
        assert contrast(palette[text], palette[ground]) >= 4.5, (text, ground)


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
def test_marked_words_and_edges_can_be_seen(scheme: str) -> None:
    palette = palettes()[scheme]
    assert contrast(palette["ink"], palette["mark"]) >= 4.5
    for status in STATUSES:  # parts of charts: success criterion 1.4.11
        assert contrast(palette[status], palette["card"]) >= 3
