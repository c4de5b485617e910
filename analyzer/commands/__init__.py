"""One module per command; each has ``run(options) -> exit code`` and wires the rooms it needs."""
