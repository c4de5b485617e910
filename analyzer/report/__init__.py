"""Devices and sessions become tables, JSON, CSV and Markdown; what the wire said becomes harmless to read.

:func:`write` takes a finished :class:`Report`; :class:`SessionWriter` takes sessions one by one.
"""

from analyzer.report.model import FORMATS, Format, InputSummary, Report
from analyzer.report.redact import Redactor
from analyzer.report.write import SessionWriter, write

__all__ = ["FORMATS", "Format", "InputSummary", "Redactor", "Report", "SessionWriter", "write"]
