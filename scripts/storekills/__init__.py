"""Ingest killed (SIGKILL) at random moments: the next run leaves what a run that was not disturbed leaves."""
