"""A run that does not end by itself: packets come from an interface, and what they show is told while it goes on."""

from analyzer.monitor.clock import SteadyClock
from analyzer.monitor.losses import Losses
from analyzer.monitor.monitor import MOST_CONVERSATIONS, MOST_DEVICES, Monitor
from analyzer.monitor.recording import Recorder

__all__ = ["MOST_CONVERSATIONS", "MOST_DEVICES", "Losses", "Monitor", "Recorder", "SteadyClock"]
