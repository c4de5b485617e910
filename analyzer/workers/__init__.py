"""Several processes share the conversations of a run.

Frames are read and decoded in one place, which takes a fifth of the time and cannot be divided; what follows, from
streams to sessions, knows nothing of other conversations. So segments are dealt out by their endpoints (``shares.py``)
to processes that do the rest (``worker.py``), and what those find out is put together again (``crew.py``): an inventory
of many parts is the merge of theirs, whatever the parts.
"""

from analyzer.workers.crew import Crew
from analyzer.workers.worker import Orders

__all__ = ["Crew", "Orders"]
