"""What capturing needs beyond an ordinary user's rights: how to get it, and how to give it up again."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import re
import sys
from pathlib import Path

from analyzer.capture.names import inert
from analyzer.errors import UsageError

DEFAULT_USER = "nobody"

_PYTHON = os.path.realpath(sys.executable)  # of a venv it is a link; resolved now, while one may look everywhere
_PR_SET_NO_NEW_PRIVS = 38  # linux/prctl.h


def not_permitted(name: str) -> UsageError:
    """What a user who may not capture from the interface ``name`` can do about it."""
    if sys.platform != "linux":
        return UsageError(
            f"{inert(name)}: capturing is not permitted; run this with sudo, or give yourself access to /dev/bpf*"
        )
    return UsageError(
        f"{inert(name)}: capturing needs the capability CAP_NET_RAW; run this with sudo, or grant it: "
        f"sudo setcap cap_net_raw+ep {inert(_PYTHON)} (in a systemd unit: AmbientCapabilities=CAP_NET_RAW)"
    )


def drop_privileges(user: str | None = None) -> str | None:
    """Become an unprivileged user, for good; nothing happens where that has been so from the start.

    Call it when the interfaces are open. Capabilities, supplementary groups and the way back are gone afterwards,
    also by running programs that would grant them (on Linux).

    Args:
        user: whom to become; by default :data:`DEFAULT_USER`. Only root can become somebody.

    Returns:
        The user that this process now runs as, or ``None`` where it changed nothing.

    Raises:
        UsageError: there is no such user, or it is root, or this process may not become it.
        RuntimeError: privileges could be had back: do not go on.
    """
    if os.geteuid() != 0:
        if user is not None and _entry(user).pw_uid != os.geteuid():
            raise UsageError(f"only root can become another user ({inert(user)}); leave the option out")
        return None
    entry = _entry(DEFAULT_USER if user is None else user)
    if entry.pw_uid == 0:
        raise UsageError(f"{inert(entry.pw_name)} is as privileged as root; name another user")
    try:
        os.setgroups([])
        if sys.platform == "linux":
            os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
            os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)
        else:  # the real and the saved ones follow where root asks
            os.setgid(entry.pw_gid)
            os.setuid(entry.pw_uid)
    except PermissionError:  # root without CAP_SETUID and CAP_SETGID, as in a container
        raise UsageError(
            f"this process may not become {inert(entry.pw_name)}; it needs CAP_SETUID and CAP_SETGID for that"
        ) from None
    _close_the_way_back(entry)
    return entry.pw_name


def _entry(user: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(user)
    except (KeyError, ValueError):
        raise UsageError(f"there is no user {inert(user)} to drop privileges to; name one that exists") from None


def _close_the_way_back(entry: pwd.struct_passwd) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        status = Path("/proc/self/status")
        kept = re.findall(r"^Cap(?:Inh|Prm|Eff|Amb):\s*0*([1-9a-f]\S*)", status.read_text(), re.MULTILINE)
        if kept:
            raise RuntimeError(f"capabilities remain after dropping privileges: {', '.join(kept)}")
    for regain in (os.setuid, os.seteuid, os.setgid, os.setegid):
        with contextlib.suppress(PermissionError):
            regain(0)
            raise RuntimeError("root could be had back after dropping privileges")
    if (os.getuid(), os.geteuid(), os.getgid(), os.getegid()) != (entry.pw_uid,) * 2 + (entry.pw_gid,) * 2:
        raise RuntimeError("privileges were dropped in part only")
