"""The lock files say exactly what is installed, and nothing of the machine they were made on."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import analyzer

ROOT = Path(analyzer.__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = ("requirements.lock", "requirements-dev.lock")


def locked(name: str) -> dict[str, Requirement]:
    """Requirements of a lock file by package."""
    text = re.sub(r"\s*\\\n\s*--hash=sha256:[0-9a-f]{64}", "", (ROOT / name).read_text())
    requirements = [Requirement(line) for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    return {canonicalize_name(each.name): each for each in requirements}


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("requirements.lock", PROJECT["project"]["dependencies"]),
        ("requirements-dev.lock", PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["dev"]),
    ],
)
def test_every_dependency_is_locked_at_a_version_that_the_project_accepts(lock: str, wanted: list[str]) -> None:
    packages = locked(lock)
    for requirement in map(Requirement, wanted):
        (pin,) = packages[canonicalize_name(requirement.name)].specifier
        assert pin.operator == "=="
        assert requirement.specifier.contains(pin.version)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_hashes(lock: str) -> None:
    blocks = re.split(r"\n(?=[a-zA-Z0-9])", (ROOT / lock).read_text())
    unhashed = [block.split()[0] for block in blocks if not block.startswith("#") and "--hash=sha256:" not in block]
    assert not unhashed


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_names_no_registry_and_no_path(lock: str) -> None:
    text = (ROOT / lock).read_text().replace("scripts/lock", "")
    assert not re.search(r"://|(^|\s)/|--index|--find-links", text)


def test_development_runs_on_the_very_versions_that_users_get() -> None:
    development = locked("requirements-dev.lock")
    assert {name: str(pin) for name, pin in locked("requirements.lock").items()}.items() <= {
        name: str(pin) for name, pin in development.items()
    }.items()
