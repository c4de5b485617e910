"""A report over a period in every format: sentence, burn-down, changes, devices and what to do, quality."""
