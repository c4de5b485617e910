"""Reads an interface until it is told to end, with or without the whole analysis; prints what came as JSON."""

from __future__ import annotations

import json
import resource
import signal
import sys
import time

from analyzer.capture.live import LiveCapture, capture_filter
from analyzer.packets import SUBMISSION_PORTS
from analyzer.pipeline import Analysis


def main(interface: str, buffer: int, analyse: bool) -> None:
    """Read until SIGTERM."""
    sessions = 0

    def count(session: object) -> None:
        nonlocal sessions
        sessions += 1

    chosen = capture_filter(SUBMISSION_PORTS, decap=False, expression=None)
    with LiveCapture([interface], chosen, buffer=buffer) as capture:
        signal.signal(signal.SIGTERM, lambda number, frame: capture.stop())
        analysis = Analysis(capture.sources, count)
        print("ready", flush=True)
        before, frames, slowest = _processor(), 0, 0.0
        for batch in capture.batches():
            began = time.monotonic()
            frames += len(batch)
            if analyse:
                analysis.feed(batch)
            slowest = max(slowest, time.monotonic() - began)
        used = _processor() - before
        (counters,) = capture.counters()
    result = {
        "received": counters.received,
        "handed_out": frames,
        "dropped": counters.dropped,
        "processor": used,
        "sessions": sessions,
        "slowest": slowest,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
    }
    print(json.dumps(result), flush=True)


def _processor() -> float:
    """Seconds that this process has used."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3] == "analyse")
