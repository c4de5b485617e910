"""What one writes first: a loop that decodes every packet with dpkt and keeps those on the mail ports."""

from __future__ import annotations

import sys

import dpkt

PORTS = {25, 465, 587, 2465, 2525, 2587}


def main(path: str) -> None:
    """Count packets and payload bytes on the mail ports."""
    packets = payload = 0
    with open(path, "rb") as file:
        for _, frame in dpkt.pcap.Reader(file):
            ip = dpkt.ethernet.Ethernet(frame).data
            if isinstance(ip, dpkt.ip.IP) and isinstance(ip.data, dpkt.tcp.TCP):
                segment = ip.data
                if segment.sport in PORTS or segment.dport in PORTS:
                    packets += 1
                    payload += len(segment.data)
    print(packets, payload)


if __name__ == "__main__":
    main(sys.argv[1])
