"""Where events go while a run lasts: a file or standard output, a syslog server; and metrics that others collect.

Nothing here may stop the run: what cannot be delivered waits within a limit, is counted, and is said once. Everything
ends with ``close()``, which leaves no thread behind.
"""
