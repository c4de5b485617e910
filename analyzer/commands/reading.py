"""Captures read to their end by a command that analyses them as one stream, and what was lost of them."""

from __future__ import annotations

from collections.abc import Callable

from analyzer.capture import CaptureSet, FrameBatch, Source
from analyzer.commands.interruption import Interruption
from analyzer.commands.progress import ProgressBar
from analyzer.errors import Damage, InputError
from analyzer.garbage import no_garbage_collection
from analyzer.pipeline import Analysis
from analyzer.report.model import InputSummary


def read(
    captures: CaptureSet,
    analysis: Analysis,
    interruption: Interruption,
    *,
    bar: bool,
    after: Callable[[FrameBatch], None] | None = None,
) -> None:
    """Read everything, or until the user has had enough; after that the analysis holds what is known.

    Args:
        bar: show progress.
        after: called with each batch that was analysed.

    Raises:
        InputError: no packet could be read for its link type.
        KeyboardInterrupt: the user insists.
    """
    with ProgressBar(captures.bytes_total, wanted=bar) as progress, no_garbage_collection():
        try:
            for batch in captures.batches():
                with interruption.undivided():
                    analysis.feed(batch)
                    progress.update(captures.bytes_read, analysis.frames)
                    if after is not None:
                        after(batch)
                if interruption.came:
                    break
        except KeyboardInterrupt:
            if interruption.insisted:
                raise
            interruption.came = True
        with interruption.undivided():
            analysis.finish()
    unreadable = analysis.unknown_link_frames
    if unreadable and unreadable == analysis.frames:
        links = sorted({link for source in captures.sources for link in source.link_types})
        raise InputError(
            ", ".join(source.name for source in captures.sources),
            f"packets of link type {', '.join(map(str, links))}, which cannot be decoded",
            "capture on an Ethernet, Linux cooked or raw IP interface",
        )


def damage_of(captures: CaptureSet) -> list[Damage]:
    """What of the captures could not be read."""
    return [*captures.damage, *(Damage(failure.name, _fragment(failure)) for failure in captures.failures)]


def summaries(captures: CaptureSet, damage: list[Damage]) -> list[InputSummary]:
    """The inputs as a report shows them."""
    return [_input(source, damage) for source in captures.sources]


def _input(source: Source, damage: list[Damage]) -> InputSummary:
    stored = f"{source.format} ({source.compression})" if source.compression else source.format
    lost = "; ".join(item.what for item in damage if item.name == source.name)
    return InputSummary(
        name=source.name,
        format=stored,
        frames=source.frames,
        bytes=source.bytes_read,
        first=source.first_time,
        last=source.last_time,
        damage=lost or None,
        dropped=source.dropped,
    )


def _fragment(failure: InputError) -> str:
    return f"{failure.problem}; {failure.remedy}" if failure.remedy else failure.problem
