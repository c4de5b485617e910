"""Generates captures of a known content, and measures programs on them; see ``scripts/benchmark --help``.

Nothing here is random from run to run: the same parameters give the same bytes. All frames are Ethernet and IPv4
with valid checksums; a few segments in a thousand are retransmitted or late, as on a real span port.
"""
