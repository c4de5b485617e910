"""A second opinion: the same capture through tshark (by pyshark), held against ours session by session.

tshark's side is read by :mod:`~analyzer.verify.tshark` (what it is asked), :mod:`~analyzer.verify.rows` (what one
packet shows, secrets cut off) and :mod:`~analyzer.verify.peer` (rows become sessions);
:mod:`~analyzer.verify.compare` says where the two agree, and :mod:`~analyzer.verify.blind_spots` what tshark cannot
see, and why. Where there are TLS keys, :mod:`~analyzer.verify.accuracy` holds what we inferred of sessions inside TLS
against what the keys show.
"""
