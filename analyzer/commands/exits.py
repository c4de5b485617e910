"""Exit codes of every command."""

DONE = 0
FOUND = 1  # a device at or above --fail-on; a difference in verify
UNUSABLE = 2  # wrong usage, unreadable input, output that cannot be written
INCOMPLETE = 3  # done, but part of the traffic is missing, so that no gate passes on it
INTERRUPTED = 130
