"""Files that the user gives beside captures: lists, tables, settings."""

from __future__ import annotations

from analyzer.errors import InputError


def content_of(name: str, most: int, hint: str) -> bytes:
    """All that is in the file ``name``.

    Args:
        most: bytes that are read at most.
        hint: what to do about a file that has more.

    Raises:
        InputError: it cannot be read, or has more.
    """
    try:
        with open(name, "rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise InputError(name, f"it cannot be read ({error.strerror or error})") from None
    except ValueError:
        raise InputError(name, "it cannot be read (no file can have such a name)") from None
    if len(content) > most:
        raise InputError(name, f"it has more than {most >> 20} MB", hint)
    return content
