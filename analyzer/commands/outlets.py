"""Where the events of a live run go: the screen, standard output, a file, a syslog server; and its figures."""

from __future__ import annotations

import argparse
import contextlib
import sys
from dataclasses import replace
from types import TracebackType

from analyzer.alerts import Event
from analyzer.commands.console import discard, say
from analyzer.commands.live_table import LiveTable
from analyzer.commands.output import standard_output
from analyzer.delivery.metrics import MetricsServer, Readings
from analyzer.delivery.stream import EventFile, EventOutput
from analyzer.delivery.syslog import SyslogSender
from analyzer.delivery.syslog_message import SyslogMessages
from analyzer.delivery.syslog_target import syslog_target
from analyzer.report.events import EventFormat, event_line
from analyzer.report.redact import Redactor


class Outlets:
    """All that was asked for; a context manager.

    Args:
        options: of the command.
        redactor: replaces user names, where given.
        table: standard output shows the live table.

    Attributes:
        picture: the live table, once there is one.
        unread: whoever read standard output has seen enough, which ends the run.

    Raises:
        UsageError: one cannot be opened.
    """

    def __init__(self, options: argparse.Namespace, redactor: Redactor | None, *, table: bool) -> None:
        self._redactor = redactor
        self._quiet: bool = options.quiet
        self._format: EventFormat = "jsonl" if options.format in (None, "table") else options.format
        self.picture: LiveTable | None = None
        self.unread = False
        self._streams: list[EventFile | EventOutput] = []
        self._syslog: SyslogSender | None = None
        self._metrics: MetricsServer | None = None
        self._open = contextlib.ExitStack()
        with self._open:
            if options.events:
                self._add(EventFile(options.events, self.say))
            elif not table:
                self._add(EventOutput(self._open.enter_context(standard_output())))
            if options.syslog:
                target = syslog_target(options.syslog)
                form: EventFormat = "text" if options.format in (None, "table") else options.format
                self._syslog = SyslogSender(target, SyslogMessages(form, redactor), self.say)
                self._open.callback(self._syslog.close)
            if options.metrics:
                self._metrics = MetricsServer(options.metrics)
                self._open.callback(self._metrics.close)
            self._open = self._open.pop_all()

    def _add(self, stream: EventFile | EventOutput) -> None:
        self._streams.append(stream)
        self._open.callback(stream.close)

    def __enter__(self) -> Outlets:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._open.__exit__(kind, error, at)

    def event(self, event: Event) -> None:
        """Tell of ``event`` everywhere."""
        for stream in list(self._streams):
            try:
                stream.write(event_line(self._format, event, self._redactor))
            except BrokenPipeError:
                discard(sys.stdout)
                self._streams.remove(stream)
                self.unread = True
        if self._syslog is not None:
            self._syslog.send(event)
        if self.picture is not None:
            self.picture.event(event_line("text", event, self._redactor))

    def say(self, line: str) -> None:
        """One line to whoever watches over the run: on the screen, if that is where the table is, or standard error."""
        if self._quiet:
            return
        if self.picture is not None and self.picture.drawing:
            self.picture.event(line)
        else:
            say(line)

    @property
    def wants_readings(self) -> bool:
        """Whether anybody may collect the figures of the run."""
        return self._metrics is not None

    def show(self, readings: Readings) -> None:
        """These are the figures as of now; those of the outlets are added."""
        if self._metrics is not None:
            lost = sum(stream.lost for stream in self._streams if isinstance(stream, EventFile))
            syslog = None if self._syslog is None else self._syslog.counters
            self._metrics.readings = replace(readings, events_lost=lost, syslog=syslog)

    def reopen(self) -> None:
        """Files may have been renamed."""
        for stream in self._streams:
            stream.reopen()
