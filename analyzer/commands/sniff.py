"""``smtpauth sniff``: interfaces in; events while it runs, and an inventory that grows."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Sequence
from time import monotonic, time_ns
from typing import TYPE_CHECKING

from analyzer.alerts import Throttle, Watcher
from analyzer.capture.live import InterfaceCounters, LiveCapture, capture_filter, drop_privileges, interfaces
from analyzer.commands.console import say
from analyzer.commands.device_memory import DeviceMemory
from analyzer.commands.gate import exit_code
from analyzer.commands.limits import limits_of
from analyzer.commands.live_table import SHARE, LiveTable
from analyzer.commands.notes import Notes
from analyzer.commands.outlets import Outlets
from analyzer.commands.output import output, wants_colour, width_of
from analyzer.commands.preload import preload
from analyzer.commands.process import memory
from analyzer.commands.recording import Recording
from analyzer.commands.signals import Signals
from analyzer.commands.snapshots import Snapshots
from analyzer.delivery.metrics import Readings
from analyzer.errors import Damage, UsageError
from analyzer.hostnames.ports import NAME_PORTS
from analyzer.monitor import MOST_CONVERSATIONS, MOST_DEVICES, Monitor, Recorder, SteadyClock
from analyzer.packets import NO_DATAGRAM_PORTS, SUBMISSION_PORTS
from analyzer.report.live_view import Vitals
from analyzer.report.model import InputSummary, Report
from analyzer.report.records import device_record, summary_record
from analyzer.report.redact import Redactor
from analyzer.report.wording import Record
from analyzer.report.write import write
from analyzer.scrub import Policy

if TYPE_CHECKING:
    from analyzer.commands.storing import LiveStoring

SECOND = 1_000_000_000

LOOK = 1.0
"""Seconds between looks at the counters."""

SILENCE = 30.0
"""Seconds without a packet after which the user is told: a mirror port that is none, or a filter that lets nothing
through, looks like a network without mail."""

LISTED = 5
"""Devices that a loss may concern which are named."""


def run(options: argparse.Namespace) -> int:
    """Carry out the command and return its exit code."""
    if not options.interface:
        raise UsageError(f"name an interface with -i; there are {', '.join(_known())}")
    redactor = Redactor.from_environment() if options.redact_users else None
    known = DeviceMemory(options.state)
    watcher = known.watcher()
    snapshots = Snapshots(options.inventory, redactor) if options.inventory else None
    ports = SUBMISSION_PORTS | frozenset(options.port)
    of_names = NO_DATAGRAM_PORTS if options.no_names else NAME_PORTS
    kernel_filter = capture_filter(
        ports,
        decap=options.decap,
        expression=" ".join(options.filter) or None,
        udp_from=of_names.sources,
        udp_to=of_names.targets,
    )
    table = options.format == "table" or (options.format is None and sys.stdout.isatty())
    with (
        LiveCapture(
            options.interface,
            kernel_filter,
            promiscuous=not options.no_promiscuous,
            **({"buffer": options.buffer << 20} if options.buffer else {}),
        ) as capture,
        Outlets(options, redactor, table=table) as outlets,
        contextlib.ExitStack() as opened,
    ):
        recording = None
        if options.write:
            recording = Recording(options.write, options.write_size << 20, options.write_files, outlets.say)
            opened.callback(recording.close)
        preload()
        if options.store is not None:
            from analyzer.commands import storing as stores  # libraries of databases, which few need

            stores.load()
        drop_privileges(options.user)
        monitor = _monitor(options, capture, outlets, watcher, recording, ports, redactor)
        sniff = _Sniff(options, capture, monitor, outlets, snapshots, known, redactor)
        if options.store is not None:
            sniff.storing = stores.LiveStoring(options.store, options.sensor, redactor, sniff.inputs)
            monitor.on_session = sniff.storing.take
        sniff.keep()  # what cannot be written is better known now than in an hour
        with Signals(capture.stop) as signals, LiveTable(wanted=table) as picture:
            outlets.picture = picture
            sniff.listen(signals, picture)
        report = sniff.end(interrupted=signals.ended)
        if monitor.recorder is not None and (options.verbose or monitor.recorder.given_up):
            lost = f", {monitor.recorder.given_up:,} more had no room" if monitor.recorder.given_up else ""
            say(f"{options.write}: packets of {monitor.recorder.sessions:,} sessions{lost}")
    outlets.picture = None
    Notes(quiet=options.quiet, verbose=options.verbose).report(report, shown=table)
    return exit_code(report, options.fail_on)


def _monitor(
    options: argparse.Namespace,
    capture: LiveCapture,
    outlets: Outlets,
    watcher: Watcher,
    recording: Recording | None,
    ports: frozenset[int],
    redactor: Redactor | None,
) -> Monitor:
    clock = SteadyClock()
    recorder = None
    if recording is not None:
        policy = Policy(options.keep_messages, rename=None if redactor is None else redactor.alias)
        recorder = Recorder(lambda packets: recording.write(packets, clock.told), ports, policy)
    return Monitor(
        capture.sources,
        outlets.event,
        watcher,
        Throttle(options.throttle * SECOND) if options.throttle else Throttle(),
        ports=ports,
        limits=limits_of(options, MOST_CONVERSATIONS),
        most_devices=options.max_devices or MOST_DEVICES,
        clock=clock,
        recorder=recorder,
        host_names=not options.no_names,
    )


def _known() -> list[str]:
    return [f"{interface.name}{'' if interface.up else ' (down)'}" for interface in interfaces()]


class _Sniff:
    """One run."""

    def __init__(
        self,
        options: argparse.Namespace,
        capture: LiveCapture,
        monitor: Monitor,
        outlets: Outlets,
        snapshots: Snapshots | None,
        known: DeviceMemory,
        redactor: Redactor | None,
    ) -> None:
        self._options = options
        self._capture = capture
        self._monitor = monitor
        self._outlets = outlets
        self._snapshots = snapshots
        self._known = known
        self._redactor = redactor
        self._began = self._looked = self._kept = self._heard = monotonic()
        self._counters: Sequence[InterfaceCounters] = capture.counters()
        self._looked_steady = monitor.clock.now()
        self._rate = 0.0
        self._frames = 0
        self._silent = False
        self._show_from = 0.0
        self._first = time_ns()
        self.storing: LiveStoring | None = None

    # --- while it runs ----------------------------------------------------------------------------------

    def listen(self, signals: Signals, picture: LiveTable) -> None:
        """Take what comes until somebody, or the option, ends it."""
        duration = self._options.duration
        for batch in self._capture.batches():
            self._monitor.feed(batch, self._capture.clock_shift)
            now = monotonic()
            if now - self._looked >= LOOK:
                self._look(now)
            if signals.reload:
                signals.reload = False
                self._reload()
            if signals.asked:
                signals.asked = False
                say(self._vitals().line)
            if now - self._kept >= self._options.every:
                self._kept = now
                self._try_to_keep()
            picture.update(self._vitals, self._result)
            if self._outlets.unread or (duration and now - self._began >= duration):
                self._capture.stop()

    def _look(self, now: float) -> None:
        """See how the interfaces are, and tell what changed."""
        before, self._counters = self._counters, self._capture.counters()
        for old, new in zip(before, self._counters, strict=True):
            if new.dropped > old.dropped:
                self._monitor.dropped(new.name, new.dropped - old.dropped, self._looked_steady)
            if new.state != old.state:
                self._say(f"{new.name} is {new.state}" + (" again" if new.state == "up" else "; waiting for it"))
            if new.problem and new.problem != old.problem:
                self._say(f"{new.name}: {new.problem}")
        frames = self._monitor.analysis.frames
        self._rate = (frames - self._frames) / (now - self._looked)
        if frames > self._frames:
            self._heard, self._silent = now, False
        elif now - self._heard >= SILENCE and not self._silent:
            self._silent = True
            self._say(
                f"no packet for {int(SILENCE)} seconds on {', '.join(self._capture.sources)}: does the port mirror "
                "mail traffic, and does the filter let it through?"
            )
        self._frames = frames
        self._tell_of_store()
        if self._outlets.wants_readings and now >= self._show_from:
            self._outlets.show(self._readings())
            self._show_from = now + (monotonic() - now) / SHARE
        self._looked, self._looked_steady = now, self._monitor.clock.now()

    def _reload(self) -> None:
        """Files are opened anew, for whoever rotates them, and what the configuration says now holds."""
        self._outlets.reopen()
        try:
            new = self._options.again()
        except UsageError as error:
            self._say(f"not reloaded: {error}")
            return
        self._options.every, self._options.fail_on = new.every, new.fail_on
        self._monitor.throttle.interval = (new.throttle or self._options.throttle) * SECOND
        self._say("reloaded: files opened anew; --throttle, --every and --fail-on as they are configured now")

    def _vitals(self) -> Vitals:
        return Vitals(
            [line.name if line.state == "up" else f"{line.name} ({line.state})" for line in self._counters],
            int(monotonic() - self._began),
            self._rate,
            self._monitor.analysis.frames,
            sum(line.dropped for line in self._counters),
            self._monitor.analysis.open,
            memory(),
        )

    def _readings(self) -> Readings:
        monitor = self._monitor
        summary = monitor.inventory.summary()
        return Readings(
            packets=monitor.analysis.frames,
            bytes=int(monitor.bytes.sum()),
            segments=monitor.analysis.segments,
            kernel_drops={line.name: line.dropped for line in self._counters},
            open_conversations=monitor.analysis.open,
            sessions=summary.methods,
            devices=summary.statuses,
            events=dict(monitor.events),
            held_back=monitor.throttle.held.total(),
            forgotten=monitor.watcher.devices.forgotten,
            last_packet=max((line.last_frame for line in self._counters if line.last_frame), default=None),
        )

    def _result(self) -> tuple[Record, list[Record]]:
        devices = self._monitor.inventory.devices()
        summary = summary_record(self._monitor.inventory.summary(devices))
        return summary, [device_record(device, self._redactor) for device in devices]

    def _say(self, line: str) -> None:
        self._outlets.say(line)

    def _tell_of_store(self) -> None:
        if self.storing is not None:
            for line in self.storing.news():
                self._say(line)

    def inputs(self) -> list[InputSummary]:
        """The interfaces, as inputs of this run."""
        return [
            InputSummary(
                line.name,
                "interface",
                line.received,
                int(size),
                first=self._first,
                last=line.last_frame,
                damage=line.problem,
                dropped=line.dropped,
            )
            for line, size in zip(self._counters, self._monitor.bytes, strict=True)
        ]

    # --- what remains -----------------------------------------------------------------------------------

    def keep(self) -> None:
        """Write down what is known.

        Raises:
            UsageError: it cannot be written.
        """
        if self.storing is not None:
            self.storing.learn(self._monitor.inventory.told_names())
        if self._snapshots is not None:
            self._snapshots.write(self._report(interrupted=False))
        self._known.keep(self._monitor.watcher)

    def _try_to_keep(self) -> None:
        try:
            self.keep()
        except UsageError as error:  # a disk that is full now need not be in an hour
            self._say(str(error))

    def end(self, *, interrupted: bool) -> Report:
        """Hand over all that is still open, and write what is asked for."""
        self._look(monotonic())
        self._monitor.finish()
        if self.storing is not None:
            self.storing.learn(self._monitor.inventory.told_names())
            self.storing.finish()
            self._tell_of_store()
        report = self._report(interrupted=interrupted)
        if self._options.format == "table" or (self._options.format is None and sys.stdout.isatty()):
            with output(None) as out:
                write("table", report, out, width=width_of(out), colour=wants_colour(out), redactor=self._redactor)
        self.keep()
        return report

    def _report(self, *, interrupted: bool) -> Report:
        monitor = self._monitor
        devices = monitor.inventory.devices()
        damage = []
        if self.storing is not None and self.storing.lost:
            damage.append(Damage("the store", f"{self.storing.lost:,} sessions could not be stored"))
        if touched := monitor.losses.sessions:
            whose = list(monitor.losses.devices)
            named = ", ".join(whose[:LISTED]) + (f" and {len(whose) - LISTED:,} more" if len(whose) > LISTED else "")
            damage.append(Damage("packets dropped by the kernel", f"{touched:,} sessions may lack bytes, of {named}"))
        return Report(
            devices,
            monitor.inventory.summary(devices),
            self.inputs(),
            monitor.analysis.undecoded,
            damage,
            monitor.oddities + monitor.analysis.oddities + monitor.inventory.names.oddities,
            interrupted,
        )
