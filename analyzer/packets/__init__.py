"""Frames in, TCP segments on the ports of interest out, as columns.

Almost every frame of a capture is Ethernet, perhaps a VLAN tag, IP and TCP: those are decided for a whole
batch at once in numpy (:mod:`.columns`). The few that are wrapped in something else are unwrapped one at a
time (:mod:`.unwrap`). The port filter applies to the innermost TCP header in both.
"""

from analyzer.packets.datagrams import NO_DATAGRAM_PORTS, Datagram, DatagramPorts
from analyzer.packets.decoder import SUBMISSION_PORTS, SegmentDecoder
from analyzer.packets.segments import SegmentBatch

__all__ = ["NO_DATAGRAM_PORTS", "SUBMISSION_PORTS", "Datagram", "DatagramPorts", "SegmentBatch", "SegmentDecoder"]
