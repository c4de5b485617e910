"""One recording from beginning to end, inside the sealed namespaces."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.labkit import certificates, credentials, labels, network, pcapfile, sealed, servers, transcript
from scripts.labkit.cases import CASES
from scripts.labkit.clients import Bench, Run
from scripts.labkit.material import Material
from scripts.labkit.office import ROTATE_SECONDS, STORY
from scripts.labkit.recorder import Recorder
from scripts.labkit.sends import Send
from scripts.labkit.world import BY_NAME, HOSTS, hosts_file

_SCRATCH = Path("/mnt")
"""Any directory that exists on every machine: a tmpfs lies over it, for the lab's processes only."""

_TIME_SLACK = 0.05
"""A client's start is noted a little before or after its first packet's time stamp."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A recording and the runs it shows, each named."""

    capture: Path
    runs: list[tuple[str, Run]]


def record(software: Material, output: Path, *, only: str | None, office: bool) -> int:
    """Record everything into ``output`` and return the exit status: 1 if a recording does not show what it should."""
    bench = _build(software)
    cases = [case for case in CASES if only is None or only in case.file]
    bench_scene = _record_bench(bench, cases, verbose=only is not None)
    office_files: list[Path] = []
    office_scene = None
    if office and only is None:
        office_files, office_scene = _record_office(bench)

    key_log = _keys(bench.key_log)
    failures: list[str] = []
    lines = _labels(bench_scene, bench.key_log, failures)
    if failures and only is not None:
        for log in sorted(bench.folder.glob("*.log")):
            if log != bench.key_log:
                sys.stderr.write(f"--- {log.name}\n{log.read_text(errors='replace')[-2000:]}\n")
    if only is not None:
        for line in lines:
            sys.stdout.write(json.dumps(line) + "\n")
        return 1 if failures else 0
    _write_cases(output / "mechanisms", bench_scene.capture, lines)
    if office_scene is not None:
        lines += _write_office(output / "office", office_files, _labels(office_scene, bench.key_log, failures))
        (output / "keys.log").write_text(key_log)
        kept = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        (output / "labels.jsonl").write_text(kept)
    sys.stderr.write(f"lab: {len(lines)} sessions labelled, {len(failures)} not as meant\n")
    return 1 if failures else 0


def _build(software: Material) -> Bench:
    sealed.dress([software.base_tree, software.exim_tree], _SCRATCH)
    folder = _SCRATCH / "lab"
    folder.mkdir()
    key_log = folder / "keys.log"
    key_log.touch()
    key_log.chmod(0o666)  # servers that have given up root add to it
    Path("/etc/hosts").write_text(hosts_file())
    resolver = Path("/etc/resolv.conf")
    resolver.unlink(missing_ok=True)  # often a link into /run
    resolver.write_text("nameserver 127.0.0.1\n")
    credentials.write(folder)
    certificates.make(folder / "certificates")
    servers.prepare_postfix()
    built = network.build(list(HOSTS))
    servers.start(built, software, folder, key_log)
    return Bench(built, software, folder, key_log)


def _record_bench(bench: Bench, cases: list[Any], *, verbose: bool) -> Scene:
    capture = bench.folder / "bench.pcap"
    runs = []
    with Recorder("office", capture):
        for case in cases:
            run = bench.run(case.send)
            runs.append((case.file.removesuffix(".pcap"), run))
            if verbose:
                sys.stderr.write(f"--- {case.file}: exit {run.status}\n{run.said}\n")
    return Scene(capture, runs)


def _record_office(bench: Bench) -> tuple[list[Path], Scene]:
    sys.stderr.write("lab: the office begins its two minutes\n")
    runs = []
    waiting: list[tuple[str, Send, float, subprocess.Popen[bytes]]] = []
    with Recorder("office", bench.folder / "office-%s.pcap", rotate=ROTATE_SECONDS):
        began = time.time()
        for offset, send in STORY:
            time.sleep(max(0.0, began + offset - time.time()))
            waiting.append((f"office-{len(waiting) + 1:02}-{send.device}", send, time.time(), bench.start(send)))
        for name, send, started, process in waiting:
            said, _ = process.communicate(timeout=90)
            runs.append((name, Run(send, started, time.time(), process.returncode, said.decode(errors="replace"))))
    files = sorted(bench.folder.glob("office-*.pcap"))
    whole = bench.folder / "office.pcap"
    pcapfile.write(whole, [frame for file in files for frame in pcapfile.read(file)])
    return files, Scene(whole, runs)


def _labels(scene: Scene, key_log: Path, failures: list[str]) -> list[dict[str, Any]]:
    """One label per connection; a run without exactly one connection, or not as meant, goes to ``failures``."""
    found = transcript.connections(scene.capture, key_log, _cipher_names())
    lines = []
    for name, run in scene.runs:
        device = BY_NAME[run.send.device]
        target = BY_NAME[run.send.server]
        near = [
            connection
            for connection in found
            if connection.client_ip in (device.ipv4, device.ipv6)
            and connection.server_ip in (target.ipv4, target.ipv6)
            and connection.server_port == run.send.port
            and run.started - _TIME_SLACK <= connection.start <= run.ended
        ]
        try:
            if not near:
                raise labels.LabelError(f"{name}: no connection")
            found.remove(near[0])
            lines.append(labels.label(name, f"mechanisms/{name}.pcap", run.send, near[0]))
        except labels.LabelError as error:
            failures.append(str(error))
            sys.stderr.write(f"lab: {error}\n     client said: {run.said.strip()[-600:]}\n")
    for connection in found:
        failures.append("extra connection")
        sys.stderr.write(f"lab: a connection nobody meant: {connection}\n")
    return lines


def _write_cases(folder: Path, capture: Path, lines: list[dict[str, Any]]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    by_connection: dict[Any, list[pcapfile.Frame]] = {}
    for frame in pcapfile.read(capture):
        by_connection.setdefault(pcapfile.endpoints(frame), []).append(frame)
    for line in lines:
        key = frozenset({(line["client_ip"], line["client_port"]), (line["server_ip"], line["port"])})
        pcapfile.write(folder / f"{line['id']}.pcap", by_connection[key])


def _write_office(folder: Path, files: list[Path], lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Copy the rotated files, every second one compressed, and name in each label the files its connection is in."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    holding: dict[Any, list[str]] = {}
    for number, file in enumerate(files, 1):
        name = f"office-{number}.pcap" + ("" if number % 2 else ".gz")
        raw = file.read_bytes()
        (folder / name).write_bytes(raw if number % 2 else gzip.compress(raw, mtime=0))
        for frame in pcapfile.read(file):
            names = holding.setdefault(pcapfile.endpoints(frame), [])
            if name not in names:
                names.append(name)
    for line in lines:
        key = frozenset({(line["client_ip"], line["client_port"]), (line["server_ip"], line["port"])})
        line["file"], *later = [f"office/{name}" for name in holding[key]]
        if later:
            line["continues_in"] = later
    return lines


def _keys(key_log: Path) -> str:
    """The key log without repetitions (both ends of a session write the same line)."""
    lines = {line for line in key_log.read_text().splitlines() if line and not line.startswith("#")}
    head = "# TLS keys of the lab's sessions. They open nothing else: its certificates and passwords ended with it.\n"
    return head + "".join(f"{line}\n" for line in sorted(lines))


def _cipher_names() -> dict[int, str]:
    listed = subprocess.run(["openssl", "ciphers", "-V", "ALL:@SECLEVEL=0"], check=True, capture_output=True, text=True)
    names = {}
    for line in listed.stdout.splitlines():
        code, _, name = line.split()[:3]
        high, low = code.split(",")
        names[int(high, 16) << 8 | int(low, 16)] = name
    return names
