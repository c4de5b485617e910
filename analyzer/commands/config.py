"""Defaults for command-line options from a TOML file.

Keys are the long options without their dashes; a table named after a command holds for that command alone::

    port = [1025]

    [scan]
    format = "json"
    fail-on = "password"
"""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from analyzer.errors import InputError

_NOT_CONFIGURABLE = {"config", "paths", "command", "help", "version"}


def with_config(
    parser: argparse.ArgumentParser, options: argparse.Namespace, arguments: Sequence[str] | None
) -> argparse.Namespace:
    """Parse ``arguments`` again with the defaults of the file that ``options.config`` names.

    Raises:
        InputError: the file cannot be read, is not TOML, or sets what is no option.
    """
    name = options.config
    try:
        settings = tomllib.loads(Path(name).read_text("utf-8"))
    except OSError as error:
        raise InputError(name, error.strerror or "cannot be read") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(name, f"not a TOML file: {error}") from None
    command = options.command
    own = settings.pop(command, {})
    others = {key: value for key, value in settings.items() if not isinstance(value, dict)}
    subparser = _subparser(parser, command)
    actions = {action.dest: action for action in subparser._actions if action.dest not in _NOT_CONFIGURABLE}
    given: dict[str, Any] = {}
    for key, value in {**others, **own}.items():
        action = actions.get(key.replace("-", "_"))
        if action is None:
            known = ", ".join(sorted(dest.replace("_", "-") for dest in actions))
            raise InputError(name, f"{key!r} is no option of 'smtpauth {command}'", f"known: {known}")
        given[action.dest] = _checked(name, key, value, action)
    subparser.set_defaults(**given)
    return parser.parse_args(arguments)


def _checked(name: str, key: str, value: Any, action: argparse.Action) -> Any:
    if isinstance(action, argparse._StoreTrueAction):
        if not isinstance(value, bool):
            raise InputError(name, f"{key!r} must be true or false")
        return value
    if isinstance(action, argparse._AppendAction):
        return [_converted(name, key, item, action) for item in (value if isinstance(value, list) else [value])]
    return _converted(name, key, value, action)


def _converted(name: str, key: str, value: Any, action: argparse.Action) -> Any:
    try:
        converted = action.type(str(value)) if callable(action.type) else str(value)
    except argparse.ArgumentTypeError as error:
        raise InputError(name, f"{key!r}: {error}") from None
    if action.choices is not None and converted not in action.choices:
        raise InputError(name, f"{key!r} must be one of {', '.join(action.choices)}")
    return converted


def _subparser(parser: argparse.ArgumentParser, command: str) -> argparse.ArgumentParser:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found: argparse.ArgumentParser = action.choices[command]
            return found
    raise AssertionError(command)
