"""A period's report for people at a terminal, and for the plain part of a mail."""

from __future__ import annotations

import textwrap
from typing import TextIO

from analyzer.report.period import wording
from analyzer.report.period.sections import Block, Figures, Items, Steps, Table, named, sections
from analyzer.report.table import NARROWEST, PROSE, render
from analyzer.report.wording import Record


def write_text(document: Record, out: TextIO, width: int, colour: bool = False, limit: int = 50) -> None:
    """Answer first, then topic by topic.

    Args:
        width: columns.
        colour: statuses in colour.
        limit: devices listed.
    """
    prose = min(max(width, NARROWEST), PROSE)
    out.write(f"{wording.title(document)}\n\n")
    out.write(_wrapped(document["sentence"], prose, ""))
    for section in sections(document, limit):
        out.write(f"\n{section.title}\n")
        before: Block | None = None
        for block in section.blocks:
            if isinstance(before, Table | Steps):
                out.write("\n")
            _write_block(block, out, width, prose, colour)
            before = block


def _write_block(block: Block, out: TextIO, width: int, prose: int, colour: bool) -> None:
    if isinstance(block, Items):
        for item in block.items:
            out.write(_wrapped(f"  {item}", prose, "    "))
    elif isinstance(block, Steps):
        out.write(_wrapped(f"  {block.title}", prose, "    "))
        for line in block.lines:
            out.write(_wrapped(f"    {line}", prose, "      "))
        for number, step in enumerate(block.steps, 1):
            out.write(_wrapped(f"    {number}. {step.text}", prose, "       "))
            for case in step.cases:
                out.write(_wrapped(f"       - {named(case.devices)}: {case.text}", prose, "         "))
    elif isinstance(block, Figures):
        out.write(f"  {block.line}\n")
    else:
        table = render(block.columns, block.rows, width - 2, colour and block.is_status)
        out.write(textwrap.indent(table, "  ") + "\n")
        if block.more:
            out.write(f"  ... and {block.more:,} more ({block.remedy})\n")


def _wrapped(text: str, width: int, indent: str) -> str:
    return textwrap.fill(text, width, subsequent_indent=indent, break_on_hyphens=False) + "\n"
