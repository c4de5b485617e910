"""Which tshark to use, and whether it is new enough."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import Any, Final

from analyzer.errors import UsageError

OLDEST: Final = (4, 0)
"""The oldest tshark whose fields and decoding of AUTH this was tested with."""

_INSTALL: Final = (
    "install it (Debian, Ubuntu: apt install tshark; Fedora: dnf install wireshark-cli; macOS: brew install wireshark)"
    " or name it with --tshark FILE"
)

_MAC_APPLICATION: Final = "/Applications/Wireshark.app/Contents/MacOS/tshark"

_VERSION: Final = re.compile(r"^(?:Running as[^\n]*\n)*TShark\b[^\n]*?(\d+)\.(\d+)(?:\.(\d+))?")


@dataclass(frozen=True, slots=True)
class Tshark:
    """A tshark program that is there and new enough; ``version`` as in ``4.0.17``."""

    path: str
    version: str


def find_tshark(given: str | None = None) -> Tshark:
    """The tshark to use: ``given`` by the user, else the one installed.

    Raises:
        UsageError: there is none, it cannot be run, or it is too old.
    """
    path = shutil.which(given or "tshark")
    if path is None and given is None:
        path = shutil.which(_MAC_APPLICATION)
    if path is None:
        problem = f"{given!r} is not a program" if given else "this needs tshark, which is not installed"
        raise UsageError(f"{problem}; {_INSTALL}")
    try:
        asked = subprocess.run(  # noqa: S603 - what the user named, or what is installed
            [path, "--version"], capture_output=True, timeout=60, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise UsageError(f"{path!r} cannot be run ({reason(error)}); {_INSTALL}") from None
    found = _VERSION.match(asked.stdout.decode("utf-8", "replace"))
    if found is None:
        raise UsageError(f"{path!r} is not tshark; {_INSTALL}")
    version = ".".join(part for part in found.groups() if part is not None)
    if (int(found[1]), int(found[2])) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise UsageError(f"{path!r} is tshark {version}, and {oldest} or newer is needed; {_INSTALL}")
    return Tshark(path, version)


def reason(error: Any) -> str:
    """Why something failed, in the system's words where it has any."""
    return getattr(error, "strerror", None) or type(error).__name__
