"""The two ways in which an input can fail, as every room reports them.

Traffic is never an exception: odd traffic becomes a named, counted oddity in the result.
These are for what the user handed us.
"""

from __future__ import annotations

from dataclasses import dataclass


class UsageError(Exception):
    """The request cannot be carried out; the message is one line for the user (exit code 2)."""


class InputError(UsageError):
    """An input cannot be used at all.

    ``str(error)`` is one line: the input's name, what is wrong with it, and what to do.
    """

    def __init__(self, name: str, problem: str, remedy: str | None = None) -> None:
        self.name = name
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{name}: {problem}" + (f"; {remedy}" if remedy else ""))


@dataclass(frozen=True, slots=True)
class Damage:
    """Part of an input was lost; the rest was analysed (exit code 3).

    ``what`` is a sentence fragment for the user, e.g. ``cut off in its last record (17 bytes lost)``.
    """

    name: str
    what: str
