"""The ``smtpauth`` command: the only place that knows arguments and exit codes; one module for each command."""

from analyzer.cli.parser import FORMATS, STATUSES
from analyzer.cli.program import build_parser, main

__all__ = ["FORMATS", "STATUSES", "build_parser", "main"]
