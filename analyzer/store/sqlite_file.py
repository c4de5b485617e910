"""Whether a file of SQLite can be at a path: told by what the file system says, which is more than SQLite passes on."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from analyzer.errors import InputError


def is_there(name: str) -> bool:
    """Whether there is a file of this name; where there is none, one can be made as far as names go.

    Raises:
        InputError: something stands there that is no file, or nobody can get there.
    """
    try:
        mode = os.stat(name).st_mode
    except FileNotFoundError:
        if not Path(name).parent.is_dir():
            raise InputError(name, "there is no such directory") from None
        return False
    except NotADirectoryError:
        raise InputError(name, "there is no such directory") from None
    except PermissionError:
        raise InputError(name, "it cannot be opened", "check the rights of its directory") from None
    except OSError as error:  # a name that is too long, links in a circle
        raise InputError(name, f"it cannot be opened ({error.strerror})", "give the name of a file") from None
    if stat.S_ISDIR(mode):
        raise InputError(name, "it is a directory", "give the name of a file")
    if not stat.S_ISREG(mode):
        raise InputError(name, "it is no file but a device, pipe or socket", "give the name of a file")
    return True
