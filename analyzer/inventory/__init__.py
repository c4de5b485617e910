"""Sessions become devices: verdicts, findings, advice, and what is known of providers and device makers."""
