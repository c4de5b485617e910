"""Files that the user gives beside captures: lists, tables, settings."""

from __future__ import annotations

import re
from typing import Any

from analyzer.errors import InputError

MOST_PARTS = 20
"""Parts of a key in TOML; ours have three. Each one that follows takes Python longer than the one before it: a key of a
hundred thousand, of 200 KB, takes minutes."""

# It begins where a word does: a word of a hundred thousand characters is looked at once, and not from each of them.
_LONG_KEY = re.compile(rf"""(?<![\w-])(?:(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){{{MOST_PARTS}}}""", re.ASCII)


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


def toml_of(name: str, most: int, hint: str) -> dict[str, Any]:
    """What the TOML in the file ``name`` says.

    Args:
        most, hint: as for :func:`content_of`.

    Raises:
        InputError: it cannot be read, or is no TOML.
    """
    import tomllib  # not before it is needed

    content = content_of(name, most, hint)
    try:
        text = content.decode("utf-8-sig")
        if _LONG_KEY.search(text):
            raise InputError(name, f"a key of more than {MOST_PARTS} parts, which nothing here has")
        return tomllib.loads(text)
    except UnicodeDecodeError:
        raise InputError(name, "not a TOML file: it is no text in UTF-8") from None
    except (ValueError, RecursionError) as error:  # a number of thousands of digits is no TOMLDecodeError
        raise InputError(name, f"not a TOML file: {' '.join(str(error).split())}") from None
