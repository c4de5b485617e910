"""Records a segment with tcpdump, as on a span port of its switch."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

SETTLE_SECONDS = 0.7
"""tcpdump needs a moment before it sees the first frame, and one to see the last."""


class Recorder:
    """Records ``segment`` into ``path`` from entering the ``with`` block to leaving it.

    ``rotate``: a new file every so many seconds (tcpdump ``-G``); ``path`` is then a strftime pattern.
    """

    def __init__(self, segment: str, path: Path, rotate: int | None = None) -> None:
        # No name resolution, no privilege drop (it could not write here), every packet taken and written at once.
        self._command = ["ip", "netns", "exec", segment, "tcpdump", "-i", "span0", "-n", "-Z", "root", "-s", "0"]
        self._command += ["--immediate-mode", "-U", "-B", "65536", "-w", str(path)]
        if rotate is not None:
            self._command += ["-G", str(rotate)]

    def __enter__(self) -> None:
        self._process = subprocess.Popen(self._command, stderr=subprocess.PIPE, text=True)
        assert self._process.stderr is not None  # noqa: S101 - it is a pipe, see above
        for line in self._process.stderr:
            if "listening on" in line:
                break
        time.sleep(SETTLE_SECONDS)

    def __exit__(self, *raised: object) -> None:
        time.sleep(SETTLE_SECONDS)
        self._process.terminate()
        said = self._process.communicate()[1]
        if "0 packets dropped by kernel" not in said:
            raise RuntimeError(f"tcpdump lost packets: {said}")
