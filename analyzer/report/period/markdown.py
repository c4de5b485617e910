"""A period's report in Markdown (GitHub's dialect), for tickets and wikis."""

from __future__ import annotations

from typing import TextIO

from analyzer.report.markdown import escaped, write_head, write_row
from analyzer.report.period import wording
from analyzer.report.period.sections import Block, Figures, Items, Steps, named, sections
from analyzer.report.wording import Record


def write_markdown(document: Record, out: TextIO, limit: int = 50) -> None:
    """Answer first, then topic by topic; nothing from the wire can become markup."""
    out.write(f"## {escaped(wording.title(document))}\n\n**{escaped(document['sentence'])}**\n")
    for section in sections(document, limit):
        out.write(f"\n### {escaped(section.title)}\n")
        for block in section.blocks:
            out.write("\n")
            _write_block(block, out)


def _write_block(block: Block, out: TextIO) -> None:
    if isinstance(block, Items):
        out.writelines(f"- {escaped(item)}\n" for item in block.items)
    elif isinstance(block, Steps):
        out.write(f"**{escaped(block.title)}**\n\n")
        out.writelines(f"{escaped(line)}\n\n" for line in block.lines)
        for number, step in enumerate(block.steps, 1):
            out.write(f"{number}. {escaped(step.text)}\n")
            out.writelines(f"   - {escaped(f'{named(case.devices)}: {case.text}')}\n" for case in step.cases)
    elif isinstance(block, Figures):
        out.write(f"{escaped(block.line)}\n")
    else:
        write_head(block.columns, out)
        for row in block.rows:
            write_row(row, out)
        if block.more:
            out.write(f"\n... and {block.more:,} more ({escaped(block.remedy)})\n")
