"""Takes finished files into the store: reads each behind what was read of it, records it when nobody needs it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol

import numpy as np

from analyzer.capture.captures import BLOCK_BYTES
from analyzer.capture.frames import FrameBatch
from analyzer.capture.inputs import Input
from analyzer.capture.order import chronological
from analyzer.capture.reader import CaptureReader
from analyzer.errors import InputError
from analyzer.hostnames import Learned
from analyzer.inventory.known_names import KnownNames
from analyzer.inventory.session import Session
from analyzer.pipeline import Analysis
from analyzer.store import Ingested, Source
from analyzer.streams import Limits
from analyzer.watch.directory import Entry, look
from analyzer.watch.extents import Extent, Extents, Look, identity_of
from analyzer.watch.follower import SETTLE, Finished
from analyzer.watch.lanes import MOST_LANES, Lane, Lanes
from analyzer.watch.names import Names

SESSIONS_AT_ONCE = 5_000
"""Sessions that wait to be stored, some 2 KB each."""

STORE_EVERY = 2.0
"""Seconds between portions while one file follows another: a disk that is made to write after each of thousands takes
longer than the rest. What a kill undoes is read again."""

MOST_WAITING = 1_000
"""Files read of which a conversation is still open. Beyond that the one read first is recorded all the same."""

REACH = 3600 * 10**9
"""Nanoseconds of packet time for which a file waits for conversations to end. One that stays open for days must not
have the files of days read again at each start: then it is known in part."""

MOST_PASSED = 1_000
"""Files that are told to be no captures, once each; further ones are only counted."""

PATIENCE = 3600.0
"""Seconds after which a file that is cut, and the newest of its series, is taken as it is: its writer is dead. Until
then the rest may be on its way: on a quiet network tcpdump keeps half a packet back for long."""


class Keeper(Protocol):
    """What is asked of a store; :class:`analyzer.store.Store` is one."""

    def ingest(  # noqa: D102
        self, sessions: Iterable[Session], *sources: Source, names: Iterable[Learned] = ()
    ) -> Ingested: ...
    def known(self, identities: Collection[str]) -> set[str]: ...  # noqa: D102


@dataclass(slots=True)
class Counts:
    """How a run went.

    Attributes:
        files: read to their end. known: that an earlier run had read, or that lie there under two names.
        skipped: that are no captures. lost: of which a part or all could not be read.
        gone: that vanished before they could be read. changed: that changed while they were read, and come again.
        hurried: recorded although conversations of theirs were open (:data:`MOST_WAITING`, :data:`REACH`).
        frames: read. sessions: handed to the store. stored: what became of them.
    """

    files: int = 0
    known: int = 0
    skipped: int = 0
    lost: int = 0
    gone: int = 0
    changed: int = 0
    hurried: int = 0
    frames: int = 0
    sessions: int = 0
    stored: Ingested = field(default_factory=Ingested)


@dataclass(frozen=True, slots=True)
class _Ready:
    """A file whose turn has come."""

    finished: Finished
    identity: str
    look: Look

    @property
    def entry(self) -> Entry:
        return self.finished.entry


@dataclass(frozen=True, slots=True)
class _Read:
    """A file that was read: in which lane, what is to be recorded of it, and what is missing."""

    entry: Entry
    lane: Lane
    source: Source
    lost: str | None

    @property
    def open(self) -> bool:
        """Whether a conversation is open that may have begun in it."""
        earliest = self.lane.analysis.earliest_open
        return earliest is not None and self.source.last >= earliest

    @property
    def needed(self) -> bool:
        """Whether it is to be read again if we are ended now."""
        return self.open and (self.lane.latest or 0) - self.source.last < REACH


class Taker:
    """One run over the files of a directory.

    Args:
        store: where sessions go.
        sensor: who we are, for the store.
        ports: TCP ports of interest.
        limits: bounds on memory.
        on_session: told of each session before it is stored; what it returns is stored.
        say: told of what is worth a line, and of each thing once.
        done: told of files that need not be named again.
        lives: whether a series has files that are still to come.
        settle: seconds after which a file that is cut stays so.

    Attributes:
        counts: how it goes.
        oddities: of sessions and files, counted.
        undecoded: frames that could not be read, by reason.
        dropped: packets that were lost while the files were captured.
    """

    def __init__(
        self,
        store: Keeper,
        sensor: str,
        ports: frozenset[int],
        *,
        limits: Limits | None = None,
        on_session: Callable[[Session], Session] = lambda session: session,
        say: Callable[[str], None] = lambda line: None,
        done: Callable[[Entry], None] = lambda entry: None,
        lives: Callable[[str], bool] = lambda series: True,
        settle: float = SETTLE,
        most_waiting: int = MOST_WAITING,
        most_lanes: int = MOST_LANES,
    ) -> None:
        self._store = store
        self._sensor = sensor
        self._ports = ports
        self._limits = limits
        self._on_session = on_session
        self._say = say
        self._done = done
        self._settle = settle
        self._most_waiting = most_waiting
        self._names = Names()
        self._extents: Extents[Lane] = Extents()
        self._lanes = Lanes(self._begin, lives, self._end, most_lanes)
        self._sessions: list[Session] = []
        self._hosts = KnownNames()
        self._waiting: list[_Read] = []  # read to the end, not recorded yet
        self._cut: dict[str, _Read] = {}  # by path: read as far as it goes, and it may go on
        self._kept = monotonic()
        self._passed: set[str] = set()  # names of what is no capture
        self.counts = Counts()
        self.oddities: Counter[str] = Counter()
        self.undecoded: Counter[str] = Counter()
        self.dropped = 0

    @property
    def waiting(self) -> int:
        """Files that were read and are not recorded yet."""
        return len(self._waiting) + len(self._cut)

    @property
    def ended(self) -> int:
        """Analyses that had to end for others (:data:`~analyzer.watch.lanes.MOST_LANES`)."""
        return self._lanes.ended

    @property
    def open(self) -> int:
        """Conversations that are not over."""
        return sum(lane.analysis.open for lane in self._lanes)

    # --- files ------------------------------------------------------------------------------------------

    def take(
        self, finished: Sequence[Finished], *, drain: bool = False, stop: Callable[[], bool] = lambda: False
    ) -> None:
        """Read files, and store what is over.

        Args:
            finished: files, in any order.
            drain: nothing more will be written.
            stop: asked before each file whether to leave the rest for another run.

        Raises:
            UsageError: the store cannot be used.
        """
        present = {each.entry.path for each in finished}
        for path in [path for path in self._cut if path not in present]:  # removed, or it grows again
            del self._cut[path]
        for ready in self._ready([each for each in finished if not self._stays_cut(each, drain=drain)]):
            if stop():
                break
            self._read(ready, drain=drain)
            if monotonic() - self._kept >= STORE_EVERY:
                self._keep()
        self._keep()

    def finish(self, *, for_good: bool) -> None:
        """Store the conversations that are open as they stand.

        Args:
            for_good: nothing will follow, so the files are not needed any more.

        Raises:
            UsageError: the store cannot be used.
        """
        needed = [] if for_good else [read for read in self._waiting if read.needed]
        for lane in self._lanes:
            lane.analysis.finish()
            self._end(lane)
        self._record([read for read in self._waiting if read not in needed])

    def _stays_cut(self, finished: Finished, *, drain: bool) -> bool:
        """Whether a file was read as far as it goes, and nothing has happened to it since."""
        read = self._cut.get(finished.entry.path)
        if read is None or read.entry != finished.entry:
            return False
        if self._is_final(finished, drain=drain):
            del self._cut[finished.entry.path]
            self._accept(read)
        return True

    def _is_final(self, finished: Finished, *, drain: bool) -> bool:
        """Whether a file that is cut will stay so."""
        return drain or finished.quiet >= (self._settle if finished.followed else PATIENCE)

    def _ready(self, finished: Sequence[Finished]) -> list[_Ready]:
        """Those of the files that are to be read, in the order of their first packets."""
        identities: dict[str, Finished] = {}
        for each in finished:
            try:
                identity = identity_of(each.entry.path)
            except FileNotFoundError:
                self.counts.gone += 1
                continue
            except OSError as error:
                self._lose(each.entry.name, f"it cannot be read ({error.strerror or error})")
                self._done(each.entry)
                continue
            if identity in identities:
                self.counts.known += 1
                self._done(each.entry)
            else:
                identities[identity] = each
        known = self._store.known(list(identities)) if identities else set()
        files: list[_Ready] = []
        for identity, each in identities.items():
            if identity in known:
                self.counts.known += 1
                self._done(each.entry)
            elif (seen := self._look(each.entry)) is not None:
                files.append(_Ready(each, identity, seen))
        order = chronological([file.look.start for file in files], [file.entry.name for file in files])
        return [files[index] for index in order]

    def _look(self, entry: Entry) -> Look | None:
        try:
            return self._extents.look(entry)
        except InputError as error:
            if look(entry.path, entry.name) is None:
                self.counts.gone += 1
                return None
            self._pass_over(entry.name, error)
            self._done(entry)
            return None

    def _pass_over(self, name: str, error: InputError) -> None:
        """A file is no capture. That of a database, say, changes all the time, and is told once all the same."""
        if name in self._passed:
            return
        self.counts.skipped += 1
        if len(self._passed) < MOST_PASSED:
            self._passed.add(name)
            self._say(f"{name}: {error.problem}; it is passed over")

    def _read(self, ready: _Ready, *, drain: bool) -> None:
        """Read a file behind what was read of it, and put it where it waits."""
        entry, key, start = ready.entry, ready.look.key, ready.look.start
        before = self._extents.of(entry, key) if key is not None else Extent()
        try:
            reader = CaptureReader(Input(entry.name, entry.path, size=entry.size), BLOCK_BYTES)
        except InputError:  # it could be read when we looked: gone, or overwritten by a ring
            self.counts.gone += 1
            return
        lane = self._lanes.of(entry.series, start or 0, before.lane)
        before.lane = lane
        number = self._names.add(entry.name)
        left = before.frames
        try:
            for batch in reader:
                passed = min(left, len(batch))
                left -= passed
                if passed < len(batch):
                    new = batch.take(slice(passed, None))
                    before.add(new)
                    new.source = np.full(len(new), number, np.int32)
                    self._feed(lane, new)
        finally:
            reader.close()
            self.oddities.update(reader.oddities)
        if key is not None:
            self._extents.note(key, before)
        now = look(entry.path, entry.name)
        origin = reader.source
        if now is not None and now != entry and (reader.lost is not None or origin.bytes_read != entry.size):
            self._note_changed(now, key)
            return
        times = (origin.first_time or 0, origin.last_time or 0)
        source = Source(
            self._sensor, entry.name, *times, origin.dropped, reader.lost is not None, identity=ready.identity
        )
        read = _Read(entry, lane, source, reader.lost)
        if reader.lost is not None and now is not None and not self._is_final(ready.finished, drain=drain):
            self._cut[entry.path] = read
        else:
            self._accept(read)

    def _feed(self, lane: Lane, batch: FrameBatch) -> None:
        latest = int(batch.time.max())
        lane.latest = latest if lane.latest is None else max(lane.latest, latest)
        self.counts.frames += len(batch)
        lane.analysis.feed(batch)
        if len(self._sessions) >= SESSIONS_AT_ONCE:
            self._hand_over()

    def _note_changed(self, now: Entry, key: str | None) -> None:
        """A file became another one while we read it: it will be named again."""
        self.counts.changed += 1
        try:
            same = self._extents.look(now).key == key
        except InputError:
            same = False
        if not same:
            self._lose(now.name, "it was overwritten while it was read; give the ring more files, or larger ones")

    def _accept(self, read: _Read) -> None:
        """A file was read to what is its end."""
        if read.lost is not None:
            self._lose(read.entry.name, read.lost)
        self.counts.files += 1
        self.dropped += read.source.dropped
        self._done(read.entry)
        self._waiting.append(read)

    def _lose(self, name: str, what: str) -> None:
        self.counts.lost += 1
        self._say(f"incomplete: {name}: {what}")

    # --- sessions ---------------------------------------------------------------------------------------

    def _begin(self) -> Analysis:
        return Analysis(self._names, self._take_session, self._ports, self._limits, on_name=self._learn)

    def _end(self, lane: Lane) -> None:
        """The analysis of a lane is finished."""
        self.undecoded += lane.analysis.undecoded
        self.oddities += lane.analysis.oddities

    def _take_session(self, session: Session) -> None:
        if session.oddities:
            self.oddities.update(session.oddities)
        self._sessions.append(self._on_session(session))

    def _learn(self, learned: Learned) -> None:
        self._hosts.learn(learned)

    def _keep(self) -> None:
        """Store the sessions that are over, and record the files that nobody needs any more."""
        needed = [read for read in self._waiting if read.needed]
        kept = {id(read) for read in needed[max(0, len(needed) - self._most_waiting) :]}
        over = [read for read in self._waiting if id(read) not in kept]
        self.counts.hurried += sum(read.open for read in over)
        self._record(over)
        self._kept = monotonic()

    def _record(self, over: Sequence[_Read]) -> None:
        self._hand_over(*(read.source for read in over))
        gone = {id(read) for read in over}
        self._waiting = [read for read in self._waiting if id(read) not in gone]

    def _hand_over(self, *sources: Source) -> None:
        if self._sessions or sources:
            sessions, self._sessions = self._sessions, []
            hosts, self._hosts = self._hosts, KnownNames()
            ends = {ip for session in sessions for ip in (session.client_ip, session.server_ip)}
            self.counts.sessions += len(sessions)
            stored = self._store.ingest(sessions, *sources, names=hosts.told(ends))
            self.counts.stored += stored
