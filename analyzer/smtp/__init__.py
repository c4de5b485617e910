"""Bytes of both sides in, what the SMTP dialogue was out. Sans-IO; nothing on the wire raises.

``lines`` cuts bytes into lines; ``dialogue`` follows what ``client_side`` and ``server_side`` make of them, over the
``state`` they share; ``exchange`` follows one AUTH command, ``sasl`` and ``ntlm`` the messages of the mechanisms;
``mechanisms``, ``pairing`` and ``meanings`` are tables; ``repertoire`` knows by heart what is said all the time.
"""

from analyzer.smtp.dialogue import CLIENT, SERVER, DialogueParser
from analyzer.smtp.recognise import looks_like_client, looks_like_server

__all__ = ["CLIENT", "SERVER", "DialogueParser", "looks_like_client", "looks_like_server"]
