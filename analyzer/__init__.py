"""Which devices on a network still send mail with a password, read from packets.

Data flows one way through the rooms below, and a room imports only from the rooms before it
(``tests/test_architecture.py`` holds this)::

    capture -> packets -> streams -> smtp, tls -> inventory -> report -> cli

See ``docs/design.md`` for what passes between them.
"""

__version__ = "0.1.0"
