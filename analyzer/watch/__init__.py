"""Follows a directory into which captures are written, and takes each into the store once.

What holds it together:

- **A file is finished** when a newer one of its series exists, or nothing happened to it for a while (``follower.py``).
  That is a guess, which only decides when a file is read, never what is counted: one that grows later is read on
  behind the frames that were read (``extents.py``).
- **One analysis reads all files of a writer**, in order of their first packets, so a connection that crosses files is
  one session (``lanes.py``).
- **Sessions go into the store when they are over**, and what the store knows does not count again; of two views of one
  session the more complete counts. So reading something twice is never wrong, only in vain.
- **A file is recorded as read when nobody needs it any more**: when no conversation is open that began before its last
  packet, or an hour of traffic after that. It is recorded in one transaction with the last of its sessions.

From that follows what happens when the program ends at any moment, by a signal or without one: files that were not
recorded are read again by the next run, beginning with those in which open conversations had begun. What they tell of
sessions that are stored already does not count again, and those that were open are read whole. Nothing has to be saved,
beside the sessions and the list of files read.

An orderly end stores the conversations that are open as they stand, for the files may be gone by the next run. Only one
thing can be lost, and only where two things meet: the program is killed, and the files in which an open conversation
began are removed before it runs again. Then that session is known from where the next file begins.
"""

from analyzer.watch.follower import SETTLE, Finished, Follower
from analyzer.watch.taking import Counts, Keeper, Taker

__all__ = ["SETTLE", "Counts", "Finished", "Follower", "Keeper", "Taker"]
