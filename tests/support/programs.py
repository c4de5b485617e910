"""Programs that stand in for tshark, to misbehave on demand."""

from __future__ import annotations

import sys
from pathlib import Path

VERSION = "TShark (Wireshark) 4.0.17 (Git v4.0.17 packaged as 4.0.17-0+deb12u3)."


def program(folder: Path, body: str, version: str = VERSION) -> str:
    """An executable that answers ``--version`` and else runs ``body``; returns its path."""
    path = folder / "tshark-of-mine"
    answer = f"if '--version' in sys.argv:\n    print({version!r})\n    sys.exit()"
    path.write_text(f"#!{sys.executable}\nimport sys\n{answer}\n{body}\n")
    path.chmod(0o755)
    return str(path)
