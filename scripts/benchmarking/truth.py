"""Holds what ``smtpauth scan`` says of a generated capture against what was generated."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from scripts.set_up import ROOT

SHOWN = 10
Tally = Counter[tuple[str, str, Any]]


def differences(capture: Path) -> list[str]:
    """One line for each figure that is not as generated; nothing when all is right."""
    truth = json.loads(capture.with_suffix(".truth.json").read_text())
    command = [sys.executable, "-m", "analyzer.cli", "scan", "--quiet", "--sessions", "--format", "jsonl", str(capture)]
    mechanisms = {device["ip"]: device["mechanism"] for device in truth["devices"]}
    found: Tally = Counter()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            found.update(_session(json.loads(line), mechanisms))
    if process.returncode:
        return [f"smtpauth scan ended with exit code {process.returncode}"]
    wanted: Tally = Counter()
    for device in truth["devices"]:
        wanted.update(_device(device))
    wrong = [key for key in wanted | found if wanted[key] != found[key]]
    lines = [
        f"{' '.join(map(str, key))}: {found[key]} found, {wanted[key]} generated" for key in sorted(wrong, key=str)
    ]
    return lines if len(lines) <= SHOWN else [*lines[:SHOWN], f"and {len(lines) - SHOWN} more"]


def _device(device: dict[str, Any]) -> Tally:
    """What must be found for one device: everything in the clear, and of TLS its outside."""
    ip, clear = device["ip"], device["tls"] == "none"
    tally: Tally = Counter(
        {
            (ip, "sessions with", (device["mac"], device["server"], device["port"])): device["sessions"],
            (ip, "TLS", (device["tls"], device["version"])): device["sessions"],
        }
    )
    if clear:
        tally[ip, "messages", None] = device["messages"]
        for outcome in ("success", "failure"):
            tally[ip, "AUTH", (device["mechanism"], device["account"], outcome)] = device[outcome]
    return +tally


def _session(session: dict[str, Any], mechanisms: dict[str, str | None]) -> Tally:
    """What was found in one session; of what was inferred inside TLS only what is wrong, for it may be left open."""
    client, server, tls = session["client"], session["server"], session["tls"]
    ip = client["ip"]
    tally: Tally = Counter()
    tally[ip, "sessions with", (client["mac"], server["name"], server["port"])] += 1
    tally[ip, "TLS", (tls["mode"], tls["version"])] += 1
    if tls["mode"] == "none":
        tally[ip, "messages", None] += session["messages"]
    for attempt in session["auth"]:
        if attempt["evidence"] == "observed":
            tally[ip, "AUTH", (attempt["mechanism"], attempt["username"], attempt["outcome"])] += 1
        elif attempt["mechanism"] not in (None, mechanisms[ip]):
            tally[ip, "inferred", attempt["mechanism"]] += 1
    if session["evidence"] == "inferred" and (session["method"] == "none") != (mechanisms[ip] is None):
        tally[ip, "inferred", session["method"]] += 1
    return +tally
