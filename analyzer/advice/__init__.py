"""What to do about a device: from its verdict, its fleet and what is known of providers and makers to a plan.

The knowledge is data (``*.toml``), each entry with its source and the day it was read; users may replace it.
"""

from analyzer.advice.knowledge import Knowledge, knowledge_with, packaged_knowledge
from analyzer.advice.plan import Deadline, Fit, OAuthSupport, Plan, ReplyAdvice, Urgency, WayOut
from analyzer.advice.planner import last_day, plans

__all__ = [
    "Deadline",
    "Fit",
    "Knowledge",
    "OAuthSupport",
    "Plan",
    "ReplyAdvice",
    "Urgency",
    "WayOut",
    "knowledge_with",
    "last_day",
    "packaged_knowledge",
    "plans",
]
