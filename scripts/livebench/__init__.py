"""Live capture under load: a generated capture is sent through a pair of virtual interfaces, and read at the other end.

Needs root and iproute2; tcpdump is compared with where it is at hand. All traffic stays in a namespace of its own.
"""
