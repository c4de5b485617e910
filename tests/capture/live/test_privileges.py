"""Privileges are given up for good, in processes of their own."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import analyzer
from tests.support.root import needs_root, uncovered

PROLOGUE = """
import os
from analyzer.capture.live import drop_privileges
from analyzer.errors import UsageError
def drop(user=None):
    try:
        return drop_privileges(user)
    except UsageError as refused:
        return str(refused)
"""


def run(program: str, first: Callable[[], None] | None = None) -> list[str]:
    result = subprocess.run(
        [sys.executable, "-c", PROLOGUE + program],
        capture_output=True,
        text=True,
        cwd=Path(analyzer.__file__).parent.parent,
        timeout=30,
        preexec_fn=first,
        env=uncovered(),
    )
    assert result.stderr == ""
    return result.stdout.splitlines()


@needs_root
def test_root_becomes_nobody_without_groups_and_capabilities() -> None:
    said = run("""
print(drop())
print(os.getresuid(), os.getresgid(), os.getgroups())
status = open("/proc/self/status").read().split("\\n")
print(*[line.split()[1].strip("0") for line in status if line[:6] in ("CapInh", "CapPrm", "CapEff", "CapAmb")], sep="")
print([line.split()[1] for line in status if line.startswith("NoNewPrivs")])
""")
    assert said == ["nobody", "(65534, 65534, 65534) (65534, 65534, 65534) []", "", "['1']"]


@needs_root
@pytest.mark.parametrize("regain", ["os.setuid(0)", "os.seteuid(0)", "os.setgid(0)", "os.setgroups([0])"])
def test_there_is_no_way_back(regain: str) -> None:
    said = run(f"drop()\ntry:\n    {regain}\nexcept PermissionError as refused:\n    print(refused.strerror)")
    assert said == ["Operation not permitted"]


@needs_root
def test_another_user_can_be_named() -> None:
    assert run("import pwd\nprint(drop('daemon'), pwd.getpwuid(os.getuid()).pw_name)") == ["daemon daemon"]


@needs_root
@pytest.mark.parametrize(
    ("user", "message"),
    [
        ("nosuchuser", "there is no user nosuchuser to drop privileges to; name one that exists"),
        ("no\x1bsuch\n", "there is no user no\\x1bsuch\\n to drop privileges to; name one that exists"),
        ("no\0such", "there is no user no\\x00such to drop privileges to; name one that exists"),
        ("root", "root is as privileged as root; name another user"),
    ],
)
def test_a_user_that_cannot_be_become_is_refused_before_anything_changes(user: str, message: str) -> None:
    assert run(f"print(drop({user!r}), os.getuid())") == [f"{message} 0"]


@needs_root
def test_root_that_may_not_become_anybody_is_told() -> None:
    def lose() -> None:  # as in a container that withholds CAP_SETGID and CAP_SETUID
        for capability in (6, 7):
            ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP

    said = run("print(drop())", lose)
    assert said == ["this process may not become nobody; it needs CAP_SETUID and CAP_SETGID for that"]


@needs_root
def test_who_is_not_root_stays_who_they_are() -> None:
    assert run("os.setuid(1)\nprint(drop(), os.getuid(), drop('daemon'), drop('nobody'))") == [
        "None 1 None only root can become another user (nobody); leave the option out"
    ]
