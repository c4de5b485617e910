"""A run that does not end by itself: packets come from an interface, and what they show is told while it goes on."""

from analyzer.monitor.clock import SteadyClock
from analyzer.monitor.losses import Losses
from analyzer.monitor.monitor import Monitor

__all__ = ["Losses", "Monitor", "SteadyClock"]
