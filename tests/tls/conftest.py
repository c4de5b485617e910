"""Conversations recorded once per test run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.tls.conversations import Conversation, Pki, record_conversations


@pytest.fixture(scope="session")
def conversations(tmp_path_factory: pytest.TempPathFactory) -> list[Conversation]:
    """One real conversation of each kind; needs the ``openssl`` command to make certificates."""
    if shutil.which("openssl") is None:
        pytest.skip("the openssl command is not here")
    folder: Path = tmp_path_factory.mktemp("pki")
    return record_conversations(Pki(folder))
