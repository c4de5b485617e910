"""Where tests find recorded material that is not part of the project.

The folder is named by ``SMTPAUTH_MATERIAL``, else ``shared`` beside the repository. Tests that need it are
skipped where it is absent; everything else is tested on ``captures/``.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
MATERIAL = Path(os.environ.get("SMTPAUTH_MATERIAL", REPOSITORY.parent / "shared"))
LAB = MATERIAL / "lab"
CORPUS = MATERIAL / "corpus"

needs_lab = pytest.mark.skipif(not (LAB / "labels.jsonl").is_file(), reason="recorded lab sessions are not here")
needs_corpus = pytest.mark.skipif(not (CORPUS / "labels.json").is_file(), reason="public captures are not here")


def lab_labels() -> list[dict[str, Any]]:
    """Ground truth of the recorded sessions, one entry per TCP connection."""
    with (LAB / "labels.jsonl").open() as lines:
        return [json.loads(line) for line in lines]


def corpus_labels() -> list[dict[str, Any]]:
    """Ground truth of the public captures, one entry per file."""
    entries: list[dict[str, Any]] = json.loads((CORPUS / "labels.json").read_text())
    return entries
