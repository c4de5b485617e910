"""Defaults for command-line options from a TOML file.

Keys are the long options without their dashes. At the top level they hold for every command that has the option; in a
table named after a command they hold for that command alone::

    port = [1025]

    [scan]
    format = "json"
    fail-on = "mixed"

The command line goes before the file; what can be given several times there is added to what the file says.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

from analyzer.errors import InputError
from analyzer.files import toml_of

LARGEST_FILE = 1 << 20
"""Bytes of a file of settings at most."""

_NOT_CONFIGURABLE = {"config", "paths", "filter", "help", "since", "until"}

Actions = dict[str, argparse.Action]
"""Options of a command by their key in the file."""


def with_config(
    parser: argparse.ArgumentParser, options: argparse.Namespace, arguments: Sequence[str] | None
) -> argparse.Namespace:
    """Parse ``arguments`` again with the defaults of the file that ``options.config`` names.

    Raises:
        InputError: the file cannot be read, is not TOML, or sets what is no option.
    """
    name, command = options.config, options.command
    settings = toml_of(name, LARGEST_FILE, "settings take a few KB")
    commands = _commands(parser)
    known = {other: _actions(subparser) for other, subparser in commands.items()}
    of_all = {key: value for key, value in settings.items() if not isinstance(value, dict)}
    tables = {key: value for key, value in settings.items() if isinstance(value, dict)}

    _check_names(name, of_all, "", {key for actions in known.values() for key in actions})
    for table, content in tables.items():
        if table not in known:
            raise InputError(name, f"{table!r} is no command", f"known: {_listed(known)}")
        _check_names(name, content, f" of {table!r}", known[table])

    actions = known[command]
    given = {**of_all, **tables.get(command, {})}
    defaults = {
        actions[key].dest: _checked(name, key, value, actions[key]) for key, value in given.items() if key in actions
    }
    commands[command].set_defaults(**defaults)
    return parser.parse_args(arguments)


def _check_names(name: str, keys: Iterable[str], whose: str, known: Iterable[str]) -> None:
    for key in keys:
        if key not in known:
            raise InputError(name, f"{key!r} is no option{whose}", f"known: {_listed(known)}")


def _commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    (choice,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    commands: dict[str, argparse.ArgumentParser] = choice.choices
    return commands


def _actions(command: argparse.ArgumentParser) -> Actions:
    return {
        action.dest.replace("_", "-"): action for action in command._actions if action.dest not in _NOT_CONFIGURABLE
    }


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(set(names)))


def _checked(name: str, key: str, value: Any, action: argparse.Action) -> Any:
    if isinstance(action, argparse._StoreTrueAction):
        if not isinstance(value, bool):
            raise InputError(name, f"{key!r} must be true or false")
        return value
    if isinstance(action, argparse._AppendAction):
        return [_converted(name, key, item, action) for item in (value if isinstance(value, list) else [value])]
    return _converted(name, key, value, action)


def _converted(name: str, key: str, value: Any, action: argparse.Action) -> Any:
    """``value`` as the command line would have it: numbers go through the same checks."""
    wanted, kind = (int, "a number") if callable(action.type) else (str, "text in quotation marks")
    if not isinstance(value, wanted) or isinstance(value, bool):
        raise InputError(name, f"{key!r} must be {kind}")
    try:
        converted = action.type(str(value)) if callable(action.type) else value
    except argparse.ArgumentTypeError as error:
        raise InputError(name, f"{key!r}: {error}") from None
    if action.choices is not None and converted not in action.choices:
        raise InputError(name, f"{key!r} must be one of {', '.join(action.choices)}")
    return converted
