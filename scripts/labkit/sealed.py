"""Shuts the lab in: namespaces of its own for network, mounts and processes.

Inside there is no way to any other machine, what is written to ``/etc``, ``/usr`` and ``/var`` is gone afterwards,
and every process ends with the lab, however it ends: the kernel does the cleaning up.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_MARK = "SMTPAUTH_LAB_SEALED"
_UNSHARE = ["unshare", "--mount", "--net", "--uts", "--pid", "--fork", "--mount-proc", "--kill-child"]

USERS = (
    "postfix:x:701:701",
    "postdrop:x:702:702",
    "dovecot:x:703:703",
    "dovenull:x:704:704",
    "Debian-exim:x:705:705",
    "vmail:x:706:706",
    "opensmtpd:x:707:707",
    "opensmtpq:x:708:708",
)
"""What the packages' install scripts would have added; numbers are arbitrary but fixed."""


def is_sealed() -> bool:
    """Whether this process already runs inside."""
    return os.environ.get(_MARK) == "1"


def enter() -> int:
    """Run this very command again inside new namespaces and return its exit status."""
    return subprocess.run([*_UNSHARE, sys.executable, *sys.argv], check=False, env=os.environ | {_MARK: "1"}).returncode


def dress(trees: list[Path], scratch: Path) -> None:
    """Lay ``trees`` over the system's files, and make ``/etc``, ``/var`` and ``/run`` private and writable.

    ``scratch`` is an empty directory: a tmpfs is mounted there, since an overlay cannot lie on another overlay
    (the usual root of a container).
    """
    _mount("-t", "tmpfs", "-o", "mode=755", "lab", str(scratch))
    for directory in ("usr", "etc", "var"):
        _overlay(scratch, Path("/", directory), [tree / directory for tree in trees])
    _mount("-t", "tmpfs", "-o", "mode=755", "lab", "/run")
    Path("/run/netns").mkdir()
    with Path("/etc/passwd").open("a") as passwd, Path("/etc/group").open("a") as group:
        there = {line.partition(":")[0] for line in Path("/etc/passwd").read_text().splitlines()}
        for user in USERS:
            name, _, uid, gid = user.split(":")
            if name in there:
                continue
            passwd.write(f"{user}::/nonexistent:/usr/sbin/nologin\n")
            group.write(f"{name}:x:{gid}:\n")
            assert uid == gid  # noqa: S101 - the table above
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def _overlay(scratch: Path, over: Path, trees: list[Path]) -> None:
    upper, work = scratch / f"upper{over.name}", scratch / f"work{over.name}"
    upper.mkdir()
    work.mkdir()
    lower = ":".join(str(tree) for tree in (*trees, over) if tree.is_dir())
    _mount("-t", "overlay", "-o", f"lowerdir={lower},upperdir={upper},workdir={work}", "lab", str(over))


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)
