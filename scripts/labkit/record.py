"""One recording from beginning to end, inside the sealed namespaces."""

from __future__ import annotations

import gzip
import json
import lzma
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.labkit import certificates, credentials, labels, material, network, pcapfile, sealed, servers, transcript
from scripts.labkit.bench import Bench, Run
from scripts.labkit.cases import CASES
from scripts.labkit.clients import CLIENTS
from scripts.labkit.material import Material
from scripts.labkit.office import ROTATE_SECONDS, STORY
from scripts.labkit.recorder import Recorder
from scripts.labkit.sends import Send
from scripts.labkit.tls_cases import TLS_CASES
from scripts.labkit.world import BY_NAME, HOSTS, hosts_file

_SCRATCH = Path("/mnt")
"""Any directory that exists on every machine: a tmpfs lies over it, for the lab's processes only."""

_CASES_AT_ONCE = 60

_SUITES = (
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_CCM_SHA256:"
    "TLS_AES_128_CCM_8_SHA256"
)
"""All of TLS 1.3; OpenSSL lists only three unasked."""

_TIME_SLACK = 0.05
"""A client's start is noted a little before or after its first packet's time stamp."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A recording and the runs it shows, each named."""

    capture: Path
    runs: list[tuple[str, Run]]


def record(software: Material, output: Path, *, only: str | None, parts: list[str], every: int) -> int:
    """Record ``parts`` into ``output`` and return the exit status: 1 if a recording does not show what it should.

    With ``only``, record and show those cases whose name contains it, and write nothing.
    """
    bench = _build(software)
    failed = False
    if "story" in parts:
        failed |= _record_story(bench, output, only=only)
    if "tls" in parts:
        failed |= _record_tls(bench, output, only=only, every=every)
    return int(failed)


def _record_story(bench: Bench, output: Path, *, only: str | None) -> bool:
    """The single behaviours and the office, which share one file of labels; true if any is not as meant."""
    cases = [case for case in CASES if only is None or only in case.file]
    if not cases:
        return False
    bench_scene = _record_bench(bench, [(case.file.removesuffix(".pcap"), case.send) for case in cases], only)
    failures: list[str] = []
    lines = _labels(bench_scene, bench.key_log, failures)
    if only is not None:
        _show(bench, lines, failures)
        return bool(failures)
    _write_cases(output / "mechanisms", bench_scene.capture, lines)
    office_files, office_scene = _record_office(bench)
    lines += _write_office(output / "office", office_files, _labels(office_scene, bench.key_log, failures))
    _write_labels(output, lines, bench.key_log)
    sys.stderr.write(f"lab: {len(lines)} sessions labelled, {len(failures)} not as meant\n")
    return bool(failures)


def _record_tls(bench: Bench, output: Path, *, only: str | None, every: int) -> bool:
    """Many sessions inside TLS, one capture per server; true if any is not as meant.

    What has been recorded is written every so often: it takes long.
    """
    if only is None:
        cases = [(case.name, case.send) for case in TLS_CASES[::every]]
    else:
        cases = [(case.name, case.send) for case in TLS_CASES if only in case.name]
    failures: list[str] = []
    lines: list[dict[str, Any]] = []
    frames: dict[str, list[pcapfile.Frame]] = {}
    for start in range(0, len(cases), _CASES_AT_ONCE):
        scene = _record_bench(bench, cases[start : start + _CASES_AT_ONCE], only, number=start)
        found = _labels(scene, bench.key_log, failures, further=True)
        _sort_by_server(scene.capture, found, frames)
        scene.capture.unlink()
        lines += found
        if only is None:
            _write_servers(output / "tls", frames)
            _write_labels(output / "tls", lines, bench.key_log)
            sys.stderr.write(f"lab: {len(lines)} sessions inside TLS labelled, {len(failures)} not as meant\n")
    if only is not None and cases:
        _show(bench, lines, failures)
    return bool(failures)


def _show(bench: Bench, lines: list[dict[str, Any]], failures: list[str]) -> None:
    if failures:
        for log in sorted(bench.folder.glob("*.log")):
            if log != bench.key_log:
                sys.stderr.write(f"--- {log.name}\n{log.read_text(errors='replace')[-2000:]}\n")
    for line in lines:
        sys.stdout.write(json.dumps(line) + "\n")


def _build(software: Material) -> Bench:
    sealed.dress(software.trees, _SCRATCH)
    material.compile_programs(software)
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
    return Bench(built, software, folder, key_log, CLIENTS)


def _record_bench(bench: Bench, cases: list[tuple[str, Send]], only: str | None, number: int = 0) -> Scene:
    capture = bench.folder / f"bench-{number}.pcap"
    runs = []
    with Recorder("office", capture):
        for name, send in cases:
            run = bench.run(send)
            runs.append((name, run))
            if only is not None:
                sys.stderr.write(f"--- {name}: exit {run.status}\n{run.said}\n")
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


def _labels(scene: Scene, key_log: Path, failures: list[str], *, further: bool = False) -> list[dict[str, Any]]:
    """One label per connection; a run without the connections it should make, or not as meant, goes to ``failures``.

    ``further``: with what is said of the sessions of ``captures/tls`` alone.
    """
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
            if len(near) < run.send.connections:
                raise labels.LabelError(f"{name}: {len(near)} connections")
            for number, connection in enumerate(near[: run.send.connections], 1):
                found.remove(connection)
                own = f"{name}-{number}" if run.send.connections > 1 else name
                line = labels.label(own, f"mechanisms/{name}.pcap", run.send, connection)
                lines.append(line | labels.inside_tls(own, run.send, connection) if further else line)
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


def _sort_by_server(capture: Path, lines: list[dict[str, Any]], frames: dict[str, list[pcapfile.Frame]]) -> None:
    """Add the frames of labelled connections to those of their server's file, and tell the labels its name."""
    files = {}
    for line in lines:
        host = next(host for host in HOSTS if line["server_ip"] in (host.ipv4, host.ipv6))
        line["file"] = f"{host.name}.pcap.xz"
        files[frozenset({(line["client_ip"], line["client_port"]), (line["server_ip"], line["port"])})] = line["file"]
    for frame in pcapfile.read(capture):
        ends = pcapfile.endpoints(frame)
        if ends in files:
            frames.setdefault(files[ends], []).append(frame)


def _write_servers(folder: Path, frames: dict[str, list[pcapfile.Frame]]) -> None:
    """One compressed capture per server."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, kept in frames.items():
        plain = folder / name.removesuffix(".xz")
        pcapfile.write(plain, kept)
        (folder / name).write_bytes(lzma.compress(plain.read_bytes()))
        plain.unlink()


def _write_labels(folder: Path, lines: list[dict[str, Any]], key_log: Path) -> None:
    (folder / "keys.log").write_text(_keys(key_log))
    kept = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (folder / "labels.jsonl").write_text(kept)


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
    listed = subprocess.run(
        ["openssl", "ciphers", "-V", "-ciphersuites", _SUITES, "ALL:@SECLEVEL=0"],
        check=True,
        capture_output=True,
        text=True,
    )
    names = {}
    for line in listed.stdout.splitlines():
        code, _, name = line.split()[:3]
        high, low = code.split(",")
        names[int(high, 16) << 8 | int(low, 16)] = name
    return names
