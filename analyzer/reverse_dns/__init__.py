"""What DNS calls the devices' addresses: asked for when a report is to be made, and only where the user wants it."""

from analyzer.reverse_dns.lookup import NameServer, ReverseNames, reverse_names

__all__ = ["NameServer", "ReverseNames", "reverse_names"]
