"""Speaks SMTP line by line from a script, for what no ordinary client does. Argument: JSON (see labkit.clients).

A step is a line to send, after which one reply is read, or one of

``<tls>``           TLS handshake
``<raw>TEXT``       send TEXT as it is (``\\r\\n`` included where wanted), read one reply
``<more>TEXT``      send TEXT as it is, read nothing
``<read>``          read one reply
``<wait SECONDS>``  do nothing for a while
``<slow BYTES SECONDS>``  a message's text of that many bytes, spread over that time, and the final dot; read one reply
``<abort>``         reset the connection
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
import sys
import time
from typing import Any

SLICES = 12


class Client:
    """One connection."""

    def __init__(self, send: dict[str, Any]) -> None:
        self.send = send
        self.socket: socket.socket = socket.create_connection((send["name"], send["port"]), timeout=15)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        if send["tls"] == "implicit":
            self.start_tls()

    def start_tls(self) -> None:
        """Begin TLS now."""
        context = ssl.create_default_context(cafile=self.send["ca"])
        if self.send["certificate"]:
            context.load_cert_chain(*self.send["certificate"])
        self.socket = context.wrap_socket(self.socket, server_hostname=self.send["name"])

    def read(self) -> None:
        """Read one reply of one or more lines."""
        while True:
            while b"\n" not in self.buffer:
                received = self.socket.recv(65536)
                if not received:
                    sys.exit(0)
                self.buffer += received
            line, _, self.buffer = self.buffer.partition(b"\n")
            if line[3:4] != b"-":
                return

    def step(self, step: str) -> None:
        """Do one step of the script."""
        if not step.startswith("<"):
            self.socket.sendall(step.encode() + b"\r\n")
            self.read()
        elif step == "<tls>":
            self.start_tls()
        elif step.startswith("<raw>"):
            self.socket.sendall(step[5:].encode())
            self.read()
        elif step.startswith("<more>"):
            self.socket.sendall(step[6:].encode())
        elif step == "<read>":
            self.read()
        elif step.startswith("<wait "):
            time.sleep(float(step[6:-1]))
        elif step.startswith("<slow "):
            size, seconds = step[6:-1].split(" ")
            line = b"VGhlIHNjYW5uZWQgcGFnZSwgc2xvd2x5LCBmcm9tIGEgc2xvdyBkZXZpY2Uu\r\n"
            for _ in range(SLICES):
                self.socket.sendall(line * (int(size) // SLICES // len(line)))
                time.sleep(float(seconds) / SLICES)
            self.socket.sendall(b".\r\n")
            self.read()
        elif step == "<abort>":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.socket.close()
            sys.exit(0)
        else:
            raise ValueError(step)


arguments = json.loads(sys.argv[1])
client = Client(arguments)
client.read()
for one in arguments["steps"]:
    client.step(one)
