"""Captures that can be shared: credentials blanked, and everything else as it was.

What leaves is decided by permission. ``survey`` goes through a run and has an ``observer`` listen to each conversation.
That puts down for both sides what may be shown, and what stands in place of the rest: ``lines`` for commands,
``replies`` for the server's answers, ``responses`` for SASL, ``texts`` for messages, ``records`` for TLS; ``parser``
says what a line was taken for. The bytes to show go into a ``spool``, and a ``plan`` says which of them stand for which
stretch of the stream. ``scrubber`` then goes through the packets a second time and gives each the bytes of its stretch
from the spool, never its own; ``frames`` finds the way to the TCP header and repairs what encloses it, ``segments``
writes TCP anew, ``writer`` the file. None of them needs a file: packets of finished conversations will do, wherever
they are kept.
"""

from analyzer.scrub.observer import Policy
from analyzer.scrub.plan import Plans
from analyzer.scrub.scrubber import Scrubbed, Scrubber
from analyzer.scrub.spool import Spool
from analyzer.scrub.survey import Survey

__all__ = ["Plans", "Policy", "Scrubbed", "Scrubber", "Spool", "Survey"]
