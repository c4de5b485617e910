"""Devices over time: periods, what changed from one to the next, and how the number of password devices falls."""
